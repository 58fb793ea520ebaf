"""Audit: figures that somebody claims, against each other. What cannot all be true is named, with the law it breaks.

Nothing but the claims is known, so a rule speaks only where no true month could be written so: every number may be off
by half a unit of its last digit, and what is not claimed is not assumed. The figures are taken to speak of one window
without flows (docs/reports.md says what follows from that).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from crossbook.report import audit_money, audit_trading
from crossbook.report.claims import Claims
from crossbook.report.contradiction import Contradiction

RULES: tuple[Callable[[Claims], Iterator[Contradiction]], ...] = (
    audit_money.rows_sum_to_total,
    audit_money.total_is_change_of_nav,
    audit_money.drawdown_holds_the_loss,
    audit_money.exposure_is_an_amount,
    audit_trading.trades_sum,
    audit_trading.rates_are_of_whole_wins,
    audit_trading.rate_is_pooled,
    audit_trading.nothing_comes_of_nothing,
    audit_trading.lost_trades_earn_nothing,
    audit_trading.sharpe_has_a_meaning,
    audit_trading.fill_rate_fits_trades,
    audit_trading.latency_has_its_unit,
)


def audit(claims: Claims) -> list[Contradiction]:
    """Every contradiction in the claims, by law; empty where there is none."""
    found = [one for rule in RULES for one in rule(claims)]
    return sorted(found, key=lambda one: one.law)


def to_json(found: list[Contradiction]) -> bytes:
    """`{"contradictions": [{law, claimed, shown, why}, ...]}`."""
    return msgspec.json.encode({"contradictions": found})
