"""The audit's rules on money: totals and their rows, NAV, drawdown, exposure."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from crossbook.report.claims import Claims
from crossbook.report.contradiction import Contradiction, breaks, decimals_of, fixed, telling

EXPOSURE_NAVS_MAX = 10
"""Gross exposure beyond this many times the NAV is not believed: venues are used at 3 times at most."""


class Span(NamedTuple):
    """All that a claimed or derived amount may be, and how it is told."""

    low: Fraction
    high: Fraction
    text: str


def rows_sum_to_total(claims: Claims) -> Iterator[Contradiction]:
    """Every row claims a P&L: their sum is the claimed total, up to the rounding of each."""
    total, rows = claims.pnl, rows_pnl(claims)
    if total is None or rows is None:
        return
    if rows.low <= total.high and total.low <= rows.high:
        return
    decimals = decimals_of(min([total.half] + [row.pnl.half for row in claims.rows if row.pnl is not None]))
    sum_of_rows = (rows.low + rows.high) / 2
    gap = total.value - sum_of_rows
    yield breaks(
        "L04",
        f"P&L {total.text}",
        f"rows sum to {fixed(sum_of_rows, decimals)}, a gap of {fixed(gap, decimals)}",
        "What no strategy caused (funding, foreign trades, dust) is a row of its own, so that rows and total agree; "
        f"their rounding explains at most {telling(total.half + (rows.high - rows.low) / 2)}.",
    )


def total_is_change_of_nav(claims: Claims) -> Iterator[Contradiction]:
    """P&L = NAV now - NAV at the start."""
    total, nav, start = claims.pnl, claims.nav, claims.nav_start
    if total is None or nav is None or start is None:
        return
    if nav.low - start.high <= total.high and total.low <= nav.high - start.low:
        return
    change = nav.value - start.value
    decimals = decimals_of(min(nav.half, start.half, total.half))
    yield breaks(
        "L05",
        f"P&L {total.text}, NAV {start.text} -> {nav.text}",
        f"NAV changed by {fixed(change, decimals)}, a gap of {fixed(total.value - change, decimals)}",
        "Only money moved in or out stands between them, and the summary states none.",
    )


def drawdown_holds_the_loss(claims: Claims) -> Iterator[Contradiction]:
    """Ending below the start is a fall from the peak, which is no lower than the start."""
    drawdown = claims.max_drawdown_pct
    if drawdown is None:
        return
    said = f"max drawdown {drawdown.text} %"
    if drawdown.value < 0:
        yield breaks("L10", said, "a fall has no sign", "It is the part of the peak that was lost, from 0 to 100 %.")
        return
    if drawdown.low > 100:
        yield breaks("L10", said, "more than all of the peak", "A fall is a part of the peak it falls from.")
        return
    total = total_pnl(claims)
    if total is None or total.high >= 0:
        return
    loss, start = -total.high, _start_nav(claims, total)
    if start is not None and start > 0:
        least = 100 * loss / start
        if drawdown.high < least:
            yield breaks(
                "L10",
                said,
                f"at least {telling(least)} %: {total.text} from a start of {_start_text(claims, total)}",
                "The peak is never below the start, so the fall is at least what was lost from there; a drawdown of "
                "cumulative P&L, of closed trades or of one sample a day misses it.",
            )
    elif drawdown.value == 0:
        yield breaks(
            "L10",
            said,
            f"above 0: {total.text}",
            "NAV ended below its start, and no claimed NAV is so large that the fall would round to 0.",
        )


def exposure_is_an_amount(claims: Claims) -> Iterator[Contradiction]:
    """Gross exposure is not negative and not many times the NAV."""
    exposure, nav = claims.exposure, claims.nav
    if exposure is None:
        return
    if exposure.value < 0:
        yield breaks(
            "C04",
            f"exposure {exposure.text}",
            "below 0",
            "Gross exposure adds longs and shorts; a sign means net exposure, which has to be said.",
        )
    elif nav is not None and nav.high > 0 and exposure.low > EXPOSURE_NAVS_MAX * nav.high:
        yield breaks(
            "C04",
            f"exposure {exposure.text}",
            f"{fixed(exposure.value / nav.value, 1)} times a NAV of {nav.text}",
            "No venue is used at more than 3 times its collateral: is the unit that of the NAV?",
        )


def rows_pnl(claims: Claims) -> Span | None:
    """The sum of the rows; None where one of them claims no P&L."""
    parts = [row.pnl for row in claims.rows if row.pnl is not None]
    if not parts or len(parts) < len(claims.rows):
        return None
    low, high = sum((part.low for part in parts), Fraction(0)), sum((part.high for part in parts), Fraction(0))
    return Span(low, high, f"rows that sum to {fixed((low + high) / 2)}")


def total_pnl(claims: Claims) -> Span | None:
    """The P&L as claimed, else as the rows give it, else as NAV gives it."""
    if claims.pnl is not None:
        return Span(claims.pnl.low, claims.pnl.high, f"P&L {claims.pnl.text}")
    rows = rows_pnl(claims)
    if rows is not None:
        return rows
    nav, start = claims.nav, claims.nav_start
    if nav is None or start is None:
        return None
    return Span(nav.low - start.high, nav.high - start.low, f"NAV {start.text} -> {nav.text}")


def _start_text(claims: Claims, total: Span) -> str:
    """The start as it is claimed, or as NAV and P&L make it."""
    if claims.nav_start is not None or claims.nav is None:
        return claims.nav_start.text if claims.nav_start is not None else ""
    return fixed(claims.nav.value - (total.low + total.high) / 2)


def _start_nav(claims: Claims, total: Span) -> Fraction | None:
    """The most that NAV can have been at the start; None where nothing tells."""
    told = []
    if claims.nav_start is not None:
        told.append(claims.nav_start.high)
    if claims.nav is not None:
        told.append(claims.nav.high - total.low)
    return max(told) if told else None
