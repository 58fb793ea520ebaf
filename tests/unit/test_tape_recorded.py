"""What was really recorded: every file of the shared captures imports, whole and without a gap."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit import tape_material as make

from crossbook.errors import Refused
from crossbook.events import EventKind
from crossbook.tape.importer import Options, import_tape
from crossbook.tape.tape import open_tape
from crossbook.tape.verify import verify_tape

CSV = make.SHARED / "data" / "l2" / "hyperliquid_djienne" / "20250904"
DATA = make.SHARED / "data"

pytestmark = pytest.mark.skipif(not make.RAW.is_dir(), reason=f"no recordings at {make.SHARED}")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crossbook.tape.tape.cache_root", lambda: tmp_path / "cache")


def naive_top(path: Path) -> list[tuple[Decimal, ...]]:
    """Best bid and ask after each update of a spot recording, by a dict and the venue's documented rule."""
    tops, held = [], []
    book: dict[str, dict[Decimal, Decimal]] | None = None
    book_id = 0
    for line in gzip.decompress(path.read_bytes()).splitlines():
        message = json.loads(line.split(b" ", 1)[1])
        data = message.get("data", message)
        if "lastUpdateId" in data:
            book_id = data["lastUpdateId"]
            book = {side: {Decimal(p): Decimal(q) for p, q in data[side]} for side in ("bids", "asks")}
        elif data.get("e") == "depthUpdate":
            held.append(data)
        while book is not None and held:
            update = held.pop(0)
            if update["u"] <= book_id:
                continue
            assert update["U"] <= book_id + 1
            book_id = update["u"]
            for side, key in (("bids", "b"), ("asks", "a")):
                for p, q in update[key]:
                    if Decimal(q):
                        book[side][Decimal(p)] = Decimal(q)
                    else:
                        book[side].pop(Decimal(p), None)
            bid, ask = max(book["bids"]), min(book["asks"])
            tops.append((bid, book["bids"][bid], ask, book["asks"][ask]))
    return tops


def test_the_books_of_a_recording_are_the_naive_ones(tmp_path: Path) -> None:
    from crossbook.rules.book import apply_market
    from crossbook.rules.layout import BOOK, QUOTE

    path = make.RAW / "spot" / "btcusdt_20240808.gz"
    import_tape([path], tmp_path / "tape")
    tape = open_tape(tmp_path / "tape")
    instrument = tape.instruments[0]
    books, quotes, tops = np.zeros(1, BOOK), np.zeros(1, QUOTE), []
    for start, end in zip(tape.starts.tolist(), tape.starts.tolist()[1:], strict=False):
        kind = int(tape.rows["kind"][start])
        if kind in (EventKind.BOOK_SNAPSHOT, EventKind.BOOK_DELTA):
            apply_market(books[0], quotes[0], int(instrument.chain), tape.rows[start:end])
            if kind == EventKind.BOOK_DELTA:
                quote = quotes[0]
                tops.append(tuple(int(quote[name]) for name in ("bid", "bid_lots", "ask", "ask_lots")))
    e8 = Decimal(10**8)
    scale = [instrument.tick_e8 / e8, instrument.lot_e8 / e8] * 2
    assert tops == [tuple(int(v // s) for v, s in zip(top, scale, strict=True)) for top in naive_top(path)]
    assert len(tops) > 3_000


def test_three_venues_on_one_clock_import_clean(tmp_path: Path) -> None:
    files = [make.RAW / folder / name for folder, name in (
        ("spot", "ethusdt_20240808.gz"), ("spot", "ethusdt_20240809.gz"),
        ("cm", "ethusd_perp_20240808.gz"), ("cm", "ethusd_perp_20240809.gz"))]  # fmt: skip
    manifest = import_tape(files, tmp_path / "tape")
    assert [source.venue for source in manifest.sources] == ["binance_coinm"] * 2 + ["binance_spot"] * 2
    assert sum(source.frames for source in manifest.sources) == 40_454 + 37_860 + 33_618 + 46_126
    assert manifest.frames + sum(manifest.early_updates.values()) == sum(source.frames for source in manifest.sources)
    assert manifest.health.gap_count == manifest.health.crossed_count == manifest.health.disorder_count == 0
    for clock in manifest.clocks.values():
        assert -1_500_000_000 < clock.least_ns <= clock.median_ns < -1_200_000_000
    assert verify_tape(tmp_path / "tape") == []


def test_a_continuation_without_its_beginning_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"no snapshot.* import it together with btcusdt_20240808\.gz"):
        import_tape([make.RAW / "spot" / "btcusdt_20240809.gz"], tmp_path / "tape")
    with pytest.raises(Refused, match=r"no snapshot.* import the file that begins it"):
        import_tape([make.RAW / "spot" / "btcusdt_20230405.dat.gz"], tmp_path / "tape")


def test_older_recordings_in_microseconds_join(tmp_path: Path) -> None:
    manifest = import_tape(sorted((make.RAW / "usdm").glob("btcusdt_202304*")), tmp_path / "tape")
    assert manifest.counts["binance_usdm:BTCUSDT"]["mark_price"] == 99 + 415
    assert manifest.first_ns == 1_680_652_700_423_575_000
    assert verify_tape(tmp_path / "tape") == []


def test_hyperliquid_captures_give_the_same_events_as_frames(tmp_path: Path) -> None:
    files = [CSV / f"{kind}_WLFI.csv.gz" for kind in ("orderbooks", "prices", "trades")]
    manifest = import_tape(files, tmp_path / "tape")
    counts = manifest.counts["hyperliquid:WLFI"]
    assert counts == {"book_snapshot": 3_785, "quote": 8_853, "trade": 2_563}
    assert [stretch.end - stretch.ts > 17 * 10**9 for stretch in manifest.health.stale] == [True]
    assert verify_tape(tmp_path / "tape") == []
    first = open_tape(tmp_path / "tape").rows[0]
    assert first["ts"] == 1_757_015_216_874_174_800, "seconds with seven decimals, to the digit"


def test_bars_and_funding_in_parquet(tmp_path: Path) -> None:
    files = [
        DATA / "klines" / "hyperliquid" / "BTC_USDC_USDC-1h-futures.parquet",
        DATA / "klines" / "binance_usdm_roshan" / "ETH_USDT_USDT-1h-mark.parquet",
        DATA / "funding" / "hyperliquid_hippo_all_coins_1h.parquet",
    ]
    manifest = import_tape(files, tmp_path / "tape", Options(only=["BTC"]))
    assert manifest.counts["hyperliquid:BTC"] == {"bar": 7_793, "funding": 18_778}
    assert manifest.counts["binance_usdm:ETHUSDT"] == {"mark_price": 56_084}
    rows: Any = open_tape(tmp_path / "tape").rows
    bars = rows[rows["kind"] == EventKind.BAR]
    assert (bars["id"] >= np.maximum(bars["price"], bars["price2"])).all(), "the high"
    assert (bars["id2"] <= np.minimum(bars["price"], bars["price2"])).all(), "the low"
    assert set((bars["ts"] % 3_600_000_000_000).tolist()) == {0} and set(bars["lots2"].tolist()) == {3_600_000_000_000}
    with pytest.raises(Refused, match=r"'ACE' is no known instrument"):
        import_tape(files[2:], tmp_path / "other")
    with pytest.raises(Refused, match=r"coinbase_btcusd\.parquet: its name tells no venue"):
        import_tape([DATA / "klines" / "usdc_depeg_202303_1m" / "coinbase_btcusd.parquet"], tmp_path / "other")
