"""A month of a small desk as a journal, trip by trip, each ending at a chosen amount. long: one builder, one story.

`FIRST_MONTH` is the desk's first month: 18 round trips of three versions, and 1.96 that no strategy caused. The same
builder makes random months for the laws.
"""

import random
from pathlib import Path

import msgspec

from crossbook.commands import Alert, Denial, FillCost, Intent, Marked, Out, Reason, SubmitOrder, Transition, Unhedged
from crossbook.desk.journal import JournalWriter
from crossbook.desk.runs import write_run
from crossbook.desk.summary import summarise
from crossbook.events import (
    Event,
    FundingPaid,
    OperatorRequest,
    OrderAccepted,
    OrderExpired,
    OrderFilled,
    RunStopped,
    Transfer,
)
from crossbook.ledger.declaration import Declaration, DeclaredInstrument, DeclaredPair, DeclaredVenue
from crossbook.ledger.entries import encode_declaration, encode_event, encode_out
from crossbook.ledger.hops import STAMP, Hop
from crossbook.market.instruments import load_instruments
from crossbook.rules.rows import pack, pack_out
from crossbook.types import Level, Scope, Side, Venue

E8 = 10**8
SECOND = 10**9
MINUTE, HOUR = 60 * SECOND, 3_600 * SECOND
ALONE_NS = 10_300_000_000
"""How long a leg had been alone when its strategy fell."""
START = 1_780_300_800 * SECOND  # 2026-06-01T08:00:00Z
BTC, ETH = 0, 1
DOLLAR = 4
USDT, USDC = 0, 1
NOBODY = -1
HOPS_NS = {Hop.RECEIVED: 0, Hop.DECODED: 38_000, Hop.DECIDED: 9_500, Hop.CHECKED: 2_100, Hop.SIGNED: 61_000,
           Hop.WRITTEN: 7_400, Hop.ACKNOWLEDGED: 148_000_000, Hop.FILLED: 4_100_000}  # fmt: skip


def _instrument(venue: Venue, symbol: str, maker_ppm: int, taker_ppm: int) -> DeclaredInstrument:
    known = load_instruments(venue)[symbol]
    return DeclaredInstrument(**msgspec.structs.asdict(known), maker_ppm=maker_ppm, taker_ppm=taker_ppm)


INSTRUMENTS = [
    _instrument(Venue.BINANCE_USDM, "BTCUSDT", 200, 500),
    _instrument(Venue.BINANCE_USDM, "ETHUSDT", 200, 500),
    _instrument(Venue.HYPERLIQUID, "BTC", 150, 450),
    _instrument(Venue.HYPERLIQUID, "ETH", 150, 450),
    _instrument(Venue.BINANCE_SPOT, "USDCUSDT", 1000, 1000),
]
DECLARATION = Declaration(
    instruments=INSTRUMENTS,
    assets=["USDT", "USDC", "BTC", "ETH"],
    asset_marks=[-1, DOLLAR, -2, -2],
    reporting=USDT,
    venues=[
        DeclaredVenue(label="binance_spot"),
        DeclaredVenue(label="binance_usdm", margin=True, collateral=USDT),
        DeclaredVenue(label="binance_coinm"),
        DeclaredVenue(label="hyperliquid", margin=True, collateral=USDC),
    ],
    strategies=["v0", "v1", "v2"],
    pairs=[
        DeclaredPair(name="BTC", a=BTC, b=2 + BTC, step_e8=100_000),
        DeclaredPair(name="ETH", a=ETH, b=2 + ETH, step_e8=100_000),
    ],
)
GRID = [1, 1, 10, 10, 1]
"""Ticks between two legal prices at these levels: Hyperliquid's five significant figures."""
LEVEL_TICKS = [640_000, 300_000, 640_000, 300_000, 10_000]


class Trip(msgspec.Struct, frozen=True):
    """A round trip: in five minutes before `hour` (of the month), out at some time after it, ending at `net_e8`.

    `late_ns`: how long the second leg came after the first. `closes` False leaves it open at the end.
    """

    strategy: int
    pair: int
    hour: int
    net_e8: int
    minutes: int = 10
    late_ns: int = 0
    closes: bool = True


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """What happens: trips at distinct hours, entries that found nobody, the foreign trade, levels that fell."""

    trips: tuple[Trip, ...]
    hours: int = 708
    missed: tuple[tuple[int, int], ...] = ()
    """(strategy, hour) of entries of which no leg was filled."""
    foreign_e8: int = 0
    """What a person's own trade and its funding brought, booked to nobody; 0: there was none."""
    foreign_hours: tuple[int, int] = (0, 0)
    jumps: tuple[tuple[int, int, int], ...] = ()
    """(hour, pair, per mille) by which the market leaps."""
    falls: tuple[tuple[int, int, int], ...] = ()
    """(hour, strategy, level) a person lowered."""
    usdt_e8: int = 4_400 * E8
    usdc_e8: int = 4_416_11000000
    seed: int = 1


def _first_month() -> Month:
    cents = {
        0: (-745,),
        1: (31, -48, 22, -37, -52, 18, -41, 27, -29, -60, 35, -33, -44, -30),
        2: (24, -39, -31),
    }
    hours = iter([52, 75, 98, 119, 143, 167, 190, 214, 238, 261, 262, 383, 407, 431, 456, 480, 503, 527])
    trips = [Trip(0, BTC, next(hours), cents[0][0] * 10**6, minutes=340, late_ns=5 * HOUR)]
    trips += [Trip(1, n % 2, next(hours), net * 10**6) for n, net in enumerate(cents[1])]
    trips += [Trip(2, n % 2, next(hours), net * 10**6) for n, net in enumerate(cents[2])]
    return Month(
        trips=tuple(trips),
        missed=((1, 85), (1, 131), (1, 178), (1, 249), (2, 420), (2, 470), (2, 510)),
        foreign_e8=1_96000000,
        foreign_hours=(270, 349),
        jumps=((53, BTC, 18), (55, BTC, 13)),
        falls=((60, 0, Level.KILLED), (540, 1, Level.CLOSE_ONLY), (541, 2, Level.CLOSE_ONLY)),
    )


class Journal:
    """Collects entries with their times; those of one time stay in the order they were stated."""

    def __init__(self, month: Month) -> None:
        self.month = month
        self.entries: list[tuple[int, bytes]] = []
        self.stamps = bytearray()
        self.orders = self.intents = self.trades = 0
        self._mids: dict[int, list[int]] = {}
        for pair in (BTC, ETH):
            chance = random.Random(month.seed * 2 + pair)
            mid, path = LEVEL_TICKS[pair], []
            leaps = {hour: leap for hour, where, leap in month.jumps if where == pair}
            for hour in range(month.hours + 48):
                mid += chance.randint(-mid // 250, mid // 250) + mid * leaps.get(hour, 0) // 1000
                path.append(mid)
            self._mids[pair] = path
        self._dollar = random.Random(month.seed)

    def say(self, said: Event | Out) -> None:
        entry = encode_event(pack(said)[0]) if isinstance(said, Event) else encode_out(pack_out(said)[0])
        self.entries.append((said.ts, entry))

    def payloads(self, declaration: Declaration = DECLARATION) -> list[bytes]:
        ordered = sorted(self.entries, key=lambda entry: entry[0])
        return [encode_declaration(declaration.to_json()), *(entry for _, entry in ordered)]

    def mid(self, pair: int, ts: int) -> int:
        """The middle of a pair at a time, in ticks of either leg."""
        hour, rest = divmod(ts - START, HOUR)
        path = self._mids[pair]
        return path[hour] + (path[hour + 1] - path[hour]) * rest // HOUR

    def mark(self, ts: int, flat_dollar: bool = False) -> None:
        """A mark of everything. At the ends of the month a USDC is 1 USDT, so that the books close on whole cents."""
        for instrument in range(4):
            middle = self.mid(instrument % 2, ts)
            middle = middle // GRID[instrument] * GRID[instrument]
            wide = GRID[instrument] * (1 + instrument // 2)
            self.say(Marked(ts=ts, instrument=instrument, bid=middle - wide, ask=middle + wide))
        bid = 9_999 if flat_dollar else self._dollar.choice((9_996, 9_997, 9_998, 9_999, 10_000))
        self.say(Marked(ts=ts, instrument=DOLLAR, bid=bid, ask=bid + (2 if flat_dollar else 1)))


def build(month: Month) -> Journal:
    """The month's journal and hop stamps."""
    journal = Journal(month)
    for number, (venue, asset, amount) in enumerate(
        ((Venue.BINANCE_USDM, USDT, month.usdt_e8), (Venue.HYPERLIQUID, USDC, month.usdc_e8)), start=1
    ):
        journal.say(Transfer(ts=START, ts_venue=START, venue=venue, asset=asset, amount_e8=amount, transfer=number))
    for hour in range(month.hours):
        journal.mark(START + hour * HOUR, flat_dollar=hour == 0)
    for trip in month.trips:
        _trip(journal, trip)
    for strategy, hour in month.missed:
        _missed(journal, strategy, hour)
    if month.foreign_e8:
        _foreign(journal)
    _denials(journal)
    for hour, strategy, level in month.falls:
        _fall(journal, START + hour * HOUR, strategy, level)
    end = START + month.hours * HOUR
    journal.say(RunStopped(ts=end, ts_venue=end))
    journal.mark(end, flat_dollar=True)
    return journal


def write_month(folder: Path, month: Month, declaration: Declaration = DECLARATION) -> Path:
    """A run folder as a desk leaves it."""
    folder.mkdir(parents=True)
    journal = build(month)
    with JournalWriter(folder / "journal", segment_bytes=1 << 22) as writer:
        for payload in journal.payloads(declaration):
            writer.append(payload)
    (folder / "latency.bin").write_bytes(journal.stamps)
    facts = {"run": folder.name, "word": "live", "mode": "live", "not_traded": [], "complete": True}
    summary = summarise(folder, facts)
    write_run(folder, summary | {"figures": summary["metrics"]})
    return folder


def _trip(journal: Journal, trip: Trip) -> None:
    """In on both legs, a funding stamp at the hour, out again. What prices cannot hit to the unit, funding does."""
    pair, a, b = trip.pair, trip.pair, 2 + trip.pair
    at = START + trip.hour * HOUR - 5 * MINUTE
    quantity_e8 = 300_000 if pair == BTC else 6_000_000
    sign = 1 if trip.hour % 3 else -1  # +1: buy on a, sell on b
    side_a, side_b = (Side.BUY, Side.SELL) if sign > 0 else (Side.SELL, Side.BUY)
    enter_a = journal.mid(pair, at)
    enter_b = _legal(b, enter_a + sign * enter_a * 16 // 10_000)
    late = at + trip.late_ns
    enter_a_late = _legal(a, journal.mid(pair, late)) if trip.late_ns else enter_a
    intent = _intent(journal, at, trip, Reason.ENTRY, quantity_e8, _edge_e8(pair, quantity_e8, enter_a, enter_b))
    made = _fill(journal, at, trip, b, side_b, quantity_e8, enter_b, intent, parts=1 + trip.hour % 3 % 2)
    if trip.late_ns:
        journal.say(Unhedged(ts=at + SECOND, strategy=trip.strategy, pair=pair, quantity_e8=-sign * quantity_e8))
        _unhedged_alarm(journal, at + SECOND + ALONE_NS, trip)
        hedge = _intent(journal, late, trip, Reason.HEDGE, quantity_e8, 0)
        made += _fill(journal, late, trip, a, side_a, quantity_e8, enter_a_late, hedge, parts=1)
        journal.say(Unhedged(ts=late + SECOND, strategy=trip.strategy, pair=pair, quantity_e8=0))
    else:
        made += _fill(journal, at, trip, a, side_a, quantity_e8, enter_a, intent, parts=1)
    if not trip.closes:
        return
    out = START + trip.hour * HOUR - 5 * MINUTE + trip.minutes * MINUTE
    leave_a = journal.mid(pair, out)
    made += sign * (leave_a - enter_a_late) * _unit(a, quantity_e8)
    made += sign * enter_b * _unit(b, quantity_e8)
    fee = _fee_e8(a, leave_a, quantity_e8)
    # what remains to be lost or gained by the way out of b: -sign * leave_b * unit - its fee
    wanted = trip.net_e8 - made + fee
    leave_b = _legal(b, -sign * wanted // _unit(b, quantity_e8))
    leave_b = _legal(b, -sign * (wanted + _fee_e8(b, leave_b, quantity_e8)) // _unit(b, quantity_e8))
    exit_id = _intent(journal, out, trip, Reason.EXIT_HOLD, quantity_e8, 0)
    _fill(journal, out, trip, a, 1 - side_a, quantity_e8, leave_a, exit_id, parts=1)
    _fill(journal, out, trip, b, 1 - side_b, quantity_e8, leave_b, exit_id, parts=1)
    rest = wanted + sign * leave_b * _unit(b, quantity_e8) + _fee_e8(b, leave_b, quantity_e8)
    _funding(journal, START + trip.hour * HOUR, b, trip.strategy, rest)


def _missed(journal: Journal, strategy: int, hour: int) -> None:
    """An entry whose two orders expire: somebody was faster."""
    at = START + hour * HOUR + 7 * MINUTE
    trip = Trip(strategy, hour % 2, hour, 0)
    mid = journal.mid(trip.pair, at)
    quantity_e8 = 300_000 if trip.pair == BTC else 6_000_000
    edge = _edge_e8(trip.pair, quantity_e8, mid, mid + mid * 11 // 10_000)
    intent = _intent(journal, at, trip, Reason.ENTRY, quantity_e8, edge)
    for instrument, side in ((trip.pair, Side.BUY), (2 + trip.pair, Side.SELL)):
        order, lots = _order(journal, at, trip, instrument, side, quantity_e8, _legal(instrument, mid), intent)
        gone = at + _away_ns(instrument)
        journal.say(OrderExpired(ts=gone + 60_000_000, ts_venue=gone, order=order, lots=lots))


def _foreign(journal: Journal) -> None:
    """A person sells ETH by hand on Hyperliquid, is paid funding for two days, and buys it back."""
    first, last = (START + hour * HOUR + 20 * MINUTE for hour in journal.month.foreign_hours)
    instrument, quantity_e8 = 2 + ETH, 10_000_000
    sold = _legal(instrument, journal.mid(ETH, first))
    bought = sold - 1_400
    for at, side, price in ((first, Side.SELL, sold), (last, Side.BUY, bought)):
        _booked_fill(journal, at, instrument, NOBODY, 0, side, price, quantity_e8)
    made = (sold - bought) * _unit(instrument, quantity_e8)
    made -= _fee_e8(instrument, sold, quantity_e8) + _fee_e8(instrument, bought, quantity_e8)
    stamps = [first + hours * HOUR for hours in (10, 18, 34, 50, 66)]
    rest = journal.month.foreign_e8 - made
    for at in stamps[:-1]:
        _funding(journal, at, instrument, NOBODY, rest // len(stamps))
    _funding(journal, stamps[-1], instrument, NOBODY, rest - rest // len(stamps) * (len(stamps) - 1))


def _unhedged_alarm(journal: Journal, at: int, trip: Trip) -> None:
    numbers = {"reason": Reason.UNHEDGED_TOO_LONG, "value": ALONE_NS, "limit": 10_000_000_000}
    journal.say(
        Transition(
            ts=at,
            strategy=trip.strategy,
            scope=Scope.STRATEGY,
            index=trip.strategy,
            old=Level.ACTIVE,
            new=Level.CLOSE_ONLY,
            **numbers,
        )
    )
    journal.say(Alert(ts=at, strategy=trip.strategy, **numbers))


def _fall(journal: Journal, at: int, strategy: int, level: int) -> None:
    journal.say(OperatorRequest(ts=at, ts_venue=at, scope=Scope.STRATEGY, index=strategy, level=level))
    journal.say(
        Transition(
            ts=at,
            strategy=strategy,
            scope=Scope.STRATEGY,
            index=strategy,
            old=Level.CLOSE_ONLY if level == Level.KILLED else Level.ACTIVE,
            new=level,
            reason=Reason.OPERATOR,
            value=0,
            limit=0,
        )
    )


def _denials(journal: Journal) -> None:
    """What the gate kept from trading: stale and skewed quotes, and entries after the levels fell."""
    for hour in range(3, journal.month.hours, 17):
        at = START + hour * HOUR + 31 * MINUTE
        late = any(hour > fell for fell, _, _ in journal.month.falls)
        kinds = [(Reason.QUOTE_TOO_OLD, 2 + ETH, 1_910_000_000, 1_500_000_000, 1 + hour % 7)]
        if late:
            kinds.append((Reason.LEVEL_FORBIDS_ENTRY, BTC, 1, 2, 3 + hour % 11))
        if hour % 2:
            kinds.append((Reason.QUOTE_SKEW, 2 + BTC, 1_240_000_000, 1_000_000_000, 1))
        for reason, instrument, value, limit, count in kinds:
            journal.say(
                Denial(
                    ts=at,
                    strategy=1 + hour % 2,
                    instrument=instrument,
                    venue=INSTRUMENTS[instrument].venue,
                    pair=instrument % 2,
                    reason=reason,
                    value=value,
                    limit=limit,
                    count=count,
                )
            )


def _intent(journal: Journal, at: int, trip: Trip, reason: Reason, quantity_e8: int, edge_e8: int) -> int:
    journal.intents += 1
    notional = journal.mid(trip.pair, at) * _unit(trip.pair, quantity_e8)
    journal.say(
        Intent(
            ts=at,
            strategy=trip.strategy,
            intent=journal.intents,
            pair=trip.pair,
            reason=reason,
            edge_e8=edge_e8,
            notional_e8=notional,
            quantity_e8=quantity_e8,
            side=0,
        )
    )
    ns = at - START
    for hop, step in HOPS_NS.items():
        ns += step + (step * (journal.intents * 7 % 11) // 20)
        journal.stamps += STAMP.pack(journal.intents, hop, 0, ns)
    return journal.intents


def _order(
    journal: Journal, at: int, trip: Trip, instrument: int, side: int, quantity_e8: int, price: int, intent: int
) -> tuple[int, int]:
    """An order sent and accepted; its id and lots."""
    journal.orders += 1
    lots = quantity_e8 // INSTRUMENTS[instrument].lot_e8
    reach = GRID[instrument] * 8
    journal.say(
        SubmitOrder(
            ts=at,
            strategy=trip.strategy,
            instrument=instrument,
            venue=INSTRUMENTS[instrument].venue,
            side=side,
            tif=0,
            price=price + reach if side == Side.BUY else price - reach,
            lots=lots,
            order=journal.orders,
            intent=intent,
            pair=trip.pair,
            decision=price * lots,
        )
    )
    there = at + _away_ns(instrument)
    journal.say(OrderAccepted(ts=there + 50_000_000, ts_venue=there, order=journal.orders, venue_order=journal.orders))
    return journal.orders, lots


def _fill(
    journal: Journal,
    at: int,
    trip: Trip,
    instrument: int,
    side: int,
    quantity_e8: int,
    price: int,
    intent: int,
    parts: int,
) -> int:
    """An order filled at `price` in equal parts; its fees, as P&L at 1e-8."""
    order, lots = _order(journal, at, trip, instrument, side, quantity_e8, price, intent)
    lot_e8, sign = INSTRUMENTS[instrument].lot_e8, 1 - 2 * side
    slip, wait = GRID[instrument], at + _away_ns(instrument)
    fees = 0
    sizes = [lots // parts] * (parts - 1) + [lots - lots // parts * (parts - 1)]
    for number, size in enumerate(sizes):
        wait += number * 30_000_000
        fees -= _booked_fill(journal, wait, instrument, trip.strategy, order, side, price, size * lot_e8)
        journal.say(
            FillCost(
                ts=wait + 60_000_000,
                strategy=trip.strategy,
                instrument=instrument,
                venue=INSTRUMENTS[instrument].venue,
                side=side,
                order=order,
                trade=journal.trades,
                lots=size,
                decision=(price - 2 * sign * slip) * size,
                arrival=(price - sign * slip) * size,
                intent=intent,
            )
        )
    return fees


def _booked_fill(
    journal: Journal, at: int, instrument: int, strategy: int, order: int, side: int, price: int, quantity_e8: int
) -> int:
    """A fill at the venue at `at`, known 60 ms later; its fee at 1e-8."""
    journal.trades += 1
    fee = _fee_e8(instrument, price, quantity_e8)
    journal.say(
        OrderFilled(
            ts=at + 60_000_000,
            ts_venue=at,
            instrument=instrument,
            venue=INSTRUMENTS[instrument].venue,
            strategy=strategy,
            order=order,
            trade=journal.trades,
            side=side,
            price=price,
            lots=quantity_e8 // INSTRUMENTS[instrument].lot_e8,
            fee_e8=fee,
            fee_asset=_settle(instrument),
        )
    )
    return fee


def _funding(journal: Journal, at: int, instrument: int, strategy: int, amount_e8: int) -> None:
    journal.trades += 1
    journal.say(
        FundingPaid(
            ts=at,
            ts_venue=at,
            instrument=instrument,
            venue=INSTRUMENTS[instrument].venue,
            strategy=strategy,
            asset=_settle(instrument),
            amount_e8=amount_e8,
            payment=journal.trades,
        )
    )


def _settle(instrument: int) -> int:
    return USDT if INSTRUMENTS[instrument].quote == "USDT" else USDC


def _unit(instrument: int, quantity_e8: int) -> int:
    """What one tick of price is worth for a quantity, at 1e-8 of quote; exact on these grids."""
    worth, rest = divmod(INSTRUMENTS[instrument].tick_e8 * quantity_e8, E8)
    assert rest == 0
    return worth


def _fee_e8(instrument: int, price: int, quantity_e8: int) -> int:
    """The taker fee, rounded down to 1e-8."""
    return price * _unit(instrument, quantity_e8) * INSTRUMENTS[instrument].taker_ppm // 10**6


def _edge_e8(pair: int, quantity_e8: int, price_a: int, price_b: int) -> int:
    """What an entry would leave after entry fees."""
    gross = abs(price_b - price_a) * _unit(pair, quantity_e8)
    return gross - _fee_e8(pair, price_a, quantity_e8) - _fee_e8(2 + pair, price_b, quantity_e8)


def _legal(instrument: int, ticks: int) -> int:
    return ticks // GRID[instrument] * GRID[instrument]


def _away_ns(instrument: int) -> int:
    return 4_000_000 if INSTRUMENTS[instrument].venue == Venue.BINANCE_USDM else 130_000_000


FIRST_MONTH = _first_month()
