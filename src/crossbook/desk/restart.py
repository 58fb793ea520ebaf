"""Going on with a run that was stopped or cut off: all is done again and compared with its journal, until its end.

A journalled command counts as sent: the replay sends it again to the same simulated venues, which say the same again.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from crossbook.desk.journal import JournalWriter, read_journal
from crossbook.desk.operator import Operator
from crossbook.desk.replay import Replay
from crossbook.errors import Corrupt
from crossbook.events import EventKind
from crossbook.ledger.entries import DECLARATION_TAG, EVENT_TAG, TEXT_TAG, decode_text, encode_text, kind_of
from crossbook.sim.exchange import FOREVER

_TS = struct.Struct("<q")
CATCH_UP_FRAMES = 4096


class Story(msgspec.Struct, kw_only=True):
    """What a journal tells of its run before it is gone through again: `texts` are what people asked, and where."""

    texts: list[dict[str, Any]] = []
    last_ts: int = 0
    restarts: int = 0
    entries: int = 0
    ended: bool = False


def story_of(directory: Path) -> Story:
    """Look through a journal once."""
    story = Story()
    for sequence, payload in read_journal(directory):
        story.entries = sequence
        if payload[0] == TEXT_TAG:
            words = decode_text(payload)
            if "restart" in words:
                story.restarts += 1
            else:
                story.texts.append(words)
                story.last_ts = int(words["ts"])
        elif payload[0] != DECLARATION_TAG:
            story.last_ts = int(_TS.unpack_from(payload, 1)[0])
            story.ended = (payload[0] == EVENT_TAG and kind_of(payload) == EventKind.RUN_STOPPED) or story.ended
    return story


def without_restarts(directory: Path) -> Iterator[tuple[int, bytes]]:
    """The entries of a journal but for the marks of its restarts, with their sequence: those of a run never cut off."""
    for sequence, payload in read_journal(directory):
        if payload[0] != TEXT_TAG or "restart" not in decode_text(payload):
            yield sequence, payload


class RepeatedJournal:
    """A journal whose entries have to come again, each the same, before new ones are written behind a mark. `going_on`
    is called before that mark is written."""

    def __init__(self, writer: JournalWriter, story: Story, going_on: Callable[[], object] = lambda: None) -> None:
        self.live = story.entries == 0
        self._going_on = going_on
        self._writer = writer
        self._mark = encode_text({"restart": story.restarts + 1})
        self._left = without_restarts(writer.directory) if story.entries else iter(())
        self._expected = next(self._left, None)

    @property
    def directory(self) -> Path:
        return self._writer.directory

    @property
    def sequence(self) -> int:
        """The number of the last entry; 0 while entries are compared, so that nobody takes a snapshot."""
        return self._writer.sequence if self.live else 0

    def append(self, payload: bytes) -> int:
        """Compare with the next entry, or write where there is none left. Raises `Corrupt` naming the first that
        differs; nothing is written then."""
        if self.live:
            return self._writer.append(payload)
        if self._expected is None:
            self._going_on()
            self.live = True
            self._writer.append(self._mark)
            return self._writer.append(payload)
        sequence, written = self._expected
        if written != payload:
            raise self._differs(sequence)
        self._expected = next(self._left, None)
        return sequence

    def check_exhausted(self) -> None:
        """Raises `Corrupt` if the journal holds entries that should have come again by now and did not."""
        if not self.live and self._expected is not None:
            raise self._differs(self._expected[0])

    def _differs(self, sequence: int) -> Corrupt:
        return Corrupt(
            f"{self.directory}: entry {sequence} does not come again from this tape, configuration and code; nothing "
            "is written, go on with those it was begun with"
        )


def catch_up(replay: Replay, journal: RepeatedJournal, story: Story, operator: Operator) -> Iterator[None]:
    """Do again what the journal tells, flat out, with a breath now and then; at its end the replay stands where the run
    was cut off. Raises `Corrupt` as `RepeatedJournal` does."""
    replay.begin()
    for words in story.texts:
        while replay.frames < words["frames"] and not replay.at_end:
            replay.advance(FOREVER, min(CATCH_UP_FRAMES, words["frames"] - replay.frames))
            yield
        if "stop" in words:
            replay.finish(int(words["ts"]))
            journal.check_exhausted()
            return
        operator.again(words)
    while not replay.at_end and replay.next_time <= story.last_ts:
        replay.advance(story.last_ts, CATCH_UP_FRAMES)
        yield
    if not replay.at_end:
        journal.check_exhausted()
