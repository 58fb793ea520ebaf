"""The adapter over real sockets on this machine: what the ports promise, on asyncio's side."""

import asyncio
import time
from collections.abc import Callable

import pytest
from aiohttp import WSMsgType, web

from crossbook.desk.sockets import DeskClock, Rim
from crossbook.timestamp import NS_PER_MS, NS_PER_S
from crossbook.venues.network import Connection


class Server:
    """An aiohttp server on the rim's own loop."""

    def __init__(self, rim: Rim) -> None:
        self.rim, self.pongs, self.requests = rim, [], 0
        application = web.Application()
        application.router.add_get("/ws", self._socket)
        application.router.add_route("*", "/rest", self._rest)
        self.runner = web.AppRunner(application, shutdown_timeout=0.1)
        self.port = rim.loop.run_until_complete(self._start())

    async def _start(self) -> int:
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        return site._server.sockets[0].getsockname()[1]

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if "status" in request.query:
            return web.Response(status=int(request.query["status"]))
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.PONG:
                self.pongs.append(message.data)
            elif message.type is WSMsgType.PING:
                await socket.pong(message.data)
            elif message.data == "ping me":
                await socket.ping(b"payload")
            elif message.data == "close":
                await socket.close(code=1001, message=b"go away")
            elif message.data == "break":
                request.transport.abort()
            else:
                await socket.send_str(message.data)
        return socket

    async def _rest(self, request: web.Request) -> web.Response:
        self.requests += 1
        if "slow" in request.query:
            await asyncio.sleep(5)
        if "break" in request.query:
            request.transport.abort()
        return web.Response(body=request.raw_path.encode() + await request.read(), headers={"X-Mixed-Case": "1"},
                            status=int(request.query.get("status", 200)))  # fmt: skip


class Heard:
    """A listener that writes down what it hears."""

    def __init__(self, *first: bytes) -> None:
        self.first, self.frames, self.stamps, self.alive, self.closed = first, [], [], [], []
        self.connection: Connection | None = None

    def on_open(self, connection: Connection) -> None:
        self.connection = connection
        for frame in self.first:
            connection.send(frame)

    def on_frame(self, frame: bytes, receive_ns: int) -> None:
        self.frames.append(frame)
        self.stamps.append(receive_ns)

    def on_alive(self, receive_ns: int) -> None:
        self.alive.append(receive_ns)

    def on_close(self, why: str) -> None:
        self.closed.append(why)


def run(work: Callable[[Rim, Server], None], until: Callable[[], bool], spinning: bool = False) -> None:
    rim = Rim(spinning=spinning)
    server = Server(rim)
    end = time.monotonic() + 8

    def look() -> None:
        if until() or time.monotonic() > end:
            asyncio.ensure_future(server.runner.cleanup(), loop=rim.loop).add_done_callback(lambda _: rim.stop())
        else:
            rim.loop.call_later(0.01, look)

    work(rim, server)
    look()
    rim.run()
    assert until()


@pytest.mark.parametrize("spinning", [False, True])
def test_frames_pings_and_closes(spinning: bool) -> None:
    heard, servers = Heard(b'{"a":1}', b"ping me", b"x" * 200_000), []
    before = time.time_ns()

    def work(rim: Rim, server: Server) -> None:
        servers.append(server)
        connection = rim.network.open(f"ws://127.0.0.1:{server.port}/ws", heard)
        connection.send(b"before it is open: nothing")
        assert not heard.closed and heard.connection is None
        rim.loop.call_later(0.2, lambda: heard.connection.send(b"close"))

    run(work, lambda: bool(heard.closed), spinning)
    assert heard.frames == [b'{"a":1}', b"x" * 200_000] and heard.closed == ["code 1001 go away"]
    assert servers[0].pongs == [b"payload"] and len(heard.alive) == 1
    assert before - NS_PER_MS <= heard.stamps[0] <= heard.stamps[1] <= time.time_ns() + NS_PER_MS


def test_our_ping_is_answered() -> None:
    heard = Heard()

    def work(rim: Rim, server: Server) -> None:
        rim.network.open(f"ws://127.0.0.1:{server.port}/ws", heard)
        rim.loop.call_later(0.1, lambda: heard.connection.ping())

    run(work, lambda: bool(heard.alive))


@pytest.mark.parametrize(
    ("query", "first", "why"),
    [("?status=429", b"", "not open: status 429"), ("", b"break", "code 1006")],
)
def test_a_connection_that_breaks_or_does_not_open_says_why_once(query: str, first: bytes, why: str) -> None:
    heard = Heard(first)
    run(
        lambda rim, server: rim.network.open(f"ws://127.0.0.1:{server.port}/ws{query}", heard),
        lambda: bool(heard.closed),
    )
    assert len(heard.closed) == 1 and why in heard.closed[0]


def test_nobody_there_and_closing_while_it_opens() -> None:
    nobody, hasty = Heard(), Heard()

    def work(rim: Rim, server: Server) -> None:
        rim.network.open("ws://127.0.0.1:1/ws", nobody)
        connection = rim.network.open(f"ws://127.0.0.1:{server.port}/ws", hasty)
        connection.close()
        connection.close()
        assert not hasty.closed

    run(work, lambda: bool(nobody.closed and hasty.closed))
    assert hasty.connection is None and hasty.closed == ["closed by us"] and "not open" in nobody.closed[0]


def test_requests_and_their_fates() -> None:
    answers, failures = {}, {}

    def work(rim: Rim, server: Server) -> None:
        def ask(name: str, url: str, method: str = "GET", body: bytes = b"", timeout_s: float = 5.0) -> object:
            return rim.network.request(
                method, url, {"X-Key": "k"}, body, lambda *a: answers.__setitem__(name, a),
                lambda *a: failures.__setitem__(name, a), timeout_s,
            )  # fmt: skip

        base = f"http://127.0.0.1:{server.port}/rest"
        ask("signed", base + "?a=%2B1&b=x%20y&sig=%3D%3d", "POST", b"body")
        ask("bad", base + "?status=503")
        ask("slow", base + "?slow=1", timeout_s=0.2)
        ask("break", base + "?break=1", "DELETE")
        ask("nobody", "http://127.0.0.1:1/rest")
        ask("cancelled", base).cancel()
        assert not answers and not failures

    run(work, lambda: len(answers) + len(failures) == 5)
    status, headers, body, receive_ns = answers["signed"]
    assert (status, headers["x-mixed-case"]) == (200, "1")
    assert body == b"/rest?a=%2B1&b=x%20y&sig=%3D%3dbody", "the query goes out as it was signed"
    assert abs(time.time_ns() - receive_ns) < 10 * NS_PER_S
    assert answers["bad"][0] == 503
    assert failures["slow"] == ("no answer within 0.2 s", True)
    assert failures["break"][1] is True and failures["nobody"][1] is False
    assert "cancelled" not in answers and "cancelled" not in failures


def test_a_broken_kept_connection_is_not_asked_again_by_itself() -> None:
    failures, servers = [], []

    def work(rim: Rim, server: Server) -> None:
        servers.append(server)
        url = f"http://127.0.0.1:{server.port}/rest"

        def then(*_: object) -> None:
            rim.network.request("DELETE", url + "?break=1", {}, b"", print, lambda *a: failures.append(a))

        rim.network.request("GET", url, {}, b"", then, print)

    run(work, lambda: bool(failures))
    assert servers[0].requests == 2 and failures[0][1] is True


def test_a_bug_in_a_callback_ends_the_run_and_is_raised() -> None:
    rim = Rim()
    server = Server(rim)
    heard = Heard(b"x")
    heard.on_frame = lambda frame, receive_ns: 1 // 0
    rim.network.open(f"ws://127.0.0.1:{server.port}/ws", heard)
    with pytest.raises(ZeroDivisionError):
        rim.run(before_closing=lambda: rim.loop.run_until_complete(server.runner.cleanup()))
    rim = Rim()
    rim.loop.call_soon(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        rim.run()


def test_stamps_of_the_desks_clock_differ_by_true_durations() -> None:
    clock = DeskClock()
    wall, monotonic = clock.now_ns(), clock.monotonic_ns()
    time.sleep(0.01)
    assert abs((clock.now_ns() - wall) - (clock.monotonic_ns() - monotonic)) < NS_PER_MS
    assert abs(clock.drift_ns()) < 5 * NS_PER_MS
    clock._base_ns -= NS_PER_S
    assert abs(clock.drift_ns() - NS_PER_S) < 5 * NS_PER_MS
    clock.adopt()
    assert abs(clock.drift_ns()) < 5 * NS_PER_MS
