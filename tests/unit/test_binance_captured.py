"""Every recorded message of Binance reads, and says what it says."""

import pytest
from captured import FOLDER, needed

from crossbook.venues import messages as said
from crossbook.venues.binance.decode import decode
from crossbook.venues.messages import KINDS, Message, OrderStatus, of_kind

SPOT, USDM = "binance_spot", "binance_usdm"
MS = 1_000_000
ETH = {"venue": SPOT, "instrument": "ETHUSDT", "side": "buy", "client_order_id": "x-TD67BGP9-T0000000000000",
       "venue_order_id": 12345678}  # fmt: skip
ETH_ORDER = ETH | {"order_type": "limit", "time_in_force": "gtc", "price": "2500.00000000", "quantity": "1.00000000",
                   "filled": "0.00000000"}  # fmt: skip
BTC = {"venue": USDM, "instrument": "BTCUSDT", "time_ns": 1568879465651 * MS}
TEST = {"side": "buy", "client_order_id": "TEST", "venue_order_id": 8886774, "position_side": "long"}


def order(**fields: object) -> Message:
    return said.OrderUpdate(**fields)  # type: ignore[arg-type]


def fill(**fields: object) -> Message:
    return said.Fill(**fields)  # type: ignore[arg-type]


def my_order(time_ms: int = 1499827319559) -> Message:
    return order(
        venue=SPOT, instrument="LTCBTC", side="buy", order_type="limit", time_in_force="gtc", price="0.1",
        quantity="1.0", filled="0.0", status=OrderStatus.ACCEPTED, client_order_id="myOrder1", venue_order_id=1,
        time_ns=time_ms * MS,
    )  # fmt: skip


def cancelled(
    client_id: str, number: int, price: str, quantity: str, time_ms: int, kind: str = "limit",
    tif: str = "gtc", trigger: str | None = None,
) -> Message:  # fmt: skip
    return order(
        venue=SPOT, instrument="BTCUSDT", side="buy", order_type=kind, time_in_force=tif, price=price,
        quantity=quantity, filled="0.000000", status=OrderStatus.CANCELED, trigger_price=trigger,
        client_order_id=client_id, venue_order_id=number, time_ns=time_ms * MS,
    )  # fmt: skip


def sold(price: str, quantity: str, fee: str, trade: int) -> Message:
    return fill(
        venue=SPOT, instrument="BTCUSDT", side="sell", price=price, quantity=quantity, fee=fee, fee_asset="USDT",
        trade_id=trade, client_order_id="6gCrw2kRUAF9CvJDGP16IP", venue_order_id=28, time_ns=1507725176595 * MS,
    )  # fmt: skip


def closed_us(
    origin: str, side: str, quantity: str, price: str, average: str, number: int, client_id: str, trade: int,
    fee: str | None, realized: str, position: str = "long", **more: object,
) -> list[Message]:  # fmt: skip
    """A fill that no order of ours made: liquidation, ADL and their like."""
    both = BTC | {"side": side, "client_order_id": client_id, "venue_order_id": number, "position_side": position}
    both |= more
    return [
        order(
            **both, order_type="limit", time_in_force="ioc", price=price, quantity=quantity, filled=quantity,
            average_price=average, status=OrderStatus.FILLED, reason=origin, reduce_only=True,
        ),
        fill(
            **both, price=average, quantity=quantity, fee=fee, fee_asset=None if fee is None else "USDT",
            maker=False, trade_id=trade, realized=realized, forced=True, origin=origin,
        ),
    ]  # fmt: skip


def partly_filled(quantity: str) -> list[Message]:
    return [
        order(
            **BTC, **TEST, order_type="limit", time_in_force="gtc", price="7100.50", quantity=quantity,
            filled="0.001", average_price="7100.50", status=OrderStatus.PARTIAL, reduce_only=False,
        ),
        fill(
            **BTC, **TEST, price="7100.50", quantity="0.001", fee="0.01000000", fee_asset="USDT", maker=True,
            trade_id=12345678, realized="12.34",
        ),
    ]  # fmt: skip


def algo(status: OrderStatus, reason: str | None) -> list[Message]:
    return [
        order(
            venue=USDM, instrument="BNBUSDT", side="sell", order_type="take_profit", time_in_force="gtc",
            price="750", quantity="0.01", filled="0.00000", status=status, reason=reason, reduce_only=False,
            position_side="both", conditional=True, trigger_price="750", client_order_id="Q5xaq5EGKgXXa0fD7fs0Ip",
            venue_order_id=2148719, time_ns=1750515742297 * MS,
        )
    ]  # fmt: skip


def balance(venue: str, asset: str, time_ms: int | None, **fields: object) -> Message:
    at_ns = None if time_ms is None else time_ms * MS
    return said.Balance(venue=venue, asset=asset, time_ns=at_ns, **fields)  # type: ignore[arg-type]


def futures_position(quantity: str, entry: str, unrealized: str, margin: str, side: str) -> Message:
    return said.Position(
        venue=USDM, instrument="BTCUSDT", quantity=quantity, entry_price=entry, unrealized=unrealized, margin=margin,
        margin_type="isolated", position_side=side, time_ns=1564745798939 * MS,
    )  # fmt: skip


def bar(low: str, closed: bool) -> list[Message]:
    return [
        said.Bar(
            venue=USDM, instrument="BTCUSDT", interval="1m", open_ns=1638747660000 * MS, close_ns=1638747719999 * MS,
            open="0.0010", high="0.0025", low=low, close="0.0020", quantity="1000", trades=100, closed=closed,
            time_ns=1638747660000 * MS,
        )
    ]  # fmt: skip


SPOT_MESSAGES: dict[str, list[Message]] = {
    "account_position": [
        balance(SPOT, "USDT", 1709654400000, free="10000.00000000", locked="2500.00000000"),
        balance(SPOT, "ETH", 1709654400000, free="5.00000000", locked="0.00000000"),
    ],
    "account_position_wrapped": [balance(SPOT, "ETH", 1564034571073, free="10000.000000", locked="0.000000")],
    "account_response": [
        said.Account(
            venue=SPOT, account_id="354937868", can_trade=True, can_withdraw=True, maker_fee="0.00150000",
            taker_fee="0.00150000", time_ns=123456789 * MS,
        ),
        balance(SPOT, "BTC", 123456789, free="4723846.89208129", locked="0.00000000"),
        balance(SPOT, "LTC", 123456789, free="4763368.68006011", locked="0.00000000"),
    ],
    "account_trades_response": [
        fill(
            venue=SPOT, instrument="BNBBTC", side="buy", price="4.00000100", quantity="12.00000000",
            fee="10.10000000", fee_asset="BNB", maker=False, trade_id=28457, venue_order_id=100234,
            time_ns=1499865549590 * MS,
        )
    ],
    "all_orders_response": [my_order()],
    "avg_price_response": [],
    "balance_update": [balance(SPOT, "BTC", 1709654400000, change="0.00100000", reason="transfer")],
    "balance_update_wrapped": [balance(SPOT, "BTC", 1573200697068, change="100.00000000", reason="transfer")],
    "book_ticker_response": [
        said.Quote(
            venue=SPOT, instrument="LTCBTC", bid_price="4.00000000", bid_quantity="431.00000000",
            ask_price="4.00000200", ask_quantity="9.00000000",
        )
    ],
    "cancel_open_orders_response": [
        cancelled("E6APeyTJvkMvLMYMqu1KQ4", 11, "0.089853", "0.178622", 1684804350068),
        cancelled("A3EF2HCwxgZPFMrfwbgrhv", 13, "0.090430", "0.178622", 1684804350069),
        cancelled("CwOOIPHSmYywx6jZX77TdL", 20, "0.668611", "0.690354", 1688005070874, "stop_loss_limit", "gtc",
                  "0.378131"),
        cancelled("461cPg51vQjV3zIMOXNz39", 21, "0.008791", "0.690354", 1688005070874, "limit", "alo"),
    ],
    "cancel_order_response": [
        order(
            venue=SPOT, instrument="LTCBTC", side="buy", order_type="limit", time_in_force="gtc", price="2.00000000",
            quantity="1.00000000", filled="0.00000000", status=OrderStatus.CANCELED, client_order_id="myOrder1",
            venue_order_id=4, time_ns=1684804350068 * MS,
        )
    ],
    "depth_response": [
        said.Depth(
            venue=SPOT, snapshot=True, bids=[("4.00000000", "431.00000000")], asks=[("4.00000200", "12.00000000")],
            last_id=1027024,
        )
    ],
    "exchange_info_response": [
        said.Instrument(
            venue=SPOT, instrument="ETHBTC", base="ETH", quote="BTC", kind="spot", status="trading", tradeable=True
        )
    ],
    "execution_report_canceled": [
        order(**ETH_ORDER, status=OrderStatus.CANCELED, time_ns=1709654402000 * MS)
    ],
    "execution_report_expired": [
        order(
            **(ETH_ORDER | {"time_in_force": "ioc"}), status=OrderStatus.EXPIRED, reason="insufficient_liquidity",
            time_ns=1709654403000 * MS,
        )
    ],
    "execution_report_new": [order(**ETH_ORDER, status=OrderStatus.ACCEPTED, time_ns=1709654400000 * MS)],
    "execution_report_stop_loss": [
        order(
            venue=SPOT, instrument="ETHUSDT", side="sell", order_type="stop_loss_limit", time_in_force="gtc",
            price="2400.00000000", quantity="1.00000000", filled="0.00000000", status=OrderStatus.ACCEPTED,
            trigger_price="2450.00000000", client_order_id="x-TD67BGP9-T0000000000001", venue_order_id=12345679,
            time_ns=1709654400000 * MS,
        )
    ],
    "execution_report_trade": [
        order(**(ETH_ORDER | {"filled": "1.00000000"}), status=OrderStatus.FILLED, time_ns=1709654401000 * MS),
        fill(
            **ETH, price="2500.00000000", quantity="1.00000000", fee="0.00100000", fee_asset="ETH", maker=True,
            trade_id=98765432, time_ns=1709654401000 * MS,
        ),
    ],
    "execution_report_wrapped": [
        order(
            venue=SPOT, instrument="ETHBTC", side="buy", order_type="limit", time_in_force="gtc", price="0.10264410",
            quantity="1.00000000", filled="0.00000000", status=OrderStatus.ACCEPTED,
            client_order_id="mUvoqJxFIILMdfAW5iGSOW", venue_order_id=4293153, time_ns=1499405658657 * MS,
        )
    ],
    "klines_response": [
        said.Bar(
            venue=SPOT, open_ns=1499040000000 * MS, close_ns=1499644799999 * MS, open="0.01634790",
            high="0.80000000", low="0.01575800", close="0.01577100", quantity="148976.11427815", trades=308,
        )
    ],
    "list_status_wrapped": [],
    "new_order_full_response": [
        order(
            venue=SPOT, instrument="BTCUSDT", side="sell", order_type="market", time_in_force="gtc",
            price="0.00000000", quantity="10.00000000", filled="10.00000000", status=OrderStatus.FILLED,
            client_order_id="6gCrw2kRUAF9CvJDGP16IP", venue_order_id=28, time_ns=1507725176595 * MS,
        ),
        sold("4000.00000000", "1.00000000", "4.00000000", 56),
        sold("3999.00000000", "5.00000000", "19.99500000", 57),
        sold("3998.00000000", "2.00000000", "7.99600000", 58),
        sold("3997.00000000", "1.00000000", "3.99700000", 59),
        sold("3995.00000000", "1.00000000", "3.99500000", 60),
    ],
    "open_orders_response": [my_order()],
    "order_response": [my_order()],
    "ping_response": [],
    "server_time_response": [said.ServerTime(venue=SPOT, time_ns=1499827319559 * MS)],
    "ticker_24hr_response": [
        said.Quote(
            venue=SPOT, instrument="BNBBTC", bid_price="4.00000000", bid_quantity="100.00000000",
            ask_price="4.00000200", ask_quantity="100.00000000", time_ns=1499869899040 * MS,
        )
    ],
    "ticker_price_response": [],
    "trades_response": [
        said.Trade(
            venue=SPOT, side="sell", price="4.00000100", quantity="12.00000000", trade_id=28457,
            time_ns=1499865549590 * MS,
        )
    ],
}  # fmt: skip

USDM_MESSAGES: dict[str, list[Message]] = {
    "account_info_v2": [
        said.Account(
            venue=USDM, can_trade=True, can_withdraw=True, multi_assets_margin=False, account_value="23.72469206",
            withdrawable="23.72469206", margin_used="0.00000000",
        ),
        balance(USDM, "USDT", 1625474304765, free="23.72469206", total="23.72469206", unrealized="0.00000000"),
        said.Position(
            venue=USDM, instrument="BTCUSDT", quantity="0", entry_price="0.00000", unrealized="0.00000000",
            leverage="100", margin="0", margin_type="cross", position_side="both",
        ),
    ],
    "account_update": [
        balance(USDM, "USDT", 1564745798939, total="122624.12345678", change="50.12345678", reason="order"),
        futures_position("0", "0.00000", "0", "0.00000000", "both"),
        futures_position("20", "6563.6", "2850.21200", "13200.70726908", "long"),
        futures_position("-10", "6563.8", "-1423.15600", "6570.42511771", "short"),
    ],
    "account_update_bnfcr": [balance(USDM, "BNFCR", 1781606859764, total="5001.28983031", reason="order")],
    "agg_trade_stream": [
        said.Trade(
            venue=USDM, instrument="BTCUSDT", side="sell", price="0.001", quantity="100", trade_id=5933014,
            first_trade_id=100, last_trade_id=105, time_ns=123456785 * MS,
        )
    ],
    "algo_update_canceled": algo(OrderStatus.CANCELED, "Reduce Only reject"),
    "algo_update_new": algo(OrderStatus.ACCEPTED, None),
    "balance": [
        balance(USDM, "USDT", 1617939110373, free="122.12345678", total="122.12345678", unrealized="0.00000000")
    ],
    "book_ticker_stream": [
        said.Quote(
            venue=USDM, instrument="BNBUSDT", bid_price="25.35190000", bid_quantity="31.21000000",
            ask_price="25.36520000", ask_quantity="40.66000000", update_id=400900217, time_ns=1568014460891 * MS,
        )
    ],
    "depth_update_stream": [
        said.Depth(
            venue=USDM, instrument="BTCUSDT", snapshot=False, bids=[("0.0024", "10")], asks=[("0.0026", "100")],
            first_id=157, last_id=160, prev_id=149, time_ns=123456788 * MS,
        )
    ],
    "kline_stream_closed": bar("0.0010", True),
    "kline_stream_open": bar("0.0015", False),
    "liquidation_stream": [],
    "mark_price_stream": [
        said.Mark(
            venue=USDM, instrument="BTCUSDT", mark_price="11794.15000000", index_price="11784.62659091",
            funding_rate="0.00038167", next_funding_ns=1562306400000 * MS, time_ns=1562305380000 * MS,
        )
    ],
    "open_algo_orders": [
        order(
            venue=USDM, instrument="BTCUSDT", side="buy", order_type="stop_market", time_in_force="gtc",
            quantity="0.001", status=OrderStatus.ACCEPTED, reduce_only=False, position_side="both", conditional=True,
            trigger_price="45000.00", client_order_id="test-algo-order-1", venue_order_id=123456789,
            time_ns=1625474304765 * MS,
        )
    ],
    "order_response": [
        order(
            venue=USDM, instrument="BTCUSDT", side="buy", order_type="limit", time_in_force="gtc", price="50000.00",
            quantity="0.001", filled="0.000", status=OrderStatus.ACCEPTED, reduce_only=False, position_side="both",
            client_order_id="testOrder123", venue_order_id=12345678, time_ns=1625474304765 * MS,
        )
    ],
    "order_update_adl": closed_us(
        "adl", "buy", "0.005", "42000.00", "42000.00", 8887001, "adl_autoclose_12345", 12346001, "0.10500000",
        "-2.50", "short",
    ),
    "order_update_calculated": closed_us(
        "liquidation", "sell", "0.014", "9910.00", "9910.12", 8886999, "autoclose-1234567890", 12345999,
        "0.06937084", "-5.67",
    ),
    "order_update_calculated_pending": [
        order(
            **BTC, side="sell", order_type="limit", time_in_force="ioc", price="9910.00", quantity="0.014",
            filled="0", status=OrderStatus.ACCEPTED, reason="liquidation", reduce_only=True, position_side="long",
            client_order_id="autoclose-pending-0000", venue_order_id=8887004,
        )
    ],
    "order_update_delivery": closed_us(
        "delivery", "sell", "1", "70000.0", "70000.0", 8887003, "delivery_autoclose-12345", 12346003, None, "0",
        instrument="BTCUSD_240329", time_ns=1711929600000 * MS,
    ),
    "order_update_insurance": closed_us(
        "insurance", "sell", "0.020", "45000.00", "45000.00", 8887003, "autoclose-insurance-5678", 12346003,
        "0.45000000", "-8.00",
    ),
    "order_update_new": [
        order(
            **BTC, **TEST, order_type="trailing_stop_market", time_in_force="gtc", price="0", quantity="0.001",
            filled="0", status=OrderStatus.ACCEPTED, reduce_only=False, trigger_price="7103.04",
        )
    ],
    "order_update_settlement": closed_us(
        "settlement", "sell", "0.010", "50000.00", "50000.00", 8887002, "settlement_autoclose-9999", 12346002,
        "0.25000000", "-10.00",
    ),
    "order_update_trade": partly_filled("0.001"),
    "order_update_trade_partial": partly_filled("0.002"),
    "position_risk": [
        said.Position(
            venue=USDM, instrument="BTCUSDT", quantity="0.001", entry_price="50000.0", mark_price="51000.0",
            unrealized="1.00000000", leverage="20", liquidation_price="45000.0", margin_type="cross",
            position_side="both", notional="51.0", time_ns=1625474304765 * MS,
        )
    ],
    "ticker_stream": [],
    "trade_lite": [
        fill(
            **BTC, side="buy", price="7100.50", quantity="0.001", maker=True, trade_id=12345678,
            client_order_id="TEST", venue_order_id=8886774, early=True,
        )
    ],
    "trade_stream": [
        said.Trade(
            venue=USDM, instrument="BTCUSDT", side="sell", price="0.001", quantity="100", trade_id=5933014,
            time_ns=123456785 * MS,
        )
    ],
}  # fmt: skip
EXPECTED = {(SPOT, name): found for name, found in SPOT_MESSAGES.items()}
EXPECTED |= {(USDM, name): found for name, found in USDM_MESSAGES.items()}

pytestmark = needed


@pytest.mark.parametrize(("venue", "name"), EXPECTED, ids="/".join)
def test_a_recorded_message_says_what_it_says(venue: str, name: str) -> None:
    raw = (FOLDER / venue / f"{name}.json").read_bytes()
    assert decode(venue, "auto", raw) == EXPECTED[venue, name]
    for kind in KINDS:
        assert decode(venue, kind, raw) == of_kind(EXPECTED[venue, name], kind)


@pytest.mark.parametrize("venue", [SPOT, USDM])
def test_no_recorded_message_is_forgotten(venue: str) -> None:
    there = {path.stem for path in (FOLDER / venue).iterdir()}
    assert there == {name for where, name in EXPECTED if where == venue}


def test_a_wrapped_message_says_the_same() -> None:
    raw = (FOLDER / USDM / "order_update_trade.json").read_bytes()
    for wrapped in (
        b'{"stream":"listenkey","data":' + raw + b"}",
        b'{"subscriptionId":0,"event":' + raw + b"}",
    ):
        assert decode(USDM, "auto", wrapped) == EXPECTED[USDM, "order_update_trade"]
    answer = (FOLDER / USDM / "order_response.json").read_bytes()
    assert (
        decode(USDM, "auto", b'{"id":1,"status":200,"result":' + answer + b',"rateLimits":[]}')
        == EXPECTED[USDM, "order_response"]
    )
