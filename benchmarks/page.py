"""The page: from a journal entry to its delta on the wire, at a thousand and at a million trades in the ledger."""

from __future__ import annotations

import contextlib
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tables import Row, present, quantiles
from websockets.sync.client import ClientConnection, connect

from crossbook.commands import OutKind, Reason
from crossbook.desk.journal import JournalWriter
from crossbook.events import EventKind
from crossbook.ledger.declaration import Declaration, DeclaredInstrument, DeclaredPair, DeclaredVenue
from crossbook.ledger.entries import TAG_EVENT, TAG_OUT, encode_declaration
from crossbook.types import Chain, InstrumentKind, Venue

E8 = 10**8
T0 = 1_764_000_000 * 10**9
GAP_NS = 2_000_000_000
"""From one round trip to the next: a million trades are a few days."""
_EVENT, _OUT = struct.Struct("<8q8h"), struct.Struct("<8q12h")
EVERY_S = 20
"""Entries a second."""
SECONDS = 15.0
MORE_TABS = 4
TRADES = tuple(int(one) for one in os.environ.get("CROSSBOOK_BENCH_TRADES", "1000,1000000").split(","))
SEQUENCE = re.compile(r'"as_of_seq":(\d+)')
OPENING = ((0, 0, 10_000 * E8), (0, 1, 10 * E8), (1, 0, 10_000 * E8))


def declaration() -> Declaration:
    """Spot and perpetual of one coin, two strategies."""
    words = {
        "symbol": "BTCUSDT", "base": "BTC", "quote": "USDT", "settle": "USDT", "tick_e8": 10**6, "lot_e8": 1_000,
        "max_lots": 10**9, "max_ticks": 10**8, "chain": Chain.FIRST_ID, "maker_ppm": 200, "taker_ppm": 500,
    }  # fmt: skip
    return Declaration(
        instruments=[
            DeclaredInstrument(venue=Venue.BINANCE_SPOT, kind=InstrumentKind.SPOT, **words),
            DeclaredInstrument(venue=Venue.BINANCE_USDM, kind=InstrumentKind.LINEAR, **words),
        ],
        assets=["USDT", "BTC"], asset_marks=[-1, 0], reporting=0,
        venues=[DeclaredVenue(label="binance_spot"), DeclaredVenue(label="binance_usdm", margin=True, collateral=0)],
        strategies=["v0", "v1"], pairs=[DeclaredPair(name="BTC", a=0, b=1, step_e8=1_000)],
    )  # fmt: skip


def event(
    kind: int, ts: int, *, price: int = 0, lots: int = 0, lots2: int = 0, id: int = 0, id2: int = 0,
    instrument: int = -1, venue: int = -1, asset: int = 0, strategy: int = -1, side: int = 0,
) -> bytes:  # fmt: skip
    """An event's entry."""
    row = (ts, ts - 900_000, price, lots, 0, lots2, id, id2, kind, instrument, venue, asset, strategy, side, 1, 0)
    return TAG_EVENT + _EVENT.pack(*row)


def out(kind: int, ts: int, *, order: int = 0, intent: int = 0, price: int = 0, lots: int = 0, value: int = 0,
        limit: int = 0, count: int = 0, strategy: int = -1, instrument: int = -1, venue: int = -1, side: int = 0,
        reason: int = 0, pair: int = -1) -> bytes:  # fmt: skip
    """An answer's entry."""
    row = (ts, order, intent, price, lots, value, limit, count, kind, strategy, instrument, venue, side, 0, reason, 0,
           pair, 0, 0, 0)  # fmt: skip
    return TAG_OUT + _OUT.pack(*row)


def beginning() -> list[bytes]:
    """Declaration, opening balances, first marks."""
    found = [encode_declaration(declaration().to_json())]
    found += [
        event(EventKind.TRANSFER, T0, venue=venue, asset=asset, lots=lots, id2=number)
        for number, (venue, asset, lots) in enumerate(OPENING, start=1)
    ]
    return found + [out(OutKind.MARKED, T0 + 1, instrument=i, price=6_000_000, lots=6_000_010) for i in (0, 1)]


def round_trip(number: int) -> list[bytes]:
    """Four fills: in on both legs and out on both; every third is lost, prices wander."""
    ts, who = T0 + 10 + number * GAP_NS, number % 2
    base = 6_000_000 + (number * 7_919) % 4_001 - 2_000
    found: list[bytes] = []
    for part, sides in ((0, (0, 1)), (1, (1, 0))):
        intent = 2 * number + part + 1
        at = ts + part * 1_000_000_000
        reason = int(Reason.ENTRY if part == 0 else Reason.EXIT_REVERSAL)
        found.append(out(OutKind.INTENT, at, intent=intent, strategy=who, pair=0, reason=reason, value=E8 // 5,
                         limit=200 * E8, count=330_000))  # fmt: skip
        for leg, side in enumerate(sides):
            order = 4 * number + 2 * part + leg + 1
            price = base + (30 if (side == 1) == (number % 3 != 0) else 0)
            place = {"instrument": leg, "venue": leg, "strategy": who, "side": side}
            sent = at + 50_000 * (leg + 1)
            known = sent + 3_000_000 + (order * 104_729) % 2_000_003
            found.append(out(OutKind.SUBMIT_ORDER, sent, order=order, intent=intent, price=price + 5, lots=330, pair=0,
                             **place))  # fmt: skip
            found.append(event(EventKind.ORDER_ACCEPTED, known - 100_000, id=order, id2=order))
            found.append(event(EventKind.ORDER_FILLED, known, price=price, lots=330, lots2=9_900, id=order, id2=order,
                               asset=0, **place))  # fmt: skip
            found.append(out(OutKind.FILL_COST, known, order=order, count=order, value=(price - 2) * 330,
                             limit=(price - 1) * 330, lots=330, **place))  # fmt: skip
            found.append(out(OutKind.UNHEDGED, known, strategy=who, pair=0, value=330_000 * (1 - leg)))
    if number % 8 == 0:
        later = ts + 1_500_000_000
        found += [out(OutKind.MARKED, later, instrument=i, price=base, lots=base + 10) for i in (0, 1)]
        found.append(out(OutKind.DENIAL, later, strategy=who, pair=0, instrument=0, venue=0, value=700_000_000,
                         limit=500_000_000, count=3, reason=int(Reason.QUOTE_TOO_OLD)))  # fmt: skip
    return found


def entries(trades: int) -> Iterator[bytes]:
    """A journal with so many trades (fills)."""
    yield from beginning()
    for number in range(trades // 4):
        yield from round_trip(number)


def write_run(folder: Path, trades: int) -> JournalWriter:
    """A run's folder with such a journal, which can be written on."""
    folder.mkdir(parents=True)
    writer = JournalWriter(folder / "journal")
    for payload in entries(trades):
        writer.append(payload)
    return writer


class Server:
    """`crossbook page` as a process, and how much of the machine it takes."""

    def __init__(self, runs: Path, run: str) -> None:
        command = [
            sys.executable,
            "-c",
            "import sys; from crossbook.cli import main; sys.exit(main())",
            "page",
            run,
            "--runs",
            str(runs),
            "--json",
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        told = json.loads(line)
        self.url = told["url"].rstrip("/")
        body = json.dumps({"code": told["code"]}).encode()
        headers = {"Origin": self.url, "Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/api/login", body, headers)) as answer:
            self.cookie = answer.headers["Set-Cookie"].partition(";")[0]

    def tab(self) -> ClientConnection:
        """A page's WebSocket."""
        headers = {"Origin": self.url, "Cookie": self.cookie}
        address = self.url.replace("http", "ws", 1) + "/api/live"
        return connect(address, additional_headers=headers, max_size=1 << 24, proxy=None)

    def cpu_s(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self) -> int:
        """Resident."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") >> 20

    def close(self) -> None:
        """End it, by force where giving back its memory takes long."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def until(tab: ClientConnection, sequence: int) -> None:
    """Wait for a message that tells of `sequence`."""
    while json.loads(tab.recv()).get("as_of_seq", 0) < sequence:
        pass


def deltas(writer: JournalWriter, server: Server, first: int, seconds: float, tabs: int) -> tuple[list[int], float]:
    """Append 20 entries a second for so long: the ns from each to its delta, and the server's share of a core."""
    with contextlib.ExitStack() as stack:
        open_tabs = [stack.enter_context(server.tab()) for _ in range(tabs)]
        return _timed(writer, server, first, seconds, open_tabs)


def _timed(
    writer: JournalWriter, server: Server, first: int, seconds: float, open_tabs: list[ClientConnection]
) -> tuple[list[int], float]:
    appended: dict[int, int] = {}
    taken: list[int] = []
    done = threading.Event()

    def listen(tab: ClientConnection, measure: bool) -> None:
        waiting = 0
        with contextlib.suppress(Exception):
            while not done.is_set():
                try:
                    message = tab.recv(timeout=0.5)
                except TimeoutError:
                    continue
                now = time.monotonic_ns()
                if measure and (found := SEQUENCE.search(message[:200])) is not None:
                    reached = int(found[1])
                    while waiting < len(order) and order[waiting] <= reached:
                        taken.append(now - appended[order[waiting]])
                        waiting += 1

    order: list[int] = []
    threads = [threading.Thread(target=listen, args=(tab, k == 0)) for k, tab in enumerate(open_tabs)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    before, began = server.cpu_s(), time.monotonic()
    payloads = (one for number in range(first, first + 10_000) for one in round_trip(number))
    while time.monotonic() - began < seconds:
        appended[writer.sequence + 1] = time.monotonic_ns()
        order.append(writer.append(next(payloads)))
        time.sleep(1 / EVERY_S)
    share = (server.cpu_s() - before) / (time.monotonic() - began)
    time.sleep(0.5)
    done.set()
    for thread in threads:
        thread.join()
    return taken, share


def measure() -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for trades in TRADES:
            run = Path(name) / f"run-{trades}"
            writer = write_run(run, trades)
            began = time.monotonic()
            server = Server(Path(name), run.name)
            try:
                with server.tab() as tab:
                    until(tab, writer.sequence)
                read_s = round(time.monotonic() - began, 1)
                first = trades // 4
                taken, one = deltas(writer, server, first, SECONDS, 1)
                _, many = deltas(writer, server, first + 2_000, SECONDS, 1 + MORE_TABS)
                _, none = deltas(writer, server, first + 4_000, SECONDS, 0)
                rows.append(
                    quantiles(
                        f"delta at {trades:,} trades", taken, asked="p50 <= 100 ms; a tab <= 3 % of a core",
                        read_s=read_s, cpu_pct=round(100 * none, 1), cpu_1_tab_pct=round(100 * one, 1),
                        cpu_each_more_pct=round(100 * (many - one) / MORE_TABS, 2), memory_mib=server.memory_mib(),
                    )
                )  # fmt: skip
            finally:
                server.close()
                writer.close()
    return rows


if __name__ == "__main__":
    present(__file__, __doc__, measure)
