"""What must hold of every answer that a decoder gives to a spoilt message. A complaint is a line of text.

The plain reading is Python's `json` with numbers kept as text, and `Decimal`: it knows no codec of ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import market_reading as reading
from fuzz.corpus import Seed

from crossbook.errors import Refused
from crossbook.types import Venue
from crossbook.venues import messages as said
from crossbook.venues.binance.orders import order_answer
from crossbook.venues.frames import MarketCodec
from crossbook.venues.hyperliquid.answers import Became, read_answer, read_post_answer

RECEIVED = 1_800_000_000 * 10**9
COARSE = 10**6
"""The second codec's tick and lot: what is finer must be refused (prices) or rounded down (displayed quantities)."""
PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")
DERIVED = ("filled", "free", "total", "unrealized", "change", "quantity", "tick", "lot", "min_quantity", "min_notional")
"""Fields that may be a difference or a sum of what the message says, or follow from a rule of the venue."""
TEXTS = frozenset({"price", "bid_price", "bid_quantity", "ask_price", "ask_quantity", "mark_price", "index_price",
                   "mid_price", "funding_rate", "average_price", "trigger_price", "fee", "start_position", "realized",
                   "locked", "entry_price", "liquidation_price", "margin", "notional", "rate", "amount", "open",
                   "high", "low", "close", "account_value", "withdrawable", "margin_used", *DERIVED})  # fmt: skip
FILL_NAMES: dict[bool, tuple[dict[str, str], ...]] = {
    True: ({"price": "px", "quantity": "sz", "fee": "fee", "trade_id": "tid", "venue_order_id": "oid",
            "start_position": "startPosition", "fee_asset": "feeToken", "client_order_id": "cloid"},),
    False: (
        {"price": "L", "quantity": "l", "fee": "n", "trade_id": "t", "fee_asset": "N", "venue_order_id": "i"},
        {"price": "price", "quantity": "qty", "fee": "commission", "trade_id": "tradeId"},
        {"price": "price", "quantity": "qty", "fee": "commission", "fee_asset": "commissionAsset", "trade_id": "id"},
    ),
}  # fmt: skip
"""By whether the venue is Hyperliquid: under which names an object says what a fill of ours says. Only there may a fill
come from."""
Complaints = list[str]


class Codecs:
    """A venue's compiled codecs: one whose grid holds every number exact at 1e-8, and one with a coarse grid."""

    def __init__(self, venue: Venue, symbols: list[str]) -> None:
        self.symbols = symbols
        numbers = list(range(len(symbols)))
        fine = [reading.fine(venue, symbol) for symbol in symbols]
        coarse = [reading.fine(venue, symbol, COARSE, COARSE) for symbol in symbols]
        self.fine = MarketCodec(fine, numbers, 1 << 17)
        self.coarse = MarketCodec(coarse, numbers, 1 << 17)
        self.alone = symbols[0] if len(symbols) == 1 else None
        """Whose a snapshot is that names no symbol."""

    def facts(self, raw: bytes) -> list[reading.Fact]:
        return reading.from_rows(self.fine.decode(raw, RECEIVED), self.symbols)


def symbols_of(seed: Seed) -> list[str]:
    """The symbols that a market message names."""
    try:
        return [fact[1] for fact in reading.plainly(seed.raw, "BTCUSDT") or ()]
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return []


def kernel(codecs: Codecs, raw: bytes) -> tuple[str, Complaints]:
    """The compiled codecs: what they accept is what the plain reading finds, and on the grid."""
    try:
        facts = codecs.facts(raw)
    except Refused:
        return "refused", []
    if not facts:
        return "passed over", []
    try:
        plain = reading.plainly(raw, codecs.alone)
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        return "accepted", [f"kernel accepts {facts} where a field does not read: {type(error).__name__} {error}"]
    if plain != facts:
        return "accepted", [f"kernel reads {facts}, plainly it is {plain}"]
    return "accepted", _coarse(codecs, raw, facts)


def _coarse(codecs: Codecs, raw: bytes, facts: list[reading.Fact]) -> Complaints:
    prices = [number for fact in facts for number in prices_of(fact)]
    off = any(price % COARSE for price in prices)
    try:
        rows = codecs.coarse.decode(raw, RECEIVED)
    except Refused:
        return [] if off or 0 in prices else ["a coarse grid refuses prices that are on it"]
    if off:
        return [f"prices {prices} are accepted on a grid of {COARSE}"]
    found = reading.from_rows(rows, codecs.symbols)
    return [] if found == [on_coarse(fact) for fact in facts] else [f"on the coarse grid {found}, not {facts}"]


def prices_of(fact: reading.Fact) -> list[int]:
    """The prices that a grid has to hold."""
    if fact[0] == "quote":
        return [fact[2], fact[4]]
    if fact[0] == "trade":
        return [fact[3]]
    return [price for _, price, _ in fact[6]] if fact[0] == "depth" else []


def on_coarse(fact: reading.Fact) -> reading.Fact:
    """A fact in whole ticks and lots, quantities rounded down."""
    if fact[0] == "quote":
        return (*fact[:2], *(number // COARSE for number in fact[2:6]), *fact[6:])
    if fact[0] == "trade":
        return (*fact[:3], fact[3] // COARSE, fact[4] // COARSE, *fact[5:])
    if fact[0] == "depth":
        return (*fact[:6], tuple((side, price // COARSE, lots // COARSE) for side, price, lots in fact[6]))
    return fact


def reader(seed: Seed, raw: bytes, decode: Callable[[bytes], list[said.Message]]) -> tuple[str, Complaints]:
    """The reader of messages: every number it gives stands in the text, and what is not ours gives nothing of ours."""
    try:
        found = decode(raw)
    except Refused:
        return "refused", []
    if not found:
        return "passed over", []
    if all(isinstance(one, said.Error) for one in found):
        return "error", []
    found = [one for one in found if not (isinstance(one, said.OrderUpdate) and one.status is said.OrderStatus.UNKNOWN)]
    if not found:
        return "unknown", []
    # Strings that nobody reads are not looked into: a websocket refuses frames that are no UTF-8 before.
    tree = reading.parsed(raw.strip(), "replace")
    if tree is None:
        return "accepted", [f"reader accepts what is no JSON: {found[:2]}"]
    scalars = frozenset(_scalars(tree))
    complaints: Complaints = []
    for one in found:
        if isinstance(one, said.Balance) and isinstance(tree, dict) and "assetPositions" in tree:
            complaints += _wallet(one, tree)
            continue
        complaints += _numbers(one, scalars)
        if isinstance(one, said.Fill):
            complaints += _fill(seed, one, tree)
        if not seed.owns and _speaks_of_us(one):
            complaints.append(f"{one} out of {seed.name}, which is not about us")
    return "accepted", complaints


def _speaks_of_us(one: said.Message) -> bool:
    if isinstance(one, said.OrderUpdate):
        return one.status is not said.OrderStatus.UNKNOWN
    return isinstance(one, said.Fill)


def _scalars(tree: Any) -> Iterator[str]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            waiting += node.values()
            yield from node
        elif isinstance(node, list):
            waiting += node
        elif isinstance(node, str):
            yield node


def _numbers(one: said.Message, scalars: frozenset[str]) -> Complaints:
    found: Complaints = []
    for name in one.__struct_fields__:
        value = getattr(one, name)
        if value is None:
            continue
        if name in ("bids", "asks"):
            found += [f"level {level} is not in the text" for level in value if not set(level) <= scalars]
        elif name in TEXTS and not isinstance(one, said.Instrument):
            if not PLAIN.fullmatch(value):
                found.append(f"{name} {value!r} of {type(one).__name__} is no plain number")
            elif value not in scalars and value.removeprefix("-") not in scalars and name not in DERIVED:
                found.append(f"{name} {value!r} of {type(one).__name__} is not in the text")
            elif value not in scalars and name in DERIVED and not _derived(value, scalars):
                found.append(f"{name} {value!r} of {type(one).__name__} follows from nothing in the text")
        elif name in ("trade_id", "venue_order_id", "update_id", "first_id", "last_id", "prev_id"):
            if str(value) not in scalars:
                found.append(f"{name} {value} of {type(one).__name__} is not in the text")
        elif name.endswith("_ns") and not {str(value // 10**6), str(value // 10**3)} & scalars:
            found.append(f"{name} {value} of {type(one).__name__} is not in the text")
    return found


def _derived(value: str, scalars: frozenset[str]) -> bool:
    """A sum or difference of two numbers of the text, or of up to all of one kind (checked by unit tests)."""
    numbers = [Decimal(text) for text in scalars if len(text) < 64 and PLAIN.fullmatch(text)]
    wanted = Decimal(value)
    if any(wanted == abs(number) for number in numbers) or wanted == 0:
        return True
    there = set(numbers)
    return any(wanted - number in there or wanted + number in there for number in numbers)


def _wallet(one: said.Balance, tree: dict[str, Any]) -> Complaints:
    """Hyperliquid: the account's value without the unrealised profit of all its positions."""
    summary = tree.get("marginSummary") or tree["crossMarginSummary"]
    unrealized = sum(Decimal(each["position"]["unrealizedPnl"]) for each in tree["assetPositions"])
    expected = (tree["withdrawable"], Decimal(summary["accountValue"]) - unrealized, unrealized)
    told = (one.free, Decimal(one.total or "NaN"), Decimal(one.unrealized or "NaN"))
    return [] if told == expected else [f"wallet {told} is not {expected}"]


def _fill(seed: Seed, fill: said.Fill, tree: Any) -> Complaints:
    """Some object in the tree says all that the fill says, under the names of the documents."""
    for words in FILL_NAMES[seed.venue is Venue.HYPERLIQUID]:
        for node in _objects(tree):
            if (
                words["price"] in node
                and words["quantity"] in node
                and all(
                    _as_said(node.get(theirs)) == _as_said(getattr(fill, ours)) or getattr(fill, ours) is None
                    for ours, theirs in words.items()
                )
            ):
                return []
    return [f"{fill} is said by no object of the text"]


def _as_said(value: Any) -> str | None:
    return None if value is None else str(value)


def _objects(tree: Any) -> Iterator[dict[str, Any]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


ACTIONS = ("order", "cancel", "batchModify", "noop")


def answer(seed: Seed, raw: bytes, pick: float) -> tuple[str, Complaints]:
    """Answers to orders: what is certain is what the plain reading finds, and never from a message of another kind."""
    if seed.venue is not Venue.HYPERLIQUID:
        found = order_answer(seed.venue.label, raw)
        certain = [one for one in found if not isinstance(one, said.Error) and _speaks_of_us(one)]
        if certain and not seed.owns:
            return "accepted", [f"{certain[0]} as the answer to an order out of {seed.name}"]
        return "accepted" if certain else "unknown", []
    action, count = ACTIONS[int(pick * 4)], 1 + int(pick * 97) % 3
    outcomes = read_answer(action, count, raw)
    complaints = [f"{len(outcomes)} outcomes for {count}"] if len(outcomes) != count else []
    certain_ones = [one for one in outcomes if one.is_certain]
    if seed.name == "post_answer":
        read_post_answer(action, count, raw)
    if not certain_ones:
        return "unknown", complaints
    plain = _plain_answer(reading.parsed(raw), action, count)
    told = [_told(one) for one in outcomes]
    if plain is None or any(one != other for one, other in zip(told, plain, strict=True) if one is not None):
        complaints.append(f"{action} x {count} is answered {told}, plainly {plain}")
    if not seed.owns:
        complaints.append(f"{told} as the answer to an order out of {seed.name}")
    return "accepted", complaints


def _told(one: Any) -> tuple[Any, ...] | None:
    """An outcome as the venue said it; None where nothing is certain."""
    if not one.is_certain:
        return None
    if one.became is Became.RESTING:
        return ("resting", str(one.venue_order_id), one.client_order_id)
    if one.became is Became.FILLED:
        return ("filled", str(one.venue_order_id), one.client_order_id, one.quantity, one.average_price)
    return ("error", one.error.text) if one.became is Became.ERROR else (one.became.value,)


def _plain_answer(tree: Any, action: str, count: int) -> list[tuple[Any, ...]] | None:
    """What the documents say that an answer means; None: nothing certain."""
    if not isinstance(tree, dict) or "response" not in tree:
        return None
    response = tree["response"]
    if tree.get("status") == "err":
        return [("error", response)] * count
    if tree.get("status") != "ok" or not isinstance(response, dict):
        return None
    if response.get("type") == "default":
        return [("done",)] * count if action == "noop" else None
    kinds = {"order": "order", "batchModify": "order", "cancel": "cancel"}
    if response.get("type") != kinds.get(action):
        return None
    found = [_plain_status(one) for one in response["data"]["statuses"]]
    return found if len(found) == count else found * count if len(found) == 1 and found[0][0] == "error" else None


def _plain_status(one: Any) -> tuple[Any, ...]:
    if isinstance(one, str):
        return ("done",) if one == "success" else ("waiting",)
    named = {name: value for name, value in one.items() if value is not None}
    if len(named) != 1:
        return ("not one of three",)
    [(name, value)] = named.items()
    if name == "error":
        return ("error", value)
    if name == "resting":
        return ("resting", value["oid"], value.get("cloid"))
    return ("filled", value["oid"], value.get("cloid"), value["totalSz"], value["avgPx"])
