"""Pages and sections whose source is not there yet: what they will hold, in a line, and how to get it."""

from __future__ import annotations

MODELS = (
    "models: their cards, calibration, drift, and shadow against champion; there are none yet, they come with the "
    "first model that is trained on recorded tapes"
)
SWEEPS = "sweeps of backtests with progress and cancel; there are none yet, `crossbook backtest` makes single runs"
TWIN = "the same strategy in a backtest of what was recorded, trade by trade; `crossbook backtest` on the run's tape"
