"""Hyperliquid captures in CSV, rewritten as the wire frames they were: one codec then reads both.

`orderbooks_COIN.csv` (20 levels a line), `prices_COIN.csv` (best bid and ask, a line a side), `trades_COIN.csv`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path

from crossbook.errors import Refused
from crossbook.money import parse_scaled

BOOKS = "orderbooks"
PRICES = "prices"
TRADES = "trades"
COLUMNS = {
    BOOKS: ["timestamp", "sequence", "exchange_timestamp"],
    PRICES: ["timestamp", "price", "size", "side", "exchange_timestamp"],
    TRADES: ["timestamp", "price", "size", "side", "trade_id", "exchange_timestamp"],
}
SIDES = {"buy": "B", "sell": "A"}


def is_capture(path: Path) -> bool:
    """Whether a file's name says that it is such a capture."""
    return ".csv" in path.suffixes and path.name.split("_")[0] in COLUMNS


def as_lines(path: Path, text: bytes) -> bytes:
    """The capture's rows as `receive_time frame` lines, in the same order. Raises `Refused` naming file and line."""
    kind, _, coin = path.name.partition(".")[0].partition("_")
    lines = text.decode("utf-8", "replace").splitlines()
    header = lines[0].split(",") if lines else []
    wanted = COLUMNS[kind]
    if header[: len(wanted)] != wanted or ((len(header) - 3) % 4 and kind == BOOKS):
        raise Refused(f"{path}:1: not the columns of a {kind} capture ({','.join(wanted)}, ...): check the file")
    rows = _rows(path, lines, len(header))
    made = {BOOKS: _books, PRICES: _prices, TRADES: _trades}[kind](path, coin, rows)
    return "".join(f"{stamp} {frame}\n" for stamp, frame in made).encode()


Row = tuple[int, list[str]]


def _rows(path: Path, lines: list[str], width: int) -> Iterator[Row]:
    for number, line in enumerate(lines[1:], 2):
        fields = line.split(",")
        if len(fields) != width:
            raise Refused(f"{path}:{number}: {len(fields)} fields where {width} belong: mend or remove the line")
        yield number, fields


def _stamp(path: Path, number: int, seconds: str) -> str:
    """Seconds with up to nine decimals as ns, digit by digit."""
    whole, _, fraction = seconds.partition(".")
    if not (whole.isdigit() and len(fraction) <= 9 and (fraction or "0").isdigit()):
        raise Refused(f"{path}:{number}: {seconds!r} is no receive time in seconds: mend or remove the line")
    return whole + fraction.ljust(9, "0")


def _plain(path: Path, number: int, text: str) -> str:
    """A number as wires write it: the captures' 4e-05 is 0.00004. NaN and negative numbers are refused."""
    if text.replace(".", "", 1).isdigit():
        return text
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0:
        raise Refused(f"{path}:{number}: {text!r} is not a number of zero or more: mend or remove the line")
    return f"{Decimal(parse_scaled(text, 8, f'{path}:{number}:')).scaleb(-8):f}"


def _level(path: Path, number: int, price: str, size: str) -> str:
    return f'{{"px":"{_plain(path, number, price)}","sz":"{_plain(path, number, size)}"}}'


def _books(path: Path, coin: str, rows: Iterator[Row]) -> Iterator[tuple[str, str]]:
    for number, row in rows:
        sides = []
        for first in (3, 5):
            pairs = [(row[k], row[k + 1]) for k in range(first, len(row), 4) if row[k]]
            sides.append("[" + ",".join(_level(path, number, price, size) for price, size in pairs) + "]")
        frame = f'{{"coin":"{coin}","time":{row[2]},"levels":[{sides[0]},{sides[1]}]}}'
        yield _stamp(path, number, row[0]), f'{{"channel":"l2Book","data":{frame}}}'


def _prices(path: Path, coin: str, rows: Iterator[Row]) -> Iterator[tuple[str, str]]:
    """Lines of one moment make one bbo; a side that is not restated stays as it was."""
    sides = {"bid": "null", "ask": "null"}
    moment: tuple[str, str] | None = None
    at = 0
    for number, row in rows:
        if (row[0], row[4]) != moment:
            if moment is not None:
                yield _bbo(path, at, coin, moment, sides)
            moment = (row[0], row[4])
        if row[3] not in sides:
            raise Refused(f"{path}:{number}: side {row[3]!r} is neither bid nor ask: mend or remove the line")
        sides[row[3]] = _level(path, number, row[1], row[2])
        at = number
    if moment is not None:
        yield _bbo(path, at, coin, moment, sides)


def _bbo(path: Path, number: int, coin: str, moment: tuple[str, str], sides: dict[str, str]) -> tuple[str, str]:
    frame = f'{{"coin":"{coin}","time":{moment[1]},"bbo":[{sides["bid"]},{sides["ask"]}]}}'
    return _stamp(path, number, moment[0]), f'{{"channel":"bbo","data":{frame}}}'


def _trades(path: Path, coin: str, rows: Iterator[Row]) -> Iterator[tuple[str, str]]:
    for number, row in rows:
        if row[3] not in SIDES:
            raise Refused(f"{path}:{number}: side {row[3]!r} is neither buy nor sell: mend or remove the line")
        print_ = (
            f'{{"coin":"{coin}","side":"{SIDES[row[3]]}","px":"{_plain(path, number, row[1])}",'
            f'"sz":"{_plain(path, number, row[2])}","time":{row[5]},"tid":{row[4]}}}'
        )
        yield _stamp(path, number, row[0]), f'{{"channel":"trades","data":[{print_}]}}'
