"""`crossbook page [RUN]` and `crossbook page password`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from crossbook.errors import Refused

_serve = typer.Typer(add_completion=False, rich_markup_mode=None)
_password = typer.Typer(add_completion=False, rich_markup_mode=None)


@_serve.command()
def page(
    run: Annotated[str, typer.Argument(help="A run's id or path, or `last`.")] = "last",
    runs: Annotated[Path, typer.Option(help="Where run folders live.")] = Path("runs"),
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.", min=0, max=65_535)] = 0,
    name: Annotated[list[str] | None, typer.Option(help="Another name that the page is reached by.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate (PEM), with --tls-key.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key.")] = None,
    reports: Annotated[
        Path | None, typer.Option(help="When to make reports, and whom to tell; else reports.toml beside the runs.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line when ready: address and code.")] = False,
    openapi: Annotated[bool, typer.Option("--openapi", help="Print the API's OpenAPI document and leave.")] = False,
) -> None:
    """Serve the page of a run: figures, each with its rows, live while the run goes.

    It reads the run's journal and never the desk's memory: either may end without the other. Type the code that is
    printed once; it is good for 10 minutes. Levels may be lowered from the page; raising asks for the password that
    `crossbook page password` sets. Beyond this machine it is served only with TLS and a password. While it serves, it
    makes the reports of days, weeks and months that have ended. Ctrl-C ends it.
    """
    if openapi:
        from crossbook.web.server import openapi_json

        sys.stdout.write(openapi_json().decode())
        return
    from crossbook.desk.runs import find_run
    from crossbook.web.serving import serve

    if (tls_cert is None) != (tls_key is None):
        raise Refused("--tls-cert and --tls-key belong together: give both")
    tls = (tls_cert, tls_key) if tls_cert is not None and tls_key is not None else None
    folder = find_run(run, runs)

    def ready(url: str, code: str) -> None:
        if as_json:
            from crossbook.cli.running import print_json

            print_json({"url": url, "code": code, "run": folder.name})
        else:
            typer.echo(f"{folder.name}: open {url} and type {code} (once, within 10 minutes); Ctrl-C ends the page")

    serve(runs, folder, ready, host=host, port=port, names=name or (), tls=tls, reports=reports)


@_password.command()
def password(
    runs: Annotated[Path, typer.Option(help="Where run folders live.")] = Path("runs"),
    name: Annotated[str, typer.Option(help="Of which account.")] = "operator",
    role: Annotated[str, typer.Option(help="operator, or viewer: sees everything, changes nothing.")] = "operator",
    stdin: Annotated[bool, typer.Option("--stdin", help="Read it from standard input, one line.")] = False,
) -> None:
    """Set the password that raising asks for, and that logs in without a code. Log-ins by the old one end.

    Only its argon2id hash is kept, in a file of the runs folder that its owner alone can read.
    """
    from crossbook.web.passwords import Passwords, Role

    kind: Role = "viewer" if role == "viewer" else "operator"
    if role != kind:
        raise Refused(f"--role {role!r} is neither operator nor viewer")
    if stdin:
        chosen = sys.stdin.readline().rstrip("\r\n")
    else:
        chosen = typer.prompt(f"Password of {name}", hide_input=True)
        if typer.prompt("Again", hide_input=True) != chosen:
            raise Refused("the two passwords differ; nothing was changed")
    Passwords(runs).set(name, kind, chosen)
    typer.echo(f"password of {name} ({role}) set", err=True)


def app(args: list[str], **named: Any) -> Any:
    """`password` is a command of its own; anything else names a run."""
    if args[:1] == ["password"]:
        named["prog_name"] = f"{named.get('prog_name', 'crossbook page')} password"
        return _password(args=args[1:], **named)
    return _serve(args=args, **named)
