"""What a strategy's trades brought, against what was expected of them: C39, C40, and what v2 learns from.

A round trip's money is summed fill by fill at the marks of its time, after fees; the ledger does the same from the
journal, to the last digit, for everyone else.
"""

from __future__ import annotations

from typing import Any

from crossbook.commands import Reason
from crossbook.rules.edge import edge_ppm
from crossbook.rules.fees import fee_e8
from crossbook.rules.kernel import kernel
from crossbook.rules.ladder import lower
from crossbook.rules.layout import CONFORM, TRIPS
from crossbook.rules.out import say_alert
from crossbook.rules.prices import asset_mark_e8
from crossbook.rules.value import notional_e8, scale_e8
from crossbook.types import InstrumentKind, Level, Scope

SPOT = int(InstrumentKind.SPOT)
STRATEGY = int(Scope.STRATEGY)
VENUE = int(Scope.VENUE)
CLOSE_ONLY = int(Level.CLOSE_ONLY)
STRATEGY_LOSES = int(Reason.STRATEGY_LOSES)
FEE_DIFFERS = int(Reason.FEE_DIFFERS)
SLIPPAGE = int(Reason.SLIPPAGE)
OFF_STRATEGY = 1 << 39
OFF_CONFORM = 1 << 40
PPM = 1_000_000
PAUSE_NS = 300_000_000_000
"""C40: how long a strategy makes no entries after its fills fell short too often."""
LEARN = 8
"""An observation moves the shortfall by one part in this many."""


@kernel
def note_fill(s: Any, strategy: int, p: int, row: Any) -> None:
    """Add a fill's cash and fee to the trade that is on."""
    instrument = s.instruments[row.instrument]
    sign = 1 - 2 * row.side
    cash = -sign * notional_e8(instrument, row.price, row.lots)
    money = scale_e8(cash, asset_mark_e8(s, instrument.settle))
    s.legs[strategy, p].trip_e8 += money - scale_e8(row.lots2, asset_mark_e8(s, row.asset))


@kernel
def fee_reason(s: Any, row: Any, flag_maker: int) -> Any:
    """C40: `(FEE_DIFFERS, taken, expected)` where the venue took another fee than its schedule says."""
    instrument = s.instruments[row.instrument]
    ppm = instrument.maker_ppm if row.flags & flag_maker != 0 else instrument.taker_ppm
    amount = notional_e8(instrument, row.price, row.lots)
    if instrument.kind == SPOT and row.side == 0:
        amount = row.lots * instrument.lot_e8
    expected = fee_e8(amount, ppm)
    off = abs(row.lots2 - expected)
    if s.limits.off & OFF_CONFORM == 0 and not off <= 1 + abs(expected) * s.limits.fee_off_ppm_max // PPM:
        return FEE_DIFFERS, row.lots2, expected
    return 0, 0, 0


@kernel
def note_opened(s: Any, out: Any, n: int, strategy: int, p: int, captured_e8: int, notional_e8: int) -> int:
    """An entry is complete: compare the edge it caught with the one expected (both gross, of the part that was
    filled, whose notional is `notional_e8`), learn, and pause if the mean of the last ten falls short by too much."""
    legs = s.legs[strategy, p]
    track = s.tracks[strategy]
    short = edge_ppm(legs.expected_e8 - captured_e8, max(notional_e8, 1))
    track.shortfall_ppm += (short - track.shortfall_ppm) // LEARN
    track.slips[track.n_slips % CONFORM] = short
    track.n_slips += 1
    if s.limits.off & OFF_CONFORM == 0 and track.n_slips >= CONFORM:
        total = 0
        for k in range(CONFORM):
            total += track.slips[k]
        if not total <= s.limits.slippage_ppm_max * CONFORM:
            track.paused_until = s.now + PAUSE_NS
            n = say_alert(s, out, n, strategy, SLIPPAGE, total // CONFORM, s.limits.slippage_ppm_max)
            track.n_slips = 0
    return n


@kernel
def note_closed(s: Any, out: Any, n: int, strategy: int, p: int) -> int:
    """A round trip is over: keep what it brought; a strategy whose last twenty lost on average falls to CLOSE_ONLY."""
    legs = s.legs[strategy, p]
    track = s.tracks[strategy]
    track.pnl_e8 += legs.trip_e8
    track.peak_e8 = max(track.peak_e8, track.pnl_e8)
    track.trips[track.n_trips % TRIPS] = legs.trip_e8
    track.n_trips += 1
    legs.trip_e8 = 0
    if s.limits.off & OFF_STRATEGY != 0 or track.n_trips < TRIPS:
        return n
    total = 0
    for k in range(TRIPS):
        total += track.trips[k]
    if not total >= 0:
        return lower(s, out, n, STRATEGY, strategy, CLOSE_ONLY, (STRATEGY_LOSES, total // TRIPS, 0))
    return n
