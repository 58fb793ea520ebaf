"""`crossbook venue serve`: Binance and Hyperliquid on this machine, for clients that should need no account."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from crossbook.errors import Refused
from crossbook.types import Venue

EXAMPLES = """
The served venues speak the real protocols (REST, market streams, WS APIs, user streams) over a simulated market.
Any client may be pointed at them; no account, key or network is needed.

\b
  crossbook venue serve --binance-spot 0 --binance-usdm 0 --hyperliquid 0
      all three on free ports; one JSON line says which, and the keys of one made account
  crossbook venue serve --hyperliquid 8003 --tape tapes/x
      a recorded market, played again and again in its own time
  crossbook venue serve --binance-spot 8001 --faults faults.toml --accounts accounts.toml

\b
The JSON line: {"ready": true, "ports": {"binance_spot": 8001, ...}, "accounts": [{"name", "api_key", "secret",
"keys": [{"api_key", "public_key", "private_key"}], "address", "private_key", "agents": [{"address", "private_key"}]}],
"truth": URL}. `keys` are all API keys, Ed25519 ones included; private halves are there of made accounts.
GET the truth URL (?account=NAME) for balances, positions, open orders and fills to the last unit.

\b
faults.toml, times in seconds since the start:      accounts.toml:
  seed = 7                                            [[account]]
  [[fault]]                                           name = "desk"
  kind = "duplicate"   # a websocket frame            api_key = "..."      # Binance, both markets
  venue = "binance_usdm"                              secret = "..."       # or public_key (Ed25519, PEM)
  stream = "user"                                     permissions = ["read", "trade"]
  chance = "0.01"                                     address = "0x..."    # Hyperliquid
  [[fault]]                                           agents = [{address = "0x...", valid_until_ms = 1800000000000}]
  kind = "shutdown"    # serverShutdown, then closed  [account.balances.binance_usdm]
  every_s = 600                                       USDT = "100000"
  delay_ms = 5000                                     [account.fees_bps.hyperliquid]
                                                      maker = "1.5"
                                                      taker = "4.5"
\b
kinds: duplicate reorder delay drop | disconnect shutdown | 429 418 error_before error_after no_answer slow |
skew revoked closed; keys: venue stream route account symbol chance at_s every_s from_s until_s delay_ms
retry_after_s skew_ms status
"""

app = typer.Typer(
    help="The venues as a product to test against.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
Port = Annotated[int | None, typer.Option(metavar="PORT", min=0, max=65535, help="Serve it here; 0: any free port.")]


@app.callback()
def venue() -> None:
    """The venues as a product to test against."""


@app.command(epilog=EXAMPLES)
def serve(
    binance_spot: Port = None,
    binance_usdm: Port = None,
    hyperliquid: Port = None,
    tape: Annotated[Path | None, typer.Option(metavar="DIR", help="The market of a tape instead of a seed.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the generated market, and of made accounts.")] = 1,
    speed: Annotated[int, typer.Option(min=1, help="Market seconds a second.")] = 1,
    accounts: Annotated[Path | None, typer.Option(metavar="FILE", help="Who may trade (TOML), not made ones.")] = None,
    make: Annotated[int, typer.Option(min=1, max=64, help="How many accounts to make where none are given.")] = 1,
    faults: Annotated[Path | None, typer.Option(metavar="FILE", help="What goes wrong, on purpose (TOML).")] = None,
    truth: Annotated[int, typer.Option(metavar="PORT", min=0, max=65535, help="Where the truth is told.")] = 0,
) -> None:
    """Serve simulated venues on 127.0.0.1 in their own protocols, until Ctrl-C or SIGTERM."""
    from crossbook.desk.sockets import DeskClock, new_loop
    from crossbook.venues.served.accounts import make_accounts, read_accounts
    from crossbook.venues.served.fault_plan import read_faults
    from crossbook.venues.served.faults import Faults

    ports = {
        venue: port
        for venue, port in (
            (Venue.BINANCE_SPOT, binance_spot), (Venue.BINANCE_USDM, binance_usdm), (Venue.HYPERLIQUID, hyperliquid),
        )
        if port is not None
    }  # fmt: skip
    if not ports:
        raise Refused("which venue? give --binance-spot, --binance-usdm or --hyperliquid a port, 0 for any")
    clock = DeskClock()
    people = read_accounts(_read(accounts), str(accounts)) if accounts else make_accounts(seed, make)
    start_ns = clock.now_ns()
    plan = read_faults(_read(faults), str(faults), start_ns) if faults else Faults()
    loop = new_loop()
    try:
        loop.run_until_complete(_serve(clock, _source(tape, seed, ports, start_ns, speed), people, plan, ports, truth))
    finally:
        loop.close()


def _source(tape: Path | None, seed: int, ports: dict[Venue, int], start_ns: int, speed: int) -> Any:
    from crossbook.venues.served.source import SeedSource, TapeSource

    if tape is None:
        return SeedSource(seed, start_ns, speed=speed)
    from crossbook.rules.layout import MAX_INSTRUMENTS
    from crossbook.tape.tape import open_tape, select

    opened = open_tape(tape)
    missing = [venue.label for venue in ports if not any(one.venue is venue for one in opened.instruments)]
    if missing:
        there = ", ".join(one.name for one in opened.instruments)
        raise Refused(f"{tape} has nothing of {', '.join(missing)}: it has {there}")
    names = [one.name for one in opened.instruments if one.venue in ports]
    if len(names) > MAX_INSTRUMENTS:
        raise Refused(f"{tape} has {len(names)} instruments of these venues: at most {MAX_INSTRUMENTS} are served")
    chosen = select(opened, names)
    return TapeSource(chosen.instruments, chosen.rows, chosen.starts, start_ns, speed)


async def _serve(clock: Any, source: Any, people: Any, faults: Any, ports: dict[Venue, int], truth: int) -> None:
    from crossbook.venues.served.limits import Limits
    from crossbook.venues.served.serve import Ready, applications, serve
    from crossbook.venues.served.world import World

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with _line() as say:
        say("compiling the market and its rules (once; some 20 s) ...")
        world = World(clock, source, list(people))
        world.warm()
        apps = applications(world, ports, Limits(), faults)

        def ready(where: Ready) -> None:
            line = {"ready": True, "ports": where.ports, "accounts": told(people), "truth": where.truth}
            print(msgspec.json.encode(line).decode(), flush=True)
            show.append(asyncio.get_running_loop().create_task(_show(world, where.ports, say)))

        show: list[asyncio.Task[None]] = []
        places = {venue: (apps[venue], port) for venue, port in ports.items()}
        try:
            await serve(world, places, faults, ready, stop, truth)
        finally:
            for task in show:
                task.cancel()


def told(people: Any) -> list[dict[str, Any]]:
    """What a client needs of each account; private halves only of made ones. Its first HMAC key stands on top too."""
    told = []
    for one in people:
        first = next((key for key in one.keys if key.secret), None)
        told.append(
            {"name": one.name}
            | ({"api_key": first.api_key, "secret": first.secret} if first is not None else {})
            | {
                "keys": [_given(key, "api_key", "secret", "public_key", "private_key") for key in one.keys],
                **_given(one, "address", "private_key"),
                "agents": [_given(agent, "address", "name", "private_key") for agent in one.agents],
            }
        )
    return told


def _given(one: Any, *names: str) -> dict[str, str]:
    return {name: value for name in names if (value := getattr(one, name))}


@contextlib.asynccontextmanager
async def _line() -> AsyncIterator[Any]:
    """One line on a terminal that is written anew; without one, silence."""
    if not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield status.update


async def _show(world: Any, ports: dict[str, int], say: Any) -> None:
    where = " ".join(f"{label} :{port}" for label, port in ports.items())
    seen = world.frames
    while True:
        await asyncio.sleep(1.0)
        rate, seen = world.frames - seen, world.frames
        orders = sum(trader.order_count for trader in world.traders.values())
        fills = sum(trader.fill_count for trader in world.traders.values())
        lag_ms = (world.clock.now_ns() - world.now_ns) // 1_000_000
        pace = f"{rate:,} market events/s, {lag_ms} ms behind"
        say(f"{where} | {pace} | {orders:,} orders, {fills:,} fills | Ctrl-C ends")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read: {error}") from None
