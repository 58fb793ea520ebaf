"""A recount of a journal's entries, straight from their bytes, beside the counters that the ledger kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from crossbook.commands import OutKind
from crossbook.events import EventKind
from crossbook.ledger.entries import EVENT_TAG, OUT_TAG, decode_event, decode_out, kind_of


def recount(payloads: Iterable[bytes], strategies: list[str]) -> dict[str, int]:
    """How often what happened, by the names of the figures that count it, in total and per strategy."""
    counts: Counter[str] = Counter()
    orders, fills = set(), set()

    def add(name: str, strategy: int, times: int = 1) -> None:
        counts[name] += times
        if 0 <= strategy < len(strategies):
            counts[f"{name}.{strategies[strategy]}"] += times

    for payload in payloads:
        if payload[0] == EVENT_TAG:
            if kind_of(payload) == EventKind.ORDER_FILLED:
                row = decode_event(payload)
                if (row.venue, row.instrument, row.id2, row.id) not in fills:
                    fills.add((row.venue, row.instrument, row.id2, row.id))
                    add("fills", row.strategy)
        elif payload[0] == OUT_TAG:
            kind = kind_of(payload)
            if kind not in (OutKind.SUBMIT_ORDER, OutKind.DENIAL, OutKind.INTENT):
                continue
            out = decode_out(payload)
            if kind == OutKind.DENIAL:
                add("denials", out.strategy, out.count_)
            elif kind == OutKind.INTENT:
                add("intents", out.strategy)
            elif out.order not in orders:
                orders.add(out.order)
                add("orders", out.strategy)
    names = ("orders", "fills", "denials", "intents")
    wanted = [name + suffix for name in names for suffix in ("", *(f".{strategy}" for strategy in strategies))]
    return {name: counts[name] for name in wanted}
