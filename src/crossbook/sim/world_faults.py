"""What goes wrong in a world, and how often. Rates are parts per million, of frames, connections or requests."""

from __future__ import annotations

from random import Random

import msgspec

from crossbook.timestamp import NS_PER_MS


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """Frames keep their order on a connection unless `reorder` strikes: latency alone delays what comes behind."""

    latency_ns: int = 5 * NS_PER_MS
    """One way, at least."""
    jitter_ns: int = 0
    """One way, on top: uniform between 0 and this."""

    # of each frame that the venue sends
    drop: int = 0
    duplicate: int = 0
    reorder: int = 0
    delay: int = 0
    delay_ns: int = 500 * NS_PER_MS
    disconnect: int = 0
    half_open: int = 0
    """The connection goes mute both ways and says nothing."""

    # of each connection
    refuse: int = 0
    slow_reader: int = 0
    slow_frame_ns: int = 20 * NS_PER_MS
    """How long a slow reader takes over a frame."""
    queue_max: int = 1000
    """Frames on their way to a reader at which the venue cuts it off."""

    # of each request
    unreachable: int = 0
    """No byte leaves."""
    lost: int = 0
    """The request does not arrive."""
    unanswered: int = 0
    """It arrives and takes effect, its answer does not come."""
    error_before: int = 0
    """503, and it took no effect."""
    error_after: int = 0
    """503, and it took effect."""
    limited: int = 0
    """429 with Retry-After 5."""


NO_FAULTS = Faults()


def draw_faults(draw: Random) -> Faults:
    """Faults of a seed's own mixture: each kind is there or not, rare or frequent; some seeds have none."""
    if draw.random() < 0.1:
        return NO_FAULTS

    def rate(most: int) -> int:
        return draw.randrange(most) if draw.random() < 0.5 else 0

    return Faults(
        latency_ns=draw.randrange(1, 40) * NS_PER_MS,
        jitter_ns=draw.randrange(60) * NS_PER_MS,
        drop=rate(5_000), duplicate=rate(20_000), reorder=rate(20_000), delay=rate(5_000),
        disconnect=rate(3_000), half_open=rate(1_000), refuse=rate(300_000), slow_reader=rate(200_000),
        unreachable=rate(100_000), lost=rate(100_000), unanswered=rate(100_000), error_before=rate(100_000),
        error_after=rate(100_000), limited=rate(20_000),
    )  # fmt: skip
