"""Reports made by themselves: each night those of every period that has ended and has none yet, told to whoever asked.

What is due follows from the folders and the time alone, so what was missed while nothing ran is caught up at the start.
The configuration is `reports.toml` in the runs folder, or the file that is named; without one, nobody is told.
"""

from __future__ import annotations

import logging
import re
import stat
import threading
import time
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from crossbook.desk.journal import read_journal
from crossbook.errors import CrossbookError, Refused
from crossbook.report.period import Period, period_of
from crossbook.report.period_cut import facts_of, stamp_of
from crossbook.report.period_runs import MODES
from crossbook.report.period_store import FOLDER, Written, write_period
from crossbook.timestamp import NS_PER_DAY, NS_PER_S

FILE = "reports.toml"
GRACE_NS = 300 * NS_PER_S
"""A period is reported so long after its end: the last fills of it may have come late."""
Say = Callable[[str], object]


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`reports.toml`."""

    kinds: tuple[str, ...] = ("day", "week", "month")
    modes: tuple[str, ...] = ("live", "paper")
    at: str = "00:10"
    """UTC."""
    catch_up_days: int = 35
    """How far back a period may have ended that is still reported."""
    alerts: list[str] = []
    """Where to tell of it: apprise URLs. They hold secrets, so the file must be readable by its owner alone."""


def load_schedule(path: Path) -> Schedule:
    """Raises `Refused` in one line naming file, key, value and remedy; never quotes an alert's URL."""
    try:
        text, mode = path.read_bytes(), path.stat().st_mode
    except OSError as error:
        raise Refused(f"schedule {path} cannot be read: {error.strerror}") from None
    try:
        schedule = msgspec.convert(tomllib.loads(text.decode()), Schedule)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"schedule {path} is not valid TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise Refused(f"schedule {path}: {error}; keys are {', '.join(Schedule.__struct_fields__)}") from None
    for name, given, known in (("kinds", schedule.kinds, ("day", "week", "month")), ("modes", schedule.modes, MODES)):
        wrong = [one for one in given if one not in known]
        if wrong:
            raise Refused(f"schedule {path}: {name} {wrong[0]!r} is none of {', '.join(known)}")
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", schedule.at):
        raise Refused(f"schedule {path}: at {schedule.at!r} is no time of day; write it as 00:10 (UTC)")
    if not 1 <= schedule.catch_up_days <= 400:
        raise Refused(f"schedule {path}: catch_up_days = {schedule.catch_up_days} must be 1 to 400")
    if schedule.alerts and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Refused(f"schedule {path} holds alert URLs and is readable by others: chmod 600 {path}")
    return schedule


class Spans:
    """The first and last stamp of each run, read again only when its journal has grown."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self._known: dict[str, tuple[int, str, int, int]] = {}

    def all(self) -> list[tuple[str, int, int]]:
        """Mode, first and last stamp of every run that has entries."""
        found = []
        for folder in sorted(path.parent for path in self.runs.glob("*/journal") if path.is_dir()):
            try:
                size = max((one.stat().st_mtime_ns for one in (folder / "journal").glob("*.seg")), default=0)
                known = self._known.get(folder.name)
                if known is None or known[0] != size:
                    known = self._known[folder.name] = (size, *_span(folder))
            except (CrossbookError, OSError):
                continue
            if known[3]:
                found.append(known[1:])
        return found


def due(spans: Spans, schedule: Schedule, now_ns: int) -> list[tuple[Period, str]]:
    """The periods that have ended, hold a run of a mode, and have no report of it yet; the oldest first."""
    earliest = now_ns - schedule.catch_up_days * NS_PER_DAY
    found: dict[tuple[int, int, str, str], tuple[Period, str]] = {}
    for mode, first, last in spans.all():
        if mode not in schedule.modes:
            continue
        for kind in schedule.kinds:
            period = period_of(kind, max(first, earliest))
            while period.begin_ns <= last and period.end_ns + GRACE_NS <= now_ns:
                kept = spans.runs / FOLDER / f"{period.name}-{mode}.sha256"
                if period.end_ns > earliest and not kept.exists():
                    found[period.end_ns, period.days, period.label, mode] = (period, mode)
                period = period_of(kind, period.end_ns)
    return [found[key] for key in sorted(found)]


def summary(written: Written) -> str:
    """What is told of a report: what does not add up first, then the period in sentences, and the hash."""
    lines = [f"DOES NOT ADD UP: {line}" for line in written.wrong]
    lines += [str(line) for line in written.report["lead"]]
    lines += [f"{path.name} sha256 {digest}" for path, digest in zip(written.files, written.hashes, strict=True)]
    return "\n".join(lines)


def tell(urls: list[str], title: str, body: str) -> bool:
    """Send a text to apprise URLs; whether all took it. Nothing to send to is all."""
    if not urls:
        return True
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its lines quote URLs, and those hold secrets
    where = apprise.Apprise()
    sound = [bool(where.add(url)) for url in urls]
    return bool(where.notify(title=title, body=body)) and all(sound) if len(where) else False


class Reporter:
    """Makes what is due, one at a time."""

    def __init__(self, runs: Path, schedule: Schedule, say: Say) -> None:
        self.schedule, self.say = schedule, say
        self._spans = Spans(runs)
        self._stopped = threading.Event()

    def work(self) -> list[str]:
        """Make every report that is due; their names. What fails is said, and tried again the next time."""
        made = []
        for period, mode in due(self._spans, self.schedule, time.time_ns()):
            if self._stopped.is_set():
                break
            try:
                written = write_period(period, self._spans.runs, mode)
            except (CrossbookError, OSError) as error:
                self._tell(f"report {period.name}-{mode} could not be made", str(error))
                continue
            made.append(written.name)
            self._tell(f"report {written.name}", summary(written))
        return made

    def stop(self) -> None:
        """Make no further one."""
        self._stopped.set()

    def _tell(self, title: str, body: str) -> None:
        self.say(f"{title}: {' '.join(body.split())}" if "could not" in title else f"{title} was made")
        if not tell(self.schedule.alerts, f"crossbook {title}", body):
            self.say(f"{title}: not every alert address took it")


def start(runs: Path, config: Path | None, say: Say) -> None:
    """Begin in the background of this process: at once what was missed, then every night. Raises `Refused` for a
    configuration that cannot be meant."""
    global _running
    from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]
    from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]

    stop()
    path = runs / FILE if config is None else config
    schedule = load_schedule(path) if config is not None or path.is_file() else Schedule()
    reporter = Reporter(runs, schedule, say)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    scheduler = BackgroundScheduler(timezone=UTC, daemon=True)
    hour, minute = schedule.at.split(":")
    scheduler.add_job(
        reporter.work, CronTrigger(hour=hour, minute=minute, timezone=UTC), id="reports", coalesce=True,
        max_instances=1, misfire_grace_time=None, next_run_time=datetime.now(UTC),
    )  # fmt: skip
    scheduler.start()
    _running = (scheduler, reporter)


def stop() -> None:
    """End it; a report that is being made is finished by the process's end or not at all."""
    global _running
    if _running is not None:
        scheduler, reporter = _running
        _running = None
        reporter.stop()
        scheduler.shutdown(wait=False)


def _span(folder: Path) -> tuple[str, int, int]:
    """Mode, first and last stamp of a run; 0 and 0 where it has no entry yet."""
    mode = str(facts_of(folder).get("mode", "backtest"))
    stamps = [ts for _, payload in read_journal(folder / "journal") if (ts := stamp_of(payload)) is not None]
    return (mode, min(stamps), max(stamps)) if stamps else (mode, 0, 0)


_running: tuple[Any, Reporter] | None = None
