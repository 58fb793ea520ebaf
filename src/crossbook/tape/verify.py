"""Prove a tape: its files are what was written, its rows what the manifest says, its books whole."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from crossbook.errors import Corrupt
from crossbook.tape.archive import read_rows
from crossbook.tape.frames_of import counts_of, starts_of
from crossbook.tape.manifest import Health
from crossbook.tape.survey import examine
from crossbook.tape.tape import THREADS, content_hash, open_tape, read_manifest
from crossbook.timestamp import iso


def verify_tape(directory: Path) -> list[str]:
    """What is wrong with a tape, a line each; nothing: it is clean. Raises `Refused` if there is no tape.

    The archive's files are hashed again, its rows compared with the content hash and with the replay cache, and every
    book is folded again: gaps, crossed quotes and frames out of order are findings, silence is not.
    """
    try:
        manifest = read_manifest(directory)
        rows = read_rows(directory, manifest.parts)
    except Corrupt as error:
        return [str(error)]
    findings = []
    if content_hash(manifest.instruments, rows) != manifest.content_hash:
        findings.append(
            f"{directory}: rows differ from the content hash {manifest.content_hash}: import the tape again"
        )
    starts = starts_of(rows)
    if int(starts[-1]) != len(rows):
        return [*findings, f"{directory}: its last frame has no end: import the tape again"]
    numbers = rows["instrument"]
    if int(numbers.min()) < 0 or int(numbers.max()) >= len(manifest.instruments):
        return [*findings, f"{directory}: rows of an instrument it does not list: import the tape again"]
    if counts_of(rows, starts, manifest.instruments) != manifest.counts:
        findings.append(f"{directory}: frames differ from the counts in its manifest: import the tape again")
    if not findings:
        mapped = open_tape(directory).rows
        if not np.array_equal(mapped.view(np.uint8), rows.view(np.uint8)):
            findings.append(f"{directory}: its replay cache differs from it: remove the cache folder")
    with ThreadPoolExecutor(THREADS) as pool:
        findings += unhealthy(examine(rows, starts, manifest.instruments, pool))
    return findings


def unhealthy(health: Health) -> Iterator[str]:
    """A line for each thing wrong in the books, and one for what did not fit in the list."""
    for gap in health.gaps:
        yield f"{gap.instrument}: gap at {iso(gap.ts)}: the book stood at {gap.expected}, the update links to {gap.got}"
    for stretch in health.crossed:
        yield f"{stretch.instrument}: crossed from {iso(stretch.ts)} to {iso(stretch.end)}"
    if health.disorder_count:
        yield f"{health.disorder_count} frames out of order: import the tape again"
    unsaid = health.gap_count - len(health.gaps) + health.crossed_count - len(health.crossed)
    if unsaid:
        yield f"{unsaid} more gaps and crossed stretches"
