"""Run folders: `runs/ID` with the journal, `run.json`, the configuration as it was, and what else a run leaves."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec

from crossbook.errors import Refused

RUNS = Path("runs")
KNOWN_AT_BEGINNING = ("run", "config", "word", "mode", "not_traded", "allocation", "tape", "tape_hash")


def new_run(word: str, runs: Path = RUNS) -> Path:
    """Create the folder of a new run, named by the moment and a word: `runs/20261124-141500-backtest`."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    for attempt in range(1_000):
        folder = runs / (f"{stamp}-{word}" if attempt == 0 else f"{stamp}-{word}-{attempt + 1}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise Refused(
                f"run folder {folder} cannot be made: {error.strerror}; free the place or choose another"
            ) from None
        return folder
    raise Refused(f"no free name for a run under {runs}")


def find_run(run: str, runs: Path = RUNS) -> Path:
    """The folder of a run given by its id, by a path, or as `last`. Raises `Refused` if there is none."""
    if run == "last":
        folders = sorted((f for f in runs.glob("*") if (f / "journal").is_dir()), key=lambda f: f.stat().st_mtime)
        if not folders:
            raise Refused(f"there is no run under {runs}/ yet; `crossbook demo` makes one")
        return folders[-1]
    for folder in (runs / run, Path(run)):
        if (folder / "journal").is_dir():
            return folder
    raise Refused(f"no run {run!r}: neither {runs / run} nor {run} holds a journal; `crossbook status` lists the runs")


def write_run(folder: Path, facts: dict[str, Any]) -> None:
    """Write `run.json` whole: a reader sees the old one or the new one."""
    text = msgspec.json.format(_ENCODER.encode(facts), indent=1)
    temporary = folder / "run.json.part"
    try:
        temporary.write_bytes(text)
        temporary.replace(folder / "run.json")
    except OSError as error:
        raise Refused(
            f"{folder / 'run.json'} cannot be written: {error.strerror}; free the disk, the journal is whole"
        ) from None


def begun(facts: dict[str, Any]) -> dict[str, Any]:
    """What of a run's facts was known when it began: the rest is no longer true once it goes on."""
    return {name: facts[name] for name in KNOWN_AT_BEGINNING if name in facts} | {"complete": False}


def read_run(folder: Path) -> dict[str, Any]:
    """The facts of a run; empty if it never came to write them."""
    path = folder / "run.json"
    if not path.is_file():
        return {}
    facts: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return facts


_ENCODER = msgspec.json.Encoder(decimal_format="number")
