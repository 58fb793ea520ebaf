"""A small Binance futures market on this machine, to record from: a true book, its updates, and REST snapshots."""

import asyncio
import json
import threading
import time
from random import Random

from aiohttp import WSMsgType, web

SYMBOL = "BTCUSDT"


class LocalVenue:
    """Serves in a thread of its own: `with LocalVenue() as venue: venue.url`. `books[last_id]` is the true book."""

    def __init__(self, every_s: float = 0.01, seed: int = 0) -> None:
        self.url = ""
        self.books: dict[int, tuple[dict[str, str], dict[str, str]]] = {}
        self.sent = 0
        self.subscriptions: list[str] = []
        self.mute = False
        self._every_s, self._random = every_s, Random(seed)
        self._bids = {f"{60000 - k * 0.1:.1f}": "1.000" for k in range(1, 40)}
        self._asks = {f"{60000 + k * 0.1:.1f}": "1.000" for k in range(1, 40)}
        self._id = 1000
        self._sockets: dict[web.WebSocketResponse, set[str]] = {}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "LocalVenue":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        application = web.Application()
        application.router.add_get("/public/stream", self._socket)
        application.router.add_get("/market/stream", self._socket)
        application.router.add_get("/fapi/v1/depth", self._depth)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
        self._ready.set()
        while not self._stop.is_set():
            await asyncio.sleep(self._every_s)
            await self._move()
        for socket in list(self._sockets):
            await socket.close()
        await runner.cleanup()

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets[socket] = set()
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                said = json.loads(message.data)
                self._sockets[socket] |= set(said["params"])
                self.subscriptions += said["params"]
                await socket.send_str(json.dumps({"result": None, "id": said["id"]}))
        self._sockets.pop(socket, None)
        return socket

    async def _depth(self, request: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        words = {"lastUpdateId": self._id, "E": _ms(), "T": _ms()}
        return web.json_response(words | {"bids": list(self._bids.items()), "asks": list(self._asks.items())})

    async def _move(self) -> None:
        first, before = self._id + 1, self._id
        self._id += self._random.randrange(1, 4)
        changes: tuple[dict[str, str], dict[str, str]] = ({}, {})
        for book, changed in zip((self._bids, self._asks), changes, strict=True):
            for price in self._random.sample(sorted(book), 2):
                book[price] = changed[price] = f"{self._random.randrange(1, 5000) / 1000:.3f}"
        self.books[self._id] = (dict(self._bids), dict(self._asks))
        name = SYMBOL.lower()
        bid, ask = max(self._bids, key=float), min(self._asks, key=float)
        head = {"E": _ms(), "T": _ms(), "s": SYMBOL}
        await self._send(
            f"{name}@depth@100ms",
            {"e": "depthUpdate", "U": first, "u": self._id, "pu": before, "b": list(changes[0].items()),
             "a": list(changes[1].items())} | head,
        )  # fmt: skip
        quote = {"b": bid, "B": self._bids[bid], "a": ask, "A": self._asks[ask]}
        await self._send(f"{name}@bookTicker", {"e": "bookTicker", "u": self._id} | quote | head)
        print_ = {"e": "trade", "t": self._id, "p": ask, "q": "0.001", "X": "MARKET", "m": False}
        await self._send(f"{name}@trade", print_ | head)

    async def _send(self, stream: str, message: dict[str, object]) -> None:
        if self.mute:
            return
        text = json.dumps({"stream": stream, "data": message}, separators=(",", ":"))
        for socket in [one for one, streams in self._sockets.items() if stream in streams]:
            try:
                await socket.send_str(text)
                self.sent += 1
            except ConnectionError:
                self._sockets.pop(socket, None)


def _ms() -> int:
    return time.time_ns() // 1_000_000
