"""Structs and packed rows say the same: whatever is packed comes back, and a row has the size the journal counts on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbook.commands import FIRST_NOTE, Out, OutKind
from crossbook.events import FLAG_LAST, FLAG_MAKER, LAST_MARKET_KIND, BookLevel, Event, EventKind
from crossbook.rules.layout import EVENT, OUT
from crossbook.rules.rows import EVENT_CLASSES, OUT_CLASSES, name_of, pack, pack_out, unpack_event, unpack_out

pytestmark = pytest.mark.jit_off
WIDE = st.integers(-(1 << 62), 1 << 62)
NARROW = st.integers(-1, 63)
LEVELS = st.lists(
    st.builds(BookLevel, st.integers(0, 1), st.integers(1, 1 << 40), st.integers(0, 1 << 40)), max_size=5
).map(tuple)


def drawn(kind: type[Any], dtype: Any) -> st.SearchStrategy[Any]:
    """A struct with every field at random, as wide as its column."""
    fields: dict[str, st.SearchStrategy[Any]] = {"ts": WIDE}
    for name in kind.__struct_fields__:
        column = kind.columns.get(name, name)
        if name == "levels":
            fields[name] = LEVELS
        elif name == "maker":
            fields[name] = st.booleans()
        elif name != "ts":
            fields[name] = WIDE if column not in dtype.names or dtype[column].itemsize == 8 else NARROW
    return st.builds(kind, **fields)


EVENTS = st.one_of([drawn(kind, EVENT) for kind in EVENT_CLASSES.values()])
OUTS = st.one_of([drawn(kind, OUT) for kind in OUT_CLASSES.values()])


@given(EVENTS)
def test_an_event_comes_back(event: Event) -> None:
    rows = pack(event)
    assert unpack_event(rows) == event
    assert rows.dtype == EVENT and set(rows["kind"].tolist()) == {int(event.kind)}
    last = [int(row["flags"]) & FLAG_LAST for row in rows]
    assert last == [0] * (len(rows) - 1) + [FLAG_LAST]  # one step, however many levels
    assert bool(rows["flags"][-1] & FLAG_MAKER) == getattr(event, "maker", False)


@given(OUTS)
def test_an_answer_comes_back(out: Out) -> None:
    rows = pack_out(out)
    assert unpack_out(rows[0]) == out and len(rows) == 1


@pytest.mark.parametrize("kind", [*EVENT_CLASSES.values(), *OUT_CLASSES.values()])
def test_every_field_has_a_column_of_its_own(kind: type[Any]) -> None:
    dtype = EVENT if issubclass(kind, Event) else OUT
    assert set(kind.columns.values()) <= set(dtype.names)
    assert len(set(kind.columns.values())) == len(kind.columns)
    assert kind.columns.keys() <= set(kind.__struct_fields__)


def test_the_sizes_that_files_count_on() -> None:
    assert (EVENT.itemsize, OUT.itemsize) == (80, 88)
    assert len(EVENT_CLASSES) + len(OUT_CLASSES) == len({*EVENT_CLASSES, *OUT_CLASSES})


def test_numbers_say_what_an_entry_is() -> None:
    assert all(int(kind) < 100 for kind in EventKind) and all(int(kind) >= 100 for kind in OutKind)
    market = {EventKind(kind) for kind in range(1, LAST_MARKET_KIND + 1)}
    assert {kind for kind in EventKind if kind <= LAST_MARKET_KIND} == market
    assert OutKind.ALERT < FIRST_NOTE <= OutKind.INTENT
    assert name_of(int(EventKind.QUOTE)) == "QUOTE" and name_of(int(OutKind.DENIAL)) == "DENIAL"
