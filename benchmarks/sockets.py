"""One websocket on loopback through the desk's adapter and through aiohttp: round trips, and frames a second.

A round trip: 60 bytes there, a bookTicker of 160 bytes back, the next one from within the callback. The server is a
process of its own (picows, epoll). The cases take turns in blocks.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec

import aiohttp
import picows
from tables import Row, present, quantiles

from crossbook.desk.sockets import Rim, new_loop
from crossbook.venues.network import Connection

BLOCKS, TRIPS, FRAMES = 5, 2_000, 50_000
ORDER = b"o" * 60
QUOTE = b'{"stream":"btcusdt@bookTicker","data":{"u":400900217,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000",'
QUOTE += b'"a":"61837.64000000","A":"1.54698000"}}'


class Server(picows.WSListener):
    """Answers each frame with a quote; `flood` with all of them."""

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.CLOSE:
            transport.send_close(picows.WSCloseCode.OK)
            transport.disconnect()
        elif frame.get_payload_as_bytes() == b"flood":
            asyncio.get_running_loop().create_task(self.flood(transport))
        elif frame.msg_type == picows.WSMsgType.TEXT:
            transport.send(picows.WSMsgType.TEXT, QUOTE)

    async def flood(self, transport: picows.WSTransport) -> None:
        for n in range(FRAMES):
            transport.send(picows.WSMsgType.TEXT, QUOTE)
            if n % 200 == 0:
                await asyncio.sleep(0)


async def serve() -> None:
    server = await picows.ws_create_server(lambda _: Server(), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class Client:
    """Makes the trips of one block, or takes a flood; the same for every adapter."""

    def __init__(self, send: Callable[[bytes], None], done: Callable[[], None], *, flood: bool) -> None:
        self.send, self.done, self.flood = send, done, flood
        self.taken: list[int] = []
        self.frames, self.begun = 0, time.perf_counter_ns()
        self.rate = 0.0
        send(b"flood" if flood else ORDER)

    def frame(self, _: bytes) -> None:
        now = time.perf_counter_ns()
        if self.flood:
            self.frames += 1
            if self.frames == FRAMES:
                self.rate = FRAMES * 1e9 / (now - self.begun)
                self.done()
            return
        self.taken.append(now - self.begun)
        if len(self.taken) == TRIPS + 200:
            self.done()
            return
        self.begun = time.perf_counter_ns()
        self.send(ORDER)


def ours(url: str, *, flood: bool, spinning: bool) -> Client:
    rim = Rim(spinning=spinning)
    clients: list[Client] = []

    class Listener:
        def on_open(self, connection: Connection) -> None:
            clients.append(Client(connection.send, rim.stop, flood=flood))

        def on_frame(self, frame: bytes, receive_ns: int) -> None:
            clients[0].frame(frame)

        def on_alive(self, receive_ns: int) -> None:
            pass

        def on_close(self, why: str) -> None:
            raise SystemExit(f"the benchmark's connection closed: {why}")

    rim.network.open(url, Listener())
    rim.run()
    return clients[0]


def theirs(url: str, *, flood: bool, loop: asyncio.AbstractEventLoop) -> Client:
    async def work() -> Client:
        ended = asyncio.Event()
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            pending: list[bytes] = []
            client = Client(pending.append, ended.set, flood=flood)
            while not ended.is_set():
                for frame in pending:
                    await socket.send_str(frame.decode())
                pending.clear()
                client.frame((await socket.receive()).data)
        return client

    try:
        return loop.run_until_complete(work())
    finally:
        loop.close()


def measure() -> list[Row]:
    server = subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    url = f"ws://127.0.0.1:{int(server.stdout.readline())}/"
    cases: dict[str, Callable[[bool], Client]] = {
        "the desk's adapter, epoll": lambda flood: ours(url, flood=flood, spinning=False),
        "the desk's adapter, spin": lambda flood: ours(url, flood=flood, spinning=True),
        "aiohttp, asyncio": lambda flood: theirs(url, flood=flood, loop=asyncio.new_event_loop()),
    }
    if find_spec("uvloop"):
        cases["aiohttp, uvloop"] = lambda flood: theirs(url, flood=flood, loop=new_loop())
    taken: dict[str, list[int]] = {case: [] for case in cases}
    rates: dict[str, list[float]] = {case: [] for case in cases}
    try:
        for _ in range(BLOCKS):
            for case, run in cases.items():
                taken[case] += run(False).taken[200:]
                rates[case].append(run(True).rate)
    finally:
        server.terminate()
        server.wait()
    return [
        quantiles(case, taken[case], frames_per_s=round(sorted(rates[case])[BLOCKS // 2]), asked="") for case in cases
    ]


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    else:
        present(__file__, __doc__, measure)
