"""What a venue demands of a connection: pings, silence, lifetime, messages a second, answers to subscriptions."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from crossbook.types import Venue

GRANTED = ""
"""The answer to a subscription that was granted."""


class WireRules(msgspec.Struct, frozen=True, kw_only=True):
    """`silence_s`: neither frame nor ping for so long means that the connection is half open, and it is closed.

    `ping_every_s` 0: only the venue pings. `ping_frame` empty: a ping control frame. `messages_per_s`: what we send in
    any second at most, 0: no such rule. `answer_of(frame)`: None if it answers no subscription, `GRANTED`, or the
    venue's words of refusal; no function: subscriptions are not answered.
    """

    silence_s: float
    ping_every_s: float = 0.0
    ping_frame: bytes = b""
    messages_per_s: int = 0
    lifetime_s: float = 23 * 3600.0
    lifetime_jitter_s: float = 1800.0
    answer_of: Callable[[bytes], str | None] | None = None


def binance_answer(frame: bytes) -> str | None:
    """`{"result":null,"id":1}` grants, `{"error":{...},"id":1}` refuses; of the WS API the status decides."""
    head = frame[:24].lstrip(b'{ "')
    if not head.startswith((b"result", b"error", b"id", b"status", b"code")):
        return None
    try:
        answer = msgspec.json.decode(frame)
    except msgspec.DecodeError:
        return None
    if not isinstance(answer, dict) or "id" not in answer:
        return None
    if "error" in answer or "code" in answer or answer.get("status", 200) != 200:
        return _words(answer.get("error", answer))
    return GRANTED


def hyperliquid_answer(frame: bytes) -> str | None:
    """Channel `subscriptionResponse` grants, channel `error` refuses."""
    head = frame[:48].replace(b" ", b"")
    if head.startswith(b'{"channel":"subscriptionResponse"'):
        return GRANTED
    if head.startswith(b'{"channel":"error"'):
        try:
            words = _words(msgspec.json.decode(frame).get("data"))
        except msgspec.DecodeError:
            return "unreadable"
        return GRANTED if words.startswith("Already subscribed") else words
    return None


def _words(error: object) -> str:
    return error if isinstance(error, str) else msgspec.json.encode(error).decode()


SPOT = WireRules(silence_s=50.0, messages_per_s=3, answer_of=binance_answer)
"""The venue pings every 20 s and drops who does not answer within 60; 5 messages a second, pongs among them."""
USDM = WireRules(silence_s=100.0, ping_every_s=60.0, messages_per_s=5, answer_of=binance_answer)
"""The venue pings every 3 minutes only: our own pings find a dead connection sooner; 10 messages a second."""
HYPERLIQUID = WireRules(
    silence_s=70.0, ping_every_s=50.0, ping_frame=b'{"method":"ping"}', messages_per_s=15, answer_of=hyperliquid_answer
)
"""The venue closes what it has sent nothing on for 60 s, and sends no pings; 2000 messages a minute."""

STREAM_RULES = {Venue.BINANCE_SPOT: SPOT, Venue.BINANCE_USDM: USDM, Venue.HYPERLIQUID: HYPERLIQUID}
SPOT_API = WireRules(silence_s=50.0, answer_of=binance_answer)
USDM_API = WireRules(silence_s=100.0, ping_every_s=60.0, answer_of=binance_answer)


def announces_shutdown(frame: bytes) -> bool:
    """Is this the venue's notice that it will close the connection: rotate now."""
    return len(frame) < 200 and b"serverShutdown" in frame
