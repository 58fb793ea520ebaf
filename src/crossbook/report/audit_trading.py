"""The audit's rules on trading: trades, win rates, Sharpe ratios, fill rate, latency."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from crossbook.report.audit_money import Span, total_pnl
from crossbook.report.claims import Claims, Number, Row
from crossbook.report.contradiction import Contradiction, breaks, fixed

SHARPE_TRADES_MIN = 30
"""Fewer round trips cannot have traded on 30 days, below which daily returns tell nothing."""
LATENCY_MS_MAX = 60_000
DUST, DUST_OF_NAV = Fraction(1, 10), Fraction(1, 100_000)
"""What revaluing realised amounts of another quote asset may move: an amount, or more as a part of the NAV."""
DAYS_PER_YEAR = 365
NOT_STRATEGIES = ("unattributed", "inventory")
"""Rows of P&L that no strategy made; they have no trades."""


def trades_sum(claims: Claims) -> Iterator[Contradiction]:
    """The trades of all rows are the trades of the summary; a strategy that states none may have some."""
    rows = strategies(claims)
    counted = [row.trades for row in rows if row.trades is not None]
    if claims.trades is None or not counted or sum(counted) == claims.trades:
        return
    if len(counted) < len(rows) and sum(counted) < claims.trades:
        return
    yield breaks(
        "L12",
        f"{claims.trades} trades",
        f"rows sum to {sum(counted)}",
        "Each round trip belongs to one strategy and is counted once.",
    )


def rates_are_of_whole_wins(claims: Claims) -> Iterator[Contradiction]:
    """A win rate is w of n for a whole w; of no trades there is none."""
    trades = all_trades(claims)
    claimed = [(row.name, row.win_rate_pct, row.trades) for row in claims.rows]
    for name, rate, n in [("", claims.win_rate_pct, trades), *claimed]:
        if rate is None:
            continue
        said = _of(name, f"win rate {rate.text} %")
        if rate.value < 0 or rate.value > 100:
            yield breaks("L11", said, "outside 0 to 100 %", "Wins are some of the trades.")
        elif n == 0:
            yield breaks("L16", said, "0 trades", "Without a closed trade there is no win rate: it is n/a.")
        elif n is not None and wins(rate, n) is None:
            below = int(rate.value * n / 100)
            near = [f"{w} of {n} is {fixed(Fraction(100 * w, n), 1)} %" for w in (below, below + 1) if w <= n]
            yield breaks("L11", said, ", ".join(near), f"No whole number of wins among {n} trades gives that rate.")


def rate_is_pooled(claims: Claims) -> Iterator[Contradiction]:
    """The summary's win rate is that of all trades together, not a mean of the rows' rates."""
    rate = claims.win_rate_pct
    rows = [row for row in strategies(claims) if row.trades != 0]
    rates = [row.win_rate_pct for row in rows if row.win_rate_pct is not None]
    if rate is None or not rates or not 0 <= rate.value <= 100:
        return
    mean = sum((one.value for one in rates), Fraction(0)) / len(rates)
    slack = rate.half + sum((one.half for one in rates), Fraction(0)) / len(rates)
    is_mean = len(rates) > 1 and abs(mean - rate.value) <= slack
    n, span = _pooled(rows)
    if span is not None:
        if any(rate.low <= Fraction(100 * w, n) <= rate.high for w in range(span[0], span[1] + 1)):
            return
        shown = " to ".join(f"{fixed(Fraction(100 * w, n), 1)} % ({w} of {n})" for w in sorted(set(span)))
        mean_of = f"{rate.text} is the unweighted mean of the rates: one trade then counts as much as {_most(rows)}. "
        yield breaks(
            "L11",
            f"win rate {rate.text} %",
            f"pooled win rate {shown}",
            (mean_of if is_mean else "") + "All wins over all trades is the only rate of the whole.",
        )
    elif len(rates) == len(rows):
        lowest, highest = min(one.low for one in rates), max(one.high for one in rates)
        if not (lowest <= rate.high and rate.low <= highest):
            ends = min(one.value for one in rates), max(one.value for one in rates)
            yield breaks(
                "L11",
                f"win rate {rate.text} %",
                f"rows from {fixed(ends[0], 1)} to {fixed(ends[1], 1)} %",
                "A pooled rate lies between the rates that are pooled, whatever their trades.",
            )


def nothing_comes_of_nothing(claims: Claims) -> Iterator[Contradiction]:
    """Without a closed trade and without an open position there is no P&L and no fill."""
    if is_open(claims):
        return
    why = "No trade closed and no exposure is claimed that could carry it: where does it come from?"
    for row in claims.rows:
        if row.trades == 0 and row.pnl is not None and (row.pnl.low > 0 or row.pnl.high < 0):
            yield breaks("L12", _of(row.name, f"P&L {row.pnl.text}"), "0 trades", why)
    others = any(row.pnl is not None and row.trades != 0 for row in claims.rows)
    if all_trades(claims) != 0:
        return
    if claims.pnl is not None and not others and (claims.pnl.low > 0 or claims.pnl.high < 0):
        yield breaks("L12", f"P&L {claims.pnl.text}", "0 trades", why)
    if claims.fill_rate_pct is not None and claims.fill_rate_pct.low > 0:
        said = f"fill rate {claims.fill_rate_pct.text} %"
        yield breaks("L14", said, "0 trades", "What was filled is either closed, then a trade, or open, then exposure.")


def lost_trades_earn_nothing(claims: Claims) -> Iterator[Contradiction]:
    """A strategy with nothing open that won none of its trades gained nothing; one that won all lost nothing."""
    if is_open(claims):
        return
    dust = max(DUST, abs(claims.nav.value) * DUST_OF_NAV) if claims.nav is not None else DUST
    for row in claims.rows:
        if row.pnl is None or row.win_rate_pct is None or not row.trades:
            continue
        won = wins(row.win_rate_pct, row.trades)
        said = _of(row.name, f"P&L {row.pnl.text}, win rate {row.win_rate_pct.text} %")
        why = "With nothing open, a strategy's P&L is what its closed trades came to."
        if won is not None and won[1] == 0 and row.pnl.low > dust:
            yield breaks("L12", said, f"none of {row.trades} trades won, and yet a gain", why)
        if won is not None and won[0] == row.trades and row.pnl.high < -dust:
            yield breaks("L12", said, f"all of {row.trades} trades won, and yet a loss", why)


def sharpe_has_a_meaning(claims: Claims) -> Iterator[Contradiction]:
    """A Sharpe ratio needs 30 days of returns, and has the sign of what was earned on them."""
    yield from _sharpe("", claims.sharpe, all_trades(claims), total_pnl(claims), claims.max_drawdown_pct)
    for row in claims.rows:
        yield from _sharpe(row.name, row.sharpe, row.trades, _row_pnl(row), None)


def fill_rate_fits_trades(claims: Claims) -> Iterator[Contradiction]:
    """Between 0 and 100 %, and above 0 where anything was traded."""
    rate, trades = claims.fill_rate_pct, all_trades(claims)
    if rate is None:
        return
    said = f"fill rate {rate.text} %"
    if rate.value < 0 or rate.value > 100:
        yield breaks("L14", said, "outside 0 to 100 %", "No more can be filled than was submitted.")
    elif rate.value == 0 and trades:
        yield breaks(
            "L14",
            said,
            f"{trades} trades, so above 0",
            f"Each closed round trip has a fill on both legs, in and out: at least {4 * trades} fills. "
            "The two counters do not count the same orders.",
        )


def latency_has_its_unit(claims: Claims) -> Iterator[Contradiction]:
    """No order waits a minute inside the process."""
    latency = claims.latency_ms
    if latency is None:
        return
    said = f"latency {fixed(latency.value, 0) if latency.value.denominator == 1 else latency.text} ms"
    if latency.value < 0:
        yield breaks("L15", said, "below 0", "A later stamp is not earlier: two clocks were subtracted.")
    elif latency.value > LATENCY_MS_MAX:
        yield breaks(
            "L15",
            said,
            f"{_span(latency.value)}; as ns it is {_span(latency.value / 10**6)}, as us {_span(latency.value / 1000)}",
            "No order waits so long inside the process: the unit is not ms, or stamps of two clocks or of an order "
            "that was resolved minutes later went into a mean.",
        )


def all_trades(claims: Claims) -> int | None:
    """The trades of the summary, else those of the rows."""
    if claims.trades is not None:
        return claims.trades
    rows = strategies(claims)
    counted = [row.trades for row in rows if row.trades is not None]
    return sum(counted) if counted and len(counted) == len(rows) else None


def strategies(claims: Claims) -> list[Row]:
    """The rows but those of money that no strategy made."""
    return [row for row in claims.rows if row.name.lower() not in NOT_STRATEGIES]


def is_open(claims: Claims) -> bool:
    """Whether an exposure is claimed: a position is open, with a P&L that no closed trade shows."""
    return claims.exposure is not None and claims.exposure.value != 0


def wins(rate: Number, n: int) -> tuple[int, int] | None:
    """The least and most wins of n that would be written as this rate; None where no whole number is."""
    least = max(0, -(-(rate.low * n) // 100))
    most = min(n, (rate.high * n) // 100)
    return (int(least), int(most)) if least <= most else None


def _pooled(rows: list[Row]) -> tuple[int, tuple[int, int] | None]:
    """All trades, and the least and most wins among them; None where trades or whole wins are not to be had."""
    n, least, most = 0, 0, 0
    for row in rows:
        won = None
        if row.trades is not None:
            won = (0, row.trades) if row.win_rate_pct is None else wins(row.win_rate_pct, row.trades)
        if won is None or row.trades is None:
            return 0, None
        n, least, most = n + row.trades, least + won[0], most + won[1]
    return n, (least, most)


def _sharpe(
    name: str, sharpe: Number | None, trades: int | None, pnl: Span | None, drawdown: Number | None
) -> Iterator[Contradiction]:
    if sharpe is None:
        return
    said = _of(name, f"Sharpe {sharpe.text}")
    clash = pnl is not None and (
        (sharpe.low > 0 and pnl.high < 0 and not _drag_explains(sharpe, drawdown)) or (sharpe.high < 0 and pnl.low > 0)
    )
    against = f"it contradicts its P&L's sign ({pnl.text if pnl else ''})"
    if trades is not None and trades < SHARPE_TRADES_MIN:
        few = (
            f"A ratio of {trades} trade{'' if trades == 1 else 's'} has no meaning: below 30 days of returns it is n/a"
        )
        signed = ", and its minus stands before nothing but zeros" if _is_minus_zero(sharpe) else ""
        yield breaks(
            "L13",
            said,
            _trades(trades) + (f", {pnl.text}" if pnl is not None else ""),
            few + (f", and {against}" if clash else signed) + ".",
        )
    elif clash and pnl is not None:
        yield breaks("L13", said, pnl.text, f"Of daily returns that sum to a loss or a gain, {against}.")


def _drag_explains(sharpe: Number, drawdown: Number | None) -> bool:
    """Whether a path that never fell more than `drawdown` can lose by compounding while its mean return is above 0.

    NAV then stays between (1 - d) and 1 / (1 - d) of its start, so no daily return is beyond r = 1 / (1 - d)^2 - 1.
    With x = mean / sd, ln(1 + y) >= y - y^2 / (2 (1 - d)) gives 2 x (1 - d) < r (1 + x^2) wherever the log returns
    sum to a loss. Without a claimed drawdown the plain reading holds: the signs are the same.
    """
    if drawdown is None or drawdown.high <= 0:
        return False
    kept = 1 - drawdown.high / 100
    if kept <= 0:
        return True
    reach = 1 / (kept * kept) - 1
    squared = sharpe.low * sharpe.low / DAYS_PER_YEAR
    bound = reach * (1 + squared) * Fraction(51, 50)  # ddof 1 over 30 days or more widens sd by less than 2 %
    return 4 * kept * kept * squared < bound * bound


def _row_pnl(row: Row) -> Span | None:
    return None if row.pnl is None else Span(row.pnl.low, row.pnl.high, f"P&L {row.pnl.text}")


def _is_minus_zero(number: Number) -> bool:
    return number.value == 0 and number.text.startswith("-")


def _trades(n: int) -> str:
    return f"{n} trade{'' if n == 1 else 's'}"


def _most(rows: list[Row]) -> str:
    most = max((row.trades or 0 for row in rows), default=0)
    return f"{most} of another strategy" if most > 1 else "many of another strategy"


def _of(name: str, what: str) -> str:
    return f"{name}: {what}" if name else what


def _span(ms: Fraction) -> str:
    """A duration in the unit that reads best."""
    for size, unit in ((3_600_000, "hours"), (60_000, "minutes"), (1000, "s"), (1, "ms"), (Fraction(1, 1000), "us")):
        if ms >= size:
            return f"{fixed(ms / size, 1).removesuffix('.0')} {unit}"
    return f"{fixed(ms * 10**6, 0)} ns"
