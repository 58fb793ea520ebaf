"""Binance spot, USD-M and COIN-M: one protocol in three dialects."""
