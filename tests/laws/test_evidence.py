"""A change of level stands on entries that give its numbers again, to the digit, whatever lowered it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import control_material as three
import desk_material as make
import pytest
from desk_material import HYPER, INSTRUMENTS, MS, SPOT, T0, USD, USDM, S
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbook.commands import OutKind, Reason
from crossbook.desk.alerts import alert_line
from crossbook.desk.wire import wire
from crossbook.errors import Corrupt
from crossbook.events import (
    Event,
    ForcedClose,
    FundingPaid,
    OperatorRequest,
    OrderAccepted,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderUnknown,
    PositionReport,
    Restricted,
    StreamDown,
    StreamUp,
    Transfer,
)
from crossbook.ledger.entries import OUT_TAG, decode_out, encode_declaration, encode_event, encode_outs, encode_text
from crossbook.ledger.evidence import TRIPS, Fall, falls_of
from crossbook.report import levels
from crossbook.rules.rows import pack
from crossbook.types import Level, Scope

FEW = settings(max_examples=10)
LOSSES = (Reason.DAILY_LOSS, Reason.WEEKLY_LOSS, Reason.DRAWDOWN)
COUNTED = (Reason.TOO_MANY_REJECTS, Reason.UNKNOWN_ORDERS, Reason.ARBS_TOO_MANY, Reason.HELD_TOO_OFTEN)
VENUE_OF = [int(one.venue) for one in INSTRUMENTS]


class Scribe:
    """A desk and its journal: every event that is not of the market, and every answer."""

    def __init__(self, text: str = make.CONFIG, **limits: Any) -> None:
        bundle = wire(make.config(text, **limits), make.tape_of(make.opening()))
        self.engine, self.s = bundle.engine, bundle.engine.desk[0]
        self.s.strategies[1].pairs = 0
        self.declaration = bundle.declaration
        self.entries = [encode_declaration(bundle.declaration.to_json())]
        for transfer in bundle.transfers:
            self.tell(transfer)
        for frame in make.opening():
            self.show(frame)

    def tell(self, event: Event, words: dict[str, Any] | None = None) -> None:
        if words is not None:
            self.entries.append(encode_text(words))
        rows = pack(event)
        rows.flags.writeable = False
        self.entries.append(encode_event(rows[0]))
        self.entries += encode_outs(self.engine.step_rows(rows))

    def show(self, frame: Any) -> None:
        frame.flags.writeable = False
        self.entries += encode_outs(self.engine.step_rows(frame))

    def falls(self) -> list[Fall]:
        return falls_of(enumerate(self.entries, start=1))

    def only(self, reason: Reason) -> Fall:
        """The one fall that there was."""
        (fall,) = self.falls()
        assert fall.row.reason == reason
        check(fall, self.entries)
        return fall

    def orders(self) -> list[Any]:
        """What the venues may still fill."""
        return [one for one in self.s.orders if 1 <= one.status <= 3]


def check(fall: Fall, entries: list[bytes]) -> None:
    """It is that entry's; what it stands on comes before it, and gives its numbers."""
    row = decode_out(entries[fall.sequence - 1])
    assert row == fall.row and row.kind == OutKind.TRANSITION
    assert all(0 < one.sequence < fall.sequence and one.ts <= row.ts for one in fall.stands)
    assert fall.holds, (Reason(row.reason).name, row.value, fall.again, row.limit, fall.limit_again)
    assert fall.stands
    parts = [one.amount for one in fall.stands if one.amount is not None]
    if row.reason in COUNTED:
        assert len(fall.stands) == sum(parts) == row.value and set(parts) == {1}
    elif row.reason in LOSSES:
        assert sum(parts) == fall.again
    elif row.reason == Reason.STRATEGY_LOSES:
        assert len(parts) == TRIPS and sum(parts) // TRIPS == fall.again


@FEW
@given(st.integers(0, 10**6), st.sampled_from(["0.001", "0.003", "0.01"]))
def test_losses_are_told_again_to_the_digit(tmp_path_factory: pytest.TempPathFactory, seed: int, part: str) -> None:
    """Three versions on one account trade until they have lost a little; some of their capital is coin and USDC."""
    limits = {"daily_close_pct": part, "daily_kill_pct": "0.02", "weekly_kill_pct": "0.03", "drawdown_kill_pct": "0.03"}
    config = three.three(orders_per_min_max=120, **{name: Decimal(text) for name, text in limits.items()})
    run = make.run(config, three.market(seed, 700, 60), tmp_path_factory.mktemp("run"))
    falls = falls_of(enumerate(run.entries, start=1))
    for fall in falls:
        check(fall, run.entries)
    told = [
        n
        for n, entry in enumerate(run.entries, 1)
        if entry[0] == OUT_TAG and decode_out(entry).kind == OutKind.TRANSITION
    ]
    assert [fall.sequence for fall in falls] == told
    for fall in falls:
        if fall.row.reason in LOSSES:
            assert fall.exact and fall.residual == 0 and fall.limit_again == fall.row.limit


@FEW
@given(st.integers(0, 10**6))
def test_a_strategy_that_loses_is_told_trip_by_trip(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Where coin or USDC had its part, the price of a fill's moment is not in the journal, and the number is near."""
    config = three.three(orders_per_min_max=120, arbs_per_h_max=40, daily_close_pct=Decimal(1))
    run = make.run(config, three.market(seed, 2_500, 60), tmp_path_factory.mktemp("run"))
    falls = falls_of(enumerate(run.entries, start=1))
    for fall in falls:
        check(fall, run.entries)
        if fall.row.reason == Reason.STRATEGY_LOSES:
            assert fall.residual is not None and fall.residual <= abs(fall.row.value) // 100 + 1


def wish(number: int, level: int = int(Level.CLOSE_ONLY)) -> OperatorRequest:
    return OperatorRequest(ts=T0 + S, ts_venue=T0, scope=int(Scope.STRATEGY), index=0, level=level, request=number)


def test_a_persons_words_stand_beside_what_he_asked() -> None:
    scribe = Scribe()
    for number, (level, why) in enumerate(((Level.CLOSE_ONLY, "look at it"), (Level.KILLED, "enough")), start=1):
        words = {"request": number, "frames": 4, "ts": T0 + S, "reason": why, "who": "ann", "wish": "lower"}
        scribe.tell(wish(number, int(level)), words)
    first, second = scribe.falls()
    for fall, why in ((first, "look at it"), (second, "enough")):
        check(fall, scribe.entries)
        assert fall.words["reason"] == why and fall.words["who"] == "ann"
        assert (
            [one.sequence for one in fall.stands]
            == [fall.request - 1, fall.request]
            == [fall.sequence - 2, fall.sequence - 1]
        )


def enter(scribe: Scribe, ts: int = T0 + 10 * MS) -> list[Any]:
    """An edge is shown; the orders that left."""
    scribe.show(make.book(ts, SPOT, 60_000))
    scribe.show(make.book(ts, USDM, 60_200))
    return scribe.orders()


def fill(scribe: Scribe, order: Any, ts: int, trade: int = 1, fee_e8: int | None = None) -> None:
    i = int(order.instrument)
    worth = int(order.price) * int(order.lots) * int(scribe.s.instruments[i].factor)
    due = -(-worth * int(scribe.s.instruments[i].taker_ppm) // 10**6)
    coin = i == SPOT and order.side == 0
    if coin:
        due = -(-int(order.lots) * INSTRUMENTS[i].lot_e8 * int(scribe.s.instruments[i].taker_ppm) // 10**6)
    asset = int(scribe.s.instruments[i].base) if coin else int(scribe.s.instruments[i].settle)
    scribe.tell(
        OrderFilled(ts=ts, ts_venue=ts, instrument=i, venue=VENUE_OF[i], strategy=int(order.strategy),
                    order=int(order.id), trade=trade, side=int(order.side), price=int(order.price),
                    lots=int(order.lots), fee_e8=due if fee_e8 is None else fee_e8, fee_asset=asset)
    )  # fmt: skip


def test_rejections_of_the_minute() -> None:
    scribe = Scribe(rejects_per_min_max=2, rejects_max=10)
    for order in enter(scribe):
        scribe.tell(OrderRejected(ts=T0 + 20 * MS, ts_venue=T0, order=int(order.id), reason=1))
    assert scribe.only(Reason.TOO_MANY_REJECTS).again == 2


def test_orders_of_which_nothing_is_known() -> None:
    scribe = Scribe()
    first, second = (int(order.id) for order in enter(scribe))
    for order in (first, second):
        if order == second:
            scribe.tell(OrderAccepted(ts=T0 + 20 * MS, ts_venue=T0, order=first, venue_order=7))
            scribe.tell(OrderUnknown(ts=T0 + 21 * MS, ts_venue=T0, order=first))
        scribe.tell(OrderUnknown(ts=T0 + 22 * MS, ts_venue=T0, order=order))
    fall = scribe.only(Reason.UNKNOWN_ORDERS)
    assert [one.what for one in fall.stands] == [f"order {first} unknown", f"order {second} unknown"]


def test_a_days_entries() -> None:
    scribe = Scribe(arbs_per_day_max=1)
    for order in enter(scribe):
        scribe.tell(OrderExpired(ts=T0 + 20 * MS, ts_venue=T0, order=int(order.id), lots=0))
    scribe.tell(StreamUp(ts=T0 + 2 * S, ts_venue=T0, venue=3))
    assert scribe.only(Reason.ARBS_TOO_MANY).stands[0].what == "entry into A"


def test_holds_of_one_kind_within_an_hour() -> None:
    """The first is too long ago, and one of another kind is none of them."""
    scribe = Scribe(holds_per_h_max=2, stale_s_max=10)
    for minutes in (0, 61, 62):
        for event in (StreamDown, StreamUp):
            ts = T0 + minutes * 60 * S + (event is StreamUp)
            scribe.tell(event(ts=ts, ts_venue=ts, venue=3))
    falls = [fall for fall in scribe.falls() if fall.row.order == HYPER]
    assert {fall.row.reason for fall in falls} == {Reason.HELD_TOO_OFTEN}
    check(falls[-1], scribe.entries)
    assert all("stream down" in one.what for one in falls[-1].stands)


def test_what_a_venue_says() -> None:
    scribe = Scribe()
    at = {"ts": T0 + S, "ts_venue": T0}
    scribe.tell(ForcedClose(**at, instrument=HYPER, venue=3, strategy=0, order=0, trade=9, side=0,
                            price=60_000 * USD[HYPER], lots=3, fee_e8=0, fee_asset=0))  # fmt: skip
    scribe.tell(PositionReport(**at, instrument=USDM, lots=2))
    scribe.tell(Restricted(**at, venue=3, level=int(Level.CLOSE_ONLY)), {"error": "no permission", "ts": T0 + S})
    forced, position, restricted = scribe.falls()
    for fall in (forced, position, restricted):
        check(fall, scribe.entries)
    assert (forced.again, position.again, position.limit_again) == (3, 2, 0)
    assert [one.what for one in position.stands] == ["position report", "break in binance_usdm:BTCUSDT"]
    assert restricted.words["error"] == "no permission"
    assert levels.numbers(restricted) == "", "a venue's word names a level and has no limit"
    line = alert_line(scribe.entries[restricted.sequence - 1], scribe.declaration)
    assert line is not None and line.endswith("venue:hyperliquid: ACTIVE -> CLOSE_ONLY: restricted")
    assert levels.numbers(position) == "2 against 0"


@pytest.mark.parametrize("off", [-3_000, 0, 5_000_000])
def test_another_fee_than_the_schedules(off: int) -> None:
    scribe = Scribe(fee_off_pct_max=Decimal("0.000001"))
    order = next(one for one in enter(scribe) if one.instrument == USDM)
    worth = int(order.price) * int(order.lots) * int(scribe.s.instruments[USDM].factor)
    due = -(-worth * int(scribe.s.instruments[USDM].taker_ppm) // 10**6)
    fill(scribe, order, T0 + 20 * MS, fee_e8=due + off)
    if not off:
        assert scribe.falls() == []
        return
    fall = scribe.only(Reason.FEE_DIFFERS)
    assert (fall.again, fall.limit_again) == (due + off, due)


@pytest.mark.parametrize("lone_ms", [10_500, 12_000])
def test_how_long_a_leg_was_alone(lone_ms: int) -> None:
    """No order comes back but the first, so nothing mends it."""
    scribe = Scribe(hedge_retries=0)
    spot, other = sorted(enter(scribe), key=lambda one: int(one.instrument))
    scribe.tell(OrderExpired(ts=T0 + 20 * MS, ts_venue=T0, order=int(other.id), lots=int(other.lots)))
    fill(scribe, spot, T0 + 30 * MS)
    lost = {int(order.id) for order in scribe.orders()}
    ts = T0 + 30 * MS
    while not scribe.falls() and ts < T0 + 60 * S:
        ts += lone_ms * MS
        for frame in (make.book(ts, SPOT, 60_000), make.book(ts, USDM, 60_000)):
            scribe.show(frame)
        for order in scribe.orders():
            scribe.tell(OrderExpired(ts=ts, ts_venue=ts, order=int(order.id), lots=int(order.lots)))
    assert lost
    fall = scribe.only(Reason.UNHEDGED_TOO_LONG)
    assert fall.again == fall.row.value == fall.row.ts - (T0 + 30 * MS)
    assert [one.what.partition(" apart by ")[0] for one in fall.stands] == ["legs of A"]


def test_a_leg_that_is_too_large_alone_names_its_note() -> None:
    scribe = Scribe(unhedged_usd_max=1)
    spot, other = sorted(enter(scribe), key=lambda one: int(one.instrument))
    scribe.tell(OrderExpired(ts=T0 + 20 * MS, ts_venue=T0, order=int(other.id), lots=int(other.lots)))
    fill(scribe, spot, T0 + 30 * MS)
    fall = scribe.only(Reason.UNHEDGED_TOO_LARGE)
    assert fall.residual is None and len(fall.stands) == 1


@FEW
@given(st.lists(st.integers(-3 * 10**8, 3 * 10**8), min_size=1, max_size=6))
def test_money_that_nobody_caused_is_summed(amounts: list[int]) -> None:
    scribe = Scribe()
    for number, amount in enumerate(amounts, start=1):
        ts = T0 + number * S
        scribe.tell(FundingPaid(ts=ts, ts_venue=ts, instrument=USDM, venue=1, strategy=-1, asset=0, payment=number,
                                amount_e8=amount))  # fmt: skip
    scribe.tell(StreamUp(ts=T0 + 20 * S, ts_venue=T0, venue=3))
    falls = [fall for fall in scribe.falls() if fall.row.reason == Reason.UNATTRIBUTED]
    for fall in falls:
        check(fall, scribe.entries)
        assert fall.exact and fall.residual == 0
    if abs(sum(amounts)) > 5 * 10**8:
        assert falls


def test_money_that_comes_or_goes_is_no_loss() -> None:
    """The day's start moves along with it."""
    scribe = Scribe(stale_s_max=10)
    at = {"ts": T0 + 2 * S, "ts_venue": T0}
    scribe.tell(StreamUp(ts=T0 + S, ts_venue=T0, venue=3))
    scribe.tell(Transfer(**at, venue=1, asset=0, amount_e8=-1_000 * 10**8, transfer=77))
    scribe.tell(FundingPaid(**at, instrument=USDM, venue=1, strategy=0, asset=0, payment=1, amount_e8=-80 * 10**8))
    scribe.tell(StreamUp(ts=T0 + 4 * S, ts_venue=T0, venue=3))
    for fall in (falls := scribe.falls()):
        check(fall, scribe.entries)
    assert [fall.row.reason for fall in falls] == [Reason.DAILY_LOSS]
    assert [one.amount for one in falls[0].stands if one.what == "money from outside"] == [-1_000 * 10**8]
    assert [one.amount for one in falls[0].stands if one.what.startswith("funding")] == [80 * 10**8]


def test_a_number_that_its_entries_do_not_give_is_found() -> None:
    scribe = Scribe()
    scribe.tell(PositionReport(ts=T0 + S, ts_venue=T0, instrument=USDM, lots=2))
    changed = [entry.replace((2).to_bytes(8, "little"), (3).to_bytes(8, "little")) if entry[0] == OUT_TAG
               and decode_out(entry).kind == OutKind.TRANSITION else entry for entry in scribe.entries]  # fmt: skip
    (fall,) = falls_of(enumerate(changed, start=1))
    assert not fall.holds and fall.residual == 1
    with pytest.raises(Corrupt, match="does not begin"):
        falls_of(enumerate(scribe.entries[1:], start=1))
