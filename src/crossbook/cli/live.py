"""`crossbook live CONFIG`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crossbook.errors import Refused

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def live(
    config: Annotated[Path | None, typer.Argument(help="A configuration, e.g. configs/live.toml.")] = None,
    env: Annotated[str, typer.Option(help="Which world: local (venues served on this machine) or testnet.")] = "",
    connections: Annotated[
        Path | None, typer.Option(help="Accounts, keys and addresses; connections.toml beside the configuration.")
    ] = None,
    served: Annotated[
        Path | None, typer.Option(help="Instead: the line that `crossbook venue serve` printed, for --env local.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="End the run after so long.")] = None,
    resume: Annotated[str, typer.Option(help="Go on with a run that was killed: its id or path, or `last`.")] = "",
    page: Annotated[bool, typer.Option("--page", help="Open the run's page beside it.")] = False,
    spin: Annotated[bool, typer.Option("--spin", help="Never let the loop sleep: a core for less latency.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Say which account and key go where, and end: nothing is sent.")
    ] = False,
    runs: Annotated[Path, typer.Option(help="Where run folders live.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output, nothing else.")] = False,
) -> None:
    """Trade at real venues with a real account: for now on venues served on this machine, or on their test networks.

    First it says which account and which key (its fingerprint) go to which venue; `--check` ends there. Then every
    venue is asked who we are, what its rules are and how the account stands; what is wrong is named, and no order has
    been sent. Then the run trades until Ctrl-C: no new order, the venues' last word on balances and
    positions, last marks, and the figures. `crossbook level` and `crossbook flatten` reach it meanwhile.

    Ctrl-C is an end. A run that was killed or crashed is gone on with by --resume RUN: its journal and what it heard
    (`inputs/`) are stepped again and compared, the venues are asked what became of its orders and how the account
    stands, and only then it trades on. Configuration, environment and connections are those it began with.

    A first walk, without any account (nothing is entered in the first minute: streams that are just up are held):

    \b
      crossbook venue serve --binance-spot 0 --binance-usdm 0 --hyperliquid 0 > served.json &
      crossbook live configs/live.toml --env local --served served.json --seconds 180
    """
    from crossbook.cli.going_live import check_live, go_live, resume_live
    from crossbook.venues.endpoints import Environment

    if env == Environment.MAINNET.value:
        raise Refused("live on mainnet needs a launch record, which does not exist yet: use --env testnet or local")
    if seconds is not None and not 0 < seconds <= 31_536_000:
        raise Refused(f"--seconds {seconds:g} must be above 0 and at most a year")
    if resume:
        if check:
            raise Refused("--check looks at a configuration's connections: crossbook live CONFIG --env ENV --check")
        if config is not None:
            raise Refused("--resume goes on with the run's own configuration: name no other one")
        resume_live(
            resume, env, connections, served, runs=runs, seconds=seconds, spinning=spin, as_json=as_json, page=page
        )  # fmt: skip
        return
    if config is None:
        raise Refused("which configuration? crossbook live configs/live.toml --env local")
    if env not in (Environment.LOCAL.value, Environment.TESTNET.value):
        raise Refused(f"--env {env!r}: say local or testnet; nothing is assumed where money could be at stake")
    if served is not None and (env != Environment.LOCAL.value or connections is not None):
        raise Refused("--served is of venues on this machine: it needs --env local, and no --connections")
    connections = connections or config.parent / "connections.toml"
    if check:
        check_live(config, Environment(env), connections, served, as_json=as_json)
        return
    go_live(
        config, Environment(env), connections, served, runs=runs,
        seconds=seconds, spinning=spin, as_json=as_json, page=page,
    )  # fmt: skip
