"""A desk that is killed, lifted and killed again still proves itself."""

from __future__ import annotations

import desk_material as make
from control_material import Stage, entered
from desk_material import MS, SPOT, T0, S

from crossbook.commands import OutKind, Reason
from crossbook.events import OperatorRequest, OrderExpired, OrderFilled, OrderReport, OrderUnknown, Restricted
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


def test_a_lost_order_delays_no_proof_and_what_it_left_is_mended_and_proved_again() -> None:
    """The venues are asked although an order stays unknown; when it turns up filled, its leg is taken back first."""
    stage = Stage()
    buy, sell = (one for one in stage.show() if one.kind is OutKind.SUBMIT_ORDER)
    at = T0 + 20 * MS
    stage.tell(OrderExpired(ts=at, ts_venue=at, order=sell.order, lots=sell.lots))
    stage.tell(OrderUnknown(ts=at, ts_venue=at, order=buy.order))
    kill = OperatorRequest(ts=at, ts_venue=at, scope=int(Scope.DESK), index=0, level=int(Level.KILLED))
    assert [one.kind for one in stage.tell(kill)].count(OutKind.QUERY) == 3
    for venue in (0, 1, 3):
        last = stage.tell(OrderReport(ts=at, ts_venue=at, venue=venue, open_orders=0))
    assert [(one.open_orders, one.orphan_e8) for one in last if one.kind is OutKind.PROVED] == [(0, 0)]
    found = OrderFilled(
        ts=at + MS, ts_venue=at, instrument=buy.instrument, venue=buy.venue, strategy=0, order=buy.order, trade=1,
        side=0, price=buy.price, lots=buy.lots, fee_e8=0, fee_asset=0,
    )  # fmt: skip
    back = [one for one in stage.tell(found) if one.kind is OutKind.SUBMIT_ORDER]
    assert [(one.instrument, one.side) for one in back] == [(buy.instrument, 1)]
    taken = OrderFilled(
        ts=at + 2 * MS, ts_venue=at, instrument=buy.instrument, venue=buy.venue, strategy=0, order=back[0].order,
        trade=2, side=1, price=back[0].price, lots=buy.lots, fee_e8=0, fee_asset=0,
    )  # fmt: skip
    assert [one.kind for one in stage.tell(taken)].count(OutKind.QUERY) == 3


def test_a_days_worth_of_entries_closes_the_desk_until_a_person_raises_it() -> None:
    """C14: the fall is latched over midnight; the raise counts anew, and the journal's fold agrees."""
    stage = Stage()
    day = 86_400 * S
    stage.s.limits.arbs_per_day_max = 2
    stage.s.rate.arb_day, stage.s.rate.arbs_in_day = T0 // day, 2
    fell = [one for one in stage.frame(make.book(T0 + 2 * S, SPOT, 60_000)) if one.kind is OutKind.TRANSITION]
    assert [(one.scope, one.new, one.reason, one.value, one.limit) for one in fell] == [
        (Scope.DESK, Level.CLOSE_ONLY, Reason.ARBS_TOO_MANY, 2, 2)
    ]
    stage.show(T0 + day)
    assert stage.s.level == Level.CLOSE_ONLY
    stage.s.rate.arb_day = (T0 + day) // day
    at = T0 + day + S
    rise = OperatorRequest(ts=at, ts_venue=at, scope=int(Scope.DESK), index=0, level=int(Level.ACTIVE))
    outs = stage.tell(rise)
    assert [one.new for one in outs if one.kind is OutKind.TRANSITION] == [Level.ACTIVE]
    assert (stage.s.level, stage.s.rate.arbs_in_day) == (Level.ACTIVE, 0)
    assert entered(stage.show(at + S))


def test_what_a_venue_refuses_us_falls_there_and_no_further() -> None:
    """A venue, or one instrument of it; never up, and only a person lifts it again."""
    for level in (Level.CLOSE_ONLY, Level.KILLED):
        for instrument, scope in ((-1, Scope.VENUE), (SPOT, Scope.INSTRUMENT)):
            stage = Stage()
            at = T0 + S
            event = Restricted(ts=at, ts_venue=at, venue=0, instrument=instrument, level=int(level))
            fell = [one for one in stage.tell(event) if one.kind is OutKind.TRANSITION]
            assert [(one.scope, one.index, one.new, one.reason) for one in fell] == [
                (scope, 0, level, Reason.RESTRICTED)
            ]
            again = Restricted(ts=at, ts_venue=at, venue=0, instrument=instrument, level=int(Level.ACTIVE))
            assert not [one for one in stage.tell(again) if one.kind is OutKind.TRANSITION]
            assert not entered(stage.show(at + MS))
            assert stage.s.level == Level.ACTIVE
