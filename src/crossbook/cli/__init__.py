"""The command line. Results go to standard output, everything else to standard error; exit 0 done, 1 "no", 2 refused.

Each command lives in a module of its own and is loaded when it is called, so that `--help` is quick.
"""

from __future__ import annotations

import importlib
import sys

COMMANDS = {
    "demo": ("crossbook.cli.demo", "Watch the desk trade a seeded market (or a tape) in this terminal."),
    "backtest": ("crossbook.cli.backtest", "Run a configuration over a tape, flat out."),
    "paper": ("crossbook.cli.paper", "Trade a tape's market on paper, in its own time."),
    "live": ("crossbook.cli.live", "Trade at venues served on this machine, or on their test networks."),
    "level": ("crossbook.cli.level", "Raise or lower what a scope of a running desk may do."),
    "flatten": ("crossbook.cli.flatten", "Close every position of a running desk."),
    "prove": ("crossbook.cli.prove", "Recompute every figure of a run from its files and show what differs."),
    "report": ("crossbook.cli.report", "Write the report of a run: one page with every figure and its rows."),
    "page": ("crossbook.cli.page", "Serve a run's page to a browser: every figure with its rows, live."),
    "audit": ("crossbook.cli.audit", "Set somebody's figures against each other and name what cannot be true."),
    "latency": ("crossbook.cli.latency", "How long each stretch of the orders' way took, by venue."),
    "status": ("crossbook.cli.status", "What runs there are, or how one stands."),
    "survival": ("crossbook.cli.survival", "Measure on a tape how long edges live: what v2 weighs an edge with."),
    "venue": ("crossbook.cli.venue", "Serve simulated venues in their own protocols, to test against."),
    "record": ("crossbook.cli.record", "Record the venues' public streams onto a tape."),
    "decode": ("crossbook.cli.decode", "Print a venue's recorded message as the desk reads it."),
    "sign": ("crossbook.cli.sign", "Sign a request for a known answer; nothing is sent."),
    "tape": ("crossbook.cli.tape", "Import, generate, inspect and verify tapes of market data."),
}

HELP = """crossbook: a trading desk whose every figure can be proved.

Usage: crossbook COMMAND [OPTIONS]

{commands}

`crossbook COMMAND --help` teaches the command. A first walk:
  crossbook demo                                  watch v0 trade a made-up market, see where its money went
  crossbook prove last                            recompute all figures of that run from its files
  crossbook tape import FILES... --into tapes/x   make a tape of recorded frames
  crossbook backtest configs/arbitrage.toml --tape tapes/x
"""


def main() -> None:
    """Entry point of the `crossbook` command."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        width = max(map(len, COMMANDS))
        lines = (f"  {name:<{width}}  {text}" for name, (_, text) in COMMANDS.items())
        print(HELP.format(commands="\n".join(lines)), end="")
        raise SystemExit(0)
    if arguments[0] == "--version":
        from crossbook import __version__

        print(f"crossbook {__version__}")
        raise SystemExit(0)
    name = arguments[0]
    if name not in COMMANDS:
        import difflib

        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"commands: {', '.join(COMMANDS)}"
        print(f"crossbook: no command {name!r}; {hint}", file=sys.stderr)
        raise SystemExit(2)
    from crossbook.cli.call import call

    call(importlib.import_module(COMMANDS[name][0]).app, f"crossbook {name}", arguments[1:])
