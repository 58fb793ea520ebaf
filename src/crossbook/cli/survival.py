"""`crossbook survival TAPE`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def survival(
    tape: Annotated[Path, typer.Argument(help="A tape of the time before the one that will be traded.")],
    config: Annotated[Path, typer.Option(help="The configuration whose pairs and clips are looked at.")],
    into: Annotated[Path, typer.Option(help="Where the table goes.")] = Path("survival.toml"),
    force: Annotated[bool, typer.Option(help="Replace a table that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Measure how long edges live on a tape: what v2 weighs an edge with.

    Of all edges that reached a size, how many were still there when an order would have arrived, for ten delays.
    """
    from crossbook.cli.running import print_json
    from crossbook.desk.config import load_config
    from crossbook.desk.survival import table_text
    from crossbook.desk.view import screen
    from crossbook.desk.wire import clips_e8, wire_market
    from crossbook.errors import Refused
    from crossbook.lab.survival import Source, survival_table
    from crossbook.tape.tape import open_tape

    if into.exists() and not force:
        raise Refused(f"{into} exists: choose another place with --into, or replace it with --force")
    wanted = load_config(config)
    chosen, declaration, fresh = wire_market(wanted, open_tape(tape))
    cells = survival_table(fresh, chosen.rows, chosen.starts, len(declaration.pairs), clips_e8(wanted, declaration))
    source = Source(
        tape=chosen.manifest.content_hash,
        first_ns=chosen.manifest.first_ns,
        last_ns=chosen.manifest.last_ns,
        pairs=[pair.name for pair in declaration.pairs],
    )
    into.write_text(table_text(source, cells))
    if as_json:
        print_json({"into": str(into), "source": source, "rows": cells})
        return
    from rich.table import Table

    delays = sorted({cell.delay_ms for cell in cells})
    shown = Table("edge", "seen", *(f"{delay} ms" for delay in delays), box=None, header_style="dim")
    for edge in sorted({cell.edge_bps for cell in cells}):
        row = {cell.delay_ms: cell for cell in cells if cell.edge_bps == edge}
        shares = (f"{row[delay].ppm / 10_000:.0f} %" for delay in delays)
        shown.add_row(f"{edge:g} bp", str(next(iter(row.values())).n), *shares)
    screen().print(shown)
    screen().print(f"written to {into}")
