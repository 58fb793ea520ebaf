"""Latency: every stretch of an order's way by venue, with n, and the delays that the journal's stamps tell."""

from __future__ import annotations

from typing import Any

import msgspec

from crossbook.ledger.hops import STRETCHES
from crossbook.report import words
from crossbook.report.latency import Stretch, waterfall
from crossbook.web.moment import Moment
from crossbook.web.page_body import body as page_body
from crossbook.web.run_book import RunBook

SAMPLES_FEW = 100


def body(moment: Moment, book: RunBook) -> dict[str, Any]:
    """Its body."""
    entries = (payload for _, payload in book.entries(1, moment.seq))
    found = waterfall(moment.stamps, entries, moment.rows.declaration)
    names = [f"latency.{stretch}.{end}" for stretch in STRETCHES for end in ("p50", "p99", "p999")]
    delays = [f"delay.{name}.{end}" for name in ("decision_to_match", "match_to_known") for end in ("p50", "p99")]
    return page_body(
        moment, "latency", "Latency",
        [("Inside the process", names), ("By the journal's stamps", [*delays, "delay.clock_suspect"])],
        ["t-latency"],
        stretches=[_told(one) for one in found],
        missing=None if moment.stamps else "no stamps: the run sent no order, or had no pace (demo, paper, live have)",
        budget={"missing": "no budget per hop is declared; a run's configuration states none"},
    )  # fmt: skip


def _told(one: Stretch) -> dict[str, Any]:
    texts = {
        f"{end}_text": words.span(getattr(one, f"{end}_ns")) for end in ("p50", "p99", "p999")
    }  # fmt: skip
    note = f"{one.n} samples: no conclusion" if one.n < SAMPLES_FEW else ""
    return msgspec.structs.asdict(one) | texts | {"label": one.stretch.replace("_", " "), "note": note}
