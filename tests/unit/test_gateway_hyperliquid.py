"""The gateway to Hyperliquid where it is like no other: agents, nonces, fills without names, chains of positions.

What every gateway does is in `tests/contract/test_gateways.py`. The venue is the served one, in virtual time.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from contract.hyperliquid_world import HL, USER_FRAMES, HyperliquidLife, begun, levels, mute

from crossbook.commands import FLAG_FILL_OR_KILL
from crossbook.errors import Refused
from crossbook.events import (
    InstrumentChanged,
    OrderExpired,
    OrderRejected,
    RateBudget,
    Rejection,
)
from crossbook.timestamp import NS_PER_S
from crossbook.types import Level, Side, TimeInForce
from crossbook.venues.endpoints import Environment
from crossbook.venues.gateway_common import TELL_AGAIN_S
from crossbook.venues.hyperliquid.signing import Signature, recover_l1
from crossbook.venues.keys import AgentKey, HmacKey
from crossbook.venues.served.facts import OrderRequest, Wait
from crossbook.venues.served.hyperliquid_ws import Posted

BUY, SELL = Side.BUY, Side.SELL
GTC = TimeInForce.GTC
E8 = 10**8


@pytest.fixture
def life() -> HyperliquidLife:
    return HyperliquidLife()


def agent(life: HyperliquidLife) -> Any:
    (wallet,) = life.host.floor.agents.values()
    return wallet


# the look


def test_the_look_says_who_and_how_we_are(life: HyperliquidLife) -> None:
    report = life.look(leverage_x=7)
    assert report is not None and not life.ear.troubles
    assert report.account.account_id == life.account.address
    assert (report.maker_fee, report.taker_fee) == ("0.00015", "0.00045")
    assert report.leverage == {"BTC": 7, "ETH": 7}
    assert [life.trader().leverage(HL, symbol) for symbol in life.symbols] == [7, 7]
    assert [(one.asset, one.total) for one in report.balances] == [("USDC", "100000.0")]


@pytest.mark.parametrize("reads", ["validUntil", "role"])
def test_an_agent_that_has_expired_ends_the_look(life: HyperliquidLife, reads: str) -> None:
    """Whether the venue still lists it or knows it no more."""
    agent(life).valid_until_ms = life.host.floor.now_ms - 1
    if reads == "validUntil":
        listed = [{"name": "desk", "address": agent(life).address, "validUntil": agent(life).valid_until_ms}]
        life.host.revise = lambda asked, answer: listed if asked["type"] == "extraAgents" else answer
    assert life.look() is None
    name = "agent_expired" if reads == "validUntil" else "agent_unknown"
    assert [(one.name, one.level) for one in life.ear.troubles] == [(name, Level.KILLED)]
    assert not life.host.actions("order")


def test_an_agent_that_soon_expires_is_told_of(life: HyperliquidLife) -> None:
    agent(life).valid_until_ms = life.host.floor.now_ms + 3 * 3_600_000
    assert life.look() is not None
    assert levels(life, "agent_expires_soon") == {Level.ACTIVE} and "2 h" in life.ear.troubles[0].text


def test_a_key_of_somebody_else_ends_the_look(life: HyperliquidLife) -> None:
    assert life.look(account="0x" + "12" * 20) is None
    assert levels(life, "wrong_account") == {Level.KILLED} and life.account.address in life.ear.troubles[0].text
    other = HyperliquidLife()
    assert other.look(key=AgentKey("11" * 32)) is None
    assert levels(other, "agent_unknown") == {Level.KILLED}


def test_the_accounts_own_key_is_never_used(life: HyperliquidLife) -> None:
    assert life.look(key=AgentKey(life.account.private_key)) is None
    assert levels(life, "key_of_account") == {Level.KILLED}
    assert life.account.private_key not in repr(life.ear.troubles)


def test_addresses_of_another_environment_are_not_spoken_to(life: HyperliquidLife) -> None:
    for environment in (Environment.TESTNET, Environment.MAINNET):
        assert life.look(2.0, environment=environment) is None
    assert levels(life, "wrong_environment") == {Level.KILLED} and not life.host.asked


@pytest.mark.parametrize("skew_s", [2, -2])
def test_a_clock_off_by_two_seconds_is_named_and_orders_go_by_the_venues(skew_s: int) -> None:
    life = HyperliquidLife(skew_ns=skew_s * NS_PER_S)
    report = life.look()
    assert report is not None and abs(report.clock_offset_ns - skew_s * NS_PER_S) < 5_000_000
    assert levels(life, "clock_off") == {Level.CLOSE_ONLY}
    life.ear.troubles.clear()
    life.opening = life.truth()[1]
    life.run(11.0)
    life.start()
    assert levels(life, "clock_off") == {Level.CLOSE_ONLY}, "told once more to the desk"
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(2.0)
    assert life.ear.words(order)[:2] == ["Accepted", "Filled"]
    life.assert_true()


def test_a_desk_that_comes_right_after_the_look_hears_of_the_clock_too(life: HyperliquidLife) -> None:
    """Though the same trouble is not told twice within ten seconds: who heard it first was no desk, and let nothing
    fall."""
    life = HyperliquidLife(skew_ns=2 * NS_PER_S)
    assert life.look() is not None
    looked_ns = life.now_ns()
    life.ear.troubles.clear()
    life.start()
    life.run(0.5)
    assert life.now_ns() - looked_ns < TELL_AGAIN_S * NS_PER_S
    assert levels(life, "clock_off") == {Level.CLOSE_ONLY}
    count = len(life.ear.troubles)
    life.run(1.0)
    assert len([one for one in life.ear.troubles[count:] if one.name == "clock_off"]) == 0


def test_an_unknown_symbol_is_named_and_left_out(life: HyperliquidLife) -> None:
    report = life.look(symbols=("BTC", "NOPE"))
    assert report is not None and [one.symbol for one in report.instruments] == ["BTC"]
    assert levels(life, "unknown_symbol") == {Level.ACTIVE} and "NOPE" in life.ear.troubles[0].text


def test_a_closed_market_is_named_and_falls_alone(life: HyperliquidLife) -> None:
    life.served.set_open(HL, "ETH", False)
    assert life.look() is not None
    life.run(11.0)
    life.start()
    assert [(one.level, one.instrument) for one in life.ear.troubles if one.name == "market_closed"] == [
        (Level.ACTIVE, -1), (Level.CLOSE_ONLY, 1),
    ]  # fmt: skip
    assert [(e.instrument, e.tradeable) for e in life.ear.of(InstrumentChanged)] == [(1, 0)]


@pytest.mark.parametrize(("kind", "answer", "name"), [
    ("userAbstraction", "unifiedAccount", "joined_account"),
    ("extraAgents", {"no": "list"}, "unreadable_answer"),
    ("meta", [1], "unreadable_answer"),
])  # fmt: skip
def test_what_the_desk_could_not_reckon_with_ends_the_look(
    life: HyperliquidLife, kind: str, answer: Any, name: str
) -> None:
    life.host.revise = lambda asked, was: answer if asked["type"] == kind else was
    assert life.look() is None and levels(life, name)


def test_a_leverage_beyond_the_venues_ends_the_look(life: HyperliquidLife) -> None:
    assert life.look(leverage_x=60) is None and levels(life, "leverage_not_set") == {Level.CLOSE_ONLY}


def test_what_makes_no_gateway_is_refused(life: HyperliquidLife) -> None:
    for wrong in ({"key": HmacKey("s" * 64)}, {"account": ""}, {"symbols": ()}):
        with pytest.raises(Refused):
            life.make(**wrong)
    with pytest.raises(Refused, match="look before"):
        life.make().start(None, (), lambda: None)  # type: ignore[arg-type]


# orders on the wire


@pytest.mark.parametrize("fast_nonces", [0, 8])
def test_an_order_is_signed_by_the_agent_for_testnet_and_expires(fast_nonces: int) -> None:
    life = begun(fast_nonces=fast_nonces)
    orders = [life.submit(side, life.lots(), life.near(side)) for side in (BUY, SELL) for _ in range(3)]
    life.run(2.0)
    envelopes = life.host.actions("order")
    assert len(envelopes) == len(orders)
    for one in envelopes:
        signature = msgspec.convert(one["signature"], Signature)
        signers = recover_l1(one["action"], one["nonce"], signature, None, one["expiresAfter"])
        assert signers.testnet == life.key.address != signers.mainnet
        assert one["vaultAddress"] is None and one["expiresAfter"] - one["nonce"] <= 3_000
        (wire,) = one["action"]["orders"]
        assert re.fullmatch(r"0x[0-9a-f]{32}", wire["c"]) and len(wire["p"].replace(".", "").strip("0")) <= 5
        assert not wire["p"].endswith(".0")
    nonces = [one["nonce"] for one in envelopes]
    assert nonces == sorted(set(nonces))
    assert all("Filled" in life.ear.words(order) for order in orders)
    life.assert_true()
    life.stop()


def test_a_fill_or_kill_cannot_be_asked_for() -> None:
    life = begun()
    order = life.submit(BUY, life.lots(), life.near(BUY), flags=FLAG_FILL_OR_KILL)
    life.run(0.5)
    assert life.ear.words(order) == ["Rejected"] and not life.host.actions("order")


def test_an_order_that_never_arrived_is_rejected_once_it_cannot_arrive_any_more() -> None:
    life = begun()
    life.host.deaf = lambda body: b'"type":"order"' in body
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(7.5)
    assert life.ear.words(order) == ["Unknown"], "the venue's not knowing it proves nothing yet"
    life.run(10.0)
    assert life.ear.words(order) == ["Unknown", "Rejected"] and not life.heard_fills()
    assert life.ear.about(order)[1].ts - life.ear.about(order)[0].ts > 5 * NS_PER_S
    assert not life.host.actions("order")


def test_an_order_whose_answer_is_lost_is_found_by_its_name_and_never_sent_again() -> None:
    life = begun()
    mute(life, b'{"channel":"post"', *USER_FRAMES)
    filled = life.submit(BUY, life.lots(), life.near(BUY))
    rests = life.submit(BUY, life.lots(1), life.far(BUY, 1), GTC, number=1)
    life.run(15.0)
    assert life.ear.words(filled)[:3] == ["Unknown", "Accepted", "Filled"]
    assert life.ear.words(rests) == ["Unknown", "Accepted"]
    assert len(life.host.actions("order")) == 2
    life.assert_true()


@pytest.mark.parametrize(("words", "name", "level", "reason"), [
    ("User or API Wallet 0x12 does not exist.", "agent_unknown", Level.KILLED, Rejection.OTHER),
    ("L1 error: Vault not registered: 0x12", "vault_unknown", Level.KILLED, Rejection.OTHER),
    ("Action already expired", "expired_on_the_way", Level.ACTIVE, Rejection.OTHER),
    ("Too many cumulative requests sent (2 > 1) for cumulative volume traded $0.", "address_budget_spent",
     Level.ACTIVE, Rejection.TOO_MANY_ORDERS),
    ("Only post-only orders allowed immediately after a network upgrade", "post_only_after_upgrade",
     Level.CLOSE_ONLY, Rejection.NOT_TRADING),
])  # fmt: skip
def test_a_refusal_of_the_whole_action_refuses_its_order(words: str, name: str, level: Level, reason: int) -> None:
    life = begun()
    life.host.rim._act = lambda asked: _refusal(words)  # type: ignore[method-assign]
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(1.0)
    (event,) = life.ear.about(order)
    assert isinstance(event, OrderRejected) and event.reason == reason and levels(life, name) == {level}


@pytest.mark.parametrize("words", ["Invalid nonce: duplicate nonce 5", "Duplicate cloid. asset=0", "something new"])
def test_a_refusal_that_proves_nothing_leaves_the_order_unknown(words: str) -> None:
    life = begun()
    act = life.host.rim._act

    def lie(asked: Any) -> Any:
        act(asked)
        return _refusal(words)

    life.host.rim._act = lie  # type: ignore[method-assign]
    mute(life, *USER_FRAMES)
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(5.0)
    assert life.ear.words(order)[:3] == ["Unknown", "Accepted", "Filled"]
    assert life.ear.troubles and levels(life, life.ear.troubles[0].name) == {Level.ACTIVE}
    life.assert_true()


def test_a_revoked_agent_is_named_and_kills_the_venue() -> None:
    life = begun()
    life.host.floor.agents.clear()
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(1.0)
    assert life.ear.words(order) == ["Rejected"] and levels(life, "agent_unknown") == {Level.KILLED}


def test_a_market_that_closes_and_opens_again() -> None:
    life = begun()
    life.served.set_open(HL, "BTC", False)
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(3.0)
    assert isinstance(life.ear.about(order)[-1], OrderRejected | OrderExpired) and not life.heard_fills()
    assert [(e.instrument, e.tradeable) for e in life.ear.of(InstrumentChanged)] == [(0, 0)]
    assert {(one.level, one.instrument) for one in life.ear.troubles if one.name == "market_closed"} == {
        (Level.CLOSE_ONLY, 0)
    }
    life.served.set_open(HL, "BTC", True)
    life.hyperliquid._rules.soon()
    life.run(3.0)
    assert [(e.instrument, e.tradeable) for e in life.ear.of(InstrumentChanged)] == [(0, 0), (0, 1)]


def test_our_budget_of_the_address_refuses_before_anything_is_sent() -> None:
    life = begun()
    life.hyperliquid._ground.address.reported(10_000, 9_800)
    order = life.submit(BUY, life.lots(), life.near(BUY))
    life.run(1.5)
    assert life.ear.words(order) == ["Rejected"] and levels(life, "held_back") == {Level.ACTIVE}
    assert not life.host.actions("order")
    told = life.ear.of(RateBudget)
    assert told and (told[-1].left, told[-1].whole) == (200, 10_000)


def test_many_orders_at_once_go_by_both_ways() -> None:
    """What the socket could not take at once goes over REST: no order waits in a queue of ours."""
    life = begun()
    orders = [life.submit(BUY, life.lots(), life.far(BUY), GTC) for _ in range(40)]
    life.run(1.0)
    assert all(life.ear.words(order) == ["Accepted"] for order in orders) and life.open_orders() == 40
    life.cancel_all()
    life.run(3.0)
    assert life.open_orders() == 0
    cancels = life.host.actions("cancelByCloid")
    assert max(len(one["action"]["cancels"]) for one in cancels) == 40
    assert all("Canceled" in life.ear.words(order) for order in orders)


def test_cancel_all_takes_back_what_is_not_ours_too() -> None:
    life = begun()
    trader = life.trader()
    for number in range(45):
        trader.submit(
            OrderRequest(venue=HL, symbol="BTC", side=BUY, quantity_e8=E8 // 100, price_e8=(50_000 + number) * E8,
                         wait=Wait.GTC)
        )  # fmt: skip
    life.cancel_all()
    life.run(8.0)
    assert life.open_orders() == 0


def test_the_dead_mans_switch_is_wound_up_while_orders_rest() -> None:
    life = begun()
    order = life.submit(BUY, life.lots(), life.far(BUY), GTC)
    life.run(50.0)
    armed = life.host.actions("scheduleCancel")
    assert len(armed) == 3 and all(one["action"]["time"] - one["nonce"] > 59_000 for one in armed)
    life.cancel(order)
    life.run(2.0)
    assert "time" not in life.host.actions("scheduleCancel")[-1]["action"]
    life.run(30.0)
    assert len(life.host.actions("scheduleCancel")) == 4


def test_a_switch_that_is_not_permitted_is_told_of_once() -> None:
    life = begun()
    act = life.host.rim._act
    words = "Cannot set scheduled cancel time until enough volume traded. Required: $1000000. Traded: $0."

    def refuse(asked: Any) -> Any:
        return _refusal(words) if asked[0].action["type"] == "scheduleCancel" else act(asked)

    life.host.rim._act = refuse  # type: ignore[method-assign]
    life.submit(BUY, life.lots(), life.far(BUY), GTC)
    life.run(60.0)
    assert [one.name for one in life.ear.troubles] == ["no_dead_mans_switch"]
    assert len(life.host.actions("scheduleCancel")) == 1


def test_what_the_switch_canceled_is_our_wish() -> None:
    life = begun()
    order = life.submit(BUY, life.lots(), life.far(BUY), GTC)
    life.run(1.0)
    life.host.deaf = lambda body: b"scheduleCancel" in body
    life.run(75.0)
    assert life.ear.words(order) == ["Accepted", "Canceled"]


def test_a_gateway_never_shows_its_key(capsys: pytest.CaptureFixture[str]) -> None:
    life = begun(fast_nonces=4)
    life.submit(BUY, life.lots(), life.near(BUY))
    life.run(1.0)
    secret = life.account.agents[0].private_key.removeprefix("0x")
    assert secret not in repr(vars(life.hyperliquid)) + repr(vars(life.hyperliquid._ground))
    assert secret not in repr(life.ear.troubles) + repr(life.ear.events) + capsys.readouterr().out


def _refusal(words: str) -> Posted:
    return Posted(status=200, payload={"status": "err", "response": words})


def test_what_a_start_asks_leaves_enough_of_the_budget_to_trade() -> None:
    """Below a fifth the desk would hold entries."""
    life = HyperliquidLife()
    life.begin(leverage_x=5)
    life.run(0.2)
    report = life.hyperliquid._ground.budgets.report(life.world.clock.monotonic_ns())
    assert report.left * 3 > report.whole
    assert all(told.left * 5 > told.whole for told in life.ear.of(RateBudget))
