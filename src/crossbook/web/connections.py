"""A connection that asks nothing, or asks too slowly, is closed; and nobody holds more of them than a page needs."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from crossbook.web.security import is_loopback

ASK_S = 15.0
"""A request that has not come whole within this time (at most twice it) never does."""
OF_ALL_MAX, OF_ONE_MAX = 2_000, 200


class Connection(H11Protocol):
    """HTTP on one connection, WebSockets until they are one."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it, unless there are too many."""
        super().connection_made(transport)
        if self._too_many():
            transport.abort()
            return
        self.loop.call_later(ASK_S, self._look)

    def _look(self) -> None:
        """Close it if no request of it is being answered."""
        transport: Any = self.transport
        if transport.is_closing() or transport.get_protocol() is not self:
            return
        if self.cycle is None or self.cycle.response_complete:
            transport.close()
            return
        self.loop.call_later(ASK_S, self._look)

    def _too_many(self) -> bool:
        if len(self.connections) > OF_ALL_MAX:
            return True
        address = self.client[0] if self.client else "127.0.0.1"
        if is_loopback(address):
            return False
        theirs: list[Any] = [getattr(one, "client", None) for one in self.connections]
        count = sum(1 for one in theirs if one is not None and one[0] == address)
        return count > OF_ONE_MAX
