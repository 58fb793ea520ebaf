"""Ceilings and floors: no configuration says more, or less, than the code allows; every limit reaches its kernel."""

from __future__ import annotations

from decimal import Decimal

import desk_material as make
import msgspec
import pytest

from crossbook.errors import Refused
from crossbook.risk.limits import CEILINGS, FLOORS, SWITCHABLE, Limits, check_controls_off, check_limits, write_limits

NAMES = Limits.__struct_fields__
DEFAULTS = Limits()
SMALLEST = Decimal("0.01")


def given(name: str, value: Decimal) -> Limits:
    whole = isinstance(getattr(DEFAULTS, name), int)
    return msgspec.structs.replace(DEFAULTS, **{name: int(value) if whole else value})


def step(name: str) -> Decimal:
    return Decimal(1) if isinstance(getattr(DEFAULTS, name), int) else SMALLEST


def test_every_limit_is_bounded_on_its_dangerous_side() -> None:
    assert set(CEILINGS) | set(FLOORS) == set(NAMES) and not set(CEILINGS) & set(FLOORS)
    for name in NAMES:
        default = Decimal(getattr(DEFAULTS, name))
        if name in CEILINGS:
            assert default <= CEILINGS[name] <= 2 * default or name in ("leverage_x_max", "quote_age_ms_max"), name
        else:
            assert default / 2 <= FLOORS[name] <= default, name
    assert CEILINGS["leverage_x_max"] == 3 and CEILINGS["quote_age_ms_max"] == 2 * 1500  # of the slowest venue


@pytest.mark.parametrize("name", NAMES)
def test_at_its_bound_and_beyond(name: str) -> None:
    bound, beyond = CEILINGS.get(name), step(name)
    if bound is None:
        bound, beyond = FLOORS[name], -step(name)
    check_limits(given(name, bound), "here")
    with pytest.raises(Refused, match=f"limits.{name} = .* (ceiling|floor)"):
        check_limits(given(name, bound + beyond), "here")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [Decimal(0), Decimal(-1)])
def test_none_is_zero_or_less(name: str, value: Decimal) -> None:
    if name == "hedge_retries" and value == 0:
        check_limits(given(name, value), "here")
        return
    with pytest.raises(Refused, match=f"limits.{name}"):
        check_limits(given(name, value), "here")


@pytest.mark.parametrize("name", NAMES)
def test_each_reaches_the_kernels(name: str) -> None:
    """Changing one limit changes one field of the record, in the field's own unit."""
    plain, changed = make.desk()[0], make.desk()[0]
    write_limits(plain.limits, DEFAULTS, 0)
    bound = CEILINGS.get(name, FLOORS.get(name))
    assert bound is not None
    if name == "leverage_x_max":
        bound = Decimal(1)
    value = bound if bound != getattr(DEFAULTS, name) else bound - step(name)
    if name in ("quote_age_ms_max",):  # it stands with the venues
        return
    write_limits(changed.limits, given(name, value), 0)
    fields = plain.limits.dtype.names
    differ = [field for field in fields if plain.limits[field] != changed.limits[field]]
    assert len(differ) == 1
    ratio = Decimal(int(changed.limits[differ[0]])) / int(plain.limits[differ[0]])
    assert abs(ratio - value / Decimal(getattr(DEFAULTS, name))) < Decimal("0.0001")


def test_controls_off_is_a_list_of_known_names() -> None:
    assert check_controls_off([], "here") == 0
    for code in SWITCHABLE:
        assert check_controls_off([code], "here") == 1 << int(code[1:])
    assert check_controls_off(sorted(SWITCHABLE), "here").bit_count() == len(SWITCHABLE) == 10
    for code in ("C01", "C11", "C99", "", "c10", "C41"):
        with pytest.raises(Refused, match="cannot be switched off"):
            check_controls_off([code], "here")
