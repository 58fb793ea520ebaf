"""Prove a run: every figure again from journal, tape and `latency.bin`, beside what the run showed.

What can differ becomes a residual: two routes to a figure, a recount of the journal, the figure as it was shown, and
marks that the tape does not show.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from crossbook.desk.journal import journal_sha256, read_journal
from crossbook.desk.latency import read_latency
from crossbook.errors import Corrupt
from crossbook.ledger.definitions import definition_of
from crossbook.ledger.evidence import Fall, falls_of
from crossbook.ledger.figure import Figure, Number, for_json, plain
from crossbook.ledger.ledger import Ledger
from crossbook.report.levels import wrong_falls
from crossbook.report.marks import marks_of, unexplained
from crossbook.report.second_route import figures_twice
from crossbook.tape.tape import open_tape


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """Something that holds or does not, with the numbers that show it."""

    name: str
    ok: bool
    text: str


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What `prove` found. `ok`: every residual is 0 or null and every check holds."""

    run: str
    mode: str
    ok: bool
    physics: bool
    controls_off: list[str]
    figures: dict[str, Figure]
    checks: list[Check]

    def differing(self) -> list[str]:
        """The figures whose residual is neither 0 nor n/a, and the checks that do not hold."""
        figures = [name for name, figure in self.figures.items() if figure.residual not in (0, None)]
        return figures + [check.name for check in self.checks if not check.ok]

    def sentence(self) -> str:
        """The proof in a line."""
        twice = sum(figure.residual is not None for figure in self.figures.values())
        told = f"{len(self.figures)} figures recomputed from the files, {twice} by two routes"
        wrong = self.differing()
        if not wrong:
            return f"{told}: every residual is 0"
        return f"{told}: {len(wrong)} differ: {', '.join(wrong[:6])}{' ...' if len(wrong) > 6 else ''}"

    def to_json(self) -> bytes:
        """`{run, mode, ok, physics, controls_off, metrics: {name: {value, unit, n, window, residual}}, checks}`."""
        metrics = {name: for_json(figure) for name, figure in self.figures.items()}
        head = {"run": self.run, "mode": self.mode, "ok": self.ok, "physics": self.physics}
        head |= {"controls_off": self.controls_off}
        return _ENCODER.encode(head | {"metrics": metrics, "checks": self.checks})


def prove_run(folder: Path) -> Proof:
    """Recompute the run in `folder` and compare. Raises `Refused` where files are missing, `Corrupt` naming the place
    where one is damaged."""
    facts = _facts(folder)
    entries = list(read_journal(folder / "journal"))
    payloads = [payload for _, payload in entries]
    ledger = Ledger.of(payloads)
    found = figures_twice(ledger, payloads, read_latency(folder))
    checks = [_journal_check(folder, facts), _levels_check(falls_of(entries))]
    shown = facts.get("figures", facts.get("metrics"))
    if shown is not None:
        found = _with_shown(found, shown)
        lost = sorted(shown.keys() - found.keys())
        text = f"{len(shown)} figures were shown" + (f"; not found again: {', '.join(lost)}" if lost else "")
        checks.append(Check(name="figures as shown", ok=not lost, text=text))
    else:
        checks.append(Check(name="figures as shown", ok=True, text="the run stored none; nothing to compare"))
    found["marks.unexplained"], check = _marks(folder, facts, payloads, ledger)
    checks.append(check)
    residuals_hold = all(figure.residual is None or figure.residual == 0 for figure in found.values())
    ok = residuals_hold and all(one.ok for one in checks)
    return Proof(
        run=str(facts.get("run", folder.name)),
        mode=str(facts.get("mode", "backtest")),
        ok=ok,
        physics=ledger.declaration.physics,
        controls_off=ledger.declaration.controls_off,
        figures=found,
        checks=checks,
    )


def _facts(folder: Path) -> dict[str, Any]:
    """`run.json`, its numbers exact; empty for a run that never came to write it."""
    path = folder / "run.json"
    if not path.is_file():
        return {}
    try:
        facts = msgspec.json.Decoder(float_hook=Decimal).decode(path.read_bytes())
    except msgspec.DecodeError as error:
        raise Corrupt(f"{path} cannot be read ({error}); restore it, or remove it to prove the journal alone") from None
    if not isinstance(facts, dict):
        raise Corrupt(f"{path} holds no object; restore it, or remove it to prove the journal alone")
    return facts


def _journal_check(folder: Path, facts: dict[str, Any]) -> Check:
    digest = journal_sha256(folder / "journal")
    stated = facts.get("journal_sha256")
    same = stated in (None, digest)
    return Check(name="journal", ok=same, text=f"sha256 {digest}" + ("" if same else f", the run stated {stated}"))


def _levels_check(falls: list[Fall]) -> Check:
    """Every change of a level must state what the entries that it stands on give."""
    wrong = wrong_falls(falls)
    again = sum(one.residual == 0 for one in falls)
    text = f"{len(falls)} changes, {again} with the numbers that their entries give to the digit"
    return Check(name="levels", ok=not wrong, text="; ".join(wrong) or text)


def _with_shown(found: dict[str, Figure], shown: dict[str, Any]) -> dict[str, Figure]:
    """Add to a figure's residual how far it is from what the run showed; a value that is only on one side counts whole,
    or 1 where it is 0."""
    result = dict(found)
    for name, figure in found.items():
        if name not in shown:
            continue
        before: Number | None = shown[name]["value"]
        now = plain(figure.value)
        if before is None and now is None:
            continue
        if before is None or now is None:
            result[name] = _differ_by(figure, _gap(before or 0, now or 0) or 1)
        else:
            result[name] = _differ_by(figure, _gap(before, now))
    return result


def _differ_by(figure: Figure, difference: Number) -> Figure:
    """The figure with a difference in its residual; one without a second route keeps null where it is as shown."""
    if figure.residual is None and difference == 0:
        return figure
    return msgspec.structs.replace(figure, residual=_sum(figure.residual or 0, difference))


def _gap(a: Number, b: Number) -> Decimal:
    return abs(Decimal(a) - Decimal(b))


def _sum(a: Number, b: Number) -> Decimal:
    return Decimal(a) + Decimal(b)


def _marks(folder: Path, facts: dict[str, Any], payloads: list[bytes], ledger: Ledger) -> tuple[Figure, Check]:
    """Every mark of the journal must stand on the tape."""
    marks = marks_of(payloads)
    tape = facts.get("tape")
    count, text = None, "the run names no tape; marks cannot be compared"
    if tape is not None:
        path = Path(tape) if Path(tape).is_absolute() or not (folder / tape).exists() else folder / tape
        hidden = unexplained(marks, open_tape(path), ledger.declaration, facts.get("frames"))
        count, text = len(hidden), f"{len(marks)} marks, all on the tape"
        if count:
            name = ledger.declaration.instruments[int(hidden[0].instrument)].name
            text = f"{count} of {len(marks)} marks are not on the tape, the first at {int(hidden[0].ts)} of {name}"
    figure = Figure(
        value=count,
        unit="count",
        n=len(marks),
        window=(int(marks[0].ts), int(marks[-1].ts)) if len(marks) else None,
        residual=count,
        definition=definition_of("marks.unexplained"),
    )
    return figure, Check(name="marks on the tape", ok=not count, text=text)


_ENCODER = msgspec.json.Encoder(decimal_format="number", order="deterministic")
