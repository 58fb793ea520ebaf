"""One websocket of a served Binance: frames go out in order through the faults, pings, age and greed end it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from aiohttp import WSMsgType, web

from crossbook.timestamp import NS_PER_S
from crossbook.venues.served.binance_house import House
from crossbook.venues.served.faults import Stream

FRAMES_WAITING_MOST = 50_000
LIFE_S = 24 * 3600
SPOT_PING_S, SPOT_PONG_S = 20, 60
USDM_PING_S, USDM_PONG_S = 180, 600
MESSAGES_A_SECOND = {True: 5, False: 10}
"""Spot and futures: who sends more to a stream connection is disconnected."""


class Wire:
    """A connection. `send` may be called from anywhere on the loop; a client that does not read is dropped."""

    def __init__(self, house: House, request: web.Request, stream: Stream) -> None:
        self.house = house
        self.stream = stream
        self.socket = web.WebSocketResponse(autoping=False, autoclose=True, max_msg_size=1 << 20, compress=False)
        self.opened_ns = house.clock()
        self.address = request.remote or ""
        self._request = request
        self._lane = house.faults.lane(house.venue, stream)
        self._frames: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._is_over = False
        self._pong_ns = house.clock()
        self._heard: deque[int] = deque()

    def send(self, frame: bytes) -> None:
        """Let a text frame go out."""
        if self._is_over:
            return
        self._frames.extend(self._lane.put(frame, self.house.clock()))
        if len(self._frames) > FRAMES_WAITING_MOST:
            self.abort()
        self._wake.set()

    def abort(self) -> None:
        """Close without a word."""
        self._is_over = True
        self._wake.set()
        if self._request.transport is not None:
            self._request.transport.abort()

    async def serve(self, on_text: Callable[[str], None], on_open: Callable[[], None], limited: bool) -> None:
        """Open it and stay until it ends. `limited`: how much a client may send is."""
        await self.socket.prepare(self._request)
        tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._ping())]
        try:
            on_open()
            async for message in self.socket:
                if message.type is WSMsgType.PING:
                    await self.socket.pong(message.data)
                elif message.type is WSMsgType.PONG:
                    self._pong_ns = self.house.clock()
                    continue
                elif message.type is WSMsgType.TEXT:
                    on_text(message.data)
                elif message.type is WSMsgType.BINARY:
                    on_text(message.data.decode("utf-8", "replace"))
                if limited and self._is_greedy():
                    await self.socket.close(code=1008, message=b"Too many requests")
                    break
        finally:
            self._is_over = True
            for task in tasks:
                task.cancel()

    def _is_greedy(self) -> bool:
        now_ns = self.house.clock()
        self._heard.append(now_ns)
        while self._heard and self._heard[0] <= now_ns - NS_PER_S:
            self._heard.popleft()
        return len(self._heard) > MESSAGES_A_SECOND[self.house.is_spot]

    async def _write(self) -> None:
        while not self._is_over:
            while self._frames:
                try:
                    await self.socket.send_frame(self._frames.popleft(), WSMsgType.TEXT)
                except (ConnectionError, RuntimeError):
                    self._is_over = True
                    return
            self._wake.clear()
            due = self._lane.next_due()
            wait = None if due is None else max(0, due - self.house.clock()) / NS_PER_S
            try:
                await asyncio.wait_for(self._wake.wait(), wait)
            except TimeoutError:
                pass
            self._frames.extend(self._lane.take(self.house.clock()))

    async def _ping(self) -> None:
        every, patience = (SPOT_PING_S, SPOT_PONG_S) if self.house.is_spot else (USDM_PING_S, USDM_PONG_S)
        for _ in range(LIFE_S // every):
            await asyncio.sleep(every)
            if self.house.clock() - self._pong_ns > patience * NS_PER_S:
                break
            try:
                await self.socket.ping(str(self.house.now_ms()).encode())
            except (ConnectionError, RuntimeError):
                break
        await self.socket.close(code=1008, message=b"disconnected")
