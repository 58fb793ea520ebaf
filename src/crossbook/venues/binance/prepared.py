"""Orders for the hot path: all that is known beforehand is bytes already; a price, a quantity, an id and a stamp are
filled in, on the WS API.

The frame equals that of `requests.place` signed by `signing.Signer.sign_ws`, to the byte of its signed payload.
"""

from __future__ import annotations

from typing import Protocol

from crossbook.errors import Refused
from crossbook.money import E8
from crossbook.types import Instrument, Side
from crossbook.venues.binance.requests import RECV_WINDOW_MS, Terms, place


class Key(Protocol):
    """What signs; see `keys.HmacKey`."""

    def sign(self, payload: bytes) -> str:
        """The signature as it is sent."""


FILLED = ("newClientOrderId", "price", "quantity", "timestamp")
"""What is filled in, in the order in which sorted parameters have it."""


class Grid:
    """Multiples of a step as the venue's decimal text, the same as `money.text_e8` but for trailing noughts.

    With as many decimals as the step has, always; `10 * 0.1` is "1.0".
    """

    __slots__ = ("_form", "_scale", "_step")

    def __init__(self, step_e8: int) -> None:
        if step_e8 <= 0:
            raise Refused(f"a grid of step {step_e8}: the step must be positive")
        decimals, scale = 8, E8
        while decimals and step_e8 % 10 == 0:
            step_e8, scale, decimals = step_e8 // 10, scale // 10, decimals - 1
        self._step, self._scale = step_e8, scale
        self._form = b"%%d.%%0%dd" % decimals if decimals else b""

    def text(self, units: int) -> bytes:
        """`units` steps. `units` >= 0."""
        amount = units * self._step
        if not self._form:
            return b"%d" % amount
        return self._form % (amount // self._scale, amount % self._scale)


class PreparedOrder:
    """One kind of order of one instrument: `encode` writes its frame.

    With a `key` each frame carries `api_key` and its own signature; without, the connection must be logged on.
    """

    __slots__ = ("_frame", "_key", "_lot", "_payload", "_tick")

    def __init__(
        self,
        instrument: Instrument,
        side: Side,
        terms: Terms,
        *,
        reduce_only: bool = False,
        answer: str = "RESULT",
        recv_window_ms: int = RECV_WINDOW_MS,
        api_key: str = "",
        key: Key | None = None,
    ) -> None:
        if terms is Terms.MARKET:
            raise Refused(
                f"{instrument.name}: a market order is not prepared: use an IOC at the worst price you accept"
            )
        if (key is None) != (api_key == ""):
            raise Refused("a prepared order needs both api_key and key, or neither on a connection that is logged on")
        if not api_key.isalnum() and api_key:
            raise Refused("api_key: letters and digits only")
        request = place(
            instrument, side, terms, 1, 1, "x",
            reduce_only=reduce_only, answer=answer, recv_window_ms=recv_window_ms,
        )  # fmt: skip
        fixed = {name: value for name, value in request.params if name not in FILLED}
        if api_key:
            fixed["apiKey"] = api_key
        names = sorted({*fixed, *FILLED})
        pairs = "&".join(f"{name}={_bare(fixed[name]) if name in fixed else '%b'}" for name in names)
        body = ",".join(f'"{name}":{_json(name, fixed)}' for name in names)
        self._payload = pairs.encode()
        self._frame = f'{{"id":%b,"method":"{request.api}","params":{{{body}'.encode()
        self._frame += b"}}" if key is None else b',"signature":"%b"}}'
        self._tick, self._lot = Grid(instrument.tick_e8), Grid(instrument.lot_e8)
        self._key = key

    def encode(self, ticks: int, lots: int, client_order_id: bytes, timestamp_ms: int, request_id: int) -> bytes:
        """The frame. `client_order_id` is ours: letters, digits, - and _ (nothing is checked here)."""
        fields = (client_order_id, self._tick.text(ticks), self._lot.text(lots), b"%d" % timestamp_ms)
        if self._key is None:
            return self._frame % (b"%d" % request_id, *fields)
        signature = self._key.sign(self._payload % fields).encode()
        return self._frame % (b"%d" % request_id, *fields, signature)


def _json(name: str, fixed: dict[str, str | int | bool]) -> str:
    if name not in fixed:
        return "%b" if name == "timestamp" else '"%b"'
    value = fixed[name]
    return f'"{value}"' if isinstance(value, str) else _bare(value)


def _bare(value: str | int | bool) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
