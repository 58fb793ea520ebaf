"""Figures of trading: orders, fills, denials, unhedged time and delays."""

from __future__ import annotations

from collections.abc import Iterable

from crossbook.commands import Reason
from crossbook.ledger.figure import value_decimal
from crossbook.ledger.postings import NOBODY
from crossbook.ledger.statement import Statement


def orders(book: Statement) -> None:
    """Orders and fills, and what part was filled or failed; beside each counter a recount of the orders."""
    counts = book.ledger.counts
    prices = book.marks.prices
    for suffix, strategies in book.per_strategy():
        told = [book.facts.orders.get(owner, (0, 0, 0)) for owner in strategies]
        own, own_filled, own_failed = (sum(one[place] for one in told) for place in range(3))
        sent, filled = _total(counts.sent, strategies), _total(counts.with_fill, strategies)
        fills = _total(counts.fills, strategies)
        book.count(f"orders{suffix}", sent, own)
        again = sum(cell.fills for owner in strategies for cell in book.cells(owner))
        if suffix:
            book.count(f"fills{suffix}", fills, again - _forced(book, strategies))
        else:
            foreign = sum(cell.fills for cell in book.cells(NOBODY)) - _forced(book, [NOBODY])
            book.count("fills", fills + foreign, book.audit.fills)
        book.share(f"fill_rate.orders{suffix}", filled, sent, sent, (own_filled, own))
        wanted = sum(_worth(counts.submitted[index], prices) for index in strategies)
        got = sum(_worth(counts.filled[index], prices) for index in strategies)
        book.share(f"fill_rate.quantity{suffix}", got, wanted, sent)
        failed = _total(counts.failed, strategies)
        book.share(f"error_rate{suffix}", failed, sent, sent, (own_failed, own))


def denials(book: Statement) -> None:
    """How often the gate said no, by reason, and against how many decisions that passed."""
    counts = book.ledger.counts
    for suffix, strategies in book.per_strategy():
        by_reason: dict[int, int] = {}
        for (owner, reason), count in sorted(counts.denials.items()):
            if owner in strategies or not suffix:
                by_reason[reason] = by_reason.get(reason, 0) + count
        denied, passed = sum(by_reason.values()), _total(counts.intents, strategies)
        book.count(f"denials{suffix}", denied)
        book.count(f"intents{suffix}", passed)
        book.share(f"denial_rate{suffix}", denied, denied + passed, denied + passed)
        for reason, count in sorted(by_reason.items()):
            book.count(f"denials.reason.{_reason(reason)}{suffix}", count)


def unhedged(book: Statement) -> None:
    """Quantity x time by which the legs of pairs differed, per base asset; a stretch that is open lasts until now."""
    ledger, counts = book.ledger, book.ledger.counts
    total: dict[str, int] = {}
    for pair, terms in enumerate(ledger.declaration.pairs):
        base = ledger.declaration.instruments[terms.a].base
        total[base] = total.get(base, 0) + counts.unhedged_time.get(pair, 0)
    longest = counts.unhedged_longest
    for (_, pair), (quantity, since, start) in counts.unhedged.items():
        base = ledger.declaration.instruments[ledger.declaration.pairs[pair].a].base
        total[base] += abs(quantity) * (ledger.ts - since)
        longest = max(longest, ledger.ts - start)
    for base, quantity_ns in sorted(total.items()):
        exact = value_decimal(quantity_ns * 10)  # 1e-8 of base times 1e-9 s
        book.put(f"unhedged.quantity_time.{base}", exact, f"{base}*s", counts.unhedged_notes)
    book.put("unhedged.time_max", longest if counts.unhedged_notes else None, "ns", counts.unhedged_notes)


def delays(book: Statement) -> None:
    """How long orders and answers took by the stamps of the journal; stamps that run backwards are counted apart."""
    for name, waits in zip(("delay.decision_to_match", "delay.match_to_known"), book.facts.waits, strict=True):
        book.quantiles(name, waits, ("p50", "p99"))
    book.count("delay.clock_suspect", book.facts.suspect)


def _worth(amounts: list[int], prices: list[int]) -> int:
    return sum(amount * price for amount, price in zip(amounts, prices, strict=True))


def _total(counter: list[int], strategies: Iterable[int]) -> int:
    return sum(counter[index] for index in strategies)


def _forced(book: Statement, strategies: Iterable[int]) -> int:
    """Forced closes among the fills of these strategies."""
    return sum(book.facts.forced.get(index, 0) for index in strategies)


def _reason(number: int) -> str:
    return Reason(number).name.lower() if number in Reason._value2member_map_ else str(number)
