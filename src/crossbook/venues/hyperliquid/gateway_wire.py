"""The one websocket of a Hyperliquid gateway: everything is subscribed to on it, and actions are posted on it.

A frame of the market goes straight to the market; the rest is told apart by its channel. An answer that does not come
within three seconds, or whose connection broke, may have taken effect: `on_lost` says so; where it comes late all the
same, it is heard.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Mapping

import msgspec

from crossbook.timestamp import NS_PER_S
from crossbook.venues import market_streams
from crossbook.venues.budgets import MESSAGES
from crossbook.venues.hyperliquid import stream
from crossbook.venues.hyperliquid.answers import Outcome, read_post_response
from crossbook.venues.hyperliquid.errors import error_of
from crossbook.venues.hyperliquid.gateway_ground import Ground, Signed
from crossbook.venues.hyperliquid.messages import Frame, PostAnswer
from crossbook.venues.market_streams import HYPERLIQUID_STREAMS
from crossbook.venues.session import Session, SessionState
from crossbook.venues.wire_rules import STREAM_RULES

ANSWER_NS = 3 * NS_PER_S
FORGET_NS = 60 * NS_PER_S
IN_FLIGHT_MAX = 50
"""Of posts on their way the venue takes 100."""
POSTS_A_SECOND = 12
"""A little less than the socket sends at once: what would have to wait there goes over REST."""
MARKET = tuple(f'{{"channel":"{name}"'.encode() for name in ("l2Book", "bbo", "trades"))
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
POST_COSTS = {MESSAGES: 1}
Take = Callable[[bytes, int], None]
OnOutcomes = Callable[[list[Outcome], int], None]
OnLost = Callable[[str], None]
_frames = msgspec.json.Decoder(Frame)
_posts = msgspec.json.Decoder(PostAnswer)


class Asked(msgspec.Struct):
    """An action that is out; `action`, `count`: what its answer has to be of."""

    action: str
    count: int
    on_outcomes: OnOutcomes
    on_lost: OnLost
    due_ns: int
    is_lost: bool = False


class Wire:
    """A `session.Owner`. `on_market(frame, receive_ns)` gets whole frames of books and prints, `channels` the `data` of
    all others by channel; `on_state(is_up, why)` hears of the session."""

    def __init__(
        self, ground: Ground, on_market: Take, channels: Mapping[str, Take], on_state: Callable[[bool, str], None]
    ) -> None:
        self.is_up = False
        self.odd = 0
        """Frames that could not be read."""
        self._ground, self._on_market, self._on_state = ground, on_market, on_state
        self._channels = {**channels, "post": self._answered, "error": self._complained}
        self._asked: dict[int, Asked] = {}
        self._waiting = 0
        self._up_ns = 0
        self._posted: deque[int] = deque(maxlen=POSTS_A_SECOND)
        self._number = 0
        self._session = Session(
            ground.ports, lambda: ground.where.api, self._hello, self, STREAM_RULES[ground.venue], ground.connections
        )

    def start(self) -> None:
        """Connect."""
        self._session.start()

    def stop(self) -> None:
        """Close; what is out is lost."""
        self._session.stop()

    def rotate(self, why: str) -> None:
        """Go over to another socket: a stream on this one is dead."""
        self._session.rotate(why)

    @property
    def takes_posts(self) -> bool:
        """Whether an action may be sent here now, and leaves at once."""
        now_ns, posted = self._ground.monotonic_ns(), self._posted
        if not self.is_up or self._waiting >= IN_FLIGHT_MAX or now_ns - self._up_ns < NS_PER_S:
            return False  # in its first second the socket is busy with the subscriptions
        return len(posted) < POSTS_A_SECOND or now_ns - posted[0] > NS_PER_S

    def post(self, action: str, count: int, signed: Signed, on_outcomes: OnOutcomes, on_lost: OnLost) -> bool:
        """Send a signed action of `count` elements; False: there is no connection, and nothing was sent."""
        self._number += 1
        if not self._session.send(stream.post_action(self._number, signed)):
            return False
        now_ns = self._ground.monotonic_ns()
        self._posted.append(now_ns)
        self._asked[self._number] = Asked(action, count, on_outcomes, on_lost, now_ns + ANSWER_NS)
        self._waiting += 1
        return True

    def tick(self, now_ns: int) -> None:
        """Look for answers that did not come; they are in the order of their deadlines."""
        for number, asked in list(self._asked.items()):
            if asked.due_ns > now_ns:
                break
            if not asked.is_lost:
                self._lose(asked, "no answer in time")
            elif now_ns - asked.due_ns > FORGET_NS:
                del self._asked[number]

    def on_frame(self, frame: bytes, receive_ns: int) -> None:
        """See `session.Owner`."""
        if frame.startswith(MARKET):
            self._on_market(frame, receive_ns)
            return
        try:
            said = _frames.decode(frame)
        except UNREADABLE:
            self.odd += frame != stream.GREETING
            return
        take = self._channels.get(said.channel)
        if take is not None:
            take(bytes(said.data), receive_ns)
        elif said.channel in ("l2Book", "bbo", "trades"):  # written with other spaces
            self._on_market(frame, receive_ns)

    def on_session(self, state: SessionState, why: str) -> None:
        """See `session.Owner`."""
        was_up, self.is_up = self.is_up, state is SessionState.UP
        if self.is_up and not was_up:
            self._up_ns = self._ground.monotonic_ns()
        if state in (SessionState.WAITING, SessionState.STOPPED):
            for asked in list(self._asked.values()):
                self._lose(asked, why)
        if self.is_up != was_up or (self.is_up and why != "subscribed"):
            self._on_state(self.is_up, why)

    def on_refused(self, words: str) -> None:
        """See `session.Owner`."""
        error = error_of(words)
        self._ground.trouble("subscription_refused", f"{error.name}: {words}")

    def key_of(self, frame: bytes) -> Hashable | None:
        """See `session.Owner`. Of the account everything is told apart by its own keys."""
        return market_streams.twin_key(frame) if frame.startswith(MARKET) else None

    def _hello(self) -> list[bytes]:
        ground = self._ground
        wanted: list[stream.Words] = [
            {"type": kind, "coin": symbol} for symbol in ground.numbers for kind, _ in HYPERLIQUID_STREAMS
        ]
        if ground.key is not None:
            user = ground.account
            wanted += [
                stream.order_updates(user), stream.user_fills(user), stream.user_events(user),
                stream.user_fundings(user), stream.ledger_updates(user),
            ]  # fmt: skip
        return [stream.subscribe(one) for one in wanted]

    def _answered(self, data: bytes, receive_ns: int) -> None:
        try:
            post = _posts.decode(data)
        except UNREADABLE as error:
            self._ground.trouble("unreadable_answer", f"an answer cannot be read: {error}")
            return
        asked = self._asked.pop(post.id, None)
        if asked is None:
            return
        self._waiting -= not asked.is_lost
        asked.on_outcomes(read_post_response(asked.action, asked.count, post), receive_ns)

    def _complained(self, data: bytes, receive_ns: int) -> None:
        """An error that names no request: subscriptions are looked at by the session."""
        try:
            words = msgspec.json.decode(data, type=str)
        except UNREADABLE:
            words = repr(data[:100])
        self._ground.heed(error_of(words))

    def _lose(self, asked: Asked, why: str) -> None:
        if not asked.is_lost:
            asked.is_lost = True
            self._waiting -= 1
            asked.on_lost(why)
