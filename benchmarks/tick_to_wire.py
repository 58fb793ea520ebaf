"""From a tick to the wire: us until the last byte of its first order was read, ours beside other clients', interleaved.

A fake venue (`tick_to_wire/venue.c`) on core 1 takes CLOCK_MONOTONIC as it hands a tick to the kernel, and again when
the order's last byte was read; each client runs on core 0, all take turns in blocks, each a fresh process. Two hops of
loopback TCP are in every row. What is in the way between, by row:

  ours            the whole live desk: picows -> compiled decoder -> books -> v0 and v1 on both legs, every control ->
                  journal on the disk -> budgets -> prepared frame, HMAC-SHA256 or the L1 signature -> websocket;
                  alerts, latency stamps, watchdogs. An arbitrage sends two orders: the row counts the first, `both
                  legs` both (of the Hyperliquid row the second goes to Binance). Limits that count entries in a time
                  are raised.
  C only          decode, decide, size, HMAC, frame: no control, no journal, no state (`tick_to_wire/floor.c`)
  by hand         websockets + json + Decimal + hmac, over the WebSocket API; asyncio
  ccxt, python-binance    their own order call over HTTP, ticks over the websockets library; asyncio
  nautilus        Rust websocket -> msgspec -> QuoteTick -> HMAC -> Rust HTTP client, on uvloop; no engine, bus, cache
                  or risk: a lower bound. Hyperliquid: the Rust client signs and is seen asking for its connection, see
                  `tick_to_wire/peer.py`: TLS and the order's own bytes are not in it, a TCP connect is
  SDK             its own websocket and order call over HTTP; threads

The peers' environments: `--setup`, see `tick_to_wire/setup.py`. `sign` rows are the L1 signature alone, offline, no
socket; all those signatures are compared, and one that differs is no row. `times_ours` is the p50 over that of our
spin row of the same job, `asked` its target. `--quick` makes one short block of each.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tables import ROOT, present
from tick_to_wire.rows import Case, Row, row_of
from tick_to_wire.setup import PEERS, python_of, set_up
from tick_to_wire.texts import AGENT_KEY, write_script

from crossbook.desk.warm import compiled
from crossbook.venues.hyperliquid.fast_signer import READY_MAX, FastSigner
from crossbook.venues.hyperliquid.signing import Signature, sign_l1
from crossbook.venues.keys import AgentKey

HERE = Path(__file__).resolve().parent / "tick_to_wire"
QUICK = "--quick" in sys.argv
BLOCKS, TICKS, WARM_UP = (1, 300, 60) if QUICK else (4, 1_000, 100)
SLOW_TICKS = 60 if QUICK else 300
"""Of clients that take milliseconds."""
SPACING_US = 2_000
VENUE_CORE, CLIENT_CORE = 1, 0
NO_COMPILER, NOT_INSTALLED = "not measured: no C compiler", "not installed"
ONE_CORE = "not measured: venue and client need a core each"
AGENT = AgentKey(AGENT_KEY)
BIN, HL, SIGN = "BIN ours, spin", "HL ours, spin", "sign HL ours, RFC 6979"


@dataclass
class Client:
    """Who plays a row. `command` has PORT, CORE and FOLDER to be filled in; None: `why` it cannot play."""

    case: Case
    tick: str
    command: list[str] | None
    why: str = NOT_INSTALLED
    legs: int = 1
    slow: bool = False
    first: list[int] = field(default_factory=list)
    both: list[int] = field(default_factory=list)
    note: str = ""


def clients(floor: Path | None) -> list[Client]:
    """All rows of the table, in its order."""

    def ours(tick: str, mode: str, signer: str = "rfc6979") -> list[str]:
        return [sys.executable, str(HERE / "desk.py"), tick, mode, signer, "PORT", "CORE", "FOLDER"]

    def peer(name: str, place: str) -> list[str] | None:
        python = python_of(place)
        return None if python is None else [str(python), str(HERE / "peer.py"), name, "PORT", "CORE"]

    usdm, hyper = "usdm", "hyperliquid"
    sdk = "hyperliquid_sdk"
    return [
        Client(Case(BIN), usdm, ours(usdm, "spin"), legs=2),
        Client(Case("BIN ours, epoll", BIN), usdm, ours(usdm, "epoll"), legs=2),
        Client(Case("BIN C only, spin", BIN, -3), usdm, None if floor is None else [str(floor), "PORT", "CORE"],
               NO_COMPILER),
        Client(Case("BIN by hand: websockets+json+hmac", BIN), usdm, peer("binance_by_hand", "websockets")),
        Client(Case("BIN nautilus 1.221 building blocks", BIN, 3.5), usdm, peer("binance_nautilus", "nautilus")),
        Client(Case("BIN python-binance async", BIN, 6), usdm, peer("binance_python", "python_binance")),
        Client(Case("BIN ccxt async", BIN, 7), usdm, peer("binance_ccxt", "ccxt")),
        Client(Case(HL), hyper, ours(hyper, "spin"), legs=2),
        Client(Case("HL ours, spin, fast signer", HL), hyper, ours(hyper, "spin", "fast"), legs=2),
        Client(Case("HL ours, epoll", HL), hyper, ours(hyper, "epoll"), legs=2),
        Client(Case("HL nautilus 1.221 Rust client", HL, 3), hyper, peer("hyperliquid_nautilus", "nautilus")),
        Client(Case("HL SDK + coincurve", HL, 10), hyper, peer(sdk, "hl_sdk_coincurve")),
        Client(Case("HL SDK as installed", HL, 45), hyper, peer(sdk, "hl_sdk"), slow=True),
        Client(Case("HL ccxt async", HL, 45), hyper, peer("hyperliquid_ccxt", "ccxt"), slow=True),
    ]  # fmt: skip


def built(folder: Path, name: str, *choices: list[str]) -> Path | None:
    """The C program, by the first choice of flags that works; None without a compiler."""
    compiler = shutil.which("cc")
    out = folder / name
    for flags in choices if compiler else ():
        command = [str(compiler), "-O2", "-o", str(out), str(HERE / f"{name}.c"), *flags]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return out
    return None


def play(venue: Path, client: Client, folder: Path) -> None:
    """One block of a client: a venue, the client, ticks; its samples are added, or its note says what went wrong."""
    assert client.command is not None
    folder.mkdir()
    script = write_script(folder, AGENT.address, client.tick, client.legs)
    ticks = SLOW_TICKS if client.slow else TICKS
    with (folder / "said.txt").open("w") as said:
        server = subprocess.Popen(
            [str(venue), str(script), str(ticks), str(SPACING_US), str(VENUE_CORE)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True,
        )  # fmt: skip
        assert server.stdin is not None and server.stdout is not None
        fields = {"PORT": server.stdout.readline().split()[-1], "CORE": str(CLIENT_CORE), "FOLDER": str(folder)}
        player = subprocess.Popen(
            [fields.get(word, word) for word in client.command], stdout=subprocess.PIPE, stderr=said, text=True,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        assert player.stdout is not None
        try:
            if player.stdout.readline().strip() != "ready":
                client.note = f"did not begin: {last_line(folder / 'said.txt')}"
                return
            server.stdin.write("go\n")
            server.stdin.flush()
            lines = [line.split() for line in server.stdout]
        finally:
            player.kill()
            player.wait()
            server.kill()
            server.wait()
    samples = [(int(first), int(both)) for first, both in lines if first != "strays"][
        WARM_UP if not client.slow else 10 :
    ]
    if not samples:
        client.note = f"no order came: {last_line(folder / 'said.txt')}"
    client.first += [first for first, _ in samples if first >= 0]
    client.both += [both for _, both in samples if both >= 0]
    lost = sum(first < 0 for first, _ in samples)
    if lost:
        print(f"{client.case.name}: {lost} of {len(samples)} ticks brought no order", file=sys.stderr)


def last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines()
    return lines[-1][:160] if lines else "it said nothing"


def tick_rows(folder: Path) -> list[Row]:
    """The table of ticks."""
    venue = built(folder, "venue", [])
    floor = built(folder, "floor", ["-DWITH_OPENSSL", "-lcrypto"], [])
    table = clients(floor)
    why = NO_COMPILER if venue is None else ONE_CORE if len(os.sched_getaffinity(0)) < 2 else ""
    if venue is not None and not why:
        with compiled(lambda words: print(words, file=sys.stderr)):  # a process that compiled itself is slower after it
            pass
        for block in range(BLOCKS):
            for number, client in enumerate(table):
                if client.command is not None and not client.note:
                    play(venue, client, folder / f"{block}-{number}")
    by_name = {client.case.name: client for client in table}
    rows = []
    for client in table:
        note = why or client.note or ("" if client.command is not None else client.why)
        ours = by_name.get(client.case.ours)
        rows.append(row_of(client.case, client.first, None if ours is None else ours.first, note))
        if client.legs > 1 and client.both:
            rows.append(row_of(Case(f"{client.case.name}, both legs"), client.both, None))
    return rows


# signing


def our_signer(signer: AgentKey | FastSigner) -> Callable[[int], tuple[list[int], dict[str, object]]]:
    """Signs n times the order that peers sign."""
    from signing import NOW, action

    def sign(n: int) -> tuple[list[int], dict[str, object]]:
        if isinstance(signer, FastSigner):
            n = min(n, READY_MAX - 100)
            signer.refill(READY_MAX)
        order, taken = action(), []
        signature: Signature | None = None
        for _ in range(n + 100):
            begun = time.perf_counter_ns()
            signature = sign_l1(signer, order, NOW, mainnet=False)
            taken.append(time.perf_counter_ns() - begun)
        assert signature is not None
        return taken[100:], {"r": signature.r, "s": signature.s, "v": signature.v}

    return sign


def peer_signer(name: str, place: str) -> Callable[[int], tuple[list[int], dict[str, object]]] | None:
    python = python_of(place)
    if python is None:
        return None

    def sign(n: int) -> tuple[list[int], dict[str, object]]:
        command = [str(python), str(HERE / "peer.py"), "sign", name, str(n)]
        said = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()[-1])
        return said["taken"], {name: said["signature"][name] for name in ("r", "s", "v")}

    return sign


def sign_rows() -> list[Row]:
    """The table of signatures; those made by RFC 6979 have to be equal to ours."""
    table = [
        (Case(SIGN), our_signer(AGENT), 4_000, True),
        (Case("sign HL ours, fast signer", SIGN), our_signer(FastSigner(AGENT)), 4_000, False),
        (Case("sign HL nautilus 1.221", SIGN, 3), None, 0, True),
        (Case("sign HL SDK + coincurve", SIGN, 10), peer_signer("sdk", "hl_sdk_coincurve"), 1_000, True),
        (Case("sign HL SDK as installed", SIGN, 45), peer_signer("sdk", "hl_sdk"), 150, True),
        (Case("sign HL ccxt", SIGN, 45), peer_signer("ccxt", "ccxt"), 150, True),
    ]
    taken: dict[str, list[int]] = {case.name: [] for case, *_ in table}
    notes: dict[str, str] = {}
    mine: dict[str, object] = {}
    for _ in range(BLOCKS):
        for case, sign, n, equal in table:
            if sign is None:
                notes[case.name] = NOT_INSTALLED
                continue
            times, signature = sign(n // (8 if QUICK else BLOCKS))
            mine = mine or signature
            if equal and not same(signature, mine):
                notes[case.name] = "another signature than ours"
            taken[case.name] += times
    if python_of("nautilus") is not None:
        notes["sign HL nautilus 1.221"] = "it signs only on its way to the wire: see HL nautilus"
    ours = taken[SIGN]
    return [row_of(case, taken[case.name], ours, notes.get(case.name, "")) for case, *_ in table]


def same(one: dict[str, object], other: dict[str, object]) -> bool:
    """Equal numbers, however they are padded."""
    return all(int(str(one[k]), 16) == int(str(other[k]), 16) for k in ("r", "s")) and one["v"] == other["v"]


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        rows = tick_rows(Path(folder))
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {CLIENT_CORE} & cores or cores)
    try:
        rows += sign_rows()
    finally:
        os.sched_setaffinity(0, cores)
    others = max(os.getloadavg()[0] - 2, 0)
    print(f"load of this machine: {others:.1f} beside the venue and the client, which take two", file=sys.stderr)
    return rows


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = str(ROOT / "src")
    if "--setup" in sys.argv:
        raise SystemExit(set_up(list(PEERS)))
    sys.argv = [word for word in sys.argv if word != "--quick"]
    present(__file__, __doc__, measure)
