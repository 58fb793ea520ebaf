"""Whose recording is it? Read from what its frames carry, or refused; never guessed."""

from __future__ import annotations

from crossbook.errors import Refused
from crossbook.tape.recording import Recording
from crossbook.types import Venue
from crossbook.venues.reader import COIN_M, HYPERLIQUID, SPOT, USD_M

SAID = {
    COIN_M: "frames with a pair (COIN-M)",
    USD_M: "futures frames",
    SPOT: "spot frames",
    HYPERLIQUID: "Hyperliquid frames",
}


def venue_of(recording: Recording) -> Venue:
    """The venue of a recording, from all its frames.

    Any `ps` or `pair` is COIN-M; else any `pu`, a bookTicker with `T` or a snapshot with `T` is USD-M; else an update
    or bookTicker without them is spot. Trades decide nothing. Raises `Refused` where frames contradict each other or
    none decides.
    """
    seen = [kind for kind in SAID if recording.evidence[kind]]
    if (HYPERLIQUID in seen and len(seen) > 1) or (SPOT in seen and len(seen) > 1):
        said = " and ".join(SAID[kind] for kind in seen)
        raise Refused(f"{recording.path}: holds {said}: split it by venue, or say whose it is with --venue")
    for kind, venue in (
        (HYPERLIQUID, Venue.HYPERLIQUID),
        (COIN_M, Venue.BINANCE_COINM),
        (USD_M, Venue.BINANCE_USDM),
        (SPOT, Venue.BINANCE_SPOT),
    ):
        if kind in seen:
            return venue
    raise Refused(f"{recording.path}: no frame says whose it is (trades do not): say it with --venue")
