"""The rim of the served venues: applications on ports of this machine, a world driven in wall time, a clean end.

Loopback only: the keys printed by `crossbook venue serve` are no secrets, and nobody else is to speak to it.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Mapping

import msgspec
from aiohttp import web

from crossbook.errors import Refused
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.types import Venue
from crossbook.venues.served.faults import Faults
from crossbook.venues.served.limits import Limits
from crossbook.venues.served.world import World

HOST = "127.0.0.1"
TRUTH_PATH = "/crossbook/truth"
STRIDE_NS = 100 * NS_PER_MS
"""How much market is played at most before requests are looked at again."""
LEAST_WAIT_S = 0.001
CLOSE_WITHIN_S = 1.0


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything answers: ports by venue label, and the address of the truth (`?account=NAME`)."""

    ports: dict[str, int]
    truth: str


def applications(
    world: World, venues: Mapping[Venue, int], limits: Limits, faults: Faults
) -> dict[Venue, web.Application]:  # fmt: skip
    """The venues' own applications. They are imported here, so that a world without a wire needs none of them."""
    made: dict[Venue, web.Application] = {}
    for venue in venues:
        if venue is Venue.HYPERLIQUID:
            from crossbook.venues.served import hyperliquid

            made[venue] = hyperliquid.application(world, limits, faults)
        else:
            from crossbook.venues.served import binance

            made[venue] = binance.application(world, venue, limits, faults)
    return made


def truth_application(world: World) -> web.Application:
    """`GET /crossbook/truth?account=NAME`: see `truth.truth_of`; without an account, all of them."""

    async def truth(request: web.Request) -> web.Response:
        name = request.query.get("account")
        try:
            told = world.truth(name) if name is not None else [world.truth(one) for one in world.traders]
        except Refused as error:
            return web.json_response({"error": str(error)}, status=404)
        return web.Response(body=msgspec.json.encode(told), content_type="application/json")

    app = web.Application()
    app.router.add_get(TRUTH_PATH, truth)
    return app


async def serve(
    world: World,
    apps: Mapping[Venue, tuple[web.Application, int]],
    faults: Faults,
    on_ready: Callable[[Ready], None],
    stop: asyncio.Event,
    truth_port: int = 0,
) -> None:
    """Serve applications on their ports (0: any) until `stop` is set; `on_ready` is called once all of them answer.

    Raises `Refused` for a port that cannot be had, and what the world raises.
    """
    runners: list[web.AppRunner] = []
    try:
        ports = {}
        for venue, (app, port) in apps.items():
            ports[venue.label] = await _listen(app, port, venue.label, runners)
        truth = await _listen(truth_application(world), truth_port, "truth", runners)
        for port in (*ports.values(), truth):
            await _answers(port)
        on_ready(Ready(ports=ports, truth=f"http://{HOST}:{truth}{TRUTH_PATH}"))
        await _until(stop, asyncio.create_task(drive(world, faults)))
    finally:
        for runner in reversed(runners):
            await runner.cleanup()


async def drive(world: World, faults: Faults) -> None:
    """Let world and faults keep up with the world's clock, for ever."""
    while True:
        now = world.clock.now_ns()
        world.tick(min(now, world.now_ns + STRIDE_NS))
        for change in faults.tick(world.now_ns):
            for instrument in world.listed(change.venue):
                if change.symbol in (None, instrument.symbol):
                    world.set_open(change.venue, instrument.symbol, change.is_open)
        if world.now_ns < now:
            await asyncio.sleep(0)
            continue
        due = min(world.next_due(), faults.next_due())
        await asyncio.sleep(max((due - world.clock.now_ns()) / NS_PER_S, LEAST_WAIT_S))


async def _until(stop: asyncio.Event, driver: asyncio.Task[None]) -> None:
    """Wait for the wish to stop; the driver ends before it only by an error, which is raised."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((stopping, driver), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    driver.cancel()
    if driver.done() and not driver.cancelled():
        driver.result()


async def _listen(app: web.Application, port: int, what: str, runners: list[web.AppRunner]) -> int:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_WITHIN_S)
    runners.append(runner)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OSError as error:
        why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be had ({error.strerror})"
        raise Refused(f"port {port} for {what} {why}: choose another, or 0 for any") from None
    return int(runner.addresses[0][1])


async def _answers(port: int) -> None:
    _, writer = await asyncio.open_connection(HOST, port)
    writer.close()
    await writer.wait_closed()
