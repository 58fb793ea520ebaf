"""A plan of faults as a TOML file: `seed`, and a `[[fault]]` table each; times in seconds since the start."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from crossbook.errors import Refused
from crossbook.money import parse_scaled
from crossbook.types import VENUE_BY_LABEL
from crossbook.venues.served.faults import SOCKET_KINDS, STATE_KINDS, Fault, FaultKind, Faults, Route, Stream

KEYS = (
    "kind", "venue", "stream", "route", "account", "symbol", "chance", "at_s", "every_s", "from_s", "until_s",
    "delay_ms", "retry_after_s", "skew_ms", "status",
)  # fmt: skip


def read_faults(text: str, where: str, start_ns: int) -> Faults:
    """The plan of a TOML text. Raises `Refused` naming `where` and what is wrong."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{where}: not TOML: {error}") from None
    for key in tables:
        if key not in ("seed", "fault"):
            raise Refused(f"{where}: unknown key {key!r}: use seed and [[fault]]")
    seed = tables.get("seed", 0)
    if not isinstance(seed, int):
        raise Refused(f"{where}: seed {seed!r} is no whole number")
    rows = tables.get("fault", [])
    faults = [_fault(row, f"{where}: fault {number}") for number, row in enumerate(rows, 1)]
    return Faults(faults, seed=seed, start_ns=start_ns)


def _fault(row: Mapping[str, Any], where: str) -> Fault:
    for key in row:
        if key not in KEYS:
            raise Refused(f"{where}: unknown key {key!r}: use {', '.join(KEYS)}")
    kind = _choice(FaultKind, row.get("kind"), f"{where}: kind")
    where = f"{where} ({kind})"
    timed = any(key in row for key in ("chance", "at_s", "every_s"))
    if kind not in STATE_KINDS and not timed:
        raise Refused(f"{where}: when? give chance, at_s or every_s")
    if kind in SOCKET_KINDS and "chance" in row:
        raise Refused(f"{where}: connections have no chance: give at_s or every_s")
    if kind is FaultKind.CLOSED and "venue" not in row:
        raise Refused(f"{where}: name the venue")
    label = row.get("venue")
    if label is not None and label not in VENUE_BY_LABEL:
        raise Refused(f"{where}: {label!r} is no venue: use {', '.join(VENUE_BY_LABEL)}")
    at = row.get("at_s", [])
    known: dict[str, Any] = {
        "venue": VENUE_BY_LABEL[label] if label is not None else None,
        "stream": _choice(Stream, row["stream"], f"{where}: stream") if "stream" in row else None,
        "route": _choice(Route, row["route"], f"{where}: route") if "route" in row else None,
        "account": _name(row, "account", where),
        "symbol": _name(row, "symbol", where),
        "at_ns": tuple(sorted(_scaled(one, 9, f"{where}: at_s") for one in (at if isinstance(at, list) else [at]))),
    }
    for key, name, decimals in (
        ("chance", "chance_ppm", 6), ("every_s", "every_ns", 9), ("from_s", "from_ns", 9), ("until_s", "until_ns", 9),
        ("delay_ms", "delay_ns", 6), ("skew_ms", "skew_ns", 6), ("retry_after_s", "retry_after_s", 0),
        ("status", "status", 0),
    ):  # fmt: skip
        if key in row:
            known[name] = _scaled(row[key], decimals, f"{where}: {key}")
    return Fault(kind=kind, **known)


def _choice(kind: type[Any], value: object, where: str) -> Any:
    for one in kind:
        if str(one) == str(value):
            return one
    names: list[str] = [one.value for one in kind]
    raise Refused(f"{where} {value!r} is none of {', '.join(names)}")


def _scaled(value: object, decimals: int, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise Refused(f'{where} {value!r}: write a whole number, or a decimal in quotes ("0.5")')
    return parse_scaled(str(value), decimals, where)


def _name(row: Mapping[str, Any], key: str, where: str) -> str | None:
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise Refused(f'{where}: {key} {value!r} is no name: write {key} = "..."')
    return value
