"""What goes wrong at the served venues, on purpose: a plan and a seed, and the same again for the same two.

Pure: the time is handed in; what a fault does to bytes, the servers do. `fault_plan` reads a plan from a file.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from enum import StrEnum
from heapq import heapify, heappop, heappush
from typing import Any, Protocol

import msgspec

from crossbook.money import PPM
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import Venue

FOREVER = 1 << 62


class Stream(StrEnum):
    """Which websockets: market data, an account's events, or requests and their answers."""

    MARKET = "market"
    USER = "user"
    API = "api"


class Route(StrEnum):
    """Which requests: those that change an order, other signed ones, or public ones."""

    TRADE = "trade"
    ACCOUNT = "account"
    PUBLIC = "public"


class FaultKind(StrEnum):
    """What may go wrong."""

    # frames of a websocket
    DUPLICATE = "duplicate"
    """A frame is sent twice."""
    REORDER = "reorder"
    """A frame is sent after the one that follows it."""
    DELAY = "delay"
    """This frame and all after it wait `delay_ms`."""
    DROP = "drop"
    """A frame is not sent."""
    # websockets
    DISCONNECT = "disconnect"
    """All connections of the stream are closed without a word."""
    SHUTDOWN = "shutdown"
    """The venue says that it will close them, and does after `delay_ms`."""
    # requests
    TOO_MANY = "429"
    """Refused with Retry-After `retry_after_s`."""
    BANNED = "418"
    """This and every request of the next `retry_after_s` are refused."""
    ERROR_BEFORE = "error_before"
    """A 5xx, and nothing was done."""
    ERROR_AFTER = "error_after"
    """It was done, and the answer is a 5xx."""
    NO_ANSWER = "no_answer"
    """It was done, and the connection closes without an answer."""
    SLOW = "slow"
    """It is done after `delay_ms`."""
    # states, from `from_s` until `until_s`
    SKEW = "skew"
    """The venue's clock says `skew_ms` more than ours."""
    REVOKED = "revoked"
    """The account's keys and agents may not trade any more."""
    CLOSED = "closed"
    """A market takes no orders."""


FRAME_KINDS = (FaultKind.DUPLICATE, FaultKind.REORDER, FaultKind.DELAY, FaultKind.DROP)
SOCKET_KINDS = (FaultKind.DISCONNECT, FaultKind.SHUTDOWN)
REQUEST_KINDS = (
    FaultKind.TOO_MANY, FaultKind.BANNED, FaultKind.ERROR_BEFORE, FaultKind.ERROR_AFTER, FaultKind.NO_ANSWER,
    FaultKind.SLOW,
)  # fmt: skip
STATE_KINDS = (FaultKind.SKEW, FaultKind.REVOKED, FaultKind.CLOSED)


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the plan. None means any. `chance_ppm`: of each frame or request; `at_ns`: once at each of these
    (frames and requests: the first one from then on); `every_ns`: again and again. Times since the start."""

    kind: FaultKind
    venue: Venue | None = None
    stream: Stream | None = None
    route: Route | None = None
    account: str | None = None
    symbol: str | None = None
    chance_ppm: int = 0
    at_ns: tuple[int, ...] = ()
    every_ns: int = 0
    from_ns: int = 0
    until_ns: int = FOREVER
    delay_ns: int = 50 * NS_PER_MS
    retry_after_s: int = 1
    skew_ns: int = 0
    status: int = 503


class RequestFault(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with a request: see `FaultKind`. `status`: the 5xx of ERROR_*."""

    kind: FaultKind
    status: int
    retry_after_s: int
    delay_ns: int


class SocketFault(msgspec.Struct, frozen=True, kw_only=True):
    """Close the websockets of a stream (None: of all streams) of a venue, or announce (SHUTDOWN) that they close at
    `closes_ns`; a DISCONNECT follows then by itself."""

    kind: FaultKind
    venue: Venue
    stream: Stream | None
    closes_ns: int = 0


class MarketFault(msgspec.Struct, frozen=True, kw_only=True):
    """A market closes or opens; for the rim, which tells the world. `symbol` None: all of the venue."""

    venue: Venue
    symbol: str | None
    is_open: bool


class SocketListener(Protocol):
    """A server, told to close or announce."""

    def on_socket_fault(self, fault: SocketFault) -> None:
        """Do it now."""


class Faults:
    """The plan as it unfolds. Without faults it does nothing."""

    def __init__(self, faults: Sequence[Fault] = (), *, seed: int = 0, start_ns: int = 0) -> None:
        self.faults = tuple(faults)
        self.start_ns = start_ns
        self._random = [random.Random(f"{seed}/{number}") for number in range(len(self.faults))]
        self._listeners: list[tuple[Venue, SocketListener]] = []
        self._banned = dict.fromkeys(Venue, 0)
        # by fault: what of `at` and `every` is still to come, for frames and requests
        self._next = [self._first(fault) for fault in self.faults]
        self._queue = [
            (self.start_ns + due, number)
            for number, fault in enumerate(self.faults)
            if fault.kind in SOCKET_KINDS
            for due in (*fault.at_ns, *((fault.every_ns,) if fault.every_ns else ()))
        ]
        for number, fault in enumerate(self.faults):
            if fault.kind is FaultKind.CLOSED:
                self._queue += [(self.start_ns + fault.from_ns, number), (self.start_ns + fault.until_ns, number)]
        self._closing: list[tuple[int, int, SocketFault]] = []
        heapify(self._queue)

    # websockets

    def subscribe(self, venue: Venue, listener: SocketListener) -> None:
        """Tell a server what happens to its websockets."""
        self._listeners.append((venue, listener))

    def tick(self, now_ns: int) -> list[MarketFault]:
        """Let what is due by now happen: servers are told, market faults are handed back."""
        markets = []
        while self._queue and self._queue[0][0] <= now_ns:
            due, number = heappop(self._queue)
            fault = self.faults[number]
            if fault.kind is FaultKind.CLOSED:
                is_open = due - self.start_ns >= fault.until_ns
                markets += [MarketFault(venue=venue, symbol=fault.symbol, is_open=is_open) for venue in _venues(fault)]
                continue
            if fault.every_ns and due - self.start_ns not in fault.at_ns:
                heappush(self._queue, (due + fault.every_ns, number))
            for venue in _venues(fault):
                self._announce(fault, venue, due)
        while self._closing and self._closing[0][0] <= now_ns:
            self._tell(heappop(self._closing)[2])
        return markets

    def next_due(self) -> int:
        """When `tick` has something to do next."""
        return min(
            self._queue[0][0] if self._queue else FOREVER, self._closing[0][0] if self._closing else FOREVER
        )  # fmt: skip

    def _announce(self, fault: Fault, venue: Venue, due: int) -> None:
        if fault.kind is FaultKind.SHUTDOWN:
            closes = due + fault.delay_ns
            self._tell(SocketFault(kind=fault.kind, venue=venue, stream=fault.stream, closes_ns=closes))
            closing = SocketFault(kind=FaultKind.DISCONNECT, venue=venue, stream=fault.stream, closes_ns=closes)
            heappush(self._closing, (closes, len(self._closing), closing))
        else:
            self._tell(SocketFault(kind=fault.kind, venue=venue, stream=fault.stream, closes_ns=due))

    def _tell(self, fault: SocketFault) -> None:
        for venue, listener in self._listeners:
            if venue is fault.venue:
                listener.on_socket_fault(fault)

    # frames and requests

    def lane(self, venue: Venue, stream: Stream) -> Lane:
        """What a new connection's outgoing frames go through."""
        return Lane(self, venue, stream)

    def request(self, venue: Venue, route: Route, now_ns: int) -> RequestFault | None:
        """What happens to this request; None: nothing."""
        if now_ns < self._banned[venue]:
            left = -(-(self._banned[venue] - now_ns) // NS_PER_S)
            return RequestFault(kind=FaultKind.BANNED, status=418, retry_after_s=left, delay_ns=0)
        for number, fault in enumerate(self.faults):
            if fault.kind not in REQUEST_KINDS or fault.route not in (None, route) or fault.venue not in (None, venue):
                continue
            if self._strikes(number, fault, now_ns):
                if fault.kind is FaultKind.BANNED:
                    self._banned[venue] = now_ns + fault.retry_after_s * NS_PER_S
                return RequestFault(
                    kind=fault.kind, status=fault.status, retry_after_s=fault.retry_after_s, delay_ns=fault.delay_ns
                )
        return None

    def of_frame(self, venue: Venue, stream: Stream, now_ns: int) -> Fault | None:
        """What happens to this frame; asked by its lane."""
        for number, fault in enumerate(self.faults):
            if (
                fault.kind in FRAME_KINDS
                and fault.stream in (None, stream)
                and fault.venue in (None, venue)
                and self._strikes(number, fault, now_ns)
            ):
                return fault
        return None

    # states

    def skew_ns(self, venue: Venue, now_ns: int) -> int:
        """How much more than ours the venue's clock says."""
        return sum(
            fault.skew_ns for fault in self._states(FaultKind.SKEW, now_ns) if fault.venue in (None, venue)
        )  # fmt: skip

    def is_revoked(self, venue: Venue, account: str, now_ns: int) -> bool:
        """Whether the account may not trade at this venue any more."""
        return any(
            fault.venue in (None, venue) and fault.account in (None, account)
            for fault in self._states(FaultKind.REVOKED, now_ns)
        )

    def _states(self, kind: FaultKind, now_ns: int) -> list[Fault]:
        since = now_ns - self.start_ns
        return [fault for fault in self.faults if fault.kind is kind and fault.from_ns <= since < fault.until_ns]

    def _first(self, fault: Fault) -> list[int]:
        return sorted((*fault.at_ns, *((fault.every_ns,) if fault.every_ns else ())), reverse=True)

    def _strikes(self, number: int, fault: Fault, now_ns: int) -> bool:
        since = now_ns - self.start_ns
        if not fault.from_ns <= since < fault.until_ns:
            return False
        coming = self._next[number]
        if coming and coming[-1] <= since:
            due = coming.pop()
            if fault.every_ns and due not in fault.at_ns:
                coming.append(since - (since - due) % fault.every_ns + fault.every_ns)
                coming.sort(reverse=True)
            return True
        return fault.chance_ppm > 0 and self._random[number].randrange(PPM) < fault.chance_ppm


class Lane:
    """One connection's outgoing frames on their way through the faults. Give every frame to `put` and send what comes
    back; where `next_due` is not None, call `take` then and send what comes back."""

    REORDER_NS = 20 * NS_PER_MS
    """How long a frame waits to be overtaken."""

    def __init__(self, faults: Faults, venue: Venue, stream: Stream) -> None:
        self._faults = faults
        self._venue = venue
        self._stream = stream
        self._waiting: list[tuple[int, Any]] = []
        self._overtaken: tuple[int, Any] | None = None

    def put(self, frame: Any, now_ns: int) -> list[Any]:
        """A frame wants to leave; what leaves now, in order."""
        fault = self._faults.of_frame(self._venue, self._stream, now_ns) if self._faults.faults else None
        sent = self.take(now_ns)
        kind = fault.kind if fault is not None else None
        if kind is FaultKind.DROP:
            return sent
        if kind is FaultKind.REORDER and self._overtaken is None and not self._waiting:
            self._overtaken = (now_ns + self.REORDER_NS, frame)
            return sent
        frames = [frame, frame] if kind is FaultKind.DUPLICATE else [frame]
        if self._overtaken is not None:
            frames.append(self._overtaken[1])
            self._overtaken = None
        if kind is FaultKind.DELAY or self._waiting:
            wait = fault.delay_ns if fault is not None and kind is FaultKind.DELAY else 0
            due = max(now_ns + wait, self._waiting[-1][0] if self._waiting else 0)
            self._waiting += [(due, one) for one in frames]
            return sent
        return sent + frames

    def take(self, now_ns: int) -> list[Any]:
        """What has waited long enough, in order."""
        done = 0
        while done < len(self._waiting) and self._waiting[done][0] <= now_ns:
            done += 1
        frames = [frame for _, frame in self._waiting[:done]]
        del self._waiting[:done]
        if self._overtaken is not None and self._overtaken[0] <= now_ns:
            frames.append(self._overtaken[1])
            self._overtaken = None
        return frames

    def next_due(self) -> int | None:
        """When `take` gives something."""
        dues = [self._waiting[0][0]] if self._waiting else []
        if self._overtaken is not None:
            dues.append(self._overtaken[0])
        return min(dues) if dues else None


def _venues(fault: Fault) -> list[Venue]:
    return [fault.venue] if fault.venue is not None else list(Venue)
