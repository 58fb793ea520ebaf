"""What the gateway to Hyperliquid tells of fills, money and market: each once and none missing, whoever says it."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from contract.hyperliquid_world import HL, USER_FRAMES, HyperliquidLife, begun, levels, mute

from crossbook.events import (
    ForcedClose,
    FundingPaid,
    OrderFilled,
    OrderReport,
    OrderUnknown,
    PositionReport,
    StreamDown,
    Transfer,
)
from crossbook.sim.world_faults import Faults
from crossbook.timestamp import NS_PER_S
from crossbook.types import Level, Side, TimeInForce
from crossbook.venues.served.facts import OrderRequest, Wait

BUY, SELL = Side.BUY, Side.SELL
GTC = TimeInForce.GTC
E8 = 10**8


# fills


def test_a_fill_without_a_name_is_told_once_it_is_known_whose_it_is() -> None:
    """The venue's own documents have fills without our ids: they may come before anything else about the order."""
    life = begun()

    def nameless(frame: bytes) -> bytes | None:
        if frame.startswith((b'{"channel":"post"', b'{"channel":"orderUpdates"')):
            return None
        return re.sub(rb',"cloid":"0x[0-9a-f]+"', b"", frame) if frame.startswith(USER_FRAMES) else frame

    life.host.say = nameless
    life.host.revise = lambda asked, answer: (
        [{k: v for k, v in fill.items() if k != "cloid"} for fill in answer]
        if asked["type"] == "userFillsByTime"
        else answer
    )
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(2.0)
    assert life.ear.words(order)[:2] == ["Accepted", "Filled"]
    theirs = life.trader().submit(
        OrderRequest(venue=HL, symbol="BTC", side=SELL, quantity_e8=E8 // 100, price_e8=50_000 * E8, wait=Wait.IOC)
    )
    life.run(2.0)
    assert theirs.fills and {e.strategy for e in life.ear.of(OrderFilled) if e.order == 0} == {-1}
    assert levels(life, "foreign_trade") == {Level.CLOSE_ONLY}
    life.assert_true()


def test_two_matches_of_the_same_two_orders_are_two_fills() -> None:
    """`tid` is a hash of the two orders: it does not tell their matches apart."""
    life = begun()

    def doubled(body: bytes) -> bytes:
        found = msgspec.json.decode(body)
        fills = found["data"].get("fills") if isinstance(found["data"], dict) else None
        for fill in fills or ():
            fill["tid"] = 77
        return msgspec.json.encode(found)

    life.host.say = lambda frame: doubled(frame) if frame.startswith(USER_FRAMES[:2]) else frame
    lots = sum(size for _, size in life.served.book(HL, "BTC").asks[:8]) // life.instrument().lot_e8
    order = life.submit(BUY, lots, life.near(BUY))
    life.run(1.0)
    fills = [event for event in life.ear.about(order) if isinstance(event, OrderFilled)]
    assert len(fills) > 1 and sum(fill.lots for fill in fills) == lots
    assert [fill.trade % 2**50 for fill in fills] == [77] * len(fills) and len({f.trade for f in fills}) == len(fills)


def test_a_fill_that_was_lost_is_missed_and_fetched() -> None:
    life = begun()
    mute(life, *USER_FRAMES)
    life.host.deaf = lambda body: b"userFillsByTime" in body or b"orderStatus" in body
    lost = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(0.5)
    assert "Filled" not in life.ear.words(lost)
    life.host.say, life.host.deaf = lambda frame: frame, lambda body: False
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(0.05)
    life.run(8.0)
    assert "Filled" in life.ear.words(lost) and "Filled" in life.ear.words(order)
    assert all(one.level is Level.ACTIVE for one in life.ear.troubles)
    life.assert_true()


def test_a_fill_that_the_venue_does_not_tell_breaks_the_chain() -> None:
    """Somebody traded, no stream and no query says it: the next fill does not begin where ours ended."""
    life = begun()
    mute(life, *USER_FRAMES)
    theirs = life.trader().submit(
        OrderRequest(venue=HL, symbol="BTC", side=BUY, quantity_e8=E8 // 100, price_e8=90_000 * E8, wait=Wait.IOC)
    )
    hidden = {fill.trade_id for fill in theirs.fills}
    life.run(0.5)
    life.host.say = lambda frame: frame
    life.host.revise = lambda asked, answer: (
        [fill for fill in answer if fill["tid"] not in hidden] if asked["type"] == "userFillsByTime" else answer
    )
    life.submit(SELL, life.lots(), life.near(SELL))
    life.run(6.0)
    assert [(one.level, one.instrument) for one in life.ear.troubles if one.name == "position_chain_broken"] == [
        (Level.CLOSE_ONLY, 0)
    ]
    held = {e.instrument: e.lots for e in life.ear.of(PositionReport)}
    assert held[0] != sum((1 - 2 * e.side) * e.lots for e in life.ear.of(OrderFilled)), "and the report shows it"
    assert life.ear.of(OrderReport)
    life.submit(SELL, life.lots(), life.near(SELL))
    life.run(6.0)
    assert sum(one.name == "position_chain_broken" for one in life.ear.troubles) == 1, "it begins anew from there"


@pytest.mark.parametrize("seed", range(4))
def test_frames_that_come_in_another_order_break_no_chain(seed: int) -> None:
    life = HyperliquidLife(seed=seed)
    life.begin()
    life.world.network.faults = Faults(reorder=400_000, duplicate=200_000, jitter_ns=20_000_000)
    for number in range(20):
        side = (BUY, SELL)[number % 2]
        life.submit(side, life.lots() * (1 + number % 3), life.near(side))
        life.run(0.3)
    life.world.stop_faults()
    life.run(10.0)
    assert not levels(life, "position_chain_broken")
    life.assert_true()


# the account


def test_money_that_comes_and_goes_is_told_once() -> None:
    life = begun()
    life.trader().transfer(HL, "USDC", 1_234 * E8 + 5)
    life.trader().transfer(HL, "USDC", -234 * E8)
    life.run(1.0)
    life.host.cut()
    life.run(20.0)
    assert [e.amount_e8 for e in life.ear.of(Transfer)] == [1_234 * E8 + 5, -234 * E8]
    life.assert_true()


def test_funding_is_told_once_by_whatever_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    hour = 3_600 * NS_PER_S
    monkeypatch.setattr("crossbook.sim.world.START_NS", 500_000 * hour - 10 * NS_PER_S)
    life = begun()
    life.submit(BUY, life.lots(), life.near(BUY))
    life.submit(SELL, life.lots(1), life.near(SELL, 1), number=1)
    life.run(20.0)
    paid = life.ear.of(FundingPaid)
    assert {e.instrument for e in paid} == {0, 1} and len(paid) == 2
    life.host.cut()
    life.run(20.0)
    assert len(life.ear.of(FundingPaid)) == 2
    life.assert_true()


def test_a_liquidation_is_a_forced_close_and_kills() -> None:
    life = begun(leverage_x=20)
    order = life.submit(BUY, life.lots(value_e8=900_000 * E8), life.near(BUY))
    life.run(1.0)
    assert "Filled" in life.ear.words(order)
    life.trader().transfer(HL, "USDC", -98_000 * E8)
    life.run(5.0)
    assert life.ear.of(ForcedClose) and levels(life, "forced_close") == {Level.KILLED}
    life.assert_true()


# the market


def test_a_rotation_has_no_seam() -> None:
    life = begun()
    life.submit(BUY, life.lots(), life.far(BUY), GTC)
    prints: list[tuple[int, int]] = []
    stamps: list[int] = []

    def note(rows: Any) -> None:
        stamps.append(int(rows["ts"][0]))
        if rows["kind"][0] == 4:
            prints.extend(zip(rows["instrument"].tolist(), rows["id"].tolist(), strict=True))

    life.ear.on_frame = note
    life.hyperliquid._wire.rotate("told to")
    life.run(30.0)
    assert life.hyperliquid._wire._session.rotations == 1
    assert len(prints) == len(set(prints)) and stamps == sorted(stamps)
    assert len(life.ear.of(StreamDown)) == 1 and not life.ear.of(OrderUnknown)
    life.submit(SELL, life.lots(), life.near(SELL))
    life.run(1.0)
    life.assert_true()


def test_a_stream_that_goes_silent_is_down_though_the_socket_lives() -> None:
    life = begun()
    life.host.say = lambda frame: None if frame.startswith(b'{"channel":"l2Book","data":{"coin":"ETH"') else frame
    life.run(70.0)
    assert len(life.ear.of(StreamDown)) == 2 and life.ear.frames > 100
    life.host.say = lambda frame: frame
    life.run(70.0)
    assert type(life.ear.of(StreamDown)[-1]) is StreamDown and not life.hyperliquid._ground.flow.causes


def test_mark_prices_are_on_our_clock() -> None:
    life = begun()
    marks: list[Any] = []
    life.ear.on_frame = lambda rows: marks.append(rows[0].copy()) if rows["kind"][0] == 6 else None
    life.run(3.0)
    hour = 3_600 * NS_PER_S
    for row in marks:
        told = life.served.mark(HL, life.symbols[int(row["instrument"])])
        assert abs(int(row["price"]) - told.mark_e8) < told.mark_e8 // 100 and int(row["lots"]) == told.rate_e8
        assert 0 < int(row["id"]) - life.world.venue_ns() <= hour
        assert abs((int(row["id"]) + NS_PER_S // 2) % hour - NS_PER_S // 2) < 10_000_000
    assert {int(row["instrument"]) for row in marks} == {0, 1}
