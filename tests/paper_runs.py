"""A small desk that trades much on a short generated market, and its runs: whole, cut off, asked for things."""

import io
import shutil
import signal
import tempfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path

from rich.console import Console

from crossbook.desk.config import Config, load_config
from crossbook.desk.journal import JournalWriter, read_journal
from crossbook.desk.live_view import LiveView
from crossbook.desk.paper import Paper, run_paper
from crossbook.desk.replay import Replay
from crossbook.desk.restart import without_restarts
from crossbook.desk.wire import Bundle, wire
from crossbook.ledger.records import HEADER_BYTES
from crossbook.sim.market import generate_market
from crossbook.tape.tape import Tape, tape_of_rows, write_tape
from crossbook.types import Venue

CONFIG = """
physics = true
controls_off = ["C10", "C13", "C14", "C15", "C16", "C24", "C37", "C38", "C39", "C40"]

[venues.binance_usdm]
maker_bps = 0
taker_bps = 0
opening = { USDT = 4400 }

[venues.hyperliquid]
maker_bps = 0
taker_bps = 0
entry_latency_us = [30000, 60000, 150000]
response_latency_us = [10000, 40000]
quote_age_ms_max = 1500
opening = { USDC = 4400 }

[venues.binance_spot]

[marks]
USDC = "binance_spot:USDCUSDT"

[pairs.BTC]
a = "binance_usdm:BTCUSDT"
b = "hyperliquid:BTC"

[pairs.ETH]
a = "binance_usdm:ETHUSDT"
b = "hyperliquid:ETH"

[strategies.v0]
kind = "arbitrage_v0"
pairs = ["BTC", "ETH"]
clip_usd = 200
exit_keep_bps = 0
collar_bps = 1
"""
SEED = 3

Request = tuple[int, int, int, int, int]
"""After how many frames; scope, index, level, wish."""


@cache
def market(seconds: int = 20) -> Tape:
    """The tape, in memory."""
    instruments, rows = generate_market(SEED, Decimal(seconds) / 60, (Venue.BINANCE_USDM, Venue.HYPERLIQUID))
    return tape_of_rows(instruments, rows)


@cache
def config() -> Config:
    """The desk."""
    with tempfile.TemporaryDirectory() as folder:
        return load_config(config_file(Path(folder)))


def config_file(folder: Path) -> Path:
    """The desk's configuration as a file."""
    path = folder / "much.toml"
    path.write_text(CONFIG)
    return path


def tape_folder(folder: Path, seconds: int = 20) -> Path:
    """The tape as a folder."""
    tape = market(seconds)
    write_tape(folder / "tape", tape.rows, tape.manifest)
    return folder / "tape"


def bundle(seconds: int = 20) -> Bundle:
    """A fresh desk over the tape."""
    return wire(config(), market(seconds))


def entries(folder: Path) -> list[bytes]:
    """All entries of a run's journal."""
    return [payload for _, payload in read_journal(folder / "journal")]


def begun(folder: Path) -> bool:
    """Whether a run's journal holds any entry."""
    return any(True for _ in read_journal(folder / "journal"))


def lasting(folder: Path) -> list[bytes]:
    """The entries of a run's journal, restart marks aside."""
    return [payload for _, payload in without_restarts(folder / "journal")]


def backtest(folder: Path, seconds: int = 20) -> list[bytes]:
    """A run in one go; its entries."""
    with JournalWriter(folder / "journal", segment_bytes=1 << 20) as journal:
        Replay(bundle(seconds), journal).run()
    return entries(folder)


def asked(folder: Path, requests: Sequence[Request] = (), stop_after: int = 0, seconds: int = 20) -> list[bytes]:
    """A run in which a person asked for things, and perhaps stopped it; its entries."""
    with JournalWriter(folder / "journal", segment_bytes=1 << 20) as journal:
        replay = Replay(bundle(seconds), journal)
        replay.begin()
        for number, (frames, *what) in enumerate(sorted(requests)):
            while replay.frames < frames:
                replay.advance(1 << 62, frames - replay.frames)
            names = {"id": str(number), "wish": "flatten" if what[3] else "lower", "who": "tester", "reason": "a test"}
            names |= {"scope": ("desk", "venue:hyperliquid", "instrument:hyperliquid:BTC", "strategy:v0")[what[0]]}
            names |= {"level": ("KILLED", "CLOSE_ONLY", "ACTIVE")[what[2]]}
            replay.request(names, *what, ts=replay.moment)
        while not replay.at_end and (not stop_after or replay.frames < stop_after):
            replay.advance(1 << 62, 1 if stop_after else 512)
        replay.finish()
    return entries(folder)


def cut(run: Path, into: Path, at: float) -> None:
    """The run as it would lie there, had its process been killed: the journal's bytes up to a part `at` of them."""
    (into / "journal").mkdir(parents=True)
    content = (run / "journal" / "000001.seg").read_bytes()
    size = int(at * len(content)) if at < 1 else len(content)
    (into / "journal" / "000001.seg").write_bytes(content[: max(size, HEADER_BYTES)])
    if (run / "control").exists():
        shutil.copytree(run / "control", into / "control")


class Impatient(LiveView):
    """A screen whose reader presses Ctrl-C once so many entries were written, those that came again left out."""

    def __init__(self, desk: Bundle, folder: Path, after: int) -> None:
        nowhere = Console(file=io.StringIO(), force_terminal=True, width=120)
        super().__init__(desk, folder.name, "paper", 400, nowhere)
        self._left = after + (len(lasting(folder)) if (folder / "journal" / "000001.seg").exists() else 0)

    def watch(self, payload: bytes) -> None:
        """Take an entry; press once enough were written."""
        super().watch(payload)
        self._left -= 1
        if self._left == 0:
            signal.raise_signal(signal.SIGINT)


def stop(folder: Path, after: int, seconds: int = 20) -> Paper:
    """Begin a run or go on with it, and stop it once `after` entries more were written."""
    desk = bundle(seconds)
    return run_paper(desk, folder, 400, lambda line: None, view=Impatient(desk, folder, after))


def resume(
    folder: Path,
    speed: float | None = None,
    say: Callable[[str], object] = lambda line: None,
    seconds: int = 20,
    finish: bool = False,
) -> Paper:
    """Go on with a run in this process (or begin it)."""
    return run_paper(bundle(seconds), folder, speed, say, finish=finish)
