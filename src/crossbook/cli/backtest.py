"""`crossbook backtest CONFIG --tape DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crossbook.desk.config import load_config

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def backtest(
    config: Annotated[Path, typer.Argument(help="A configuration, e.g. configs/arbitrage.toml.")],
    tape: Annotated[Path, typer.Option(help="A tape made by `crossbook tape import` or `tape generate`.")],
    runs: Annotated[Path, typer.Option(help="Where run folders live.")] = Path("runs"),
    strict: Annotated[bool, typer.Option(help="An instrument the tape lacks is an error, not a warning.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output, nothing else.")] = False,
) -> None:
    """Run a configuration over a tape, flat out, and say what came of it and why.

    The same tape and configuration give the same journal, byte for byte. The run folder keeps everything that
    `crossbook prove` needs.
    """
    from crossbook.cli.running import execute
    from crossbook.tape.tape import open_tape

    wanted = load_config(config)
    execute(wanted, config, open_tape(tape), word="backtest", runs=runs, strict=strict, as_json=as_json)
