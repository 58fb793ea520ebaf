"""A recording's lines, `receive_time frame`, decoded block by block into packed frames."""

from __future__ import annotations

from typing import Any

from crossbook.rules.kernel import bulk_kernel
from crossbook.rules.layout import I8, record
from crossbook.tape.packed import pack
from crossbook.timestamp import NS_PER_MS
from crossbook.venues.frames import decode_frame
from crossbook.venues.reader import DONE, EARLIEST_MS, LATEST_MS
from crossbook.venues.scan import whole_number

LINES = record(
    *((name, I8) for name in ("at", "line", "last_ts", "unit_ns", "n_frames", "n_levels", "frames_in", "clamped"))
)
"""Where a reader of lines stands: byte of the block, lines done, last receive time, the unit of receive times, event
frames and levels written so far, venue frames read, receive times that were put forward."""

NO_STAMP = 20
BACKWARDS = 21
"""What can be wrong with a line beside its frame."""

EARLIEST_NS = EARLIEST_MS * NS_PER_MS
LATEST_NS = LATEST_MS * NS_PER_MS


@bulk_kernel
def decode_lines(
    lines: Any, reader: Any, buf: Any, tokens: Any, rows: Any, frames: Any, levels: Any, lenient: bool
) -> int:
    """Decode whole lines from `lines.at` on; DONE at the end of the block, else what is wrong with line `lines.line`.

    `rows`: room for those of one line. A wrong line is passed, so that calling again goes on behind it.
    """
    s = lines[0]
    c = reader[0]
    size = len(buf)
    while s.at < size:
        at = s.at
        end = at
        while end < size and buf[end] != 10:
            end += 1
        s.at = end + 1
        s.line += 1
        if end > at and buf[end - 1] == 13:
            end -= 1
        if end == at:
            continue
        space = at
        while space < end and buf[space] != 32:
            space += 1
        ts = whole_number(buf, at, space)
        c.bad_at = at
        c.bad_end = space
        if ts < 0 or ts > LATEST_NS or not EARLIEST_NS <= ts * s.unit_ns < LATEST_NS:
            return NO_STAMP
        ts *= s.unit_ns
        if ts < s.last_ts:
            if not lenient:
                return BACKWARDS
            s.clamped += 1
            ts = s.last_ts
        c.n_rows = 0
        wrong = decode_frame(c, buf, space + 1, end, tokens, ts, rows)
        if wrong != DONE:
            return wrong
        s.last_ts = ts
        s.frames_in += 1
        s.n_frames = pack(rows, c.n_rows, s.line, frames, s.n_frames, levels, s.n_levels)
        s.n_levels += c.n_rows
    return DONE
