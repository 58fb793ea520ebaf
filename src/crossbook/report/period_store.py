"""Where reports of periods are kept: `reports/` in the runs folder, each with its hash beside it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from crossbook.errors import Refused
from crossbook.ledger.figure import for_json
from crossbook.report.period import Period
from crossbook.report.period_plan import Plan, read_plan
from crossbook.report.period_report import period_report, to_html, to_markdown
from crossbook.report.period_runs import Choice, choose
from crossbook.timestamp import iso

FOLDER = "reports"
_LINE = re.compile(r"([0-9a-f]{64})  ([^/\n]+)")
_ENCODER = msgspec.json.Encoder(decimal_format="number", order="deterministic")


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A report that was made. `hashes`: the sha256 of each of its files; `wrong`: what in it does not add up."""

    name: str
    files: list[Path]
    hashes: list[str]
    wrong: list[str]
    report: dict[str, Any]

    def to_json(self) -> bytes:
        """One object: the report's name, period, runs, files with hashes, criteria, and all figures."""
        report, period = self.report, self.report["period"]
        criteria = [msgspec.to_builtins(one) for _, results in report["goals"] for one in results]
        return _ENCODER.encode(
            {
                "report": self.name,
                "mode": report["mode"],
                "currency": report["currency"],
                "period": {"begin": iso(period.begin_ns), "end": iso(period.end_ns)},
                "runs": [{key: row[key] for key in ("run", "cut", "digest", "complete")} for row in report["run_rows"]],
                "left_out": report["left_out"],
                "files": [
                    {"file": str(path), "sha256": digest}
                    for path, digest in zip(self.files, self.hashes, strict=True)
                ],
                "wrong": self.wrong,
                "criteria": criteria,
                "figures": {name: for_json(figure) for name, figure in report["known"].items()},
            }
        )  # fmt: skip


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A report in the folder. `sound`: its files are still what their hashes say."""

    name: str
    files: list[str]
    hashes: list[str]
    sound: bool


def write_period(
    period: Period, runs: Path, mode: str | None = None, named: Sequence[str] = (), plan: Path | None = None,
    into: Path | None = None,
) -> Written:  # fmt: skip
    """Make the report of a period and keep it in `into`, by default `reports/` of the runs folder. Raises `Refused`
    where no run lies in it, the plan cannot be read, or nothing can be written."""
    choice = choose(period, runs, mode, named)
    name = report_name(period, choice, named)
    folder = runs / FOLDER if into is None else into
    report = period_report(period, choice, _plan(folder, period, choice.mode, plan))
    texts = {f"{name}.html": to_html(report), f"{name}.md": to_markdown(report)}
    hashes = [keep(folder / file, text.encode()) for file, text in texts.items()]
    sums = "".join(f"{digest}  {file}\n" for file, digest in zip(texts, hashes, strict=True))
    keep(folder / f"{name}.sha256", sums.encode())
    files = [folder / file for file in texts]
    return Written(name=name, files=files, hashes=hashes, wrong=report["wrong"], report=report)


def report_name(period: Period, choice: Choice, named: Sequence[str] = ()) -> str:
    """`month-2025-11-live`; of runs that were named their names' hash stands behind it."""
    name = f"{period.name}-{choice.mode}"
    if not named:
        return name
    runs = "\n".join(sorted(part.run for part in choice.parts))
    return f"{name}-{hashlib.sha256(runs.encode()).hexdigest()[:8]}"


def stored_reports(runs: Path) -> list[Stored]:
    """What is kept in a runs folder, by name; the files are read to compare their hashes."""
    found = []
    for path in sorted((runs / FOLDER).glob("*.sha256")):
        lines = [match for line in path.read_text("utf-8", "replace").splitlines() if (match := _LINE.fullmatch(line))]
        pairs = [(match[2], match[1]) for match in lines]
        sound = bool(pairs) and all(_digest(path.with_name(file)) == digest for file, digest in pairs)
        found.append(
            Stored(name=path.stem, files=[one for one, _ in pairs], hashes=[one for _, one in pairs], sound=sound)
        )
    return found


def keep(path: Path, content: bytes) -> str:
    """Write a file whole, and give its sha256. Raises `Refused` where it cannot be written."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise Refused(f"report {path} cannot be written: {error.strerror}; choose another place with --into") from None
    return hashlib.sha256(content).hexdigest()


def _plan(folder: Path, period: Period, mode: str, given: Path | None) -> Plan:
    """The plan that was named, else the one beside the report: of this mode, or of the period."""
    if given is not None:
        return read_plan(given)
    for name in (f"{period.name}-{mode}.toml", f"{period.name}.toml"):
        if (folder / name).is_file():
            return read_plan(folder / name)
    return Plan()


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
