"""How numbers of a report are written. Values are integers at 1e-18 of the reporting asset, times ns, ratios exact."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from crossbook.commands import Reason
from crossbook.ledger.figure import Figure, Number, display_parts, plain, value_decimal
from crossbook.money import VALUE_SCALE
from crossbook.report.contradiction import fixed, telling
from crossbook.timestamp import NS_PER_MS, NS_PER_S, NS_PER_US, iso
from crossbook.types import Level

NA = "n/a"
_AGES = {
    Reason.QUOTE_TOO_OLD, Reason.QUOTE_SKEW, Reason.NO_QUOTE_MARK, Reason.UNHEDGED_TOO_LONG, Reason.CLOCK_DRIFT,
    Reason.DUPLICATE_INTENT, Reason.FUNDING_TOO_NEAR, Reason.LOOP_BEHIND, Reason.STRATEGY_PAUSED,
}  # fmt: skip
_AMOUNTS = {
    Reason.ORDER_TOO_LARGE, Reason.ORDER_TOO_SMALL, Reason.POSITION_TOO_LARGE, Reason.GROSS_TOO_LARGE,
    Reason.DELTA_TOO_LARGE, Reason.DELTA_SOFT, Reason.COLLATERAL_TOO_LOW, Reason.LEVERAGE_TOO_HIGH, Reason.TURNOVER,
    Reason.UNHEDGED_TOO_LARGE,
}  # fmt: skip
LOSSES = {Reason.DAILY_LOSS, Reason.WEEKLY_LOSS, Reason.DRAWDOWN, Reason.STRATEGY_LOSES, Reason.UNATTRIBUTED}
_PPM = {
    Reason.EDGE_TOO_GOOD, Reason.EDGE_TOO_SMALL, Reason.FUNDING_AGAINST_US, Reason.NO_EDGE_EXPECTED, Reason.SLIPPAGE,
}  # fmt: skip
_PRICES = {Reason.PRICE_OUTSIDE_COLLAR, Reason.PRICE_OFF_OTHER_VENUE, Reason.FEE_DIFFERS}
_LEVELS = {Reason.LEVEL_FORBIDS_ENTRY, Reason.LEVEL_FORBIDS_ORDER, Reason.RESTRICTED}


def amount(value: int | None, decimals: int = 2) -> str:
    """`-7.45`, `1,234.50`; n/a for None."""
    return NA if value is None else fixed(Fraction(value, 10**VALUE_SCALE), decimals)


def signed(value: int | None, decimals: int = 2) -> str:
    """`+7.45`, `-7.45`, `0.00`."""
    text = amount(value, decimals)
    return f"+{text}" if value is not None and value > 0 and text.strip("0.,") else text


def amounts(values: list[int], decimals: int = 2) -> list[str]:
    """The values so that what is shown sums to the shown total."""
    parts = display_parts([value_decimal(value) for value in values], decimals)
    return [f"{part:+,.{decimals}f}" if part else f"{abs(part):,.{decimals}f}" for part in parts]


def percent(ratio: Number | Fraction | None, decimals: int = 1) -> str:
    """`33.3 %`, with as many decimals as it takes not to read 0; n/a for None."""
    return NA if ratio is None else f"{telling(100 * Fraction(ratio), decimals)} %"


def quantity(units_e8: int) -> str:
    """A quantity at 1e-8 without trailing zeros."""
    text = fixed(Fraction(units_e8, 10**8), 8)
    return text.rstrip("0").rstrip(".") if "." in text else text


def price(ticks: int, tick_e8: int) -> str:
    """A price on its grid."""
    return quantity(ticks * tick_e8)


def span(ns: Number | None) -> str:
    """A duration in the unit that reads best: `38.0 us`, `4.25 ms`, `5 h 40 min`."""
    if ns is None:
        return NA
    size = int(ns)
    if size < NS_PER_US:
        return f"{size} ns"
    if size < NS_PER_MS:
        return f"{fixed(Fraction(size, NS_PER_US), 1)} us"
    if size < NS_PER_S:
        return f"{fixed(Fraction(size, NS_PER_MS), 2)} ms"
    if size < 120 * NS_PER_S:
        return f"{fixed(Fraction(size, NS_PER_S), 1)} s"
    minutes, seconds = divmod(size // NS_PER_S, 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def moment(ts: int) -> str:
    """`2026-06-03 11:55:00.130`."""
    return iso(ts)[:23].replace("T", " ")


def figure_text(figure: Figure) -> str:
    """A figure's value with its unit, as precise as it reads well; its exact value stands in the run's JSON."""
    value = figure.value
    if value is None:
        return NA
    if figure.unit == "count":
        return f"{int(value):,}"
    if figure.unit == "ns":
        return span(value)
    if figure.unit == "ratio":
        return telling(Fraction(value), 4)
    return f"{telling(Fraction(value), 2)} {figure.unit}"


def exact(number: Number | None) -> str:
    """A number in full; n/a for None."""
    told = plain(number)
    return NA if told is None else f"{Decimal(told):,f}"


def reason_text(reason: int) -> str:
    """`quote too old`."""
    return Reason(reason).name.lower().replace("_", " ") if reason in Reason._value2member_map_ else f"reason {reason}"


def against(reason: int, value: int, limit: int) -> str:
    """`10.3 s against 10.0 s`; empty where the reason has no numbers: a person's wish, a venue's word."""
    if reason in (Reason.OPERATOR, Reason.RESTRICTED) or not (value or limit):
        return ""
    return f"{gate_number(reason, value)} against {limit_number(reason, limit)}"


def limit_number(reason: int, limit: int) -> str:
    """The limit that a reason stated; n/a for a venue's word, which names a level and has none."""
    return NA if reason == Reason.RESTRICTED else gate_number(reason, limit)


def gate_number(reason: int, number: int) -> str:
    """A number that the gate or the ladder stated for a reason, in that reason's unit."""
    if reason in _AGES:
        return span(number) if number >= 0 else f"-{span(-number)}"
    if reason in _AMOUNTS:
        return fixed(Fraction(number, 10**8))
    if reason in LOSSES:
        return telling(Fraction(number, 10**8))
    if reason in _LEVELS:
        return Level(number).name if number in Level._value2member_map_ else str(number)
    if reason in _PPM:
        return f"{fixed(Fraction(number, 100))} bp"
    if reason in _PRICES:
        return quantity(number)
    return f"{number:,}"
