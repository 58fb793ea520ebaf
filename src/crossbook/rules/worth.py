"""What the desk is worth at its own marks, and the losses that let it fall: C37, C38, C41.

Looked at with every mark, once a second. Flows (transfers) move the starts and the peak along, so that money coming in
is no gain and money taken out no loss.
"""

from __future__ import annotations

from typing import Any

from crossbook.commands import Reason
from crossbook.rules.kernel import kernel
from crossbook.rules.ladder import lower
from crossbook.rules.limits import ppm_of
from crossbook.rules.out import say_alert
from crossbook.rules.prices import asset_mark_e8, mid_e8
from crossbook.rules.value import mid_notional_e8, scale_e8
from crossbook.types import InstrumentKind, Level, Scope

NS_PER_DAY = 86_400_000_000_000
EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday: day + 3 counts weeks from Monday."""

DESK = int(Scope.DESK)
SPOT = int(InstrumentKind.SPOT)
INVERSE = int(InstrumentKind.INVERSE)
CLOSE_ONLY = int(Level.CLOSE_ONLY)
KILLED = int(Level.KILLED)
DAILY_LOSS = int(Reason.DAILY_LOSS)
WEEKLY_LOSS = int(Reason.WEEKLY_LOSS)
DRAWDOWN = int(Reason.DRAWDOWN)
UNATTRIBUTED = int(Reason.UNATTRIBUTED)
OFF_DAILY = 1 << 37
OFF_DRAWDOWN = 1 << 38
OFF_UNATTRIBUTED = 1 << 41
CENT_E8 = 1_000_000
"""Below a cent nobody is warned: at a P&L of about zero every speck would be more than a part of it."""
UNKNOWN_WORTH = -(1 << 62)
"""What stands for a worth that cannot be told; nothing falls by it."""


@kernel
def nav_e8(s: Any) -> int:
    """Cash at its marks and open contracts at the middle, in reporting e8; UNKNOWN_WORTH while a mark is missing."""
    total = 0
    for venue in range(s.n_venues):
        for asset in range(s.n_assets):
            amount = s.balances[venue, asset]
            if amount != 0:
                mark = asset_mark_e8(s, asset)
                if mark <= 0:
                    return UNKNOWN_WORTH
                total += scale_e8(amount, mark)
    for i in range(s.n_instruments):
        instrument = s.instruments[i]
        net = 0
        for k in range(s.n_strategies):
            net += s.positions[k, i].lots
        if net == 0 or instrument.kind == SPOT:
            continue
        quote = s.quotes[i]
        mark = asset_mark_e8(s, instrument.settle)
        if quote.bid_lots <= 0 or quote.ask_lots <= 0 or mark <= 0:
            return UNKNOWN_WORTH
        value = scale_e8(mid_notional_e8(instrument, quote.bid + quote.ask, net), mark)
        total += -value if instrument.kind == INVERSE else value
    return total


@kernel
def note_flow(s: Any, asset: int, amount_e8: int) -> None:
    """Money from outside: the starts and the peak move with it."""
    worth = s.worth
    if worth.seen == 0:
        return
    mark = asset_mark_e8(s, asset)
    if mark <= 0:  # an old price is nearer the truth than none
        mark = mid_e8(s, max(s.assets[asset].mark_instrument, 0))
    value = scale_e8(amount_e8, mark)
    worth.start_e8 += value
    worth.day_start_e8 += value
    worth.week_start_e8 += value
    worth.peak_e8 += value


@kernel
def is_held(s: Any, i: int) -> bool:
    """Whether any strategy has a position in the instrument: if none has, its funding is nobody's."""
    held = 0
    for k in range(s.n_strategies):
        held += abs(s.positions[k, i].lots)
    return held > 0


@kernel
def note_unattributed(s: Any, asset: int, amount_e8: int) -> None:
    """Money that no strategy caused and that is no flow."""
    s.worth.unattributed_e8 += scale_e8(amount_e8, asset_mark_e8(s, asset))


@kernel
def every_asset_has_a_mark(s: Any) -> bool:
    """Whether all that the opening balances may hold can be valued, so that none of them looks like a gain."""
    for asset in range(s.n_assets):
        if s.assets[asset].mark_instrument >= 0 and asset_mark_e8(s, asset) <= 0:
            return False
    return True


@kernel
def look_at_worth(s: Any, out: Any, n: int) -> int:
    """Value the desk and let it fall where it lost too much."""
    nav = nav_e8(s)
    worth = s.worth
    limits = s.limits
    first = worth.seen == 0
    if nav == UNKNOWN_WORTH or (first and not (nav > 0 and every_asset_has_a_mark(s))):
        return n
    worth.seen = 1
    day = s.now // NS_PER_DAY
    week = (day + EPOCH_WEEKDAY) // 7
    worth.nav_e8 = nav
    if first:
        worth.start_e8 = nav
    if first or day != worth.day:
        worth.day = day
        worth.day_start_e8 = nav
    if first or week != worth.week:
        worth.week = week
        worth.week_start_e8 = nav
    if first or nav > worth.peak_e8:
        worth.peak_e8 = nav
    if limits.off & OFF_DAILY == 0:
        lost = worth.day_start_e8 - nav
        most = ppm_of(worth.day_start_e8, limits.daily_kill_ppm)
        if not lost <= most:
            n = lower(s, out, n, DESK, 0, KILLED, (DAILY_LOSS, lost, most))
        most = ppm_of(worth.day_start_e8, limits.daily_close_ppm)
        if not lost <= most:
            n = lower(s, out, n, DESK, 0, CLOSE_ONLY, (DAILY_LOSS, lost, most))
    if limits.off & OFF_DRAWDOWN == 0:
        lost = worth.week_start_e8 - nav
        most = ppm_of(worth.week_start_e8, limits.weekly_kill_ppm)
        if not lost <= most:
            n = lower(s, out, n, DESK, 0, KILLED, (WEEKLY_LOSS, lost, most))
        lost = worth.peak_e8 - nav
        most = ppm_of(worth.peak_e8, limits.drawdown_kill_ppm)
        if not lost <= most:
            n = lower(s, out, n, DESK, 0, KILLED, (DRAWDOWN, lost, most))
    if limits.off & OFF_UNATTRIBUTED == 0:
        strange = abs(worth.unattributed_e8)
        most = min(limits.unattributed_warn_e8, ppm_of(abs(nav - worth.start_e8), limits.unattributed_warn_ppm))
        most = max(most, CENT_E8)
        if not strange <= limits.unattributed_close_e8:
            n = lower(s, out, n, DESK, 0, CLOSE_ONLY, (UNATTRIBUTED, strange, limits.unattributed_close_e8))
        elif not strange <= most and worth.warned == 0:
            worth.warned = 1
            n = say_alert(s, out, n, -1, UNATTRIBUTED, strange, most)
    return n
