"""The report's tables of trading: round trips, intents, orders, fills, denials, latency."""

from __future__ import annotations

import itertools
from decimal import Decimal

from crossbook.ledger.hops import STAMP, STRETCHES, TICK_TO_WIRE, Hop
from crossbook.ledger.ledger import Ledger
from crossbook.report import words
from crossbook.report.capture import captures
from crossbook.report.context import SEQ, TIME, WHAT, WHO, Context, Line
from crossbook.report.row_kinds import RoundTrip
from crossbook.report.table import Column, Table, make_table
from crossbook.rules.rows import name_of
from crossbook.types import Side

TRIP_COSTS = ("latency", "slippage", "fees")


def trips(t: Context) -> Table:
    """Round trips."""
    lines: list[Line] = []
    for number, trip in enumerate(t.rows.trips, start=1):
        lines.append([str(number), t.who(trip.strategy), t.pair(trip.pair), *_trip(t, trip)])
    columns = [Column("#", "number"), WHO, Column("pair"), Column("opened"), Column("lasted", "number")]
    columns += [Column("entries", "number"), *(Column(name, "money") for name in (*TRIP_COSTS, "net"))]
    columns += [Column("ended"), *(Column(name, "count") for name in ("closed", "won", "lost", "open"))]
    ends = {"closed": "round_trips", "won": "wins", "lost": "losses", "open": "round_trips.open"}
    return make_table(
        "t-trips", "Round trips",
        "From flat on both legs to flat on both legs, net of fees and funding at the marks of their times; win rate "
        "is won over closed. What was revalued afterwards is in no round trip.",
        columns, lines, known=t.known, against=ends, group="strategy", groups=t.names,
    )  # fmt: skip


def _trip(t: Context, trip: RoundTrip) -> Line:
    net, first, last = trip.net, trip.fills[0], trip.fills[-1]
    ended = "open" if net is None else "won" if net > 0 else "lost" if net < 0 else "even"
    costs = [sum(int(getattr(fill, cost)) for fill in trip.fills) for cost in TRIP_COSTS]
    until = trip.closed or t.ledger.ts
    flags = [int(net is not None), int(ended == "won"), int(ended == "lost"), int(net is None)]
    entries = f"{first.sequence:,} - {last.sequence:,}"
    return [words.moment(first.ts), words.span(until - first.ts), entries, *costs, net, ended, *flags]


def intents(t: Context) -> Table:
    """Intents, with the edge expected and captured."""
    caught = {one.wish.number: one for one in captures(t.rows)}
    lines: list[Line] = []
    for wish in t.rows.wishes.values():
        one = caught.get(wish.number)
        edges = [None] * 3 if one is None else [one.expected, one.captured, one.captured - one.expected]
        matched = words.NA if one is None else words.percent(Decimal(one.matched_e8) / wish.quantity_e8, 0)
        lines.append(
            [wish.sequence, words.moment(wish.ts), t.who(wish.strategy), t.pair(wish.pair),
             words.reason_text(wish.reason), str(wish.number), wish.notional_e8 * 10**10, matched, *edges,
             str(wish.orders), str(len(wish.fills)), 1]
        )  # fmt: skip
    columns = [SEQ, TIME, WHO, Column("pair"), Column("why"), Column("intent", "number")]
    columns += [Column("notional", "amount"), Column("matched", "number"), Column("expected", "money")]
    columns += [Column("captured", "money"), Column("difference", "money"), Column("orders", "number")]
    columns += [Column("fills", "number"), Column("intents", "count")]
    return make_table(
        "t-intents", "Intents: edge expected and captured",
        "Of entries: the edge expected when decided for what was then matched on both legs, and what the fills "
        "captured there, both after entry fees. What has no partner has no edge.",
        columns, lines, known=t.known, against={"intents": "intents"}, group="strategy", groups=t.names,
    )  # fmt: skip


def orders(t: Context) -> Table:
    """Orders and how they ended."""
    lines: list[Line] = []
    for one in t.rows.orders.values():
        worth = [order_value(t.ledger, one.instrument, one.price, lots) for lots in (one.lots, one.filled)]
        lines.append(
            [one.sequence, words.moment(one.ts), t.who(one.strategy), t.what(one.instrument),
             Side(one.side).name, t.price(one.instrument, one.price), t.quantity(one.instrument, one.lots),
             t.quantity(one.instrument, one.filled), one.end, str(one.number), str(one.intent), *worth, 1,
             int(one.filled > 0)]
        )  # fmt: skip
    columns = [SEQ, TIME, WHO, WHAT, Column("side"), Column("limit", "number"), Column("quantity", "number")]
    columns += [Column("filled", "number"), Column("ended"), Column("order", "number"), Column("intent", "number")]
    columns += [Column("submitted value", "worth"), Column("filled value", "worth")]
    columns += [Column("orders", "count"), Column("with a fill", "count")]
    return make_table(
        "t-orders", "Orders",
        "Fill rate by quantity is filled over submitted value (limit price x quantity, at the marks of now); by "
        "orders it is those with a fill over all.",
        columns, lines, known=t.known, against={"orders": "orders"}, group="strategy", groups=t.names,
    )  # fmt: skip


def fills(t: Context) -> Table:
    """Fills and what they did to the P&L."""
    lines: list[Line] = []
    for one in t.rows.fills:
        waits = [words.NA if wait < 0 else words.span(wait) for wait in (one.to_match, one.to_know)]
        lines.append(
            [one.sequence, words.moment(one.ts), t.who(one.strategy), t.what(one.instrument),
             Side(one.side).name, t.price(one.instrument, one.price), t.quantity(one.instrument, one.lots),
             str(one.order), *waits, one.realised, one.edge, one.latency, one.slippage, one.fees]
        )  # fmt: skip
    columns = [SEQ, TIME, WHO, WHAT, Column("side"), Column("price", "number"), Column("quantity", "number")]
    columns += [Column("order", "number"), Column("to match", "number"), Column("to know", "number")]
    columns += [Column(name, "money") for name in ("realised", "edge", "latency", "slippage", "fees")]
    ends = {name: f"pnl.cause.{name}" for name in ("edge", "latency", "slippage", "fees")}
    return make_table(
        "t-fills", "Fills",
        "Edge is the signed notional at the price of the decision, latency and slippage what it cost more; each at "
        "the mark of its time. To match and to know: from the order's leaving to the match, and on to us.",
        columns, lines, known=t.known, against=ends, each=ends | {"realised": "pnl.realised"},
        group="strategy", groups=t.owners,
    )  # fmt: skip


def reasons(t: Context) -> Table:
    """Denials counted by reason and strategy."""
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    for one in t.rows.denials:
        key = (words.reason_text(one.row.reason).replace(" ", "_"), t.who(one.row.strategy))
        entries, times = counts.get(key, (0, 0))
        counts[key] = entries + 1, times + one.row.count_
    ordered = sorted(counts.items(), key=lambda item: (-item[1][1], item[0]))
    lines: list[Line] = [[*key, entries, times] for key, (entries, times) in ordered]
    return make_table(
        "t-reasons", "Denials by reason", "Each entry counts what the gate denied since the entry before it.",
        [Column("reason"), WHO, Column("entries", "count"), Column("denials", "count")], lines, known=t.known,
        against={"denials": "denials"}, each={"denials": "denials.reason"}, group="reason",
        groups=sorted({key[0] for key in counts}),
    )  # fmt: skip


def denials(t: Context) -> Table:
    """Each entry of the gate's no."""
    lines: list[Line] = [
        [one.sequence, words.moment(one.row.ts), t.who(one.row.strategy), t.pair(one.row.pair),
         t.what(one.row.instrument), words.reason_text(one.row.reason),
         words.gate_number(one.row.reason, one.row.value), words.gate_number(one.row.reason, one.row.limit),
         one.row.count_]
        for one in t.rows.denials
    ]  # fmt: skip
    columns = [SEQ, TIME, WHO, Column("pair"), WHAT, Column("reason"), Column("was", "number")]
    return make_table(
        "t-denials", "Denials", "What the gate kept from being sent: the number it saw against the limit.",
        [*columns, Column("limit", "number"), Column("denials", "count")], lines, known=t.known,
        against={"denials": "denials"}, group="strategy", groups=t.names,
    )  # fmt: skip


def unhedged(t: Context) -> Table:
    """When the legs of a pair differed."""
    pairs = t.declaration.pairs
    lines: list[Line] = [
        [one.sequence, words.moment(one.ts), t.who(one.strategy), t.pair(one.pair),
         t.declaration.instruments[pairs[one.pair].a].base, words.quantity(one.quantity_e8),
         words.span(one.lasted) if one.quantity_e8 else "", abs(one.quantity_e8) * one.lasted * 10]
        for one in t.rows.apart
    ]  # fmt: skip
    columns = [SEQ, TIME, WHO, Column("pair"), Column("base"), Column("difference", "number")]
    columns += [Column("lasted", "number"), Column("quantity x s", "worth")]
    return make_table(
        "t-unhedged", "Legs apart", "When the legs of a pair differed, by how much and how long.", columns, lines,
        known=t.known, each={"quantity x s": "unhedged.quantity_time"}, group="base",
        groups=sorted({t.declaration.instruments[pair.a].base for pair in pairs}),
    )  # fmt: skip


def latency(t: Context, stamps: bytes) -> Table:
    """Every intent's way through the process."""
    traces: dict[int, dict[int, int]] = {}
    whole = len(stamps) // STAMP.size * STAMP.size
    for trace, hop, _, ns in STAMP.iter_unpack(stamps[:whole]):
        traces.setdefault(trace, {}).setdefault(hop, ns)
    lines: list[Line] = []
    for trace, at in traces.items():
        found: dict[str, str] = {}
        hops = sorted(at)
        for before, after in itertools.pairwise(hops):
            found[Hop(after).name.lower()] = words.span(at[after] - at[before])
        if Hop.RECEIVED in at and Hop.WRITTEN in at:
            found[TICK_TO_WIRE] = words.span(at[Hop.WRITTEN] - at[Hop.RECEIVED])
        lines.append([str(trace), *(found.get(stretch, "") for stretch in STRETCHES)])
    columns = [Column("intent", "number"), *(Column(one.replace("_", " "), "number") for one in STRETCHES)]
    return make_table(
        "t-latency", "Latency of each intent", "Into each hop from the one before it, by monotonic stamps of one "
        "process (latency.bin, beside the journal).", columns, lines,
    )  # fmt: skip


def odd(t: Context) -> Table:
    """What differs from the ledger, or came twice."""
    lines: list[Line] = [
        [one.sequence, words.moment(one.ts), name_of(one.kind).lower().replace("_", " "), one.breaks, one.repeats]
        for one in t.rows.odd
    ]  # fmt: skip
    return make_table(
        "t-odd", "Breaks and repeats", "Venue reports that differ from the ledger, and events that came again.",
        [SEQ, TIME, Column("event"), Column("breaks", "count"), Column("repeats", "count")], lines,
        known=t.known, against={"breaks": "breaks", "repeats": "events.duplicate"},
    )  # fmt: skip


def order_value(ledger: Ledger, instrument: int, price: int, lots: int) -> int:
    """The notional of lots at a price, at the mark of now (1e-18), as the fill rate weighs it."""
    terms = ledger.terms[instrument]
    mark = ledger.marks.prices[terms.quote]
    if terms.inverse:
        return lots * terms.factor // price * mark if price else 0
    return lots * price * terms.factor * mark
