"""C27, C30, C31: rules that wait for the venues, models and page they guard, tried on made-up events."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbook.risk.forecast import SizeForecast, allowed_size
from crossbook.risk.identity import Identity, identity_reason
from crossbook.risk.manual import ManualOrder, manual_reason

NOW = 1_790_000_000 * 10**9
S = 10**9
E8 = 10**8
PINNED = Identity(environment="live", account="0xabc", fingerprint="9f:22", build="79a8923")
ORDER = ManualOrder(notional_e8=500 * E8, asked="BUY 0.008 BTC", typed="BUY 0.008 BTC", authenticated_ns=NOW - 300 * S)
FORECAST = SizeForecast(keep_ppm=10**6, at_ns=NOW - 2 * S, model_ns=NOW - 7 * 86_400 * S)


def test_the_run_that_was_meant() -> None:
    assert identity_reason(PINNED, PINNED) == ""


@pytest.mark.parametrize("part", Identity.__struct_fields__)
@pytest.mark.parametrize("other", ["", "another"])
def test_every_part_of_the_identity_counts(part: str, other: str) -> None:
    found = msgspec.structs.replace(PINNED, **{part: other})
    assert identity_reason(PINNED, found).startswith(f"{part} is {other or 'unknown'}, pinned is")
    assert identity_reason(msgspec.structs.replace(PINNED, **{part: ""}), found).startswith(f"{part} is not pinned")


def test_a_manual_order_at_its_limits() -> None:
    assert manual_reason(ORDER, NOW) == ""


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"notional_e8": 500 * E8 + 1}, "at most"),
        ({"notional_e8": 0}, "above 0"),
        ({"notional_e8": -1}, "above 0"),
        ({"notional_e8": None}, "above 0"),
        ({"typed": "BUY 0.08 BTC"}, "type it exactly"),
        ({"typed": "buy 0.008 btc"}, "type it exactly"),
        ({"typed": ""}, "type it exactly"),
        ({"typed": "", "asked": ""}, "type it exactly"),
        ({"authenticated_ns": NOW - 300 * S - 1}, "log in again"),
        ({"authenticated_ns": NOW + 1}, "log in again"),
        ({"authenticated_ns": None}, "log in again"),
    ],
)
def test_a_manual_order_beyond_them(change: dict[str, object], word: str) -> None:
    assert word in manual_reason(msgspec.structs.replace(ORDER, **change), NOW)


@given(st.integers(0, 10**15), st.integers(0, 10**6))
def test_a_forecast_only_makes_smaller(size: int, keep: int) -> None:
    left, reason = allowed_size(size, msgspec.structs.replace(FORECAST, keep_ppm=keep), NOW)
    assert reason == "" and left == size * keep // 10**6 <= size


@pytest.mark.parametrize(
    "change",
    [
        {"at_ns": NOW - 2 * S - 1}, {"at_ns": NOW + 1}, {"at_ns": None},
        {"model_ns": NOW - 7 * 86_400 * S - 1}, {"model_ns": NOW + 1}, {"model_ns": None},
        {"keep_ppm": 10**6 + 1}, {"keep_ppm": -1}, {"keep_ppm": None},
    ],
)  # fmt: skip
def test_a_forecast_that_cannot_be_used_stops_the_trade(change: dict[str, object]) -> None:
    left, reason = allowed_size(10**9, msgspec.structs.replace(FORECAST, **change), NOW)
    assert left == 0 and reason
