"""Every error code of Binance's documents (spot and USD-M) as a row: what it says of the request, and beyond it.

Rows of one code stand together, those with words to match first. `{}` rows with an empty `match` catch the rest of a
code. REFUSED and RETRYABLE are said only where the request certainly did nothing.
"""

from __future__ import annotations

from crossbook.events import Rejection
from crossbook.venues.messages import Consequence, ErrorKind, ErrorRow

REFUSED, RETRYABLE, UNKNOWN = ErrorKind.REFUSED, ErrorKind.RETRYABLE, ErrorKind.UNKNOWN
_NONE, _ALERT, _RATE, _CLOCK = Consequence.NONE, Consequence.ALERT, Consequence.HOLD_RATE, Consequence.HOLD_CLOCK
_VENUE, _CLOSED, _CLOSE_ONLY = Consequence.HOLD_VENUE, Consequence.INSTRUMENT_CLOSE_ONLY, Consequence.VENUE_CLOSE_ONLY
_KILLED, _STREAM = Consequence.VENUE_KILLED, Consequence.RESTART_STREAM
_PRICE, _LOT, _NOTIONAL, _BAND = (
    Rejection.PRICE_FILTER, Rejection.LOT_FILTER, Rejection.MIN_NOTIONAL, Rejection.PRICE_BAND,
)  # fmt: skip
_BALANCE, _MARGIN, _REDUCE = Rejection.INSUFFICIENT_BALANCE, Rejection.INSUFFICIENT_MARGIN, Rejection.REDUCE_ONLY
_TAKES, _NOT_TRADING, _MANY, _SYMBOL = (
    Rejection.WOULD_TAKE, Rejection.NOT_TRADING, Rejection.TOO_MANY_ORDERS, Rejection.UNKNOWN_INSTRUMENT,
)  # fmt: skip


def _row(
    code: int,
    name: str,
    kind: ErrorKind = REFUSED,
    consequence: Consequence = _NONE,
    rejection: Rejection | None = None,
    match: str = "",
) -> ErrorRow:
    return ErrorRow(code, name, kind, consequence, None if rejection is None else rejection.name, match)


def _rows(codes: tuple[int, ...], name: str, consequence: Consequence = _ALERT) -> tuple[ErrorRow, ...]:
    return tuple(_row(code, name, REFUSED, consequence) for code in codes)


ENGINE_WORDS: tuple[tuple[str, str, ErrorKind, Consequence, Rejection | None], ...] = (
    ("Unknown order sent.", "order_gone", REFUSED, _NONE, None),
    # our ids are used once: what is a duplicate was placed by an earlier request of ours, whose answer we did not see
    ("Duplicate order sent.", "duplicate_id", UNKNOWN, _ALERT, None),
    ("Market is closed.", "market_closed", REFUSED, _CLOSED, _NOT_TRADING),
    ("Account has insufficient balance", "insufficient_balance", REFUSED, _NONE, _BALANCE),
    ("Order would immediately match and take.", "would_take", REFUSED, _NONE, _TAKES),
    ("Price * QTY is zero or less.", "price_or_quantity_zero", REFUSED, _ALERT, _NOTIONAL),
    ("This action is disabled on this account.", "account_disabled", REFUSED, _KILLED, None),
    ("This account may not place or cancel orders.", "account_disabled", REFUSED, _KILLED, None),
    ("This symbol is not permitted for this account.", "symbol_not_permitted", REFUSED, _CLOSED, _NOT_TRADING),
    ("This symbol is restricted for this account.", "symbol_not_permitted", REFUSED, _CLOSED, _NOT_TRADING),
    ("Order book liquidity is less than", "book_too_thin", REFUSED, _NONE, None),
    ("Rest API trading is not enabled.", "account_disabled", REFUSED, _KILLED, None),
    ("Market orders are not supported", "order_type_not_supported", REFUSED, _ALERT, None),
    ("Iceberg orders are not supported", "order_type_not_supported", REFUSED, _ALERT, None),
    ("Stop loss orders are not supported", "order_type_not_supported", REFUSED, _ALERT, None),
    ("Stop loss limit orders are not supported", "order_type_not_supported", REFUSED, _ALERT, None),
    ("Take profit orders are not supported", "order_type_not_supported", REFUSED, _ALERT, None),
    ("Take profit limit orders are not supported", "order_type_not_supported", REFUSED, _ALERT, None),
    ("Quote order qty market orders are not support", "order_type_not_supported", REFUSED, _ALERT, None),
    ("Order amend is not supported", "amend_refused", REFUSED, _ALERT, None),
    ("Order amend (quantity increase) is not supported", "amend_refused", REFUSED, _ALERT, None),
    ("Order cancel-replace is not supported", "order_type_not_supported", REFUSED, _ALERT, None),
    ("The requested action would change no state", "no_change", REFUSED, _NONE, None),
    ("IcebergQty exceeds QTY.", "bad_parameter", REFUSED, _ALERT, _LOT),
    ("Unsupported order combination", "bad_parameter", REFUSED, _ALERT, None),
    ("Order would trigger immediately.", "would_trigger", REFUSED, _NONE, None),
    ("Cancel order is invalid.", "bad_parameter", REFUSED, _ALERT, None),
    ("The relationship of the prices for the orders is not correct.", "bad_parameter", REFUSED, _ALERT, _PRICE),
    ("Order was not canceled due to cancel restrictions.", "cancel_restricted", REFUSED, _NONE, None),
)
"""What the matching engine says behind -1010, -2010, -2011 and -2038."""


def _engine(code: int, rest: ErrorRow) -> tuple[ErrorRow, ...]:
    said = tuple(_row(code, name, kind, then, why, words) for words, name, kind, then, why in ENGINE_WORDS)
    return (*said, rest)


FILTERS: tuple[tuple[str, Rejection, Consequence], ...] = (
    ("PRICE_FILTER", _PRICE, _ALERT),
    ("PERCENT_PRICE", _BAND, _NONE),  # and PERCENT_PRICE_BY_SIDE
    ("LOT_SIZE", _LOT, _ALERT),
    ("MARKET_LOT_SIZE", _LOT, _ALERT),
    ("MIN_NOTIONAL", _NOTIONAL, _NONE),
    ("NOTIONAL", _NOTIONAL, _NONE),
    ("ICEBERG_PARTS", _LOT, _ALERT),
    ("MAX_NUM_", _MANY, _NONE),
    ("EXCHANGE_MAX_NUM_", _MANY, _NONE),
    ("MAX_POSITION", _BALANCE, _NONE),
    ("TRAILING_DELTA", _PRICE, _ALERT),
    ("MAX_ASSET", _LOT, _NONE),
)
"""`Filter failure: X`. A failed grid means that our rules are old or wrong: a person is told, they are fetched anew."""

COMMON: tuple[ErrorRow, ...] = (
    _row(-1002, "unauthorized", REFUSED, _KILLED),
    _row(-1003, "ip_banned", RETRYABLE, _RATE, _MANY, "banned until"),
    _row(-1003, "rate_limited", RETRYABLE, _RATE, _MANY),
    _row(-1004, "duplicate_address", REFUSED, _ALERT),
    _row(-1005, "address_not_allowed", REFUSED, _KILLED),
    _row(-1006, "bus_trouble", UNKNOWN, _VENUE),
    _row(-1007, "timed_out", UNKNOWN, _VENUE),
    *_engine(-1010, _row(-1010, "refused_by_engine", REFUSED, _ALERT)),
    *(_row(-1013, "filter", REFUSED, then, why, f"Filter failure: {name}") for name, why, then in FILTERS),
    _row(-1013, "self_trade_mode", REFUSED, _ALERT, None, "self-trade prevention"),
    _row(-1013, "filter", REFUSED, _ALERT, _PRICE),
    _row(-1014, "bad_parameter", REFUSED, _ALERT),
    _row(-1015, "too_many_orders", RETRYABLE, _RATE, _MANY),
    _row(-1016, "service_gone", REFUSED, _KILLED),
    _row(-1020, "not_supported", REFUSED, _ALERT),
    _row(-1021, "clock_ahead", REFUSED, _CLOCK, None, "ahead of the server"),
    _row(-1021, "clock_off", REFUSED, _CLOCK),
    _row(-1022, "bad_signature", REFUSED, _KILLED),
    _row(-1023, "bad_parameter", REFUSED, _ALERT),
    _row(-1034, "too_many_connections", RETRYABLE, _RATE),
    *_rows((-1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108), "bad_parameter"),
    _row(-1109, "invalid_account", REFUSED, _KILLED),
    _row(-1110, "bad_parameter", REFUSED, _ALERT),
    _row(-1111, "too_precise", REFUSED, _ALERT, _PRICE, "price"),
    _row(-1111, "too_precise", REFUSED, _ALERT, _LOT, "uantity"),
    _row(-1111, "too_precise", REFUSED, _ALERT, _PRICE),
    _row(-1112, "book_empty", REFUSED, _NONE),
    *_rows((-1113, -1114, -1115, -1116, -1117, -1118, -1119, -1120), "bad_parameter"),
    _row(-1121, "unknown_symbol", REFUSED, _CLOSED, _SYMBOL),
    _row(-1122, "bad_parameter", REFUSED, _ALERT),
    _row(-1125, "listen_key_gone", REFUSED, _STREAM),
    *_rows((-1126, -1127, -1128, -1130), "bad_parameter"),
    _row(-1131, "bad_parameter", REFUSED, _ALERT),
    *_rows((-1134, -1135, -1136, -1145, -1151), "bad_parameter"),
    *_rows((-1152, -1153, -1155, -1194, -1210, -1211), "bad_parameter"),
    _row(-1220, "market_closed", REFUSED, _CLOSED, _NOT_TRADING),
    *_engine(-2010, _row(-2010, "refused_by_engine", REFUSED, _ALERT)),
    *_engine(-2011, _row(-2011, "cancel_refused", REFUSED, _NONE)),
    # a query may come before the order that it asks for: ask again, never conclude that it was not placed
    _row(-2013, "order_not_found", RETRYABLE, _NONE),
    _row(-2014, "key_malformed", REFUSED, _KILLED),
    _row(-2015, "key_refused", REFUSED, _KILLED),
    _row(-4056, "key_kind_refused", REFUSED, _NONE),  # session.logon with HMAC: sign each request instead
)

SPOT: tuple[ErrorRow, ...] = (
    _row(-1000, "venue_trouble", UNKNOWN, _VENUE),
    _row(-1001, "venue_trouble", UNKNOWN, _VENUE),
    _row(-1008, "overloaded", UNKNOWN, _VENUE),
    _row(-2016, "market_closed", REFUSED, _CLOSED, _NOT_TRADING),
    _row(-2021, "replace_half_done", UNKNOWN, _ALERT),
    _row(-2022, "replace_refused", REFUSED, _NONE),
    _row(-2026, "order_archived", REFUSED, _NONE),
    _row(-2035, "stream_already_there", REFUSED, _NONE),
    _row(-2036, "stream_not_there", REFUSED, _STREAM),
    *_engine(-2038, _row(-2038, "amend_refused", REFUSED, _NONE)),
    _row(-2039, "bad_parameter", REFUSED, _ALERT),
    _row(-2042, "stream_ids_spent", REFUSED, _STREAM),
    _row(-2043, "no_reference_price", REFUSED, _NONE),
)

USDM: tuple[ErrorRow, ...] = (
    _row(-1000, "venue_trouble", UNKNOWN, _VENUE),
    _row(-1001, "internal_error", RETRYABLE, _VENUE, None, "Internal error; unable to process your request."),
    _row(-1001, "venue_trouble", UNKNOWN, _VENUE),
    _row(-1008, "overloaded", RETRYABLE, _VENUE),
    _row(-1099, "unauthorized", REFUSED, _KILLED),
    _row(-2012, "cancel_all_failed", UNKNOWN, _ALERT),
    _row(-2017, "key_locked", REFUSED, _KILLED),
    _row(-2018, "insufficient_balance", REFUSED, _NONE, _BALANCE),
    _row(-2019, "insufficient_margin", REFUSED, _NONE, _MARGIN),
    _row(-2020, "unable_to_fill", REFUSED, _NONE),
    _row(-2021, "would_trigger", REFUSED, _NONE),
    _row(-2022, "not_reducing", REFUSED, _NONE, _REDUCE),
    _row(-2023, "in_liquidation", REFUSED, _CLOSE_ONLY, _NOT_TRADING),
    _row(-2024, "position_too_small", REFUSED, _NONE, _REDUCE),
    _row(-2025, "too_many_open_orders", REFUSED, _NONE, _MANY),
    _row(-2026, "order_type_not_supported", REFUSED, _ALERT, _REDUCE),
    _row(-2027, "position_too_large", REFUSED, _NONE, _MARGIN),
    _row(-2028, "insufficient_margin", REFUSED, _NONE, _MARGIN),
    _row(-4000, "bad_parameter", REFUSED, _ALERT),
    _row(-4001, "price_not_positive", REFUSED, _ALERT, _PRICE),
    _row(-4002, "price_too_high", REFUSED, _ALERT, _PRICE),
    _row(-4003, "quantity_not_positive", REFUSED, _ALERT, _LOT),
    _row(-4004, "quantity_too_small", REFUSED, _ALERT, _LOT),
    _row(-4005, "quantity_too_large", REFUSED, _ALERT, _LOT),
    _row(-4013, "price_too_low", REFUSED, _ALERT, _PRICE),
    _row(-4014, "off_tick", REFUSED, _ALERT, _PRICE),
    _row(-4015, "bad_parameter", REFUSED, _ALERT),
    _row(-4016, "price_beyond_band", REFUSED, _NONE, _BAND),
    _row(-4021, "bad_parameter", REFUSED, _ALERT),
    _row(-4023, "off_lot", REFUSED, _ALERT, _LOT),
    _row(-4024, "price_beyond_band", REFUSED, _NONE, _BAND),
    *_rows((-4028, -4029, -4030), "bad_parameter"),
    _row(-4045, "too_many_open_orders", REFUSED, _NONE, _MANY),
    _row(-4046, "no_change", REFUSED, _NONE),
    *_rows((-4047, -4048, -4049), "setting_refused", _CLOSE_ONLY),
    _row(-4050, "insufficient_balance", REFUSED, _NONE, _BALANCE),
    _row(-4051, "insufficient_balance", REFUSED, _NONE, _BALANCE),
    _row(-4059, "no_change", REFUSED, _NONE),
    _row(-4060, "bad_parameter", REFUSED, _ALERT),
    _row(-4061, "wrong_position_mode", REFUSED, _CLOSE_ONLY),
    _row(-4062, "bad_parameter", REFUSED, _ALERT, _REDUCE),
    *_rows((-4067, -4068, -4531), "setting_refused", _CLOSE_ONLY),
    _row(-4082, "bad_parameter", REFUSED, _ALERT),
    _row(-4083, "batch_failed", UNKNOWN, _ALERT),
    _row(-4087, "reduce_only_account", REFUSED, _CLOSE_ONLY, _NOT_TRADING),
    _row(-4088, "account_disabled", REFUSED, _CLOSE_ONLY, _NOT_TRADING),
    _row(-4104, "bad_parameter", REFUSED, _ALERT),
    _row(-4115, "duplicate_id", UNKNOWN, _ALERT),
    _row(-4116, "duplicate_id", UNKNOWN, _ALERT),
    _row(-4117, "would_trigger", REFUSED, _NONE),
    _row(-4118, "not_reducing", REFUSED, _NONE, _REDUCE),
    _row(-4120, "order_type_not_supported", REFUSED, _ALERT),
    _row(-4131, "price_beyond_band", REFUSED, _NONE, _BAND),
    *_rows((-4135, -4136, -4137, -4138, -4139), "bad_parameter"),
    _row(-4140, "market_closed", REFUSED, _CLOSED, _NOT_TRADING),
    _row(-4141, "market_closed", REFUSED, _CLOSED, _NOT_TRADING),
    _row(-4142, "would_trigger", REFUSED, _NONE),
    _row(-4144, "unknown_symbol", REFUSED, _CLOSED, _SYMBOL),
    _row(-4161, "setting_refused", REFUSED, _CLOSE_ONLY),
    _row(-4164, "notional_too_small", REFUSED, _NONE, _NOTIONAL),
    _row(-4165, "bad_parameter", REFUSED, _ALERT),
    *_rows((-4167, -4168, -4169, -4170, -4171, -4172), "setting_refused", _CLOSE_ONLY),
    _row(-4183, "price_beyond_band", REFUSED, _NONE, _BAND),
    _row(-4184, "price_beyond_band", REFUSED, _NONE, _BAND),
    _row(-4192, "cooling_off", REFUSED, _CLOSE_ONLY, _NOT_TRADING),
    *_rows((-4202, -4203, -4205, -4206, -4208, -4209), "leverage_restricted", _CLOSE_ONLY),
    *_rows((-4204, -4207), "leverage_restricted", _CLOSE_ONLY),
    _row(-4210, "price_beyond_band", REFUSED, _NONE, _BAND),
    _row(-4211, "price_beyond_band", REFUSED, _NONE, _BAND),
    _row(-4400, "reduce_only_account", REFUSED, _CLOSE_ONLY, _NOT_TRADING),
    _row(-4401, "reduce_only_account", REFUSED, _CLOSE_ONLY, _NOT_TRADING),
    _row(-4402, "account_disabled", REFUSED, _CLOSE_ONLY, _NOT_TRADING),
    _row(-4403, "leverage_restricted", REFUSED, _CLOSE_ONLY),
    _row(-5021, "fok_unfilled", REFUSED, _NONE),
    _row(-5022, "would_take", REFUSED, _NONE, _TAKES),
    _row(-5024, "market_closed", REFUSED, _CLOSED, _NOT_TRADING),
    *_rows((-5025, -5026), "amend_refused"),
    _row(-5027, "no_change", REFUSED, _NONE),
    _row(-5028, "clock_off", REFUSED, _CLOCK),
    *_rows((-5037, -5038, -5039, -5040), "bad_parameter"),
    _row(-5041, "book_empty", REFUSED, _NONE),
    _row(-5047, "amend_refused", REFUSED, _ALERT),
)

STREAM: tuple[ErrorRow, ...] = tuple(_row(code, "bad_subscription", REFUSED, _ALERT) for code in range(4))
"""What a stream socket answers to SUBSCRIBE and its like."""
