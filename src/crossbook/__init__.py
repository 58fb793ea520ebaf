"""A crypto trading desk: one engine in backtest, paper and live, and a ledger every figure comes from."""

__version__ = "0.1.0"
