"""Small recordings made by hand, for the tests of tapes: the venues' words, a moment apart."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

T0 = 1_723_161_255_000_000_000
MS = 1_000_000

SHARED = Path(os.environ.get("CROSSBOOK_SHARED") or Path(__file__).resolve().parents[2] / ".." / "shared")
RAW = SHARED / "data" / "l2" / "binance_raw_hftbacktest"

Line = tuple[int, Any]
Levels = Sequence[tuple[str, str]]


def stream(name: str, message: dict[str, Any]) -> dict[str, Any]:
    return {"stream": name, "data": message}


def depth(first: int, last: int, bids: Levels, asks: Levels, at: int = T0, pu: int | None = None, **more: Any) -> Any:
    message = {"e": "depthUpdate", "E": at // MS, "s": "BTCUSDT", "U": first, "u": last, "b": bids, "a": asks}
    if pu is not None:
        message |= {"T": at // MS, "pu": pu}
    return stream("btcusdt@depth@100ms", message | more)


def snapshot(last: int, bids: Levels, asks: Levels, **more: Any) -> Any:
    return {"lastUpdateId": last, "bids": bids, "asks": asks} | more


def ticker(id: int, bid: tuple[str, str], ask: tuple[str, str], **more: Any) -> Any:
    words = {"u": id, "s": "BTCUSDT", "b": bid[0], "B": bid[1], "a": ask[0], "A": ask[1]}
    return stream("btcusdt@bookTicker", words | more)


def trade(id: int, price: str, quantity: str, maker_buys: bool = False, at: int = T0, **more: Any) -> Any:
    words = {"e": "trade", "E": at // MS, "T": at // MS, "s": "BTCUSDT", "t": id, "p": price, "q": quantity}
    return stream("btcusdt@trade", words | {"m": maker_buys} | more)


SPOT: list[Line] = [
    (T0, depth(9, 10, [("100.00", "1.0")], [])),
    (T0 + 1, ticker(11, ("100.00", "2.00000"), ("100.01", "3.00000"))),
    (T0 + 2, depth(11, 12, [("99.00", "4")], [("101.00", "0.00000000")])),
    (T0 + 3, snapshot(11, [("100.00", "2"), ("99.99", "1")], [("100.01", "3"), ("101.00", "9")])),
    (T0 + 4, trade(7, "100.01000000", "0.00100000", at=T0 - 5 * MS)),
    (T0 + 5, depth(13, 14, [("99.99", "0")], [("100.02", "1")])),
]
"""Held back: two updates; the first is older than the snapshot."""


def as_text(lines: Sequence[Line]) -> bytes:
    return b"".join(b"%d %s\n" % (ts, json.dumps(frame, separators=(",", ":")).encode()) for ts, frame in lines)


def record(path: Path, lines: Sequence[Line]) -> Path:
    """Write a gz recording that is the same bytes each time."""
    path.write_bytes(gzip.compress(as_text(lines), mtime=0))
    return path
