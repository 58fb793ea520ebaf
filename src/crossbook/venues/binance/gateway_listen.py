"""The user stream of Binance USD-M: a listen key that is kept alive and renewed, and the session that lives on it."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import msgspec

from crossbook.venues.binance import requests
from crossbook.venues.binance.errors import http_error
from crossbook.venues.binance.gateway_ground import Ground
from crossbook.venues.messages import Consequence
from crossbook.venues.network import Handle
from crossbook.venues.rest import Fate, Outcome
from crossbook.venues.session import Session, SessionState
from crossbook.venues.wire_rules import STREAM_RULES, announces_shutdown

EXTEND_S = 25 * 60.0
AGAIN_S = 2.0
HOPELESS_S = 60.0


class _Key(msgspec.Struct, rename="camel"):
    listen_key: str = ""


class UserStream:
    """A `session.Owner`. The key is never shown: who has it reads our account's events."""

    def __init__(
        self, ground: Ground, on_user: Callable[[bytes, int], None], on_state: Callable[[bool, str], None]
    ) -> None:  # fmt: skip
        self._ground, self._on_user, self._on_state = ground, on_user, on_state
        self._key = ""
        self._is_stopped = False
        self._is_asking = False
        self._extending: Handle | None = None
        self._session = Session(
            ground.ports, lambda: f"{ground.where.streams['private']}?streams={self._key}", lambda: (), self,
            STREAM_RULES[ground.venue], ground.connections,
        )  # fmt: skip

    def start(self) -> None:
        """Ask for a key, then connect."""
        self.renew()
        self._extending = self._ground.ports.loop.call_later(EXTEND_S, self._extend)

    def stop(self) -> None:
        """Close."""
        self._is_stopped = True
        if self._extending is not None:
            self._extending.cancel()
        self._session.stop()

    def renew(self) -> None:
        """Ask for the key: the one that is valid, or a new one; then connect to it if it is another than before."""
        if self._is_stopped or self._is_asking:
            return
        self._is_asking = True
        self._ground.ask(requests.listen_key("POST"), self._came)

    def on_frame(self, frame: bytes, receive_ns: int) -> None:
        """See `session.Owner`."""
        self._on_user(frame, receive_ns)
        if announces_shutdown(frame):
            self._session.rotate("the venue announces a shutdown")

    def on_session(self, state: SessionState, why: str) -> None:
        """See `session.Owner`. A key may have ended while nothing was heard: it is asked for beside reconnecting."""
        if state is SessionState.WAITING:
            self.renew()
        if state in (SessionState.WAITING, SessionState.UP, SessionState.STOPPED):
            self._on_state(state is SessionState.UP, why)

    def on_refused(self, words: str) -> None:
        """See `session.Owner`: nothing is subscribed to by message."""

    def key_of(self, frame: bytes) -> Hashable | None:
        """See `session.Owner`."""
        at = frame.find(b'"data"', 0, 200)
        return None if at < 0 else frame[at:]

    def _came(self, outcome: Outcome) -> None:
        self._is_asking = False
        if self._is_stopped:
            return
        key = ""
        if outcome.fate is Fate.ANSWERED and outcome.status == 200:
            try:
                key = msgspec.json.decode(outcome.body, type=_Key).listen_key
            except msgspec.DecodeError:
                key = ""
        if key:
            self._take(key)
            return
        wait_s = AGAIN_S
        if outcome.fate is Fate.ANSWERED and outcome.status >= 400:
            error = http_error(self._ground.label, outcome.status, outcome.body, outcome.headers.get("retry-after"))
            self._ground.heed(error)
            if error.consequence is Consequence.VENUE_KILLED:
                wait_s = HOPELESS_S
        self._ground.ports.loop.call_later(wait_s + self._ground.ports.random.uniform(0.0, AGAIN_S), self.renew)

    def _take(self, key: str) -> None:
        before, self._key = self._key, key
        if not before:
            self._session.start()
        elif before != key:
            self._session.reopen("a new listen key")

    def _extend(self) -> None:
        self._extending = self._ground.ports.loop.call_later(EXTEND_S, self._extend)
        if self._key:
            self._ground.ask(requests.listen_key("PUT"), self._extended)

    def _extended(self, outcome: Outcome) -> None:
        if outcome.fate is not Fate.ANSWERED or outcome.status != 200:
            self.renew()
