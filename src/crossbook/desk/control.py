"""The `control/` folder of a run: a person's wish is one small file renamed into it, and its answer one in `done/`.

Both sides of it. The desk reads within 50 ms; `lease`, a locked file in the run folder, says that it is there to read.
"""

from __future__ import annotations

import fcntl
import getpass
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec

from crossbook.commands import OutKind
from crossbook.errors import Refused
from crossbook.ledger.declaration import Declaration
from crossbook.ledger.entries import OUT_TAG, OutRow, decode_out, kind_of
from crossbook.types import Level, Scope

REQUEST_BYTES_MAX = 16_384
REASON_LETTERS_MAX = 1_000
WITHIN_S = 2.0
"""How long an answer is waited for."""
SCOPES = "desk, venue:NAME, instrument:VENUE:SYMBOL, strategy:NAME"


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person wishes, and why. `scope` and `level` in words; `flatten` closes everything and needs neither."""

    wish: Literal["raise", "lower", "flatten"]
    reason: str
    scope: str = "desk"
    level: str = "CLOSE_ONLY"
    who: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `ok`: it was done; `text` says what, or why not. `request`: its number in the journal, 0 if it
    never came there."""

    ok: bool
    text: str
    request: int = 0
    transitions: list[dict[str, str]] = []


def check_request(request: Request, declaration: Declaration) -> tuple[int, int, int]:
    """Scope, index and level of a request as numbers. Raises `Refused` for one that cannot be meant."""
    if not request.reason.strip():
        raise Refused("--reason is empty: say why, it stays in the journal")
    if len(request.reason) > REASON_LETTERS_MAX:
        raise Refused(f"--reason has {len(request.reason)} letters, at most {REASON_LETTERS_MAX} are kept: shorten it")
    if request.level not in Level.__members__:
        raise Refused(f"level {request.level!r} is none of {', '.join(level.name for level in reversed(Level))}")
    return *scope_of(request.scope, declaration), int(Level[request.level])


def scope_of(text: str, declaration: Declaration) -> tuple[int, int]:
    """A scope in words as `Scope` and index. Raises `Refused` naming what there is."""
    word, _, name = text.partition(":")
    if text == "desk":
        return int(Scope.DESK), 0
    traded = {one.venue for one in declaration.instruments}
    known = {
        "venue": {venue.label: n for n, venue in enumerate(declaration.venues) if n in traded},
        "instrument": {one.name: n for n, one in enumerate(declaration.instruments)},
        "strategy": {one: n for n, one in enumerate(declaration.strategies)},
    }.get(word)
    if known is None:
        raise Refused(f"scope {text!r} is none of {SCOPES}")
    if name not in known:
        raise Refused(f"scope {text!r}: this run has no {word} {name!r}; it has {', '.join(known)}")
    return int(Scope[word.upper()]), known[name]


def scope_name(scope: int, index: int, declaration: Declaration) -> str:
    """A scope in words, as `scope_of` reads it."""
    names = {
        Scope.VENUE: lambda: declaration.venues[index].label,
        Scope.INSTRUMENT: lambda: declaration.instruments[index].name,
        Scope.STRATEGY: lambda: declaration.strategies[index],
    }
    return "desk" if scope == Scope.DESK else f"{Scope(scope).name.lower()}:{names[Scope(scope)]()}"


def check_direction(request: Request, present: int, level: int) -> None:
    """Raises `Refused` for a raise that does not raise, a lowering that does not lower, and KILLED to ACTIVE."""
    now, wanted = Level(present).name, Level(level).name
    if request.wish == "flatten":
        return
    if request.wish == "raise" and not level > present:
        raise Refused(f"{request.scope} is at {now}: {wanted} is no raise")
    if request.wish == "lower" and not level < present:
        raise Refused(f"{request.scope} is at {now}: {wanted} is not lower")
    if request.wish == "raise" and present == Level.KILLED and level != Level.CLOSE_ONLY:
        raise Refused(f"{request.scope} is KILLED: raise it to CLOSE_ONLY first, and look, before it trades again")


def transition_text(row: OutRow, declaration: Declaration) -> str:
    """A TRANSITION in words."""
    scope = scope_name(row.count_, row.order, declaration)
    return f"{scope}: {Level(row.price).name} -> {Level(row.lots).name}"


def levels_of(entries: Iterable[bytes]) -> dict[tuple[Scope, int], Level]:
    """The present levels by scope and index, as journal entries tell them; a scope that is missing is ACTIVE."""
    levels = {}
    for payload in entries:
        if payload[0] == OUT_TAG and kind_of(payload) == OutKind.TRANSITION:
            row = decode_out(payload)
            levels[Scope(row.count_), row.order] = Level(row.lots)
    return levels


def words_of(request: Request, identity: str) -> dict[str, Any]:
    """What the journal keeps of a request."""
    return {"id": identity, **msgspec.structs.asdict(request)}


class ControlFolder:
    """The desk's side. While it is open, the run is alive for whoever asks."""

    def __init__(self, run: Path) -> None:
        self.folder = run / "control"
        (self.folder / "done").mkdir(parents=True, exist_ok=True)
        self._lease = _lock(run / "lease")

    def waiting(self) -> list[Path]:
        """The requests that have come in, oldest name first."""
        with os.scandir(self.folder) as found:
            return sorted(Path(one.path) for one in found if one.name.endswith(".json") and one.is_file())

    def read(self, path: Path) -> Request:
        """A request. Raises `Refused` where the file holds none."""
        try:
            with path.open("rb") as file:
                text = file.read(REQUEST_BYTES_MAX + 1)
            if len(text) > REQUEST_BYTES_MAX:
                raise Refused(f"request {path.name} is larger than {REQUEST_BYTES_MAX} bytes; write a small file")
            return _REQUEST.decode(text)
        except OSError as error:
            raise Refused(f"request {path.name} cannot be read: {error.strerror}; write it again") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refused(f"request {path.name} is no request: {error}; `crossbook level` writes them") from None

    def answer(self, path: Path, request: Request | None, outcome: Outcome) -> None:
        """Put the outcome into `done/`, then take the request away."""
        facts = {"id": path.stem, **(msgspec.structs.asdict(request) if request else {}), "outcome": outcome}
        done = self.folder / "done" / path.name
        _put(done, msgspec.json.encode(facts))
        path.unlink(missing_ok=True)

    def close(self) -> None:
        """From here on the run answers no more."""
        os.close(self._lease)


def ask(run: Path, request: Request) -> Outcome:
    """Put a request to the run in a folder and wait for its outcome. Raises `Refused` if it does not run or says
    nothing; the request is then withdrawn."""
    if not is_alive(run):
        raise Refused(f"run {run.name} is not running, so nobody would act on it; `crossbook status` lists the runs")
    folder = run / "control"
    name = f"{time.time_ns()}-{os.getpid()}.json"
    _put(folder / name, msgspec.json.encode(request))
    done = folder / "done" / name
    patience = time.monotonic() + WITHIN_S
    while time.monotonic() < patience:
        if done.exists():
            break
        time.sleep(0.005)
    else:
        if _withdraw(folder / name) or not done.exists():
            raise Refused(
                f"run {run.name} gave no answer within {WITHIN_S:g} s; the request is withdrawn, look at the run"
            )
    return _DONE.decode(done.read_bytes()).outcome


def is_alive(run: Path) -> bool:
    """Whether a process that reads the control folder holds the run's lease."""
    try:
        lease = os.open(run / "lease", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lease, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lease)
    return False


def who() -> str:
    """The person at this terminal, as the machine knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())


class _Done(msgspec.Struct):
    outcome: Outcome


def _lock(path: Path) -> int:
    """Hold the lease. One who only looks whether it is held has it for an instant: try for a second."""
    lease = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    for _ in range(100):
        try:
            fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            time.sleep(0.01)
    else:
        os.close(lease)
        raise Refused(f"{path.parent.name}: another process runs it; stop that one first")
    os.ftruncate(lease, 0)
    os.write(lease, f"{os.getpid()}\n".encode())
    return lease


def _put(path: Path, content: bytes) -> None:
    """A reader sees the whole file or none."""
    partial = path.with_suffix(".part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}; free the place and ask again") from None


def _withdraw(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


_REQUEST = msgspec.json.Decoder(Request)
_DONE: msgspec.json.Decoder[_Done] = msgspec.json.Decoder(_Done)
