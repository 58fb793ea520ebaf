"""Live figures: one task follows the journal, makes each delta once, and every socket sends the newest that it can.

A socket that falls behind gets a snapshot instead of what it missed; it never holds up another, and never the desk.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from crossbook.desk.control import is_alive
from crossbook.desk.runs import read_run
from crossbook.web.answers import Tile
from crossbook.web.sessions import Session, Sessions

EVERY_S = 0.12
"""Deltas are at least so far apart: half of it is waited on average, and each costs the server 3 ms or so."""
LOOK_S = 0.02
UNSEEN_S = 0.1
"""How often to look for new entries; seldomer while nobody watches."""
WAIT_S = 1.0
ALIVE_EVERY_S = 0.5
BEAT_S = 1.0
BEAT = b'{"type":"beat"}'
"""Said where there was nothing else to say, so that a page notices a line that is dead."""
SOCKETS_MAX, SOCKETS_OF_ONE = 256, 32
TAKEN_S = 5.0
"""A page that takes nothing for so long is cut off."""
MESSAGE_MAX = 1_024
ALERTS_MAX = 50
"""Of those that were before a page came."""
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Book(Protocol):
    """What is followed."""

    @property
    def as_of_seq(self) -> int: ...

    def advance(self) -> bool: ...

    def tiles(self) -> list[Tile]: ...

    def head(self) -> dict[str, Any]: ...

    def row_counts(self) -> dict[str, int]: ...

    def alerts(self, after: int) -> list[Any]: ...


class _Seen(msgspec.Struct):
    """What the last message said."""

    as_of_seq: int
    tiles: dict[str, Tile]
    rows: dict[str, int]


class _Told(msgspec.Struct):
    """What there is to tell at one sequence: everything, and what is new since the one before (empty: unknown)."""

    whole: dict[str, Any]
    delta: bytes
    snapshot: bytes = b""

    def everything(self) -> bytes:
        """The snapshot, encoded once somebody needs it."""
        self.snapshot = self.snapshot or _ENCODER.encode(self.whole)
        return self.snapshot


class Live:
    """Follows a run and tells the sockets. `lane` runs a function where the book may be touched."""

    def __init__(self, book: Book, run: Path, sessions: Sessions, lane: Callable[..., Awaitable[Any]]) -> None:
        self._book = book
        self._run = run
        self._sessions = sessions
        self._lane = lane
        self._seen: _Seen | None = None
        self._told: _Told | None = None
        self._number = 0
        self._desk = b""
        self.alive: bool | None = None
        self._since = 0
        self._trouble = ""
        self.sockets: dict[_Socket, None] = {}

    async def follow(self) -> None:
        """Go on until cancelled."""
        looked = 0.0
        while True:
            due = time.monotonic() - looked >= ALIVE_EVERY_S
            if due:
                looked = time.monotonic()
                await asyncio.to_thread(self._look_alive)
            told, seen = None, bool(self.sockets)
            try:
                told = await self._lane(self._look, seen)
            except Exception as error:  # a bug of ours must not freeze what a person watches: say so, and go on
                self._say(f"{type(error).__name__}: {error}")
                await asyncio.sleep(WAIT_S)
            if told is not None:
                self._told = told
                self._number += 1
            elif not seen:
                self._told = None
            if told is not None or due:
                for socket in self.sockets:
                    socket.wake()
            await asyncio.sleep(EVERY_S if told is not None else LOOK_S if seen else UNSEEN_S)

    async def serve(self, socket: WebSocket, session: Session) -> None:
        """Talk to one page until it leaves or its log-in is over."""
        mine = sum(one.session.key == session.key for one in self.sockets)
        await socket.accept()
        if len(self.sockets) >= SOCKETS_MAX or mine >= SOCKETS_OF_ONE:
            await socket.close(1013, "too many pages are open; close one")
            return
        one = _Socket(socket, session)
        self.sockets[one] = None
        try:
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(one.listen())
                telling = group.create_task(self._tell(one))
                await asyncio.wait((listening, telling), return_when=asyncio.FIRST_COMPLETED)
                listening.cancel()
                telling.cancel()
        finally:
            del self.sockets[one]

    async def _tell(self, one: _Socket) -> None:
        try:
            while self._sessions.get(key := self._sessions.present_key(one.session.key)) is not None:
                self._sessions.use(key)
                told = self._told
                if told is not None and one.number != self._number:
                    follows = one.number == self._number - 1 and told.delta
                    one.number = self._number
                    await one.say(told.delta if follows else told.everything())
                if told is not None and self._desk and one.desk != self._desk:
                    one.desk = self._desk
                    await one.say(one.desk)
                if time.monotonic() - one.said >= BEAT_S:
                    await one.say(BEAT)
                await one.woken()
            await one.socket.close(4401, "logged out")
        except (WebSocketDisconnect, RuntimeError, OSError):  # a timeout among them
            return

    def _look(self, seen: bool) -> _Told | None:
        """Take what is new and make the messages, if anybody sees them. Runs where the book may be touched."""
        book = self._book
        grew = book.advance()
        if not seen:
            self._seen = None
            return None
        before = self._seen
        if before is not None and not grew:
            return None
        tiles = {tile.name: tile for tile in book.tiles()}
        now = _Seen(book.as_of_seq, tiles, book.row_counts())
        head = book.head()
        whole = {"type": "snapshot", "as_of_seq": now.as_of_seq, "tiles": list(tiles.values()), "head": head}
        whole |= {"rows": now.rows, "alerts": book.alerts(0)[-ALERTS_MAX:]}
        delta = b""
        if before is not None:
            new = {
                "type": "delta",
                "from_seq": before.as_of_seq,
                "as_of_seq": now.as_of_seq,
                "tiles": [tile for name, tile in tiles.items() if differs(before.tiles.get(name), tile)],
                "head": head,
                "rows": {name: n - before.rows.get(name, 0) for name, n in now.rows.items()
                         if n != before.rows.get(name, 0)},
                "alerts": book.alerts(before.as_of_seq),
            }  # fmt: skip
            delta = _ENCODER.encode(new)
        self._seen = now
        return _Told(whole, delta)

    def _say(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            sys.stderr.write(f"crossbook page: the run cannot be followed: {trouble!r}\n")

    def _look_alive(self) -> None:
        alive = is_alive(self._run)
        if alive == self.alive:
            return
        self._since = time.time_ns() if self.alive is not None else _last_sign(self._run)
        self.alive = alive
        told = {"type": "desk", "alive": alive, "since": self._since, "ended": _ended(self._run) and not alive}
        self._desk = msgspec.json.encode(told)


class _Socket:
    """One page. `number`: of the message that it has."""

    def __init__(self, socket: WebSocket, session: Session) -> None:
        self.socket = socket
        self.session = session
        self.number = -1
        self.desk = b""
        self.said = time.monotonic()
        self._event = asyncio.Event()

    async def say(self, message: bytes) -> None:
        """Send one message."""
        self.said = time.monotonic()
        async with asyncio.timeout(TAKEN_S):
            await self.socket.send_text(message.decode())

    def wake(self) -> None:
        """There may be something to tell."""
        self._event.set()

    async def woken(self) -> None:
        """Wait for that."""
        await self._event.wait()
        self._event.clear()

    async def listen(self) -> None:
        """A page says nothing but "again": it missed something."""
        while True:
            message = await self.socket.receive()
            if message["type"] != "websocket.receive":
                return
            if len(message.get("text") or message.get("bytes") or b"") > MESSAGE_MAX:
                await self.socket.close(1009, "too long")
                return
            self.number = -1
            self.wake()


def differs(before: Tile | None, now: Tile) -> bool:
    """Whether a tile tells something else than before; what moves with every entry (its sequence, the end of its
    window, the link to its rows at that sequence) the page takes from the message's own sequence and moment."""
    if before is None or before.value != now.value or before.n != now.n or before.check != now.check:
        return True
    return before.text != now.text or before.note != now.note or before.children != now.children


def _last_sign(run: Path) -> int:
    """When something was last written to a run."""
    return max((file.stat().st_mtime_ns for file in (run / "journal").glob("*.seg")), default=time.time_ns())


def _ended(run: Path) -> bool:
    try:
        return bool(read_run(run).get("complete", False))
    except (OSError, msgspec.DecodeError):
        return False
