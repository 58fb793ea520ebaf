"""Rate limits of the served venues: windows, bans, the address budget."""

from hypothesis import given
from hypothesis import strategies as st

from crossbook.money import E8
from crossbook.timestamp import NS_PER_S
from crossbook.types import Venue
from crossbook.venues.served.limits import BANNED, OK, TOO_MANY, Limits, Rules, Window

SPOT, USDM, HL = Venue.BINANCE_SPOT, Venue.BINANCE_USDM, Venue.HYPERLIQUID
MINUTE = 60 * NS_PER_S
NOW = 1_772_466_900 * NS_PER_S


@given(st.lists(st.tuples(st.integers(0, 20 * NS_PER_S), st.integers(1, 900)), min_size=1, max_size=60))
def test_no_more_than_the_limit_is_let_through_in_a_minute(asked: list[tuple[int, int]]) -> None:
    limits, now = Limits(), NOW
    let: dict[int, int] = {}
    for after, weight in asked:
        now += after
        verdict = limits.weigh(USDM, "ip", weight, now)
        if verdict.ok:
            let[now // MINUTE] = let.get(now // MINUTE, 0) + weight
        elif verdict.status == TOO_MANY:
            assert verdict.until_ns == (now // MINUTE + 1) * MINUTE == now + verdict.retry_after_ns
            assert 1 <= verdict.retry_after_s <= 60
    assert all(used <= 2_400 for used in let.values())


def test_who_goes_on_after_429_is_banned_and_longer_every_time() -> None:
    limits = Limits({SPOT: Rules(weight=Window(name="1M", every_ns=MINUTE, most=10), after_429=2)})
    now, lengths = NOW, []
    for _ in range(3):
        seen = [limits.weigh(SPOT, "ip", 10, now).status for _ in range(5)]
        assert seen == [OK, TOO_MANY, TOO_MANY, BANNED, BANNED]
        verdict = limits.weigh(SPOT, "ip", 1, now + NS_PER_S)
        assert verdict.status == BANNED and verdict.until_ns == now + NS_PER_S + verdict.retry_after_ns
        lengths.append(verdict.until_ns - now)
        now = verdict.until_ns
    assert lengths == [120 * NS_PER_S, 240 * NS_PER_S, 480 * NS_PER_S]
    assert limits.weigh(SPOT, "other", 10, NOW).ok


def test_weight_is_told_and_given_back() -> None:
    limits = Limits()
    assert limits.weigh(SPOT, "ip", 5, NOW).counts == {"1M": 5}
    limits.give_back(SPOT, "ip", 3, NOW)
    assert limits.weight_used(SPOT, "ip", NOW) == 2 and limits.weight_used(SPOT, "ip", NOW + MINUTE) == 0
    assert limits.weight_used(USDM, "ip", NOW) == 0


def test_orders_count_in_every_window_or_in_none() -> None:
    limits = Limits()
    for _ in range(100):
        assert limits.order(SPOT, "a", NOW).ok
    refused = limits.order(SPOT, "a", NOW)
    assert refused.status == TOO_MANY and refused.window is not None and refused.window.name == "10S"
    assert limits.order_counts(SPOT, "a", NOW) == {"10S": 100, "1D": 100} == refused.counts
    limits.order_filled(SPOT, "a", NOW)
    assert limits.order(SPOT, "a", NOW).ok and limits.order(SPOT, "b", NOW).ok
    assert limits.order(SPOT, "a", NOW + 10 * NS_PER_S).counts == {"10S": 1, "1D": 101}
    assert limits.order(USDM, "a", NOW, 300).ok and not limits.order(USDM, "a", NOW, 1).ok


def test_an_address_acts_as_much_as_it_trades_then_once_in_ten_seconds() -> None:
    limits = Limits(address_budget=3)
    assert [limits.act("0x1", 0, NOW).ok for _ in range(4)] == [True, True, True, True]
    refused = limits.act("0x1", 0, NOW + NS_PER_S)
    assert refused.status == TOO_MANY and refused.retry_after_s == 9
    assert limits.act("0x1", 0, NOW + 10 * NS_PER_S).ok
    assert limits.act("0x1", 5 * E8, NOW + 11 * NS_PER_S, count=3).ok and limits.cap("0x1", 5 * E8) == 8
    assert limits.act("0x1", 5 * E8, NOW + 12 * NS_PER_S, count=8, cancels=True).ok
    limits.reserve("0x1", 10)
    assert limits.cap("0x1", 5 * E8) == 18 and limits.actions_used("0x1") == 16
    assert limits.act("0x2", 0, NOW).ok and limits.actions_used("0x3") == 0
    assert limits.weigh(HL, "ip", 1_200, NOW).ok and limits.weigh(HL, "ip", 1, NOW).status == TOO_MANY
