"""What somebody claims of a desk, as a file: a summary and a row per strategy, every number exact as it was written."""

from __future__ import annotations

import difflib
import json
import tomllib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from crossbook.errors import Refused
from crossbook.types import Level

SUMMARY_KEYS = (
    "pnl", "nav", "nav_start", "win_rate_pct", "sharpe", "max_drawdown_pct", "exposure", "fill_rate_pct", "latency_ms",
    "trades",
)  # fmt: skip
STRATEGY_KEYS = ("name", "level", "pnl", "win_rate_pct", "sharpe", "trades")
TOP_KEYS = ("summary", "strategy")
LEVELS = tuple(level.name for level in Level)
LARGEST = 10**18
MOST_DECIMALS = 18


class Number(msgspec.Struct, frozen=True):
    """A claimed number: its text, what it says exactly, and half a unit of its last digit (its rounding)."""

    text: str
    value: Fraction
    half: Fraction

    @property
    def low(self) -> Fraction:
        """The least that would be written so."""
        return self.value - self.half

    @property
    def high(self) -> Fraction:
        """The most that would be written so."""
        return self.value + self.half


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy as claimed; None is not claimed."""

    name: str
    level: str | None = None
    pnl: Number | None = None
    win_rate_pct: Number | None = None
    sharpe: Number | None = None
    trades: int | None = None


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """All that is claimed; None is not claimed. Money in the reporting asset, `_pct` per cent, latency in ms."""

    pnl: Number | None = None
    nav: Number | None = None
    nav_start: Number | None = None
    win_rate_pct: Number | None = None
    sharpe: Number | None = None
    max_drawdown_pct: Number | None = None
    exposure: Number | None = None
    fill_rate_pct: Number | None = None
    latency_ms: Number | None = None
    trades: int | None = None
    rows: tuple[Row, ...] = ()

    def count(self) -> int:
        """How many figures are claimed."""
        fields = [getattr(self, key) for key in SUMMARY_KEYS]
        fields += [getattr(row, key) for row in self.rows for key in STRATEGY_KEYS if key != "name"]
        return sum(field is not None for field in fields)


def read_claims(path: Path) -> Claims:
    """The claims in a TOML or JSON file. Raises `Refused` naming the first thing that cannot be meant."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(f"{path}: is not UTF-8 text; give a TOML or JSON file of claimed figures") from None
    except OSError as error:
        raise Refused(f"{path}: cannot be read: {error.strerror}; give a file of claimed figures") from None
    return parse_claims(text, str(path), as_json=path.suffix == ".json" or text.lstrip().startswith("{"))


def parse_claims(text: str, where: str, as_json: bool = False) -> Claims:
    """The claims in a text. `where` names it in errors."""
    try:
        table = (
            json.loads(text, parse_float=Decimal, parse_constant=Decimal, object_pairs_hook=_once)
            if as_json
            else tomllib.loads(text, parse_float=Decimal)
        )
    except Refused as error:
        raise Refused(f"{where}: {error}") from None
    except (ValueError, ArithmeticError, RecursionError) as error:  # both decoders' errors are ValueErrors
        raise Refused(f"{where}: is no {'JSON' if as_json else 'TOML'}: {error}; correct it there") from None
    if not isinstance(table, dict):
        raise Refused(f"{where}: is no object; write one with summary and strategy, see docs/reports.md")
    _known(table, TOP_KEYS, where, "")
    if not table:
        raise Refused(f"{where}: has neither [summary] nor [[strategy]]; see docs/reports.md for the keys of both")
    summary, rows = table.get("summary") or {}, table.get("strategy") or []
    if not isinstance(summary, dict):
        raise Refused(f"{where}: summary is not a table; write [summary] and the figures under it")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Refused(f"{where}: strategy is not a list of tables; write [[strategy]] once for each")
    _known(summary, SUMMARY_KEYS, where, "summary.")
    return Claims(
        **_figures(summary, SUMMARY_KEYS, where, "summary"),
        rows=tuple(_row(row, number, where) for number, row in enumerate(rows, start=1)),
    )


def _row(table: dict[str, Any], number: int, where: str) -> Row:
    _known(table, STRATEGY_KEYS, where, f"strategy {number}: ")
    name = table.get("name", f"row {number}")
    if not isinstance(name, str):
        raise Refused(f"{where}: strategy {number}: name = {name!r} is no text; write it in quotes")
    return Row(name=name, level=_level(table, where, name), **_figures(table, STRATEGY_KEYS[2:], where, name))


def _level(table: dict[str, Any], where: str, name: str) -> str | None:
    level = table.get("level")
    if level is None:
        return None
    word = str(level).strip().upper().replace("-", "_").replace(" ", "_")
    if word in LEVELS:
        return word
    near = difflib.get_close_matches(word, LEVELS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"levels are {', '.join(LEVELS)}"
    raise Refused(f"{where}: strategy {name}: level {level!r} is unknown; {hint}")


def _figures(table: dict[str, Any], keys: tuple[str, ...], where: str, place: str) -> dict[str, Any]:
    found = {}
    for key in keys:
        value = table.get(key)
        if value is not None and value != "n/a":
            what = f"{where}: {place}.{key} = {value!s:.40}"
            found[key] = _count(value, what) if key == "trades" else _number(value, what)
    return found


def _number(value: Any, what: str) -> Number:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Refused(f"{what} is no number; write it plainly, without quotes, sign of a unit or thousands commas")
    number = Decimal(value)
    if not number.is_finite():
        raise Refused(f"{what} is not finite; leave the key out where there is no figure")
    exponent = int(number.as_tuple().exponent)
    if abs(number) >= LARGEST or exponent < -MOST_DECIMALS:
        raise Refused(f"{what} is out of range; at most 18 digits before and after the point can be meant")
    return Number(f"{number:f}", Fraction(number), Fraction(1, 2 * 10 ** max(0, -exponent)))


def _count(value: Any, what: str) -> int:
    number = _number(value, what)
    if number.value.denominator != 1 or number.value < 0:
        raise Refused(f"{what} is no count; trades are whole and not below 0")
    return int(number.value)


def _known(table: dict[str, Any], keys: tuple[str, ...], where: str, place: str) -> None:
    for key in table:
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(keys)}"
            raise Refused(f"{where}: unknown key {place + key!r}; {hint}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; JSON itself lets a key stand twice, and then which one is claimed?"""
    table = dict(pairs)
    if len(table) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Refused(f"key {twice!r} stands twice; keep one")
    return table
