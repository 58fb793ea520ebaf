"""One connection of a recording: who owns its session, and watches its streams."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

import msgspec

from crossbook.types import Venue
from crossbook.venues.budgets import ConnectionBudget
from crossbook.venues.market_streams import Feed, message_of, twin_key
from crossbook.venues.network import Ports
from crossbook.venues.session import Session, SessionState
from crossbook.venues.watchdog import StreamAges, StreamReport
from crossbook.venues.wire_rules import STREAM_RULES, announces_shutdown

if TYPE_CHECKING:
    from crossbook.desk.record import Recorder
    from crossbook.desk.record_snapshots import Snapshots


class RecordedFeed:
    """A `session.Owner` that hands every market frame to the recorder."""

    def __init__(
        self,
        venue: Venue,
        ports: Ports,
        plan: Feed,
        recorder: Recorder,
        snapshots: Snapshots,
        connections: ConnectionBudget,
    ) -> None:
        self._venue, self._recorder, self._snapshots = venue, recorder, snapshots
        self._url = plan.url
        self._ages = StreamAges(venue, ports, self._on_stream)
        self._numbers = {name: self._ages.add(name, floor_s) for name, floor_s in plan.streams}
        self._floors = dict(plan.streams)
        self._session = Session(
            ports, lambda: plan.url, lambda: plan.hello, self, STREAM_RULES[venue], connections
        )  # fmt: skip

    def start(self) -> None:
        """Open the connection."""
        self._session.start()
        self._ages.start()

    def stop(self) -> None:
        """Close it."""
        self._ages.stop()
        self._session.stop()

    def on_frame(self, frame: bytes, receive_ns: int) -> None:
        """See `session.Owner`."""
        try:
            message = message_of(frame)
        except msgspec.DecodeError:
            self._recorder.counts.odd += 1
            return
        if message is not None:
            number = self._numbers.get(message.stream)
            if number is not None:
                self._ages.heard(number, receive_ns)
                self._recorder.take(self._venue, message, frame, receive_ns, self._snapshots)
                return
        if announces_shutdown(frame):
            self._session.rotate("the venue announces a shutdown")

    def on_session(self, state: SessionState, why: str) -> None:
        """See `session.Owner`."""
        counts = self._recorder.counts
        counts.reconnects += state is SessionState.WAITING
        if state in (SessionState.WAITING, SessionState.STOPPED):
            self._ages.down(why)
        if state in (SessionState.WAITING, SessionState.UP):
            self._recorder.note("session", url=self._url, state=state.name.lower(), why=why)

    def on_refused(self, words: str) -> None:
        """See `session.Owner`."""
        self._recorder.note("refused", url=self._url, words=words)

    def key_of(self, frame: bytes) -> Hashable | None:
        """See `session.Owner`."""
        return twin_key(frame)

    @property
    def duplicates(self) -> int:
        """Frames that came on both sockets of a rotation, written once."""
        return self._session.duplicates

    def _on_stream(self, report: StreamReport) -> None:
        self._recorder.note(
            "stream", stream=report.stream, up=report.is_up, age_ms=report.age_ns // 1_000_000, why=report.why
        )
        if report.why == "silent":
            self._recorder.counts.silences += 1
            self._session.rotate(f"{report.stream} is silent")
