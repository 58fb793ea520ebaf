"""C30: a forecast may only make a trade smaller, and only while it and its model are fresh. A rule, not yet wired:
there are no models."""

from __future__ import annotations

import msgspec

from crossbook.money import PPM
from crossbook.timestamp import NS_PER_DAY, NS_PER_S

AGE_NS_MAX = 2 * NS_PER_S
MODEL_NS_MAX = 7 * NS_PER_DAY


class SizeForecast(msgspec.Struct, frozen=True, kw_only=True):
    """A model's answer: the part of the size to keep, in ppm from 0 to 1,000,000.

    `at_ns`: the moment it speaks of; `model_ns`: when its model was trained. `None`: it did not say.
    """

    keep_ppm: int | None
    at_ns: int | None
    model_ns: int | None


def forecast_reason(forecast: SizeForecast, now_ns: int) -> str:
    """Why the forecast cannot be used, empty if it can."""
    at, trained, keep = forecast.at_ns, forecast.model_ns, forecast.keep_ppm
    if at is None or not 0 <= now_ns - at <= AGE_NS_MAX:
        return f"forecast of {at} at {now_ns}: at most {AGE_NS_MAX} ns old, and not of the future"
    if trained is None or not 0 <= now_ns - trained <= MODEL_NS_MAX:
        return f"model of {trained} at {now_ns}: at most {MODEL_NS_MAX} ns old, and not of the future; train it anew"
    if keep is None or not 0 <= keep <= PPM:
        return f"forecast keeps {keep} ppm of the size: must be 0 to {PPM}"
    return ""


def allowed_size(size: int, forecast: SizeForecast, now_ns: int) -> tuple[int, str]:
    """What is left of `size` (>= 0, any unit, rounded down) and why nothing is, if the forecast cannot be used.

    Never more than `size`: a model can make a trade smaller or stop it, nothing else.
    """
    reason, keep = forecast_reason(forecast, now_ns), forecast.keep_ppm
    if reason or keep is None:
        return 0, reason
    return size * keep // PPM, ""
