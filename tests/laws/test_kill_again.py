"""A desk that is killed, lifted and killed again still proves itself."""

from __future__ import annotations

from control_material import Stage
from desk_material import T0, S

from crossbook.commands import OutKind
from crossbook.events import OperatorRequest, OrderReport
from crossbook.types import Level, Scope


def test_a_second_kill_waits_for_its_own_answers_only() -> None:
    stage = Stage()

    def wish(level: Level, ts: int) -> list[OutKind]:
        event = OperatorRequest(ts=ts, ts_venue=ts, scope=int(Scope.DESK), index=0, level=int(level))
        return [one.kind for one in stage.tell(event)]

    asked = wish(Level.KILLED, T0 + S).count(OutKind.QUERY)
    assert asked == 3
    wish(Level.CLOSE_ONLY, T0 + 2 * S)
    assert wish(Level.KILLED, T0 + 3 * S).count(OutKind.QUERY) == asked
    told = [
        [one.kind for one in stage.tell(OrderReport(ts=T0 + 4 * S, ts_venue=T0, venue=venue, open_orders=0))]
        for venue in (0, 1, 3)
    ]
    assert [OutKind.PROVED in kinds for kinds in told] == [False, False, True]
