"""Laws of the books: postings balance, rows and causes sum to the total, and an obvious second ledger agrees."""

# ruff: noqa: N802  (laws keep their numbers: L01)
from __future__ import annotations

import pickle
import random
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import journals
from laws.journals import BTC, DECLARATION, INVERSE, JOURNALS, LINEAR, SPOT, USDT, entries, groups
from laws.oracle import told

from crossbook.desk.journal import JournalWriter, latest_snapshot, read_journal, write_snapshot
from crossbook.errors import Refused
from crossbook.events import EventKind
from crossbook.ledger.audit import CAUSES
from crossbook.ledger.declaration import Declaration
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.metrics import figures
from crossbook.ledger.positions import change, closing_lots
from crossbook.ledger.postings import CASH, FEE, NOBODY, Account

UNIT = 10**18


def balance(ledger: Ledger, account: Account, strategy: int | None = None) -> Counter[int]:
    found: Counter[int] = Counter()
    for (_, asset, kind, owner), amount in ledger.accounts.items():
        if kind == account and strategy in (None, owner):
            found[asset] += amount
    return found


def exact(figure_value: object) -> Fraction:
    assert isinstance(figure_value, Decimal | int)
    return Fraction(figure_value)


@given(JOURNALS)
def test_L01_legs_of_every_posting_and_of_all_accounts_sum_to_zero(timed: list) -> None:
    ledger = Ledger.of(entries(timed))
    for posting in ledger.postings:
        sums: Counter[int] = Counter()
        for leg in posting.legs:
            sums[leg.asset] += leg.amount
        assert not any(sums.values()) and len(posting.legs) >= 2
    totals: Counter[int] = Counter()
    for (_, asset, _, _), amount in ledger.accounts.items():
        totals[asset] += amount
    assert not any(totals.values())
    assert len({posting.key for posting in ledger.postings}) == len(ledger.postings)


@given(JOURNALS, st.randoms(use_true_random=False))
def test_L02_every_event_is_booked_once_in_any_order_with_any_duplication(timed: list, chance: random.Random) -> None:
    straight = Ledger.of(entries(timed))
    mixed = groups(timed)
    mixed += [group for group in mixed if chance.random() < 0.4]
    chance.shuffle(mixed)
    shuffled = Ledger.of(entries([])[:1] + [one for group in mixed for one in group])
    assert shuffled.digest() == straight.digest()
    assert shuffled.booked.keys() == straight.booked.keys()
    for venue in range(4):
        for asset in range(4):
            assert shuffled.wallet_e8(venue, asset) == straight.wallet_e8(venue, asset)
    assert shuffled.breaks == straight.breaks == 0


def test_L02_the_same_event_with_other_numbers_is_a_break_and_the_first_stands() -> None:
    timed = journals.opened([(1, dict(_order(), price=6_000_000)), (1, dict(_order(), price=6_000_001))])
    first, second = groups(timed)[-2:]
    again = next(entry for entry in second if entry[:1] == b"E")
    renamed = bytearray(again)
    renamed[1 + 48 : 1 + 64] = next(entry for entry in first if entry[:1] == b"E")[1 + 48 : 1 + 64]
    ledger = Ledger.of([*entries(timed[:-1]), bytes(renamed)])
    assert ledger.breaks == 1 and ledger.duplicates == 1
    assert len([p for p in ledger.postings if p.key[0] == EventKind.ORDER_FILLED]) == 1


@settings(max_examples=25)
@given(JOURNALS)
def test_L03_replay_equals_live_and_snapshot_plus_tail_equals_replay(tmp_path_factory: object, timed: list) -> None:
    folder = Path(tmp_path_factory.mktemp("l03"))  # type: ignore[attr-defined]
    payloads = entries(timed)
    live = Ledger(DECLARATION)
    states = []
    with JournalWriter(folder / "journal", segment_bytes=4096) as writer:
        for payload in payloads:
            writer.append(payload)
            live.apply(payload)
            states.append(pickle.dumps(live))
    read = [payload for _, payload in read_journal(folder / "journal")]
    assert read == payloads
    whole = figures(Ledger.of(read))
    assert whole == figures(live)
    for length in range(1, len(payloads) + 1, max(1, len(payloads) // 7)):
        write_snapshot(folder / "journal", length, states[length - 1])
        found = latest_snapshot(folder / "journal")
        assert found is not None and found[0] == length
        resumed = pickle.loads(found[1])
        for payload in read[length:]:
            resumed.apply(payload)
        assert figures(resumed) == whole


@given(JOURNALS)
def test_L04_rows_and_causes_sum_to_the_total_per_component(timed: list) -> None:
    shown = figures(Ledger.of(entries(timed)))
    total = exact(shown["pnl.total"].value)
    rows = ("v0", "v1", "inventory", "unattributed")
    assert sum(exact(shown[f"pnl.total.{row}"].value) for row in rows) == total
    assert sum(exact(shown[f"pnl.cause.{cause}"].value) for cause in CAUSES) == total
    parts = ("realised", "unrealised", "fees", "funding", "unattributed")
    assert sum(exact(shown[f"pnl.{part}"].value) for part in parts) == total
    for cause in CAUSES:
        of_rows = [shown[f"pnl.cause.{cause}.{row}"] for row in rows if f"pnl.cause.{cause}.{row}" in shown]
        assert sum(exact(one.value) for one in of_rows) == exact(shown[f"pnl.cause.{cause}"].value)
    for part in ("realised", "fees", "funding"):
        of_rows = [exact(shown[f"pnl.{part}.{name}"].value) for name in ("v0", "v1")]
        assert sum(of_rows) == exact(shown[f"pnl.{part}"].value)
    for name in ("v0", "v1"):
        own = [exact(shown[f"pnl.{part}.{name}"].value) for part in parts[:-1]]
        assert sum(own) == exact(shown[f"pnl.total.{name}"].value)
        why = [exact(shown[f"pnl.cause.{cause}.{name}"].value) for cause in CAUSES]
        assert sum(why) == exact(shown[f"pnl.total.{name}"].value)


@given(JOURNALS)
def test_L05_total_is_the_change_of_value_less_flows_and_every_residual_is_zero(timed: list) -> None:
    shown = figures(Ledger.of(entries(timed)))
    change_of_nav = exact(shown["nav"].value) - exact(shown["nav.start"].value)
    assert exact(shown["pnl.total"].value) == change_of_nav - exact(shown["nav.flows"].value)
    assert {name: one.residual for name, one in shown.items() if one.residual not in (0, None)} == {}


@given(JOURNALS)
def test_L06_an_obvious_second_ledger_finds_the_same_value_and_rows(timed: list) -> None:
    ledger, oracle = Ledger.of(entries(timed)), told(timed)
    shown = figures(ledger)
    assert Fraction(ledger.nav(), UNIT) == oracle.nav()
    assert exact(shown["nav.start"].value) == oracle.nav_start
    assert exact(shown["nav.flows"].value) == oracle.flows
    for row, name in ((0, "v0"), (1, "v1"), (-1, "unattributed"), ("inventory", "inventory")):
        assert exact(shown[f"pnl.total.{name}"].value) == oracle.pnl(row)
    cash = sum((Fraction(a, 10**8) * oracle.price(asset) for asset, a in balance(ledger, CASH).items()), Fraction(0))
    unrealised = sum(cell.open(ledger.marks) for cell in ledger.cells.values())
    assert cash + Fraction(unrealised, UNIT) == oracle.nav()


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 99)), min_size=1, max_size=8), st.randoms())
def test_L07_the_order_of_partial_closes_does_not_change_the_sum(closes: list, chance: random.Random) -> None:
    def realised(order: list) -> tuple[int, int]:
        lots = sum(size for size, _ in closes)
        cost, total = lots * 50 + 3, 0
        for size, price in order:
            done = change(lots, cost, -size, size * price, size * price)
            lots, cost, total = done.lots_after, done.cost_after, total + done.realised
        assert lots == 0
        return total, cost

    mixed = list(closes)
    chance.shuffle(mixed)
    assert realised(closes) == realised(mixed)
    assert realised(closes)[1] == 0
    assert realised(closes)[0] == sum(size * price - size * 50 for size, price in closes) - 3


@given(st.lists(st.integers(-7, 7).filter(bool), max_size=20))
def test_L08_a_position_is_its_fills_and_crossing_zero_is_a_close_and_an_open(fills: list[int]) -> None:
    lots = cost = cash = realised = 0
    for number, size in enumerate(fills):
        price = 100 + 7 * (number % 5)
        paid = -size * price
        closed = closing_lots(lots, size)
        whole = change(lots, cost, size, paid, (1 if lots > 0 else -1) * closed * price)
        if lots * size < 0 and closed < abs(size):
            first = closed if size > 0 else -closed
            close = change(lots, cost, first, -first * price, -first * price)
            begin = change(close.lots_after, close.cost_after, size - first, -(size - first) * price, 0)
            assert close.lots_after == close.cost_after == 0 and begin.realised == 0
            assert (begin.lots_after, begin.cost_after) == (whole.lots_after, whole.cost_after)
            assert close.realised == whole.realised
        lots, cost = whole.lots_after, whole.cost_after
        cash, realised = cash + paid, realised + whole.realised
        assert cash == realised - cost
    assert lots == sum(fills)


def test_L08_a_part_that_closes_releases_its_share_of_the_cost_rounded_down() -> None:
    assert change(3, 100, -1, 40, 40)[3:] == (67, 40, 1, 40, 7)
    assert change(-3, -100, 1, -30, -30)[3:] == (-66, -30, 1, -30, 4)
    assert change(3, 100, -5, 200, 120)[1:] == (-2, 100, -80, 200, 3, 120, 20)


@given(JOURNALS)
def test_L08_lots_of_every_strategy_and_venue_are_the_sum_of_fills(timed: list) -> None:
    ledger, oracle = Ledger.of(entries(timed)), told(timed)
    for (row, instrument), lots in oracle.lots.items():
        if row != "inventory":
            cell = ledger.cells.get((row, instrument))
            assert (cell.lots if cell else 0) == lots
    before = ledger.breaks
    for instrument in (LINEAR, INVERSE):
        net = sum(oracle.lots[row, instrument] for row in (0, 1, -1))
        ledger.apply(journals.event(EventKind.POSITION_REPORT, ledger.ts, instrument=instrument, lots=net))
        assert ledger.breaks == before
        ledger.apply(journals.event(EventKind.POSITION_REPORT, ledger.ts, instrument=instrument, lots=net + 1))
        before += 1
        assert ledger.breaks == before


@given(JOURNALS)
def test_L08_a_balance_report_is_compared_and_never_booked(timed: list) -> None:
    ledger = Ledger.of(entries(timed))
    nav, postings = ledger.nav(), len(ledger.postings)
    for venue, asset in ((0, USDT), (0, BTC), (1, USDT), (2, BTC)):
        amount = ledger.wallet_e8(venue, asset)
        for difference in (0, 1):
            row = {"venue": venue, "asset": asset, "lots": amount + difference}
            ledger.apply(journals.event(EventKind.BALANCE_REPORT, ledger.ts, **row))
    assert ledger.breaks == 4 and (ledger.nav(), len(ledger.postings)) == (nav, postings)


@given(JOURNALS)
def test_L09_fees_are_the_same_by_fill_strategy_day_and_statement(timed: list) -> None:
    ledger, oracle = Ledger.of(entries(timed)), told(timed)
    shown = figures(ledger)
    statement: Counter[int] = Counter()
    for _, op in timed:
        if op["op"] in ("order", "forced"):
            statement[op["fee_asset"]] += op["fee"]
    assert {a: n for a, n in balance(ledger, FEE).items() if n} == {a: n for a, n in statement.items() if n}
    for asset, fee in statement.items():
        assert fee == sum(balance(ledger, FEE, row)[asset] for row in (0, 1, NOBODY))
    paid, rebate = exact(shown["fees.paid"].value), exact(shown["fees.rebate"].value)
    assert paid >= 0 and rebate >= 0 and paid - rebate == oracle.fees
    assert exact(shown["pnl.cause.fees"].value) == -oracle.fees


def test_L04_funding_is_split_by_position_and_the_rest_is_nobodys() -> None:
    """0.005 BTC long at 60,000 and 0.01 % pays 0.03; the venue took 0.04."""
    fill = _order() | {"instrument": LINEAR, "lots": 5, "price": 600_000, "fee": 0}
    paid = {"op": "funding", "instrument": LINEAR, "amount": -4_000_000, "mark": 60_000 * 10**8, "rate": 10_000}
    shown = figures(Ledger.of(entries(journals.opened([(1, fill), (1, paid)]))))
    assert shown["pnl.funding.v0"].value == shown["pnl.funding"].value == Decimal("-0.03")
    assert shown["pnl.unattributed"].value == Decimal("-0.01")
    assert shown["pnl.cause.funding"].value == Decimal("-0.04")


@given(JOURNALS)
def test_L18_nothing_is_summed_without_a_mark(timed: list) -> None:
    gift = {"op": "transfer", "venue": 0, "asset": journals.BNB, "amount": 10**9}
    plain, gifted = Ledger.of(entries(timed)), Ledger.of(entries([*timed, (timed[-1][0], gift)]))
    assert plain.nav() == gifted.nav()
    assert figures(gifted)["assets.unpriced"].value == figures(plain)["assets.unpriced"].value + 1  # type: ignore[operator]
    assert figures(plain)["nav"].unit == "USDT"


@given(st.integers(9_000, 11_000))
def test_L18_a_dollar_coin_is_worth_its_own_mark(ticks: int) -> None:
    mark = {"op": "mark", "instrument": journals.DOLLAR, "bid": ticks - 1, "ask": ticks + 1}
    shown = figures(Ledger.of(entries(journals.opened([(1, mark)]))))
    first = Fraction(2 * 10_000 + 1, 2)
    assert exact(shown["pnl.total"].value) == 4_400 * (ticks - first) / 10_000
    assert shown["pnl.total"].value == shown["pnl.total.inventory"].value


def test_a_declaration_that_cannot_price_is_refused() -> None:
    wrong = Declaration.from_json(DECLARATION.to_json())
    for mark in (LINEAR, INVERSE):
        bad = {**_fields(wrong), "asset_marks": [-1, SPOT, mark, -2]}
        with pytest.raises(Refused, match="USDC is marked by"):
            Declaration(**bad).check()
    with pytest.raises(Refused, match="declared twice: USDC"):
        Declaration(**{**_fields(wrong), "assets": ["USDT", "BTC", "USDC", "USDC"]}).check()
    assert wrong == DECLARATION and wrong.to_json() == DECLARATION.to_json()


def _fields(declaration: Declaration) -> dict:
    return {name: getattr(declaration, name) for name in declaration.__struct_fields__}


def _order() -> dict:
    return {
        "op": "order", "instrument": SPOT, "strategy": 0, "side": 0, "lots": 2, "extra": 0, "price": 6_000_000,
        "decision": 0, "arrival": 0, "fee": 5, "fee_asset": USDT,
    }  # fmt: skip
