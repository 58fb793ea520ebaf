"""Venues served in one process, a desk that trades there in another, and the comparison of what both know."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from crossbook.desk.journal import read_journal
from crossbook.ledger.ledger import Ledger
from crossbook.types import VENUE_BY_LABEL
from crossbook.venues.served.accounts import make_accounts

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-c", "import sys; from crossbook.cli import main; sys.exit(main())"]
VENUES = ("binance_spot", "binance_usdm", "hyperliquid")
BALANCES = {
    "binance_spot": {"USDT": "4400", "BTC": "0.05", "ETH": "1", "USDC": "100"},
    "binance_usdm": {"USDT": "4400"},
    "hyperliquid": {"USDC": "4400"},
}


def configuration(limits: str = "", strategies: Sequence[str] = ("v0", "v1")) -> str:
    """Three venues, two pairs, fees of a tenth of a basis point: so that a made-up market has something to trade."""
    text = (ROOT / "configs" / "live.toml").read_text().partition("[strategies")[0]
    for venue in VENUES:
        text = text.replace(f"[venues.{venue}]\n", f"[venues.{venue}]\nmaker_bps = 0\ntaker_bps = 0.1\n")
    text = text.replace("latency_us = 100000", "latency_us = 2000").replace("latency_us = 5000", "latency_us = 2000")
    for name in strategies:
        text += f'[strategies.{name}]\nkind = "arbitrage_{name}"\npairs = ["BTC", "ETH"]\nclip_usd = 200\n'
        text += "hold_s_max = 15\ncollar_bps = 5\n"
    text += "[limits]\nhold_after_s = 30\nedge_bps_min = 1\narbs_per_h_max = 40\narbs_per_day_max = 200\n"
    return text + limits


def accounts_file(seed: int) -> tuple[str, dict[str, Any]]:
    """An accounts file of one account `desk`, and the account with its private halves."""
    account = make_accounts(seed, 1).accounts[0]
    key = next(key for key in account.keys if key.secret)
    text = f'[[account]]\nname = "desk"\napi_key = "{key.api_key}"\nsecret = "{key.secret}"\n'
    text += f'address = "{account.address}"\nagents = [{{address = "{account.agents[0].address}"}}]\n'
    for venue, assets in BALANCES.items():
        text += f"[account.balances.{venue}]\n" + "".join(f'{a} = "{n}"\n' for a, n in assets.items())
    for venue in VENUES:
        text += f'[account.fees_bps.{venue}]\nmaker = "0"\ntaker = "0.1"\n'
    private = {
        "name": "desk", "api_key": key.api_key, "secret": key.secret, "address": account.address,
        "agents": [{"address": account.agents[0].address, "private_key": account.agents[0].private_key}],
    }  # fmt: skip
    return text, private


@contextmanager
def served(folder: Path, seed: int, faults: str = "", cores: str = "", speed: int = 1) -> Iterator[dict[str, Any]]:
    """`crossbook venue serve` in a process; `folder / served.json` is what `crossbook live --served` takes."""
    text, private = accounts_file(seed)
    (folder / "accounts.toml").write_text(text)
    more = []
    if faults:
        (folder / "faults.toml").write_text(faults)
        more = ["--faults", str(folder / "faults.toml")]
    pin = ["taskset", "-c", cores] if cores else []
    with (folder / "serve.err").open("w") as err:
        process = subprocess.Popen(
            [*pin, *COMMAND, "venue", "serve", "--binance-spot", "0", "--binance-usdm", "0", "--hyperliquid", "0",
             "--accounts", str(folder / "accounts.toml"), "--seed", str(seed), "--speed", str(speed), *more],
            stdout=subprocess.PIPE, stderr=err, text=True, env=environment(),
        )  # fmt: skip
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, (folder / "serve.err").read_text()
        said: dict[str, Any] = json.loads(line) | {"accounts": [private], "pid": process.pid}
        (folder / "served.json").write_text(json.dumps(said))
        yield said
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"}


def start_live(folder: Path, seconds: float, *more: str, cores: str = "") -> subprocess.Popen[str]:
    """`crossbook live` on the served venues, its words in `live.err`, its summary in `live.json`."""
    pin = ["taskset", "-c", cores] if cores else []
    with (folder / "live.err").open("w") as err, (folder / "live.json").open("w") as out:
        return subprocess.Popen(
            [*pin, *COMMAND, "live", str(folder / "config.toml"), "--env", "local", "--served",
             str(folder / "served.json"), "--seconds", str(seconds), "--runs", str(folder / "runs"), "--json", *more],
            stdout=out, stderr=err, text=True, env=environment(),
        )  # fmt: skip


def start_paper(folder: Path, seconds: float) -> subprocess.Popen[str]:
    """`crossbook paper --env local` on the same venues' public streams, its runs in `paper/`."""
    with (folder / "paper.err").open("w") as err, (folder / "paper.json").open("w") as out:
        return subprocess.Popen(
            [*COMMAND, "paper", str(folder / "config.toml"), "--env", "local", "--served",
             str(folder / "served.json"), "--seconds", str(seconds), "--runs", str(folder / "paper"), "--json"],
            stdout=out, stderr=err, text=True, env=environment(),
        )  # fmt: skip


def run_of(folder: Path, within_s: float = 240) -> Path:
    """The folder of the run, once it has begun."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        found = sorted((folder / "runs").glob("*/journal"))
        if found:
            return found[0].parent
        time.sleep(0.05)
    raise AssertionError((folder / "live.err").read_text())


def truth(said: dict[str, Any]) -> dict[str, Any]:
    """What the venues know of the account."""
    with urllib.request.urlopen(f"{said['truth']}?account=desk") as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def differences(run: Path, known: dict[str, Any]) -> list[str]:
    """What the ledger of a run and the venues' truth do not agree on, to the last unit; empty if they agree."""
    ledger = Ledger.of(payload for _, payload in read_journal(run / "journal"))
    declared = ledger.declaration
    found = []
    for label, there in known["venues"].items():
        venue = int(VENUE_BY_LABEL[label])
        for asset, balance in there["balances"].items():
            if asset not in declared.assets:
                continue
            ours = Decimal(ledger.wallet_e8(venue, declared.assets.index(asset))).scaleb(-8)
            if ours != Decimal(balance["cash"]):
                found.append(f"{label} {asset}: ledger {ours}, venue {balance['cash']}")
        positions = {one["symbol"]: Decimal(one["quantity"]) for one in there["positions"]}
        for index, instrument in enumerate(declared.instruments):
            if int(instrument.venue) != venue or label == "binance_spot":
                continue
            cells = [cell for (_, number), cell in ledger.cells.items() if number == index]
            held = Decimal(sum(cell.lots for cell in cells) * instrument.lot_e8).scaleb(-8)
            if held != positions.get(instrument.symbol, Decimal(0)):
                found.append(f"{instrument.name}: ledger {held}, venue {positions.get(instrument.symbol, 0)}")
        ours_booked = sum(1 for key, row in ledger.booked.items() if row.venue == venue and key[0] == 21)
        if ours_booked != len(there["fills"]):
            found.append(f"{label}: {ours_booked} fills booked, {len(there['fills'])} at the venue")
        if there["open_orders"]:
            found.append(f"{label}: {len(there['open_orders'])} orders still open")
    return found
