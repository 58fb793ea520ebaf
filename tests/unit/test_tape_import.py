"""`crossbook tape import | info | verify`: the same tape each time, and every bad input named in one line."""

from __future__ import annotations

import gzip
import json
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit import tape_material as make

from crossbook.cli.call import call
from crossbook.cli.tape import app
from crossbook.errors import Corrupt, Refused
from crossbook.events import EventKind
from crossbook.tape.importer import Options, import_tape
from crossbook.tape.tape import open_tape, select, tape_of_rows, write_tape
from crossbook.types import Venue

T0, MS = make.T0, make.MS
COMPILING = "crossbook: compiling kernels"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replay caches go beside the test; compiled kernels stay where they are."""
    monkeypatch.setattr("crossbook.tape.tape.cache_root", lambda: tmp_path / "cache")


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a tape command; its exit status, its standard output, its errors without the note on compiling."""

    def run(*arguments: object) -> tuple[int, str, list[str]]:
        with pytest.raises(SystemExit) as ended:
            call(app, "crossbook tape", [str(one) for one in arguments])
        out, err = capsys.readouterr()
        code = ended.value.code
        return int(code or 0), out, [line for line in err.splitlines() if not line.startswith(COMPILING)]

    return run


def test_a_recording_becomes_frames_in_the_order_they_were_usable(tmp_path: Path) -> None:
    manifest = import_tape([make.record(tmp_path / "btc_1.gz", make.SPOT)], tmp_path / "tape")
    tape = open_tape(tmp_path / "tape")
    heads = tape.rows[tape.starts[:-1]]
    assert [EventKind(kind).name for kind in heads["kind"]] == [
        "QUOTE", "BOOK_SNAPSHOT", "BOOK_DELTA", "TRADE", "BOOK_DELTA",
    ]  # fmt: skip
    assert heads["id"].tolist() == [11, 11, 12, 7, 14]
    assert heads["ts"].tolist() == [T0 + 1, T0 + 3, T0 + 3, T0 + 4, T0 + 5], "held back until the snapshot came"
    assert manifest.early_updates == {"binance_spot:BTCUSDT": 1}
    assert manifest.counts == {"binance_spot:BTCUSDT": {"quote": 1, "book_snapshot": 1, "book_delta": 2, "trade": 1}}
    assert (manifest.health.gap_count, manifest.health.crossed_count) == (0, 0)
    ends = np.append(tape.starts[1:] - 1, len(tape.rows) - 1)
    assert np.flatnonzero(tape.rows["flags"]).tolist() == sorted(set(ends.tolist()))


def test_venue_times_are_put_on_our_clock(tmp_path: Path) -> None:
    """The recorder's clock is 1.3 s behind: the quickest frame took the least time assumed, others their excess."""
    behind = 1_300 * MS
    lines = [
        (T0, make.trade(1, "100", "1", at=T0 + behind)),
        (T0 + 4 * MS, make.trade(2, "100", "1", at=T0 + behind)),
        (T0 + 5 * MS, make.ticker(1, ("100", "1"), ("101", "1"))),
        (T0 + 6 * MS, make.trade(3, "100", "1", at=T0 + behind - 50 * MS)),
    ]
    manifest = import_tape([make.record(tmp_path / "a.gz", lines)], tmp_path / "tape", Options(min_feed_ns=MS))
    clock = manifest.clocks["binance_spot"]
    assert (clock.least_ns, clock.median_ns, clock.offset_ns, clock.n) == (-behind, -behind + 4 * MS, -behind - MS, 3)
    rows = open_tape(tmp_path / "tape").rows
    assert (rows["ts"] - T0).tolist() == [0, 4 * MS, 5 * MS, 6 * MS]
    assert (rows["ts_venue"] - T0).tolist() == [-MS, -MS, 4 * MS, 4 * MS], "never back, never after receipt"


def test_the_same_files_give_the_same_tape_whatever_their_order(tmp_path: Path) -> None:
    usdm = [(T0 + 2, make.snapshot(5, [("100.0", "1")], [("100.1", "1")], E=T0 // MS, T=T0 // MS))]
    usdm += [(T0 + 2, make.depth(6, 8, [("100.0", "2")], [], pu=5)), (T0 + 7, make.depth(9, 9, [], [], pu=8))]
    files = [make.record(tmp_path / "spot.gz", make.SPOT), make.record(tmp_path / "usdm.gz", usdm)]
    hashes = [
        import_tape(order, tmp_path / f"tape{n}").content_hash for n, order in enumerate((files, files[::-1], files))
    ]
    assert len(set(hashes)) == 1
    tapes = [open_tape(tmp_path / f"tape{n}") for n in range(3)]
    parts = [sorted(path.read_bytes() for path in tape.directory.iterdir()) for tape in tapes if tape.directory]
    assert parts[0] == parts[1] == parts[2]


def test_archive_and_cache_give_back_every_column_of_any_rows(tmp_path: Path) -> None:
    tape = open_tape_of_spot(tmp_path)
    rows = np.array(tape.rows)
    chance = np.random.default_rng(7)
    for name in ("price", "lots", "price2", "lots2", "id", "id2"):
        rows[name] = chance.integers(-(2**63), 2**63 - 1, len(rows))
    for name in ("asset", "strategy", "reason"):
        rows[name] = chance.integers(-(2**15), 2**15 - 1, len(rows))
    made = tape_of_rows(tape.instruments, rows, facts={"seed": "7"})
    write_tape(tmp_path / "other", made.rows, made.manifest)
    again = open_tape(tmp_path / "other")
    assert again.rows.tobytes() == rows.tobytes() and again.content_hash == made.content_hash
    assert again.manifest.facts == {"seed": "7"} and again.starts.tolist() == made.starts.tolist()
    assert not again.rows.flags.writeable and not made.rows.flags.writeable


def test_a_selection_is_numbered_anew_and_keeps_frames_whole(tmp_path: Path) -> None:
    coin = [(T0, make.stream("btcusd_perp@bookTicker", BTC_PERP))]
    files = [make.record(tmp_path / "spot.gz", make.SPOT), make.record(tmp_path / "coin.gz", coin)]
    import_tape(files, tmp_path / "tape")
    tape = open_tape(tmp_path / "tape")
    both = select(tape, ["binance_coinm:BTCUSD_PERP", "binance_spot:BTCUSDT"])
    assert [one.venue for one in both.instruments] == [Venue.BINANCE_COINM, Venue.BINANCE_SPOT]
    assert both.rows["instrument"].tolist() == (1 - tape.rows["instrument"]).tolist()
    assert (both.starts == tape.starts).all() and both.content_hash != tape.content_hash
    one = select(tape, ["binance_coinm:BTCUSD_PERP"])
    assert (len(one.rows), one.manifest.frames) == (1, 1)
    assert select(tape, [one.name for one in tape.instruments]) is tape
    with pytest.raises(Refused, match=r"instrument x:Y is not on the tape: it has binance_spot:BTCUSDT"):
        select(tape, ["x:Y"])


BTC_PERP: dict[str, Any] = {"e": "bookTicker", "u": 3, "s": "BTCUSD_PERP", "ps": "BTCUSD", "T": T0 // MS}
BTC_PERP |= {"b": "100.0", "B": "5", "a": "100.1", "A": "7"}


def open_tape_of_spot(tmp_path: Path) -> Any:
    import_tape([make.record(tmp_path / "s.gz", make.SPOT)], tmp_path / "spot_tape")
    return open_tape(tmp_path / "spot_tape")


@pytest.mark.parametrize(
    ("lines", "venue"),
    [
        ([make.ticker(1, ("1", "1"), ("2", "1"))], "binance_spot"),
        ([make.ticker(1, ("1", "1"), ("2", "1"), T=T0 // MS)], "binance_usdm"),
        ([make.ticker(1, ("1", "1"), ("2", "1"), T=T0 // MS, ps="BTCUSDT", st=1)], "binance_usdm"),
        ([make.stream("x", BTC_PERP)], "binance_coinm"),
        ([make.snapshot(1, [("1", "1")], [], T=T0 // MS), make.depth(2, 2, [], [], pu=1)], "binance_usdm"),
        ([make.snapshot(1, [("1", "1")], []), make.depth(2, 2, [], [])], "binance_spot"),
    ],
)
def test_the_venue_is_read_from_the_frames(tmp_path: Path, lines: list[Any], venue: str) -> None:
    path = make.record(tmp_path / "one.gz", [(T0 + n, line) for n, line in enumerate(lines)])
    assert import_tape([path], tmp_path / "tape").sources[0].venue == venue


def test_a_venue_that_cannot_be_known_is_asked_for(tmp_path: Path, said: Any) -> None:
    mixed = [(T0, make.ticker(1, ("1", "1"), ("2", "1"))), (T0, make.ticker(2, ("1", "1"), ("2", "1"), T=T0 // MS))]
    path = make.record(tmp_path / "mixed.gz", mixed)
    code, _, (line,) = said("import", path, "--into", tmp_path / "tape")
    assert code == 2 and "futures frames and spot frames" in line and "--venue" in line
    path = make.record(tmp_path / "prints.gz", [(T0, make.trade(1, "100", "1"))])
    code, _, (line,) = said("import", path, "--into", tmp_path / "tape")
    assert code == 2 and "trades do not" in line and "--venue" in line
    code, out, _ = said("import", path, "--into", tmp_path / "tape", "--venue", "binance_usdm", "--json")
    assert code == 0 and json.loads(out)["sources"][0]["venue"] == "binance_usdm"
    code, _, (line,) = said("import", path, "--into", tmp_path / "tape2", "--venue", "kraken")
    assert code == 2 and "'kraken' is unknown: use one of binance_spot" in line


def test_json_is_one_object_and_info_is_what_import_said(tmp_path: Path, said: Any) -> None:
    path = make.record(tmp_path / "s.gz", make.SPOT)
    code, out, err = said("import", path, "--into", tmp_path / "tape", "--json")
    assert code == 0 and err == [] and json.loads(out)["frames"] == 5
    assert said("info", tmp_path / "tape", "--json")[1] == out
    assert json.loads(said("verify", tmp_path / "tape", "--json")[1]) == {
        "tape": str(tmp_path / "tape"),
        "ok": True,
        "findings": [],
    }
    code, out, _ = said("info", tmp_path / "tape")
    assert code == 0 and "binance_spot:BTCUSDT" in out and "gaps 0" in out


BAD = {
    "a line that is no JSON": (
        b"%d {not json}\n" % (T0 + 9),
        r"bad\.gz:7: '\{not json\}' is not valid JSON.*--lenient",
    ),
    "a bare NaN": (b'%d {"u":NaN}\n' % (T0 + 9), r"bad\.gz:7: .* is not valid JSON"),
    "a price that is no number": (
        make.as_text([(T0 + 9, make.ticker(20, ("NaN", "1"), ("2", "1")))]),
        r"bad\.gz:7: 'NaN' is not a number.*: mend or remove the line",
    ),
    "a negative price": (
        make.as_text([(T0 + 9, make.trade(9, "-1.00", "1"))]),
        r"bad\.gz:7: '-1.00' is not a number",
    ),
    "a price off the grid": (
        make.as_text([(T0 + 9, make.trade(9, "100.001", "1"))]),
        r"bad\.gz:7: binance_spot:BTCUSDT price 100.001 is not a multiple of 0.01: .*--instruments",
    ),
    "an unknown symbol": (
        make.as_text([(T0 + 9, make.trade(9, "1", "1", s="NOPEUSDT"))]),
        r"bad\.gz: 'NOPEUSDT' is no known instrument of binance_spot: .*--instruments",
    ),
    "times that go back": (
        make.as_text([(T0 - 9, make.trade(9, "1", "1"))]),
        rf"bad\.gz:7: receive time {T0 - 9} is before the line above .*: sort the file",
    ),
    "a line without a time": (b'{"u":1}\n', r"bad\.gz:7: '.*' is no receive time: .*--lenient"),
    "a time of no year": (b'12 {"u":1}\n', r"bad\.gz:7: '12' is no receive time"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_lines_are_refused_in_one_line_that_names_them(tmp_path: Path, said: Any, name: str) -> None:
    extra, words = BAD[name]
    path = tmp_path / "bad.gz"
    path.write_bytes(gzip.compress(make.as_text(make.SPOT) + extra))
    code, out, err = said("import", path, "--into", tmp_path / "tape")
    assert (code, out, len(err)) == (2, "", 1)
    assert err[0].startswith("crossbook: ")
    with pytest.raises(Refused, match=words):
        import_tape([path], tmp_path / "tape")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["bad.gz"], "nothing is left behind"


def test_lenient_skips_what_is_no_json_and_counts_it(tmp_path: Path) -> None:
    whole = import_tape([make.record(tmp_path / "s.gz", make.SPOT)], tmp_path / "whole")
    lines = make.as_text(make.SPOT).splitlines(keepends=True)
    text = b"rubbish\n" + lines[0] + b"%d {oops\n" % (T0 + 1) + b"".join(lines[1:]) + b"%d {}{\n" % (T0 + 6)
    text += make.as_text([(T0, make.trade(9, "100", "1", at=T0 - MS))])
    path = tmp_path / "bad.gz"
    path.write_bytes(gzip.compress(text))
    manifest = import_tape([path], tmp_path / "tape", Options(lenient=True))
    assert (manifest.sources[0].skipped, manifest.sources[0].clamped, manifest.sources[0].frames) == (3, 1, 7)
    rows = open_tape(tmp_path / "tape").rows
    assert rows[: whole.rows].tobytes() == open_tape(tmp_path / "whole").rows.tobytes()
    assert rows[-1]["ts"] == T0 + 5, "put forward to the line before"
    bad = make.record(tmp_path / "nan.gz", [*make.SPOT, (T0 + 9, make.trade(9, "NaN", "1"))])
    with pytest.raises(Refused, match="NaN"):
        import_tape([bad], tmp_path / "t2", Options(lenient=True))


@pytest.mark.parametrize("cut", [1, 9, 40])
def test_a_truncated_gz_is_refused(tmp_path: Path, said: Any, cut: int) -> None:
    path = make.record(tmp_path / "cut.gz", make.SPOT)
    path.write_bytes(path.read_bytes()[:-cut])
    for more in ((), ("--lenient",)):
        code, _, (line,) = said("import", path, "--into", tmp_path / "tape", *more)
        assert code == 2 and "cut.gz: truncated gz file" in line and "fetch it again" in line


def test_a_damaged_gz_is_refused(tmp_path: Path) -> None:
    path = make.record(tmp_path / "hurt.gz", make.SPOT)
    raw = bytearray(path.read_bytes())
    raw[-6] ^= 1
    path.write_bytes(raw)
    with pytest.raises(Refused, match=r"hurt\.gz: damaged gz file .*: fetch it again"):
        import_tape([path], tmp_path / "tape")


def test_plain_files_and_joined_gz_files_read_the_same(tmp_path: Path) -> None:
    text = make.as_text(make.SPOT)
    plain, joined = tmp_path / "plain", tmp_path / "joined.gz"
    plain.write_bytes(text[:-1])
    joined.write_bytes(gzip.compress(text[:300]) + gzip.compress(text[300:]))
    hashes = {import_tape([path], tmp_path / f"tape_{path.name}").content_hash for path in (plain, joined)}
    assert hashes == {import_tape([make.record(tmp_path / "s.gz", make.SPOT)], tmp_path / "tape").content_hash}


def test_a_continuation_needs_the_recording_that_begins_it(tmp_path: Path, said: Any) -> None:
    first = make.record(tmp_path / "btcusdt_20240808.gz", make.SPOT)
    later = [(T0 + 20, make.depth(15, 16, [("99.00", "1")], [])), (T0 + 21, make.depth(17, 17, [], [("100.01", "0")]))]
    second = make.record(tmp_path / "btcusdt_20240809.gz", later)
    code, _, (line,) = said("import", second, "--into", tmp_path / "tape")
    assert code == 2 and "no snapshot" in line and "import it together with btcusdt_20240808.gz" in line
    manifest = import_tape([second, first], tmp_path / "tape")
    assert (manifest.frames, manifest.health.gap_count) == (7, 0)
    first.unlink()
    code, _, (line,) = said("import", second, "--into", tmp_path / "other")
    assert code == 2 and "import the file that begins it as well" in line


def test_gaps_crossed_and_silent_stretches_are_reported_and_fail_verify(tmp_path: Path, said: Any) -> None:
    late = T0 + 6_000 * MS
    lines = [
        *make.SPOT,
        (late, make.ticker(15, ("100.05", "1"), ("100.02", "1"))),
        (late + MS, make.ticker(16, ("100.00", "1"), ("100.02", "1"))),
        (late + 2 * MS, make.depth(20, 21, [], [])),
    ]
    manifest = import_tape([make.record(tmp_path / "s.gz", lines)], tmp_path / "tape")
    health = manifest.health
    assert [(gap.ts, gap.expected, gap.got) for gap in health.gaps] == [(late + 2 * MS, 14, 20)]
    assert [(one.ts, one.end) for one in health.crossed] == [(late, late + MS)]
    assert [(one.ts, one.end) for one in health.stale] == [(T0 + 5, late)]
    code, out, err = said("verify", tmp_path / "tape")
    assert code == 1 and err == []
    assert "gap at 2024-08-08T23:54:21.002000000Z" in out and "crossed from" in out and "2 findings" in out


def test_missing_and_damaged_tapes_are_named(tmp_path: Path, said: Any) -> None:
    code, _, (line,) = said("info", tmp_path / "none")
    assert code == 2 and "none is no tape" in line and "crossbook tape import" in line
    assert said("verify", tmp_path / "none")[0] == 2
    code, _, (line,) = said("import", tmp_path / "gone.gz", "--into", tmp_path / "tape")
    assert code == 2 and "gone.gz: no such file" in line
    tape = open_tape_of_spot(tmp_path)
    part = tape.directory / tape.manifest.parts[0].name
    raw = bytearray(part.read_bytes())
    raw[len(raw) // 2] ^= 1
    part.write_bytes(raw)
    with pytest.raises(Corrupt, match=rf"{part.name} is not what was written"):
        open_tape(tape.directory)
    code, out, _ = said("verify", tape.directory)
    assert code == 1 and f"{part.name} is not what was written" in out
    part.unlink()
    with pytest.raises(Corrupt, match=rf"{part.name} is missing"):
        open_tape(tape.directory)
    (tape.directory / "manifest.json").write_text("{")
    with pytest.raises(Corrupt, match=r"manifest\.json cannot be read"):
        open_tape(tape.directory)


def test_a_tape_is_not_overwritten_unasked(tmp_path: Path, said: Any) -> None:
    path, tape = make.record(tmp_path / "s.gz", make.SPOT), tmp_path / "tape"
    assert said("import", path, "--into", tape)[0] == 0
    code, _, (line,) = said("import", path, "--into", tape)
    assert code == 2 and "already holds a tape" in line and "--force" in line
    assert said("import", path, "--into", tape, "--force")[0] == 0
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "letter").write_text("dear")
    code, _, (line,) = said("import", path, "--into", tmp_path / "docs", "--force")
    assert code == 2 and "exists and is no tape" in line
    assert (tmp_path / "docs" / "letter").read_text() == "dear"
    copy = make.record(tmp_path / "copy.gz", make.SPOT)
    code, _, (line,) = said("import", path, copy, "--into", tmp_path / "tape2")
    assert code == 2 and "are the same recording: give it once" in line


def test_instruments_of_ones_own(tmp_path: Path, said: Any) -> None:
    path = make.record(tmp_path / "s.gz", [(T0, make.ticker(1, ("0.00012", "1"), ("0.00013", "2"), s="NEWUSDT"))])
    own = tmp_path / "own.toml"
    own.write_text(
        '[binance_spot.NEWUSDT]\nquote="USDT"\ntick="0.00001"\nlot="1"\nmax_price="9"\nmax_quantity="9999"\n'
    )
    code, out, _ = said("import", path, "--into", tmp_path / "tape", "--instruments", own, "--json")
    assert code == 0 and json.loads(out)["instruments"][0]["base"] == "NEW"
    assert open_tape(tmp_path / "tape").rows["price2"].tolist() == [13]
    for text, words in [
        ("[kraken.X]", "'kraken' is no venue"),
        ("[binance_spot.X]\nticks='1'", "X: unknown key 'ticks'"),
        ("[binance_spot.X]\ntick='1'\nlot=2", "X: lot is not a string"),
        ("[binance_spot.X]\ntick='-1'\nlot='1'", "tick -1 must be more than zero"),
        ("[", "not TOML"),
    ]:
        own.write_text(text)
        code, _, (line,) = said("import", path, "--into", tmp_path / "tape2", "--instruments", own)
        assert code == 2 and words in line and "own.toml" in line


FULL = """
import sys
from pathlib import Path
from crossbook.cli.call import call
from crossbook.cli.tape import app
call(app, "crossbook tape", ["import", sys.argv[1], "--into", sys.argv[2]])
"""


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk: the system refuses the same write."""
    lines = list(make.SPOT)
    chance = np.random.default_rng(1)
    for n in range(20_000):
        price = int(chance.integers(10_000, 99_999))
        quantities = (f"{chance.integers(1, 9999)}.{chance.integers(1, 99999):05d}" for _ in range(2))
        bid, ask = ((f"{price + k}.{k:02d}", quantity) for k, quantity in enumerate(quantities))
        lines.append((T0 + 10 + n, make.ticker(20 + n, bid, ask)))
    path = make.record(tmp_path / "s.gz", lines)
    import_tape([path], tmp_path / "fits")  # and compiles: the limit is not for numba's cache

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    folder = tmp_path / "tapes"
    script = f"import sys; sys.path[:] = {sys.path!r}\n{FULL}"
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), str(folder / "x")],
        capture_output=True, text=True, preexec_fn=limit, check=False,
    )  # fmt: skip
    errors = [line for line in done.stderr.splitlines() if not line.startswith(COMPILING)]
    assert done.returncode == 2 and done.stdout == ""
    assert len(errors) == 1 and "the disk is full" in errors[0] and "free space" in errors[0]
    assert list(folder.iterdir()) == []
