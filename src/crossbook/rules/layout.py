"""The deciding half of the state as preallocated records: what every kernel reads and writes.

One record for the whole desk (`DESK`), one row form for what comes in (`EVENT`) and one for what goes out (`OUT`).
Integers only, except where a strategy's own memory says otherwise. Built over `numpy.record`, so that
`s.quotes[i].bid` reads the same compiled and as plain Python. Units are those of `money`: prices in ticks,
quantities in lots, amounts and notionals at 1e-8, rates in parts per million, times in ns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

I8 = np.int64
I2 = np.int16

MAX_INSTRUMENTS = 8
MAX_VENUES = 4
MAX_ASSETS = 8
MAX_STRATEGIES = 8
MAX_PAIRS = 8
MAX_ORDERS = 32
MAX_REASONS = 72
MAX_OUT = 128
DEPTH = 4096
"""Levels kept per side of a book; a side that outgrows it loses its worst."""
FLIGHT_RING = 64
FLIGHT_LEVELS = 8

Rows = npt.NDArray[Any]
"""A structured array of EVENT, OUT or DESK records."""


class Record(np.record):  # type: ignore[misc]  # the stubs say final, numpy does not
    """A record whose fields win over numpy's own attributes, as they do in compiled code: `row.flags` is our column."""

    def __getattribute__(self, name: str) -> Any:
        fields = np.record.__getattribute__(self, "dtype").fields
        if fields is not None and name in fields:
            return self[name]
        return np.record.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in (self.dtype.fields or ()):
            self[name] = value
        else:
            np.record.__setattr__(self, name, value)


def record(*fields: tuple[Any, ...]) -> np.dtype[Any]:
    """A dtype whose scalars read by attribute."""
    return np.dtype((Record, list(fields)))


def _int64(*names: str) -> list[tuple[str, type]]:
    return [(name, I8) for name in names]


def _int16(*names: str) -> list[tuple[str, type]]:
    return [(name, I2) for name in names]


EVENT = record(
    *_int64("ts", "ts_venue", "price", "lots", "price2", "lots2", "id", "id2"),
    *_int16("kind", "instrument", "venue", "asset", "strategy", "side", "flags", "reason"),
)
"""One row of an event, 80 bytes. What a column means for a kind stands in `events.py`, `columns`."""

OUT = record(
    *_int64("ts", "order", "intent", "price", "lots", "value", "limit", "count"),
    *_int16(
        "kind", "strategy", "instrument", "venue", "side", "tif", "reason", "flags", "pair", "pad1", "pad2", "pad3"
    ),
)
"""One command or note, 88 bytes. What a column means for a kind stands in `commands.py`, `columns`."""

BOOK = record(
    ("key", I8, (2, DEPTH)),
    ("lots", I8, (2, DEPTH)),
    ("used", I8, (2, DEPTH)),
    ("n", I8, (2,)),
    *_int64("status", "id", "chained", "gaps", "dropped"),
)
"""A full book. Side 0 bids, 1 asks; `key` is the price in ticks for bids and its negative for asks, ascending, so
that the best of either side stands last and changes near it move little. `used`: lots our own orders took since the
venue last restated that price (the simulated venue's overlay)."""

QUOTE = record(*_int64("bid", "bid_lots", "ask", "ask_lots", "id", "ts", "ts_venue"))
"""Best bid and ask from whichever of quote and book is newer; 0 lots: that side is empty."""

INSTRUMENT = record(
    *_int64(
        "venue", "kind", "base", "quote", "settle", "chain", "tick_e8", "lot_e8", "factor", "contract_e8",
        "min_lots", "max_lots", "max_ticks", "min_notional_e8", "significant_figures", "maker_ppm", "taker_ppm",
        "tradeable", "level",
    )
)  # fmt: skip

VENUE = record(
    *_int64("margin", "collateral", "leverage", "quote_age_ns_max", "level", "delay_ns", "budget_left", "budget_whole")
)
"""`delay_ns`: the measured time from our decision to the venue's matching; `budget_*`: what is left of its rate limit,
0 of 0 where it was never told."""

ASSET = record(*_int64("mark_instrument"))
"""`mark_instrument`: whose middle prices this asset in the reporting asset; -1: it is the reporting asset."""

PAIR = record(*_int64("a", "b", "step_e8"))
"""Two instruments with one base; `step_e8` is the smallest base quantity that both can trade."""

LIMITS = record(
    *_int64(
        "order_notional_e8_max", "position_notional_e8_max", "gross_e8_max", "delta_e8_max", "collar_ppm",
        "edge_ppm_max", "quote_skew_ns_max", "mark_age_ns_max", "orders_per_s_max", "orders_per_min_max",
        "orders_per_h_max", "collateral_ppm_min", "unhedged_notional_e8_max", "hedge_within_ns", "flatten_within_ns",
        "hedge_retries", "off",
        "delta_soft_e8_max", "instrument_notional_e8_max", "leverage_max", "liquidation_ppm_min", "other_ppm_max",
        "edge_ppm_min", "drift_ns_max", "orders_per_day_max", "reduces_per_s_max", "arbs_per_h_max",
        "arbs_per_day_max", "duplicate_ns", "rejects_max", "reject_pause_ns", "rejects_per_min_max", "unknown_max",
        "open_orders_max", "ratio_ppm_max", "budget_reserve_ppm", "turnover_e8_max", "funding_ppm_max",
        "funding_before_ns", "journal_lag_ns_max", "disk_bytes_min", "loop_lag_ns_max", "daily_close_ppm",
        "daily_kill_ppm", "weekly_kill_ppm", "drawdown_kill_ppm", "slippage_ppm_max", "fee_off_ppm_max",
        "unattributed_warn_e8", "unattributed_warn_ppm", "unattributed_close_e8", "stale_ns_max", "hold_after_ns",
        "holds_per_h_max",
    )
)  # fmt: skip
"""`off`: a bit per control that this run has switched off by name."""

STRATEGY = record(
    *_int64(
        "kind", "level", "pairs", "clip_e8", "min_edge_ppm", "exit_keep_ppm", "hold_ns_max", "collar_ppm",
        "capital_e8", "depth_ppm", "full_edge_ppm", "volatility_ppm", "adapt_ppm",
    )
)  # fmt: skip
"""Parameters and level. `pairs`: a bit per pair it trades; `clip_e8`: notional of one leg of one round trip;
`collar_ppm`: how far beyond the touch an IOC leg may reach; `capital_e8`: what it may hold at one venue;
`depth_ppm`: the part of the near displayed depth it may take; `full_edge_ppm`: the edge at which the whole clip is
used; `volatility_ppm`: the volatility a second at which it is (0: not looked at); `adapt_ppm`: how fast v2's threshold
follows what was captured against what was expected."""

MARK = record(*_int64("mark_e8", "rate_e8", "next_funding_ns", "ts"))
"""The venue's own mark price and coming funding, where its feed tells them; `ts` 0: it never did."""

POSITION = record(*_int64("lots", "lo", "hi", "buy_open", "sell_open", "cash"))
"""A strategy's position in an instrument: known fills; the interval while orders are unknown; lots still to come from
sent orders; `cash`, signed ticks x lots of its fills since it was last flat."""

ORDER = record(
    *_int64(
        "id", "status", "strategy", "instrument", "pair", "side", "price", "lots", "filled", "intent", "flags",
        "ts_sent", "venue_order", "decision",
    )
)  # fmt: skip

FLIGHT = record(
    ("at", I8, (FLIGHT_RING,)),
    ("levels", I8, (FLIGHT_RING,)),
    ("lots", I8, (FLIGHT_RING, FLIGHT_LEVELS)),
    ("cost", I8, (FLIGHT_RING, FLIGHT_LEVELS)),
    *_int64("head", "size"),
)
"""While an order is out: our own book on its far side, each time it changed, as cumulative (lots, ticks x lots).
Entry 0 is the book it was decided on and stays; the others are a ring of which the oldest goes first, `head` counting
those that are gone."""

INTENTS_KEPT = 8
LEGS = record(
    ("intent_ts", I8, (INTENTS_KEPT,)),
    ("intent_side", I8, (INTENTS_KEPT,)),
    ("intent_quantity_e8", I8, (INTENTS_KEPT,)),
    *_int64(
        "phase", "intent", "direction", "quantity_e8", "opened_ts", "entry_notional_e8", "attempts", "next_attempt",
        "unhedged_e8", "unhedged_since", "expected_e8", "trip_e8", "intents", "arb_hour", "arbs_in_hour",
    )
)  # fmt: skip
"""Where one strategy stands with one pair: the trade that is on, what it was expected to bring and what it brought so
far (`trip_e8`, reporting asset, after fees), its last entries and how many there were in this hour."""

DENIED = record(*_int64("last_ts", "count", "instrument", "value", "limit"))
"""A repeated denial between two of its entries: when it was last stated, how often since, its latest numbers."""

COUNTERS = record(*_int64("orders", "orders_with_fill", "fills", "rejections", "denials", "unknowns", "intents"))

RATE = record(
    *_int64(
        "second", "in_second", "minute", "in_minute", "hour", "in_hour", "day", "in_day", "turnover_e8",
        "reduce_second", "reduces_in_second", "arb_day", "arbs_in_day",
    )
)  # fmt: skip
"""Orders, turnover and entries by the UTC second, minute, hour and day they fell in."""

FILLS_KEPT = 256
BOOKED = record(*[(name, I8, (FILLS_KEPT,)) for name in ("kind", "instrument", "trade", "order")], *_int64("count"))
"""What the venues numbered and we booked last (fills, forced closes, funding): told again, it is not booked again."""

REJECTS = record(*_int64("row", "paused_until", "minute", "in_minute"))
"""Rejections of an instrument: how many in a row, until when it is paused, how many this minute."""

TRIPS = 20
CONFORM = 10
TRACK = record(
    ("trips", I8, (TRIPS,)),
    ("slips", I8, (CONFORM,)),
    *_int64("n_trips", "n_slips", "shortfall_ppm", "paused_until", "pnl_e8", "peak_e8"),
)
"""What a strategy's last round trips brought (reporting e8) and its last entries fell short of the edge expected (ppm);
`shortfall_ppm` is the moving mean of the latter, `pnl_e8` and `peak_e8` its closed P&L and the highest it ever was."""

HOLD_KINDS = 6
HOLDS_KEPT = 8
HOLD = record(("began", I8, (HOLDS_KEPT,)), *_int64("active", "until", "count"))
"""A transient cause that denies entries while it lasts and for a time after. Kinds stand in `rules.holds`; `began`:
when the last ones did."""

WORTH = record(
    *_int64(
        "nav_e8", "start_e8", "day", "day_start_e8", "week", "week_start_e8", "peak_e8", "unattributed_e8", "warned",
        "seen",
    )
)  # fmt: skip
"""Net asset value as the desk sees it at its marks, flows taken out of the starts and the peak; `seen` 0: not yet."""

MOTION = record(*_int64("mid_e8", "second", "variance"))
"""Moving mean of squared one-second returns of an instrument's middle, in ppm squared."""

HEALTH = record(*_int64("journal_lag_ns", "disk_bytes", "loop_lag_ns", "known"))

SURVIVAL_EDGES = 16
SURVIVAL_DELAYS = 12
SURVIVAL = record(
    ("edges_ppm", I8, (SURVIVAL_EDGES,)),
    ("delays_ns", I8, (SURVIVAL_DELAYS,)),
    ("survive_ppm", I8, (SURVIVAL_EDGES, SURVIVAL_DELAYS)),
    *_int64("n_edges", "n_delays"),
)
"""Probability (ppm) that an edge of at least `edges_ppm[k]` is still there after `delays_ns[j]`."""

DESK = record(
    # declared once, constant through a run
    *_int64("n_instruments", "n_venues", "n_assets", "n_strategies", "n_pairs", "reporting"),
    ("assets", ASSET, (MAX_ASSETS,)),
    ("pairs", PAIR, (MAX_PAIRS,)),
    ("limits", LIMITS),
    # the desk half: equal to the fold of the journal (ACCOUNT_FIELDS)
    ("instruments", INSTRUMENT, (MAX_INSTRUMENTS,)),
    ("venues", VENUE, (MAX_VENUES,)),
    ("strategies", STRATEGY, (MAX_STRATEGIES,)),
    ("level", I8),
    ("positions", POSITION, (MAX_STRATEGIES, MAX_INSTRUMENTS)),
    ("balances", I8, (MAX_VENUES, MAX_ASSETS)),
    ("orders", ORDER, (MAX_ORDERS,)),
    ("counters", COUNTERS, (MAX_STRATEGIES,)),
    ("rate", RATE),
    ("rejects", REJECTS, (MAX_INSTRUMENTS,)),
    ("booked", BOOKED),
    *_int64("next_order", "next_intent"),
    # the market half: comes back from the tape or from warm-up
    ("now", I8),
    *_int64("next_mark", "stopped", "fault"),
    ("marked", I8, (MAX_INSTRUMENTS,)),
    ("quotes", QUOTE, (MAX_INSTRUMENTS,)),
    ("books", BOOK, (MAX_INSTRUMENTS,)),
    ("flights", FLIGHT, (MAX_ORDERS,)),
    ("legs", LEGS, (MAX_STRATEGIES, MAX_PAIRS)),
    ("denied", DENIED, (MAX_STRATEGIES, MAX_PAIRS, MAX_REASONS)),
    ("tracks", TRACK, (MAX_STRATEGIES,)),
    ("holds", HOLD, (MAX_INSTRUMENTS, HOLD_KINDS)),
    ("worth", WORTH),
    ("motions", MOTION, (MAX_INSTRUMENTS,)),
    ("health", HEALTH),
    ("marks", MARK, (MAX_INSTRUMENTS,)),
    ("survival", SURVIVAL),
    *_int64("flattening", "killing", "proving", "proof_orders"),
)

ACCOUNT_FIELDS = (
    "instruments", "venues", "strategies", "level", "positions", "balances", "orders", "counters", "rate", "rejects",
    "booked", "next_order", "next_intent",
)  # fmt: skip
"""The desk half of the state; its bytes are what a fold of the journal must reproduce."""

# status of a book
BOOK_EMPTY = 0
BOOK_GAP = 1
BOOK_SYNCED = 2


def new_desk() -> Rows:
    """An empty desk: a one-element array of `DESK`."""
    return np.zeros(1, DESK)


def new_events(rows: int) -> Rows:
    """`rows` empty event rows."""
    return np.zeros(rows, EVENT)


def new_outs() -> Rows:
    """Room for the answers of one step."""
    return np.zeros(MAX_OUT, OUT)
