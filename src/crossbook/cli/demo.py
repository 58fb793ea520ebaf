"""`crossbook demo`."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from crossbook.desk.config import load_config
from crossbook.errors import Refused

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
DESK = Path(__file__).parents[3] / "configs" / "desk.toml"


@app.command()
def demo(
    config: Annotated[Path, typer.Option(help="The configuration to run.")] = DESK,
    tape: Annotated[Path | None, typer.Option(help="A recorded tape instead of the generated market.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the generated market.")] = 1,
    minutes: Annotated[
        float | None, typer.Option(help="Minutes of market time; 60, or 10 with --headless.", show_default=False)
    ] = None,
    speed: Annotated[float, typer.Option(help="Market seconds per second on the screen.")] = 20,
    headless: Annotated[bool, typer.Option(help="No screen, no page, no waiting: flat out, for scripts.")] = False,
    page: Annotated[bool, typer.Option(help="Build and open the page beside the run.")] = True,
    picture: Annotated[Path | None, typer.Option(help="Also save the last screen as an SVG.")] = None,
    runs: Annotated[Path, typer.Option(help="Where run folders live.")] = Path("runs"),
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output; implies --headless.")
    ] = False,
) -> None:
    """Watch the desk trade: USD-M futures against Hyperliquid, on simulated venues over a seeded market.

    The market is made up (docs/market-generator.md says how); engine, rules, journal and figures are the real ones.
    The page is built beside it (that needs Node 20, once) and its address and code are told; without it the terminal
    view goes on. Ctrl-C ends the run cleanly at any moment. At the end stand a summary, where the run lies and its
    proof; the page then stays open until Ctrl-C.
    """
    from crossbook.cli.running import execute, say
    from crossbook.desk.market import generated_tape
    from crossbook.desk.warm import compiled
    from crossbook.tape.tape import open_tape

    watched = not (headless or as_json)
    length = minutes if minutes is not None else 60.0 if watched else 10.0
    if not 0 < length <= 10_080:
        raise Refused(f"--minutes {length:g} must be above 0 and at most 10080 (a week)")
    if not 0 < speed <= 100_000:
        raise Refused(f"--speed {speed:g} must be above 0 and at most 100000; --headless runs flat out")
    wanted = load_config(config)
    if tape is not None:
        source = open_tape(tape)
    else:
        with compiled(say):
            source = generated_tape(wanted, seed, Decimal(str(length)))
    execute(
        wanted, config, source, word="demo", runs=runs, speed=speed if watched else None, picture=picture,
        as_json=as_json, page=watched and page,
    )  # fmt: skip
