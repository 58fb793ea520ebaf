"""`crossbook decode --venue V --kind K < message.json`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def decode(
    venue: Annotated[str, typer.Option(help="binance_spot, binance_usdm or hyperliquid.")],
    kind: Annotated[
        str,
        typer.Option(
            help="instruments, quote, depth, trade, order, fill, balance, position, funding, error; auto: all of them."
        ),
    ] = "auto",
    instruments: Annotated[
        Path | None,
        typer.Option(help="Write numbers on the grid of these rules: the venue's exchangeInfo or meta, or a TOML."),
    ] = None,
) -> None:
    """Print a venue's recorded message as the desk reads it: a JSON list of events, one a line.

    The message is read from standard input, in whatever wrapping the venue sent it: REST answer, stream frame, user
    event. Prices and quantities are exact decimal strings, as the venue wrote them. A message that holds nothing of the
    kind prints [].
    """
    from crossbook.errors import Refused
    from crossbook.venues.decode import decode as decode_message
    from crossbook.venues.decode import steps_of
    from crossbook.venues.messages import to_json

    steps = None
    if instruments is not None:
        if not instruments.is_file():
            raise Refused(f"{instruments}: no such file: give the rules as exchangeInfo, meta or TOML")
        steps = steps_of(instruments.read_bytes(), venue, str(instruments))
    if sys.stdin.isatty():
        print("reading a message from standard input; end it with Ctrl-D", file=sys.stderr)
    found = decode_message(venue, kind, sys.stdin.buffer.read(), steps)
    lines = [to_json([message])[1:-1].decode() for message in found]
    print("[" + ",\n ".join(lines) + "]")
