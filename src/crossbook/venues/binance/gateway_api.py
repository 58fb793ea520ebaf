"""The WebSocket API of Binance from the gateway's side: one session, requests with numbers, answers, none of them lost.

On spot the account's own events come over the same connection. An answer that does not come within two seconds, or
whose connection broke, may have taken effect: `on_lost` says so; where it comes late all the same, it is heard.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

import msgspec

from crossbook.timestamp import NS_PER_S
from crossbook.venues.binance import requests
from crossbook.venues.binance.answers import Answer, read_answer
from crossbook.venues.binance.errors import read_error
from crossbook.venues.binance.gateway_ground import Ground
from crossbook.venues.binance.requests import Request
from crossbook.venues.keys import Ed25519Key
from crossbook.venues.messages import Consequence, Error
from crossbook.venues.session import Session, SessionState
from crossbook.venues.wire_rules import SPOT_API, USDM_API, announces_shutdown

ANSWER_NS = 2 * NS_PER_S
FORGET_NS = 60 * NS_PER_S
SILENT_MAX = 3
"""So many requests in a row without an answer: the connection is dead, whatever it looks like."""
REFUSED_AGAIN_S = 5.0
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
OnAnswer = Callable[[Answer, int], None]
OnLost = Callable[[str], None]


class Asked(msgspec.Struct):
    """A request that is out."""

    on_answer: OnAnswer
    on_lost: OnLost
    due_ns: int
    is_lost: bool = False


class Api:
    """A `session.Owner`. `on_user(frame, receive_ns)` gets what is no answer; `on_state(is_up, why)` hears of the
    session."""

    def __init__(
        self, ground: Ground, on_user: Callable[[bytes, int], None], on_state: Callable[[bool, str], None]
    ) -> None:  # fmt: skip
        self.is_up = False
        """Connected, logged on, and (spot) hearing the account's events."""
        self.logs_on = isinstance(ground.key, Ed25519Key)
        """The connection is ours then, and no request on it is signed."""
        self._ground, self._on_user, self._on_state = ground, on_user, on_state
        self._asked: dict[int, Asked] = {}
        self._number = 0
        self._silent = 0
        self._is_refused = self._is_final = False
        self._session = Session(
            ground.ports, lambda: ground.where.api, self._hello, self, SPOT_API if ground.is_spot else USDM_API,
            ground.connections,
        )  # fmt: skip
        self.write = self._session.send
        """Send a frame now; False: there is no connection, and nothing was sent."""

    def start(self) -> None:
        """Connect."""
        self._session.start()

    def stop(self) -> None:
        """Close; what is out is lost."""
        self._session.stop()

    def reopen(self, why: str) -> None:
        """Connect anew."""
        self._session.reopen(why)

    def next_number(self) -> int:
        """The number of the next request."""
        self._number += 1
        return self._number

    def expect(self, number: int, on_answer: OnAnswer, on_lost: OnLost) -> None:
        """A request with this number was written."""
        self._asked[number] = Asked(on_answer, on_lost, self._ground.monotonic_ns() + ANSWER_NS)

    def ask(self, request: Request, on_answer: OnAnswer, on_lost: OnLost) -> bool:
        """Send any request; False: there is no connection, and nothing was sent."""
        signer = self._ground.signer
        if not self.is_up or signer is None:
            return False
        number, params = self.next_number(), dict(request.params)
        if self.logs_on:
            told: dict[str, object] = {**params, "timestamp": self._ground.venue_ms()}
        else:
            told = {**signer.sign_ws(params, self._ground.venue_ms())}
        if not self.write(requests.frame(number, request.api, told)):
            return False
        self.expect(number, on_answer, on_lost)
        return True

    def tick(self, now_ns: int) -> None:
        """Look for answers that did not come; they are in the order of their deadlines."""
        for number, asked in list(self._asked.items()):
            if asked.due_ns > now_ns:
                break
            if asked.is_lost:
                if now_ns - asked.due_ns > FORGET_NS:
                    del self._asked[number]
                continue
            asked.is_lost = True
            self._silent += 1
            asked.on_lost("no answer in time")
        if self._silent >= SILENT_MAX:
            self._silent = 0
            self._session.reopen("answers stay away")

    def on_frame(self, frame: bytes, receive_ns: int) -> None:
        """See `session.Owner`."""
        head = frame[:64]
        if b'"event"' in head or b'"e"' in head:
            self._on_user(frame, receive_ns)
            if announces_shutdown(frame):
                self._session.rotate("the venue announces a shutdown")
            return
        answer = read_answer(self._ground.label, frame)
        if answer is None:
            self._on_user(frame, receive_ns)
            return
        self._silent = 0
        if answer.limits:
            self._ground.seen(answer.limits)
        asked = self._asked.pop(answer.request_id, None) if isinstance(answer.request_id, int) else None
        if asked is not None:
            if not self._ground.guard(lambda: asked.on_answer(answer, receive_ns)):
                asked.on_lost("an answer that cannot be booked")
        elif answer.error is not None and not isinstance(answer.request_id, str):
            self._ground.heed(answer.error)

    def on_session(self, state: SessionState, why: str) -> None:
        """See `session.Owner`."""
        was_up, self.is_up = self.is_up, state is SessionState.UP and not self._is_refused
        if state in (SessionState.WAITING, SessionState.STOPPED):
            self._lose_all(why)
        if self._is_refused and state is SessionState.UP:
            if not self._is_final:  # a key that the venue does not know is not shown to it again and again
                delay_s = self._ground.ports.random.uniform(REFUSED_AGAIN_S, 2 * REFUSED_AGAIN_S)
                self._ground.ports.loop.call_later(delay_s, lambda: self.reopen("the venue refused our log-on"))
        elif self.is_up or was_up:
            self._on_state(self.is_up, why)

    def on_refused(self, words: str) -> None:
        """See `session.Owner`: the log-on or the subscription to our events was refused."""
        self._is_refused = True
        try:
            found = read_error(self._ground.label, words.encode())
        except UNREADABLE:
            self._ground.trouble("log_on_refused", words)
            return
        for error in found:
            if isinstance(error, Error):
                self._is_final = self._is_final or error.consequence is Consequence.VENUE_KILLED
                self._ground.heed(error)

    def key_of(self, frame: bytes) -> Hashable | None:
        """See `session.Owner`: an event is told on every connection that subscribed, an answer on one."""
        at = frame.find(b'"event"', 0, 64)
        return None if at < 0 else frame[at:]

    def _hello(self) -> list[bytes]:
        self._is_refused = False
        ground = self._ground
        said: list[tuple[str, Request]] = []
        if self.logs_on:
            said.append(("log-on", requests.session_logon(ground.venue)))
        if ground.is_spot:
            said.append(("events", requests.subscribe_user_stream(signed=not self.logs_on)))
        frames = []
        for name, request in said:
            signed = request.security is requests.Security.SIGNED and ground.signer is not None
            params = ground.signer.sign_ws({}, ground.venue_ms()) if signed and ground.signer else {}
            frames.append(requests.frame(name, request.api, params))
        return frames

    def _lose_all(self, why: str) -> None:
        for asked in [one for one in self._asked.values() if not one.is_lost]:
            asked.is_lost = True
            asked.on_lost(why)
        self._asked.clear()
