"""Every tile on the page is the fold of the rows behind it, whatever happened; and at any entry that has passed."""

from __future__ import annotations

import json
import random
import time
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laws.journals import DECLARATION, JOURNALS, LINEAR, T0, USDT, Op, entries, event, groups, opened, out
from laws.page_folds import again, as_written
from laws.page_material import append, decoded, pages_of, rows_behind, run_of, tiles_of, tiles_of_answer, write
from security.served import Somebody, serving
from typer.testing import CliRunner

from crossbook.cli.status import app as status
from crossbook.commands import OutKind, Reason
from crossbook.events import EventKind
from crossbook.ledger.entries import encode_declaration
from crossbook.ledger.figure import figures_json, plain
from crossbook.ledger.hops import STAMP, Hop
from crossbook.ledger.ledger import Ledger
from crossbook.report import words
from crossbook.report.run_report import report_run
from crossbook.report.second_route import figures_twice
from crossbook.timestamp import NS_PER_DAY
from crossbook.web.model import Pages

FLOATS = ("sharpe", "win_rate.low", "win_rate.high")
NOTES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 1), st.sampled_from([0, 5, -7]), st.integers(0, 50)), max_size=8
)


def noted(payloads: list[bytes], notes: list[tuple[int, int, int, int]]) -> list[bytes]:
    """Denials, legs apart, orders that failed, and events that came again, behind a journal."""
    found, ts = list(payloads), T0 + 10 * NS_PER_DAY
    for number, (strategy, pair, value, wait) in enumerate(notes, start=900):
        ts += wait
        found.append(out(OutKind.UNHEDGED, ts, strategy=strategy % 2, pair=pair, value=value))
        denied = {"reason": int(Reason.QUOTE_SKEW) + strategy, "count": wait + 1, "strategy": strategy - 1}
        found.append(out(OutKind.DENIAL, ts, **denied))
        sent = {"order": number, "intent": number, "instrument": LINEAR, "venue": 1, "price": 600_000, "lots": 3}
        found.append(out(OutKind.SUBMIT_ORDER, ts, strategy=strategy % 2, pair=pair, **sent))
        kind = (EventKind.ORDER_REJECTED, EventKind.ORDER_UNKNOWN, EventKind.ORDER_EXPIRED)[strategy]
        found.append(event(kind, ts + 1, id=number))
        found.append(next((one for one in payloads if one[:1] == b"E"), payloads[-1]))
        found.append(event(EventKind.POSITION_REPORT, ts + 1, instrument=LINEAR, lots=wait))
    return found


def prove(pages: Pages) -> None:
    """All tiles against their rows, their parts and the report."""
    assert pages.book is not None
    tiles, known = tiles_of(pages), pages.book.now().known
    for name, tile in tiles.items():
        rows, answer = rows_behind(pages, tile["rows_url"], limit=60)
        assert answer["as_of_seq"] == tile["as_of_seq"]
        told = again(name, rows)
        if tile["value"] is None:
            nothing = not name.startswith(("nav", "pnl", "fees", "exposure", "drawdown"))  # these await a window
            assert told is None or not nothing, name
        elif name.startswith(FLOATS):
            assert told is not None and abs(told - tile["value"]) <= Decimal("1e-9") * max(1, abs(told)), name
        elif name == "drawdown.max":
            assert told is not None and abs(told - tile["value"]) <= Decimal("1e-15"), name
        else:
            assert told is not None and as_written(told) == as_written(tile["value"]), (name, told, tile["value"])
        assert answer["figure"]["holds"] is True, (name, answer["figure"])
        if name == "breaks":  # a venue's report that differs is meant to be seen
            assert (tile["check"]["state"] == "differ") == (tile["value"] > 0)
        else:
            assert tile["check"]["state"] in ("agree", "single"), (name, tile["check"])
        for parts in tile["children"]:
            values = [known[child].value for child in parts["names"]]
            if tile["value"] is not None:
                assert sum(map(Fraction, values)) == Fraction(known[name].value), (name, parts)
            assert all(tiles[child]["parent"] == name for child in parts["names"])


@settings(max_examples=15, deadline=None)
@given(JOURNALS, NOTES)
def test_every_tile_is_the_fold_of_its_rows(
    timed: list[tuple[int, Op]], notes: list[tuple[int, int, int, int]]
) -> None:
    with run_of(noted(entries(timed), notes)) as folder:
        prove(pages_of(folder))


@settings(max_examples=25, deadline=None)
@given(JOURNALS, NOTES)
def test_page_command_line_and_report_state_the_same_bytes(
    timed: list[tuple[int, Op]], notes: list[tuple[int, int, int, int]]
) -> None:
    payloads = noted(entries(timed), notes)
    with run_of(payloads) as folder:
        pages = pages_of(folder)
        assert pages.book is not None
        known = pages.book.now().known
    assert figures_json(known) == figures_json(figures_twice(Ledger.of(payloads), payloads, None))


@settings(max_examples=8, deadline=None)
@given(JOURNALS, NOTES, st.randoms(use_true_random=False))
def test_a_passed_entry_is_shown_as_it_was(timed: list, notes: list, chance: object) -> None:
    """Read on bit by bit, then asked for each earlier sequence: as a page sees it that stopped there."""
    payloads = noted(entries(timed), notes)
    at = sorted(chance.sample(range(1, len(payloads) + 1), min(6, len(payloads))))  # type: ignore[attr-defined]
    with run_of(payloads[: at[0]]) as folder:
        pages = pages_of(folder)
        for before, until in zip(at, [*at[1:], len(payloads)], strict=True):
            pages.figures()
            write(folder, payloads[before:until], before + 1)
            while pages.book.advance():  # type: ignore[union-attr]
                pass
        kept = {seq: everything(pages, seq) for seq in at}
        fresh = pages_of(folder)
        for seq in at:
            assert everything(fresh, seq) == kept[seq]
    for seq in at[:2]:
        with run_of(payloads[:seq]) as folder:
            assert everything(pages_of(folder), seq) == kept[seq]


def everything(pages: Pages, seq: int) -> dict[str, object]:
    """All figures and all rows at a sequence."""
    assert pages.book is not None
    tables = decoded(pages.run())["tables"]
    found: dict[str, object] = {table: pages.rows(table, as_of=seq, limit=1_000) for table in tables}
    return found | {"figures": pages.figures(seq), "equity": pages.series("equity", seq)}


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 6), st.sampled_from(Hop), st.integers(0, 10**6)), max_size=40), st.integers(0, 40)
)
def test_latencies_are_the_same_however_their_file_grew(stamps: list[tuple[int, Hop, int]], cut: int) -> None:
    later = sorted(stamps, key=lambda one: (one[1], one[0]))
    records = [STAMP.pack(trace, hop, 0, hop * 10**7 + ns) for trace, hop, ns in later]
    payloads = entries(opened([]))
    with run_of(payloads, b"".join(records[:cut]) + b"") as folder:
        pages = pages_of(folder)
        with (folder / "latency.bin").open("ab") as file:
            file.write(b"".join(records[cut:]) + b"cut")
        pages.book.advance()  # type: ignore[union-attr]
        prove(pages)
        known = pages.book.now().known  # type: ignore[union-attr]
        content = (folder / "latency.bin").read_bytes()
    assert figures_json(known) == figures_json(figures_twice(Ledger.of(payloads), payloads, content))


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(-(10**9), 10**9), min_size=29, max_size=36), st.integers(-(10**11), 10**11))
def test_a_sharpe_ratio_is_that_of_its_days(paid: list[int], transfer: int) -> None:
    payloads, ts = entries(opened([])), T0
    for number, amount in enumerate(paid, start=100):
        ts += NS_PER_DAY
        place = {"instrument": LINEAR, "venue": 1, "asset": USDT, "lots": amount, "id2": number}
        payloads.append(event(EventKind.FUNDING_PAID, ts, **place))
        if number == 110:
            payloads.append(event(EventKind.TRANSFER, ts, venue=1, asset=USDT, lots=transfer, id2=number))
    with run_of(payloads) as folder:
        prove(pages_of(folder))


def test_a_journal_that_has_not_begun_that_is_cut_and_that_goes_on() -> None:
    with run_of([]) as folder:
        (folder / "journal" / "000001.seg").unlink(missing_ok=True)
        pages = Pages(folder.parent, folder)
        assert pages.book is not None and not pages.book.advance() and pages.book.tiles() == []
        payloads = entries(opened([(10**9, {"op": "transfer", "venue": 0, "asset": USDT, "amount": 5})]))
        append(folder, payloads[:-1])
        segment = folder / "journal" / "000001.seg"
        whole = segment.read_bytes()
        while pages.book.advance():
            pass
        assert pages.book.as_of_seq == len(payloads) - 1
        segment.write_bytes(whole + b"\x55" * 20)  # a record that was cut off
        assert not pages.book.advance() and pages.book.trouble is None
        append(folder, payloads[-1:])
        assert pages.book.advance() and pages.book.as_of_seq == len(payloads) and pages.book.trouble is None
        prove(pages)


def test_a_damaged_entry_is_told_and_not_read_past() -> None:
    payloads = entries(opened([(1, {"op": "transfer", "venue": 0, "asset": USDT, "amount": 5})] * 900))
    with run_of([]) as folder:
        (folder / "journal" / "000001.seg").unlink()
        append(folder, payloads)
        first = folder / "journal" / "000001.seg"
        content = bytearray(first.read_bytes())
        assert (folder / "journal" / "000002.seg").exists()
        content[20_000] ^= 1
        first.write_bytes(content)
        pages = Pages(folder.parent, folder)
        assert pages.book is not None
        while pages.book.advance():
            pass
        assert pages.book.trouble is not None and "damaged" in pages.book.trouble
        assert 0 < pages.book.as_of_seq < len(payloads)
        assert decoded(pages.run())["trouble"] == pages.book.trouble


def test_rows_that_a_figure_leaves_out_are_counted_and_shown() -> None:
    fill = {"op": "order", "instrument": LINEAR, "strategy": 0, "side": 0, "lots": 3, "extra": 0, "price": 600_000}
    fill |= {"decision": 0, "arrival": 0, "fee": 5, "fee_asset": USDT}
    payloads = entries(opened([(1, fill), (1, fill | {"op": "forced", "strategy": -1})]))
    with run_of(payloads) as folder:
        pages = pages_of(folder)
        answer = decoded(pages.rows("t-fills", figure="pnl.fees"))
        assert (answer["n"], answer["excluded"]) == (1, 1)
        rows, _ = rows_behind(pages, answer["excluded_url"])
        assert [row["strategy"] for row in rows] == ["unattributed"]


@pytest.mark.parametrize("strategies", [["open", "v.1"], ["inventory"]])
def test_names_that_look_like_others(strategies: list[str]) -> None:
    import msgspec

    declared = msgspec.structs.replace(DECLARATION, strategies=strategies)
    payloads = [encode_declaration(declared.to_json()), *(one for group in groups(opened([])) for one in group)]
    with run_of(payloads) as folder:
        for tile in tiles_of(pages_of(folder)).values():
            assert tile["title"] and tile["rows_url"]


class Served:
    """The same answers over HTTP, as a browser that is logged in gets them."""

    def __init__(self, client: Somebody, pages: Pages) -> None:
        self._client = client
        self.book = pages.book

    def figures(self, as_of: int | None = None) -> bytes:
        return self._get("/api/figures", {} if as_of is None else {"as_of": as_of})

    def rows(self, table: str, **asked: Any) -> bytes:
        return self._get(f"/api/rows/{table}", asked)

    def _get(self, path: str, asked: dict[str, Any]) -> bytes:
        answer = self._client.get(path, **asked)
        assert answer.status_code == 200, answer.text
        return answer.content


@pytest.mark.parametrize("seed", [7])
def test_through_the_real_server_and_as_the_command_line_prints_it(seed: int) -> None:
    chance = random.Random(seed)
    fills = [
        {"op": "order", "instrument": LINEAR, "strategy": chance.randrange(2), "side": chance.randrange(2), "lots": 2,
         "extra": chance.randrange(3), "price": 600_000 + chance.randrange(900), "decision": 600_100, "arrival": 0,
         "fee": chance.randrange(-500, 5_000), "fee_asset": USDT}
        for _ in range(30)
    ]  # fmt: skip
    payloads = noted(entries(opened([(10**9, one) for one in fills])), [(1, 0, 5, 3), (0, 1, 0, 9)])
    with run_of(payloads) as folder:
        own = pages_of(folder)
        with serving(folder.parent, folder) as page:
            served = Served(page.viewer(), own)
            for _ in range(200):
                if decoded(served.figures())["as_of_seq"] == len(payloads):
                    break
                time.sleep(0.05)
            assert served.figures() == own.figures()
            prove(served)  # type: ignore[arg-type]
        printed = json.loads(
            CliRunner().invoke(status, ["run", "--runs", str(folder.parent), "--json"]).stdout, parse_float=Decimal
        )["metrics"]
        shown = report_run(folder)["known"]
    tiles = tiles_of_answer(own.figures(len(payloads)))
    assert tiles.keys() == printed.keys() == shown.keys()
    for name, tile in tiles.items():
        told = {key: tile[key] for key in ("value", "unit", "n", "window")}
        assert told == {key: printed[name][key] for key in told}
        assert words.exact(tile["value"]) == words.exact(plain(shown[name].value))
    assert figures_json(own.book.now().known) == figures_json(shown)  # type: ignore[union-attr]


def test_an_entry_that_no_fold_can_take_stops_the_reading_there() -> None:
    payloads = entries(opened([]))
    strange = out(OutKind.MARKED, T0 + 5, instrument=99, price=5, lots=6)
    with run_of([*payloads, strange, payloads[1]]) as folder:
        pages = Pages(folder.parent, folder)
        assert pages.book is not None
        for _ in range(4):
            pages.book.advance()
        assert pages.book.trouble is not None and f"entry {len(payloads) + 1} " in pages.book.trouble
        assert decoded(pages.run())["trouble"] == pages.book.trouble
