"""What the simulated venues know, as one record: the market as it is, our resting orders, our accounts, the answers.

The desk's belief is another record (`rules.layout.DESK`); nothing is shared between the two but kernels.
"""

from __future__ import annotations

import msgspec
import numpy as np

from crossbook.errors import Refused
from crossbook.rules.declare import declare_instrument
from crossbook.rules.layout import (
    BOOK,
    EVENT,
    I8,
    INSTRUMENT,
    MAX_ASSETS,
    MAX_INSTRUMENTS,
    MAX_STRATEGIES,
    MAX_VENUES,
    QUOTE,
    VENUE,
    Rows,
    record,
)
from crossbook.types import Instrument, Venue

MAX_RESTING = 64
"""Orders that may rest at once, over all venues: one more is refused as TOO_MANY_ORDERS (real limits: 200 and up)."""
MAX_REPLIES = 16_384

RESTING = record(
    *[
        (name, I8)
        for name in (
            "key", "id", "venue_order", "strategy", "instrument", "venue", "side", "price", "lots", "queue", "flags",
        )
    ]
)  # fmt: skip
"""One resting order; `lots` still open, `queue` lots ahead of it (-1: not displayed yet), `key` orders by priority."""

VENUES = record(
    ("n_instruments", I8),
    ("n_assets", I8),
    ("instruments", INSTRUMENT, (MAX_INSTRUMENTS,)),
    ("leverage", I8, (MAX_INSTRUMENTS,)),
    ("venues", VENUE, (MAX_VENUES,)),
    # the market
    ("cursor", I8, (MAX_VENUES,)),
    ("quotes", QUOTE, (MAX_INSTRUMENTS,)),
    ("books", BOOK, (MAX_INSTRUMENTS,)),
    ("mids", I8, (MAX_INSTRUMENTS,)),
    # our accounts
    ("resting", RESTING, (MAX_RESTING,)),
    ("n_resting", I8),
    ("balances", I8, (MAX_VENUES, MAX_ASSETS)),
    ("net", I8, (MAX_INSTRUMENTS,)),
    ("positions", I8, (MAX_STRATEGIES, MAX_INSTRUMENTS)),
    ("next_check", I8, (MAX_VENUES,)),
    ("next_id", I8, (MAX_VENUES,)),
    # the answers of one call
    ("n_replies", I8),
    ("replies", EVENT, (MAX_REPLIES,)),
)
"""All venues of a run, the truth. `cursor`: the next frame of the tape, `mids`: the last sane bid + ask in ticks,
`next_check`: when the venue next looks at margin, `next_id`: its next order, trade or payment id (ids of venue `v` are
`v + 1` modulo the number of venues, so that they are unique in a run and do not depend on what other venues do).

`balances`: spot, the cash. Margin: transfers - fees + funding - signed notional of all fills, which needs no average
entry price: equity = balance + sum of net lots at the mid. Inverse: the same in coin, signs reversed."""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What is simulated: instruments in the desk's order, their fees, and the accounts they settle in.

    `maker_ppm`, `taker_ppm`: the tier's rates by instrument, a negative one is a rebate. `assets`: names in the desk's
    order; every base, quote and settle asset must be one. `margin`, `leverage`: by `Venue`; leverage 1 or more, with
    which each of its instruments starts.
    """

    instruments: tuple[Instrument, ...]
    maker_ppm: tuple[int, ...]
    taker_ppm: tuple[int, ...]
    assets: tuple[str, ...]
    margin: tuple[bool, ...] = (False, True, True, True)
    leverage: tuple[int, ...] = (1, 1, 1, 1)


def new_venues(setup: Setup) -> Rows:
    """Empty books and accounts for a setup: a one-element array of `VENUES`.

    Raises `Refused` for an asset without a name, a leverage below 1, more than fits, or an inexact grid.
    """
    if not len(setup.instruments) == len(setup.maker_ppm) == len(setup.taker_ppm) <= MAX_INSTRUMENTS:
        raise Refused(
            f"setup: {len(setup.instruments)} instruments with {len(setup.maker_ppm)} maker and "
            f"{len(setup.taker_ppm)} taker fees: give one of each, at most {MAX_INSTRUMENTS}"
        )
    if len(setup.assets) > MAX_ASSETS:
        raise Refused(f"setup: {len(setup.assets)} assets, at most {MAX_ASSETS} fit")
    state = np.zeros(1, VENUES)
    s = state[0]
    s.n_instruments = len(setup.instruments)
    s.n_assets = len(setup.assets)
    for venue in Venue:
        if setup.leverage[venue] < 1:
            raise Refused(f"setup: leverage {setup.leverage[venue]} of {venue.label} is below 1")
        s.venues[venue].margin = setup.margin[venue]
        s.venues[venue].leverage = setup.leverage[venue]
        s.next_id[venue] = venue + 1
    for index, instrument in enumerate(setup.instruments):
        fees = setup.maker_ppm[index], setup.taker_ppm[index]
        declare_instrument(s.instruments[index], instrument, setup.assets, *fees)
        s.leverage[index] = setup.leverage[instrument.venue]
    return state
