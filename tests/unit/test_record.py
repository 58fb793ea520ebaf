"""A recording survives a kill: what was torn is cut off, it goes on, it is proved, and a tape of it has true books."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_venue import SYMBOL, LocalVenue
from session_material import Host

from crossbook.desk.raw import PARTS, RawFolder, RawWriter, lines_of, listed_parts
from crossbook.desk.record import EVENTS, Recorded, Recorder, _describe
from crossbook.desk.record_verify import verify_recording
from crossbook.errors import Refused
from crossbook.rules.book import DELTA, SNAPSHOT
from crossbook.sim.world import World
from crossbook.sim.world_faults import Faults
from crossbook.tape.importer import import_tape
from crossbook.tape.tape import open_tape
from crossbook.timestamp import NS_PER_MS, NS_PER_S

COMMAND = "from crossbook.cli.call import call; from crossbook.cli.record import app; import sys;"
COMMAND += "call(app, 'crossbook record', sys.argv[1:])"
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
T0 = 1_770_000_000 * NS_PER_S


def begin(folder: Path, url: str, *more: str) -> subprocess.Popen[str]:
    words = ["--venue", "binance_usdm", "--symbols", SYMBOL, "--env", "local", "--url", url, "--into", str(folder)]
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )


def wait_for(condition: object, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


def lines_with_snapshot(folder: Path) -> int:
    """Lines after the snapshot of the part that is being written."""
    return sum(path.read_bytes().partition(b'"lastUpdateId"')[2].count(b"\n") for path in folder.glob("*.raw"))


def test_record_kill_resume_verify_import(tmp_path: Path) -> None:
    folder = tmp_path / "recording"
    with LocalVenue() as venue:
        first = begin(folder, venue.url)
        wait_for(lambda: lines_with_snapshot(folder) > 300)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        (raw,) = folder.glob("*.raw")
        whole = raw.read_bytes()
        assert whole.endswith(b"\n"), "a kill tears no line that was flushed"
        with raw.open("ab") as file:  # what a loss of power may leave
            file.write(b'1770000000000000000 {"stream":"btcusdt@tra')
        second = begin(folder, venue.url, "--json")
        wait_for(lambda: not raw.exists() and lines_with_snapshot(folder) > 300)
        second.send_signal(signal.SIGINT)
        out, err = second.communicate(timeout=20)
        assert second.returncode == 0, err
        assert json.loads(out)["gaps"] == 0 and json.loads(out)["snapshots"] >= 1
        books = dict(venue.books)
    parts = listed_parts(folder)
    assert len(parts) == 2 and not list(folder.glob("*.raw"))
    assert parts[raw.with_suffix(".gz").name].mended == 42
    assert gzip.decompress((folder / raw.with_suffix(".gz").name).read_bytes()) == whole
    events = [json.loads(line) for line in (folder / EVENTS).read_text().splitlines()]
    assert [one["event"] for one in events].count("mended") == 1
    found = verify_recording(folder)
    assert found.findings == [] and found.gaps == 1, "the time between is a gap, and a snapshot mends it"
    for paths in [list(folder.glob("*.gz")), [max(folder.glob("*.gz"))]]:
        check_books(paths, tmp_path / f"tape{len(paths)}", books)


def check_books(paths: list[Path], tape: Path, books: dict[int, tuple[dict[str, str], dict[str, str]]]) -> None:
    """The tape's book equals the venue's after every update in step with it."""
    manifest = import_tape(paths, tape)
    assert set(manifest.counts["binance_usdm:BTCUSDT"]) >= {"quote", "book_delta", "book_snapshot", "trade"}
    sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
    rows = open_tape(tape).rows
    last, compared, in_step, old = -1, 0, False, False
    begins = True
    for row in rows[(rows["kind"] == DELTA) | (rows["kind"] == SNAPSHOT)]:
        if begins and row["kind"] == SNAPSHOT:
            sides[0].clear(), sides[1].clear()
            in_step, old, chained = True, False, False
        elif begins:
            old = int(row["id"]) <= last
            in_step = in_step and (old or not chained or int(row["id2"]) == last)
            chained = chained or not old
        begins = bool(row["flags"] & 1)
        if old:
            continue
        last = int(row["id"])
        book = sides[int(row["side"])]
        if row["lots"]:
            book[int(row["price"])] = int(row["lots"])
        else:
            book.pop(int(row["price"]), None)
        if begins and in_step and last in books:
            for ours, theirs in zip(sides, books[last], strict=True):
                assert ours == {round(float(price) * 10): round(float(lots) * 1000) for price, lots in theirs.items()}
            compared += 1
    assert compared > 20


class Market(Host):
    """Quotes in Binance's words; the first socket loses one of the streams, and says nothing of it."""

    lost: tuple[object, str] | None = None

    def _send(self) -> None:
        self.world.loop.call_later(self.every_s, self._send)
        for stream in self.streams:
            self.numbers[stream] += 1
            quote = {"u": self.numbers[stream], "s": SYMBOL, "b": "1", "B": "1", "a": "2", "A": "1"}
            for peer in self.peers:
                if stream in peer.streams and (peer, stream) != self.lost:
                    peer.connection.send(json.dumps({"stream": stream, "data": quote}).encode())


def test_a_silent_stream_is_replaced_without_a_frame_lost_or_doubled_of_the_others(tmp_path: Path) -> None:
    world = World(1, Faults(jitter_ns=100 * NS_PER_MS))
    streams = ("btcusdt@bookTicker", "ethusdt@bookTicker")
    host = Market(world, streams)
    world.network.serve("127.0.0.1:1", host)
    what = Recorded(venue="binance_spot", symbols=("BTCUSDT", "ETHUSDT"), environment="local", url="http://127.0.0.1:1")
    recorder = Recorder(world.ports(), [what], tmp_path)
    recorder.start()
    world.run(30)
    host.lost = (host.peers[0], "ethusdt@bookTicker")
    world.run(240)
    recorder.stop()
    counts = recorder.progress()
    assert counts.silences == 1 and counts.duplicates > 10 and counts.reconnects == 0
    ids = {}
    for path in tmp_path.glob("*.gz"):
        frames = [json.loads(frame) for _, frame in lines_of(path)]
        ids[path.name[:20]] = [frame["data"]["u"] for frame in frames if "data" in frame]
    busy, silent = ids["binance_spot_BTCUSDT"], ids["binance_spot_ETHUSDT"]
    assert busy == list(range(busy[0], busy[0] + len(busy)))
    assert silent == sorted(set(silent)) and host.numbers[streams[1]] - silent[-1] <= 2


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    folder = RawFolder(tmp_path)
    with pytest.raises(Refused, match="by another process"):
        RawFolder(tmp_path)
    folder.close()
    RawFolder(tmp_path).close()


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), min_size=1, max_size=30), st.data())
def test_whatever_is_cut_off_a_part_the_whole_lines_before_remain(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[int, int]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("raw")
    raw = RawFolder(folder)
    writer = RawWriter(raw, "v_S")
    for n, (step, length) in enumerate(lines):
        writer.write(T0 + n * step, json.dumps({"x": "y" * length}).encode())
    writer.flush()
    writer._file.close()
    (path,) = folder.glob("*.raw")
    whole = path.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    junk = data.draw(st.sampled_from([b"", b"\0\0\0", b"17", b"\n", b'{"x":1}', b"\0\0\n"]))
    path.write_bytes(whole[:cut] + junk)
    raw.close()
    after = RawFolder(folder)
    after.close()
    expected = whole[: whole.rfind(b"\n", 0, cut) + 1]
    parts = list(folder.glob("*.gz"))
    got = gzip.decompress(parts[0].read_bytes()) if parts else b""
    assert got in (expected, expected + b"\n", whole[:cut] + b"\n") and got.startswith(expected)
    assert [part.lines for part in listed_parts(folder).values()] == ([got.count(b"\n")] if got else [])


def test_a_part_ends_with_its_hour_and_its_size_and_asks_for_a_snapshot(tmp_path: Path) -> None:
    raw = RawFolder(tmp_path)
    writer = RawWriter(raw, "v_S", part_bytes=100)
    hour = T0 // (3600 * NS_PER_S) * 3600 * NS_PER_S
    firsts = [writer.write(hour + at, b"{}") for at in (0, 1, 3600 * NS_PER_S, 3600 * NS_PER_S + 1)]
    assert firsts == [True, False, True, False]
    assert [writer.write(hour + 3601 * NS_PER_S + n, b"{}") for n in range(5)].count(True) == 1
    writer.close()
    raw.close()
    parts = listed_parts(tmp_path)
    assert len(parts) == 3 and sum(part.lines for part in parts.values()) == 9
    assert [frame for path in sorted(tmp_path.glob("*.gz")) for _, frame in lines_of(path)] == [b"{}"] * 9


def test_stamps_never_go_back_and_a_frame_is_one_line(tmp_path: Path) -> None:
    raw = RawFolder(tmp_path)
    writer = RawWriter(raw, "v_S")
    writer.write(T0 + 5, b'{"a":\n1}')
    writer.write(T0, b"{}")
    writer.close()
    raw.close()
    (path,) = tmp_path.glob("*.gz")
    assert list(lines_of(path)) == [(T0 + 5, b'{"a": 1}'), (T0 + 5, b"{}")] and writer.put_forward == 1


def test_verify_finds_what_was_changed(tmp_path: Path) -> None:
    _describe(tmp_path, [Recorded(venue="binance_usdm", symbols=(SYMBOL,), environment="mainnet")])
    raw = RawFolder(tmp_path)
    writer = RawWriter(raw, "binance_usdm_BTCUSDT")
    writer.write(T0, b'{"lastUpdateId":5,"bids":[],"asks":[]}')
    writer.close()
    raw.close()
    assert verify_recording(tmp_path).findings == []
    (path,) = tmp_path.glob("*.gz")
    path.write_bytes(gzip.compress(b"%d {}\n%d {}\n" % (T0, T0 - 1)))
    findings = verify_recording(tmp_path).findings
    assert ["SHA-256" in findings[0], "before the line above" in findings[1], "2 lines and 1" in findings[2]] == [
        True
    ] * 3
    path.write_bytes(path.read_bytes()[:-9])
    assert any("damaged" in line for line in verify_recording(tmp_path).findings)
    path.unlink()
    assert "is listed and not there" in verify_recording(tmp_path).findings[0]
    (tmp_path / PARTS).unlink()
    with pytest.raises(Refused, match="no recording"):
        verify_recording(tmp_path / "nowhere")


def test_a_folder_keeps_its_world(tmp_path: Path) -> None:
    _describe(tmp_path, [Recorded(venue="binance_usdm", symbols=(SYMBOL,), environment="mainnet")])
    with pytest.raises(Refused, match="of mainnet, not testnet"):
        _describe(tmp_path, [Recorded(venue="binance_usdm", symbols=(SYMBOL,), environment="testnet")])
    _describe(tmp_path, [Recorded(venue="hyperliquid", symbols=("BTC",), environment="mainnet")])
    assert {one["venue"] for one in json.loads((tmp_path / "recording.json").read_text())} == {
        "binance_usdm", "hyperliquid",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--into", "x"], "what is recorded"),
        (["--venue", "binance_usdm", "--symbols", "BTCUSDT"], "--into is missing"),
        (["--venue", "nasdaq", "--symbols", "A", "--into", "x"], "unknown"),
        (["--venue", "binance_usdm", "--into", "x"], "which symbols"),
        (["--venue", "binance_usdm", "--symbols", "A", "--env", "local", "--into", "x"], "Give --served FILE"),
        (["--venue", "binance_usdm", "--symbols", "A", "--served", "s.json", "--into", "x"], "it needs --env local"),
        (
            ["--venue", "binance_usdm", "--symbols", "A", "--env", "local", "--served", "s.json", "--into", "x"],
            "it is what `crossbook venue serve` prints",
        ),
        (["--venue", "binance_usdm", "--symbols", "A", "--url", "http://127.0.0.1:1", "--into", "x"], "--env local"),
        (["--venue", "binance_coinm", "--symbols", "A", "--into", "x"], "no gateway"),
        (
            [
                "--venue",
                "binance_usdm",
                "--symbols",
                "A",
                "--env",
                "local",
                "--url",
                "http://10.1.2.3:5",
                "--into",
                "x",
            ],
            "none on this machine",
        ),
    ],
)
def test_a_wrong_command_line_is_one_line(tmp_path: Path, words: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *words],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=ENVIRONMENT,
        check=False,
    )
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
