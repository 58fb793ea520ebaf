"""Fills with their cost basis: first in, first out, to the digit, and nothing that a spreadsheet would compute."""

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from first_month import write_first_month
from hypothesis import given
from hypothesis import strategies as st
from laws.journals import JOURNALS, LINEAR, SPOT, USDT, Op, entries, opened

from crossbook.ledger.entries import EVENT_TAG, decode_event
from crossbook.ledger.ledger import Ledger
from crossbook.ledger.postings import FEE
from crossbook.report.csv_text import safe_text, to_csv
from crossbook.report.period import parse_any
from crossbook.report.prove import prove_run
from crossbook.report.tax import COLUMNS, TaxRow, tax_rows, write_tax

D = Decimal


def rows_of(timed: list[tuple[int, Op]]) -> list[TaxRow]:
    return tax_rows(enumerate(entries(timed), start=1), "run", 0, 2**62)[0]


def order(instrument: int, side: int, lots: int, price: int, fee: int = 0) -> tuple[int, Op]:
    op: dict[str, Any] = {"op": "order", "instrument": instrument, "strategy": 0, "side": side, "lots": lots}
    return 10**9, op | {"price": price, "extra": 0, "decision": 0, "arrival": 0, "fee": fee, "fee_asset": USDT}


def test_the_first_month_loses_what_its_trades_lost(tmp_path: Path) -> None:
    folder = write_first_month(tmp_path)
    june = parse_any("2026-06")
    text, count = write_tax([("first-month", folder)], june.begin_ns, june.end_ns)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == list(COLUMNS) and len(rows) == count > 4 * 18
    known = prove_run(folder).figures
    assert -sum(D(row["fee"]) for row in rows) == known["pnl.cause.fees"].value
    gains = sum(D(row["gain"]) for row in rows if row["gain"])
    funding = known["pnl.cause.funding"].value
    assert funding is not None
    assert abs(gains + D(funding) - D("-8.36")) < D("0.25")  # what is left is revaluation of the dollar's other name
    assert all(D(row["gain"]) == D(row["proceeds"]) - D(row["cost_basis"]) - D(row["fee"]) - D(row["opening_fee"])
               for row in rows if row["effect"] == "close")  # fmt: skip
    half = write_tax([("first-month", folder)], june.begin_ns, parse_any("2026-06-04").begin_ns)[0]
    rest = write_tax([("first-month", folder)], parse_any("2026-06-04").begin_ns, june.end_ns)[0]
    assert text == half + rest.partition("\r\n")[2]


def test_what_came_first_goes_first() -> None:
    """Lots of 0.001 BTC and ticks of 0.1: 3 at 60, 2 at 61; 4 sold at 70 are all of the first and one of the second."""
    bought = [order(LINEAR, 0, 3, 600_000, fee=300), order(LINEAR, 0, 2, 610_000)]
    rows = rows_of(opened([*bought, order(LINEAR, 1, 4, 700_000, fee=400), order(LINEAR, 1, 2, 700_000)]))
    told = [(row.effect, row.quantity, row.cost, row.proceeds, row.fee, row.opening_fee) for row in rows]
    unit, e10 = 10**18, 10**10
    assert told == [
        ("open", "0.003", 180 * unit, None, 300 * e10, 0),
        ("open", "0.002", 122 * unit, None, 0, 0),
        ("close", "0.003", 180 * unit, 210 * unit, 300 * e10, 300 * e10),
        ("close", "0.001", 61 * unit, 70 * unit, 100 * e10, 0),
        ("close", "0.001", 61 * unit, 70 * unit, 0, 0),
        ("open", "0.001", None, 70 * unit, 0, 0),
    ]
    assert [row.acquired_entry for row in rows][2:5] == [rows[0].entry, rows[1].entry, rows[1].entry]
    assert rows[2].gain == 30 * unit - 600 * e10 and rows[5].gain is None


def test_coin_from_outside_has_no_cost() -> None:
    sold = rows_of(opened([order(SPOT, 1, 5, 6_000_000)]))
    assert [(row.effect, row.cost, row.gain) for row in sold] == [("close", None, None)] and sold[0].proceeds


@given(JOURNALS)
def test_fees_and_quantities_are_all_there(timed: list[tuple[int, Op]]) -> None:
    payloads = entries(timed)
    ledger = Ledger.of(payloads)
    rows = rows_of(timed)
    filled = {(n, decode_event(payload).ts) for n, payload in enumerate(payloads, 1) if payload[0] == EVENT_TAG}
    assert {(row.entry, row.ts) for row in rows} <= filled
    legs = [(leg, posting) for posting in ledger.postings for leg in posting.legs if leg.account == FEE]
    told = -sum(leg.amount * posting.prices[leg.asset] for leg, posting in legs)
    assert -sum(row.fee for row in rows) == told
    held: dict[str, D] = {}
    for row in rows:
        size = D(row.quantity.replace(",", ""))
        held[row.instrument] = held.get(row.instrument, D(0)) + (size if row.side == "BUY" else -size)
    for index, terms in enumerate(ledger.terms):
        lots = sum(cell.lots for (_, instrument), cell in ledger.cells.items() if instrument == index)
        unit = terms.contract_e8 if terms.inverse else terms.lot_e8
        assert held.get(terms.name, D(0)) == D(lots * unit) / 10**8


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "--1", "-1e5", "+"])
def test_text_is_no_formula(text: str) -> None:
    assert safe_text(text) == "'" + text


@given(st.lists(st.text(max_size=8), min_size=1, max_size=4))
def test_csv_comes_back_as_it_went(cells: list[str]) -> None:
    back = list(csv.reader(io.StringIO(to_csv(["n"] * len(cells), [cells]), newline="")))
    assert back[1] == [safe_text(cell) for cell in cells]


def test_numbers_stay_numbers() -> None:
    assert [safe_text(text) for text in ("-1.50", "+2", "0", "-0.000000000000000001")] == [
        "-1.50", "+2", "0", "-0.000000000000000001",
    ]  # fmt: skip
