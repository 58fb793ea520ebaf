"""One trade: an intent, its legs and orders with their stamps, what was expected and what came of it, its entries."""

from __future__ import annotations

from typing import Any

from crossbook.commands import OutKind
from crossbook.events import EventKind
from crossbook.ledger.entries import EVENT_TAG, OUT_TAG, decode_event, decode_out, kind_of
from crossbook.report import words
from crossbook.report.capture import captures
from crossbook.report.row_kinds import Fill, Order, RoundTrip, Wish
from crossbook.types import Side
from crossbook.web.entry_words import entry_told
from crossbook.web.moment import Moment
from crossbook.web.page_body import body as page_body
from crossbook.web.page_body import number
from crossbook.web.refusals import Missing
from crossbook.web.row_answers import small
from crossbook.web.run_book import RunBook

AROUND = 400
"""Entries before an intent and behind its last fill that are looked through for more of it."""
ENTRIES_MAX = 400
NO_MODEL = "no model had a part in this intent; strategies with a forecast state it here"


def body(moment: Moment, intent: str, book: RunBook) -> dict[str, Any]:
    """Its body. Raises `Missing` where there is no such intent."""
    wish = moment.rows.wishes.get(int(intent)) if intent.isdecimal() and len(intent) < 20 else None
    if wish is None:
        raise Missing(f"there is no intent {intent!r} at entry {moment.seq}; t-intents lists them")
    orders = [one for one in moment.rows.orders.values() if one.intent == wish.number]
    trip = next((one for one in moment.rows.trips if any(fill.intent == wish.number for fill in one.fills)), None)
    entries = _entries(moment, wish, orders, book)
    return page_body(
        moment, "trade", f"Intent {wish.number}", [],
        [small(moment, name, {"intent": str(wish.number)}) for name in ("t-intents", "t-orders", "t-fills")],
        intent={
            "number": wish.number, "entry": wish.sequence, "ts": wish.ts, "time": words.moment(wish.ts),
            "strategy": moment.context.who(wish.strategy), "pair": moment.context.pair(wish.pair),
            "reason": words.reason_text(wish.reason), "edge": number(wish.edge_e8 * 10**10),
            "edge_text": words.signed(wish.edge_e8 * 10**10, 4),
            "notional_text": words.amount(wish.notional_e8 * 10**10),
            "quantity_text": words.quantity(wish.quantity_e8),
        },
        legs=[_leg(moment, one, entries) for one in orders],
        book=_book_seen(moment, wish, book, entries),
        waterfall=_waterfall(moment, wish),
        trip=None if trip is None else _trip(moment, trip),
        stamps=_stamps(moment, wish, orders),
        model={"missing": NO_MODEL},
        entries=[entry_told(sequence, payload, moment.rows.declaration) for sequence, payload in entries],
    )  # fmt: skip


def _leg(moment: Moment, order: Order, entries: list[tuple[int, bytes]]) -> dict[str, Any]:
    t = moment.context
    line = []
    for sequence, payload in entries:
        kind = kind_of(payload)
        if payload[0] == EVENT_TAG:
            row = decode_event(payload)
            if row.id == order.number and EventKind.ORDER_ACCEPTED <= kind <= EventKind.ORDER_UNKNOWN:
                line.append(_step(sequence, EventKind(kind).name, row.ts, row.ts_venue, order.ts))
        elif payload[0] == OUT_TAG and kind in (OutKind.SUBMIT_ORDER, OutKind.CANCEL_ORDER):
            out = decode_out(payload)
            if out.order == order.number:
                line.append(_step(sequence, OutKind(kind).name, out.ts, None, order.ts))
    return {
        "order": order.number, "entry": order.sequence, "instrument": t.what(order.instrument),
        "side": Side(order.side).name, "limit_text": t.price(order.instrument, order.price),
        "quantity_text": t.quantity(order.instrument, order.lots), "ended": order.end,
        "filled_text": t.quantity(order.instrument, order.filled), "time_line": line,
    }  # fmt: skip


def _step(entry: int, name: str, ts: int, ts_venue: int | None, sent: int) -> dict[str, Any]:
    """A stamp on an order's time line."""
    return {
        "entry": entry, "what": name.lower().replace("_", " "), "ts": ts, "ts_venue": ts_venue, "since_ns": ts - sent,
        "since_text": words.span(max(ts - sent, 0)),
    }  # fmt: skip


def _waterfall(moment: Moment, wish: Wish) -> dict[str, Any]:
    """Expected edge, then what each cause did to it, to what was captured."""
    caught = next((one for one in captures(moment.rows) if one.wish.number == wish.number), None)
    fills = wish.fills
    fees = sum(one.fees for one in fills)
    latency, slippage = sum(one.latency for one in fills), sum(one.slippage for one in fills)
    edge = sum(one.edge for one in fills)
    if caught is None:
        return {"missing": "no edge: only an entry whose legs matched has one", "steps": _steps(
            [("cash at the prices of the decision", edge), ("latency", latency), ("slippage", slippage), ("fees", fees)]
        )}  # fmt: skip
    spread = caught.captured - fees
    steps = [("expected edge", caught.expected), ("spread captured", spread), ("of it latency", latency)]
    steps += [("of it slippage", slippage), ("fees", fees), ("captured", caught.captured)]
    return {"matched_text": words.quantity(caught.matched_e8), "steps": _steps(steps)}


def _steps(steps: list[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"name": name, "value": number(value), "text": words.signed(value, 6)} for name, value in steps]


def _trip(moment: Moment, trip: RoundTrip) -> dict[str, Any]:
    """The round trip that it is a part of: its causes and fundings sum to its net."""
    ending = trip.closed or moment.ts
    fills = trip.fills
    causes = [
        ("cash at the prices of decisions", "edge"),
        ("latency", "latency"),
        ("slippage", "slippage"),
        ("fees", "fees"),
    ]
    steps = [(name, sum(int(getattr(fill, field)) for fill in fills)) for name, field in causes]
    if trip.net is not None:
        steps.append(("funding and what other trips share", trip.net - sum(value for _, value in steps)))
        steps.append(("net", trip.net))
    return {
        "opened": fills[0].ts, "closed": trip.closed or None, "lasted_text": words.span(ending - fills[0].ts),
        "net": None if trip.net is None else number(trip.net), "net_text": words.signed(trip.net, 6),
        "intents": sorted({fill.intent for fill in fills if fill.intent}), "steps": _steps(steps),
    }  # fmt: skip


def _stamps(moment: Moment, wish: Wish, orders: list[Order]) -> list[dict[str, Any]]:
    """The stretches of each order's way by the process's own stamps; none without such stamps."""
    found = moment.stretches
    return [
        {"order": one.number, "stretches": [
            {"name": name.replace("_", " "), "ns": ns, "text": words.span(ns) if ns >= 0 else words.NA}
            for name, ns in found[one.number].items()
        ]}
        for one in orders
        if one.number in found
    ]  # fmt: skip


def _book_seen(moment: Moment, wish: Wish, book: RunBook, entries: list[tuple[int, bytes]]) -> dict[str, Any]:
    """The last middles stated before the decision, and the prices of our book that its fills' costs tell."""
    pair = moment.rows.declaration.pairs
    wanted = {pair[wish.pair].a, pair[wish.pair].b} if 0 <= wish.pair < len(pair) else set()
    seen: dict[int, dict[str, Any]] = {}
    for sequence, payload in book.entries(max(1, wish.sequence - AROUND), wish.sequence):
        if payload[0] == OUT_TAG and kind_of(payload) == OutKind.MARKED:
            row = decode_out(payload)
            if row.instrument in wanted:
                seen[row.instrument] = {
                    "instrument": moment.context.what(row.instrument), "entry": sequence, "ts": row.ts,
                    "bid_text": moment.context.price(row.instrument, row.price),
                    "ask_text": moment.context.price(row.instrument, row.lots),
                    "age_text": words.span(max(wish.ts - row.ts, 0)),
                }  # fmt: skip
    told = [decode_out(one) for _, one in entries if one[0] == OUT_TAG and kind_of(one) == OutKind.FILL_COST]
    costs = {(row.instrument, row.order, row.count_): (row.value, row.limit) for row in told}
    return {"touches": list(seen.values()), "decided": [_decided(moment, fill, costs) for fill in wish.fills]}


def _decided(moment: Moment, fill: Fill, costs: dict[tuple[int, int, int], tuple[int, int]]) -> dict[str, Any]:
    terms = moment.ledger.terms[fill.instrument]
    decision, arrival = costs.get((fill.instrument, fill.order, fill.trade), (0, 0))

    def each(ticks_lots: int) -> str:
        return words.quantity(ticks_lots * terms.tick_e8 // fill.lots) if ticks_lots > 0 and fill.lots else words.NA

    return {
        "instrument": terms.name, "entry": fill.sequence,
        "filled_text": moment.context.price(fill.instrument, fill.price),
        "decision_text": each(decision), "arrival_text": each(arrival),
    }  # fmt: skip


def _entries(moment: Moment, wish: Wish, orders: list[Order], book: RunBook) -> list[tuple[int, bytes]]:
    """The entries of the journal that are about this intent or one of its orders."""
    numbers = {one.number for one in orders}
    last = max([wish.sequence, *(one.sequence for one in orders), *(fill.sequence for fill in wish.fills)])
    found = []
    for sequence, payload in book.entries(wish.sequence, min(last + AROUND, moment.seq)):
        if payload[0] == EVENT_TAG:
            row = decode_event(payload)
            about = row.id in numbers and EventKind.ORDER_ACCEPTED <= row.kind <= EventKind.ORDER_UNKNOWN
        elif payload[0] == OUT_TAG:
            out = decode_out(payload)
            kinds = (OutKind.SUBMIT_ORDER, OutKind.CANCEL_ORDER, OutKind.FILL_COST)
            about = (out.kind == OutKind.INTENT and out.intent == wish.number) or (
                out.kind in kinds and out.order in numbers
            )
        else:
            about = False
        if about:
            found.append((sequence, payload))
        if len(found) >= ENTRIES_MAX:
            break
    return found
