"""What the contract suite of gateways runs on: a desk that writes down what it hears, and a life of it at one venue.

A venue's own file gives the world in which it answers: `binance_world` and its like for gateways at served venues,
`simulated_life` for the simulated venues that backtests and paper runs trade at.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from served_material import market

from crossbook.commands import CancelAll, CancelOrder, Out, Query, SubmitOrder
from crossbook.events import Event, ForcedClose, FundingPaid, OrderFilled, StreamUp, Transfer
from crossbook.ledger.entries import row_of
from crossbook.money import factor_of, parse_e8
from crossbook.rules.book import apply_market
from crossbook.rules.layout import BOOK, BOOK_SYNCED, QUOTE, Rows
from crossbook.sim.world import World
from crossbook.sim.world_faults import NO_FAULTS, Faults
from crossbook.types import Instrument, InstrumentKind, Side, TimeInForce, Venue
from crossbook.venues.gateway import Directory, Gateway, OpenOrder, Report, Trouble
from crossbook.venues.served.accounts import Account, make_accounts
from crossbook.venues.served.source import TapeSource
from crossbook.venues.served.world import World as ServedWorld

STRATEGIES = ("one", "two")
RUN_S = 1_750_000_000
E8 = 10**8
Truth = tuple[list[tuple[Any, ...]], dict[str, int], dict[str, int]]
"""Fills as `fill_facts`, cash by asset, positions by symbol that are not flat; 1e-8."""


class DeskEar:
    """A `venues.gateway.Desk` that keeps what it hears, and books as the desk would keep them."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.troubles: list[Trouble] = []
        self.stamps: list[tuple[int, int]] = []
        self.frames = 0
        self.kinds: dict[int, int] = {}
        self.late_ns: list[int] = []
        self.books, self.quotes = np.zeros(8, BOOK), np.zeros(8, QUOTE)
        self.chains: list[int] = [0] * 8
        self.on_frame: Callable[[Rows], None] | None = None
        self.on_said: Callable[[Event], None] | None = None

    def on_market(self, rows: Rows, receive_ns: int) -> None:
        assert len(rows) and (rows["ts"] == receive_ns).all()
        rows.flags.writeable = False
        kind, number = int(rows["kind"][0]), int(rows["instrument"][0])
        self.frames += 1
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.late_ns.append(receive_ns - int(rows["ts_venue"][0]))
        apply_market(self.books[number], self.quotes[number], self.chains[number], rows)
        if self.on_frame is not None:
            self.on_frame(rows)

    def on_event(self, event: Event) -> None:
        self.events.append(event)
        if self.on_said is not None:
            self.on_said(event)

    def on_trouble(self, trouble: Trouble) -> None:
        self.troubles.append(trouble)

    def stamp(self, hop: int, order: int) -> None:
        self.stamps.append((hop, order))

    def of(self, kind: type[Event]) -> list[Any]:
        """All events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def about(self, order: int) -> list[Any]:
        """All events of an order."""
        return [event for event in self.events if getattr(event, "order", None) == order]

    def words(self, order: int) -> list[str]:
        """The kinds of an order's events, in order."""
        return [type(event).__name__.removeprefix("Order") for event in self.about(order)]

    def is_synced(self, number: int) -> bool:
        """Whether the book is whole."""
        return int(self.books[number]["status"]) == BOOK_SYNCED

    def trouble(self, name: str) -> Trouble:
        """The first trouble of a name."""
        return next(one for one in self.troubles if one.name == name)


class Life:
    """A desk at one venue. Orders are numbered from 1; instrument 0 is its first one there."""

    venue: Venue
    is_simulated = False

    def __init__(self) -> None:
        self.ear = DeskEar()
        self.directory: Directory | None = None
        self.sent: dict[int, SubmitOrder] = {}
        self.opening: dict[str, int] = {}

    def begin(self) -> Life:
        """Let it run at the venue until it may trade."""
        raise NotImplementedError

    def run(self, seconds: float) -> None:
        """Let time pass."""
        raise NotImplementedError

    def send(self, command: Out) -> None:
        """Send a command."""
        raise NotImplementedError

    def now_ns(self) -> int:
        """The desk's time."""
        raise NotImplementedError

    def touch(self, side: Side, number: int = 0) -> tuple[int, int]:
        """Price and lots that an order of `side` would meet first, as the venue has it."""
        raise NotImplementedError

    def truth(self) -> Truth:
        """What the venue says is true."""
        raise NotImplementedError

    def open_orders(self) -> int:
        """How many orders are open there."""
        raise NotImplementedError

    def stop(self) -> None:
        """End it, whole."""

    # what tests say

    def submit(
        self, side: Side, lots: int, price: int, tif: TimeInForce = TimeInForce.IOC, *, number: int = 0,
        strategy: int = 0, flags: int = 0,
    ) -> int:  # fmt: skip
        """Send an order; gives its number."""
        order = len(self.sent) + 1
        self.sent[order] = SubmitOrder(
            ts=self.now_ns(), strategy=strategy, instrument=number, venue=int(self.venue), side=int(side),
            tif=int(tif), price=price, lots=lots, order=order, intent=order, flags=flags,
        )  # fmt: skip
        self.send(self.sent[order])
        return order

    def cancel(self, order: int) -> None:
        at = self.sent[order].instrument
        self.send(CancelOrder(ts=self.now_ns(), strategy=0, instrument=at, venue=int(self.venue), order=order))

    def cancel_all(self) -> None:
        self.send(CancelAll(ts=self.now_ns(), venue=int(self.venue)))

    def query(self) -> None:
        self.send(Query(ts=self.now_ns(), venue=int(self.venue)))

    def instrument(self, number: int = 0) -> Instrument:
        assert self.directory is not None
        return self.directory.instruments[number]

    def far(self, side: Side, number: int = 0) -> int:
        """A price at which an order of `side` rests, and stays."""
        price, _ = self.touch(side, number)
        return self.legal(price * 97 // 100 if side is Side.BUY else price * 103 // 100, number)

    def near(self, side: Side, number: int = 0) -> int:
        """A price at which an order of `side` surely trades."""
        price, _ = self.touch(side, number)
        return self.legal(price * 102 // 100 if side is Side.BUY else price * 98 // 100, number)

    def legal(self, ticks: int, number: int = 0) -> int:
        """The next price below that the venue allows (five significant figures at Hyperliquid)."""
        figures, grid = self.instrument(number).significant_figures, self.instrument(number)
        step = 10 ** max(len(str(ticks)) - figures, 0) if figures else 1
        whole = max(E8 // grid.tick_e8, 1)
        return ticks // min(step, whole) * min(step, whole)

    def lots(self, number: int = 0, value_e8: int = 200 * E8) -> int:
        """Some lots that are worth about so much."""
        price, _ = self.touch(Side.BUY, number)
        return max(value_e8 // (price * factor_of(self.instrument(number))), self.instrument(number).min_lots)

    def assert_true(self) -> None:
        """The sum of what the desk heard is what the venue has: each fill once, cash, positions, to the last unit."""
        fills, cash, positions = self.truth()
        assert sorted(self.heard_fills()) == sorted(fills)
        our_cash, our_positions = self.tally()
        assert {asset: our_cash[asset] for asset in cash if asset in our_cash} == {
            asset: amount for asset, amount in cash.items() if asset in our_cash
        }
        if self.venue is not Venue.BINANCE_SPOT:
            assert {symbol: size for symbol, size in our_positions.items() if size} == positions

    def known(self) -> tuple[OpenOrder, ...]:
        """The orders whose end the desk was not told: what its journal would give a new process."""
        found = []
        for order, command in self.sent.items():
            fills = [event for event in self.ear.about(order) if isinstance(event, OrderFilled)]
            filled = sum(event.lots for event in fills)
            ended = {"Canceled", "Expired", "Rejected"} & set(self.ear.words(order))
            if not ended and filled < command.lots:
                found.append(
                    OpenOrder(
                        order=order, strategy=command.strategy, instrument=command.instrument, side=command.side,
                        price=command.price, lots=command.lots, filled=filled,
                        trades=frozenset(event.trade for event in fills),
                    )
                )  # fmt: skip
        return tuple(found)

    def heard_fills(self) -> list[tuple[Any, ...]]:
        """The fills that the desk was told, in the words of the truth."""
        found = []
        for event in self.ear.events:
            if isinstance(event, OrderFilled | ForcedClose):
                assert self.directory is not None
                grid = self.instrument(event.instrument)
                found.append(
                    (grid.symbol, event.trade, ("buy", "sell")[event.side], event.price * grid.tick_e8,
                     event.lots * grid.lot_e8, event.fee_e8, self.directory.assets[event.fee_asset],
                     getattr(event, "maker", False))
                )  # fmt: skip
        return found

    def tally(self) -> tuple[dict[str, int], dict[str, int]]:
        """Cash by asset and positions by symbol, from the opening and all events (as `rules.settlement`)."""
        assert self.directory is not None
        assets = self.directory.assets
        cash = {asset: self.opening.get(asset, 0) for asset in assets}
        positions: dict[str, int] = {}
        for event in self.ear.events:
            if isinstance(event, OrderFilled | ForcedClose):
                grid = self.instrument(event.instrument)
                sign = 1 - 2 * event.side
                value = event.price * event.lots * factor_of(grid)
                if grid.kind is InstrumentKind.SPOT:
                    cash[grid.base] += sign * event.lots * grid.lot_e8
                cash[grid.quote if grid.kind is InstrumentKind.SPOT else grid.settle] -= sign * value
                cash[assets[event.fee_asset]] -= event.fee_e8
                positions[grid.symbol] = positions.get(grid.symbol, 0) + sign * event.lots * grid.lot_e8
            elif isinstance(event, FundingPaid | Transfer):
                cash[assets[event.asset]] += event.amount_e8
        return cash, positions


class GatewayLife(Life):
    """A gateway and a served venue in one world; a venue's own file says how both are made."""

    symbols: tuple[str, ...]

    def __init__(self, seed: int = 1, faults: Faults = NO_FAULTS, skew_ns: int = 0, begin_s: int = 0) -> None:
        super().__init__()
        self.world = World(seed, faults, skew_ns)
        self.world.loop.now_ns = begin_s * 1_000_000_000  # nothing is there yet that would have to happen before
        (self.account,) = make_accounts(1, 1)
        self.served = serve(self.world, self.account)
        self.gateway: Gateway | None = None
        self.report: Report | None = None
        self.ready = 0

    def make(self, **changes: Any) -> Gateway:
        """A gateway with the account's key; `changes` to its arguments."""
        raise NotImplementedError

    def crash(self) -> None:
        """The process is gone: no more is heard or sent, what rests stays."""
        raise NotImplementedError

    def run(self, seconds: float) -> None:
        self.world.run(seconds)

    def now_ns(self) -> int:
        return self.world.clock.now_ns()

    def look(self, seconds: float = 10.0, **changes: Any) -> Report | None:
        """Make a gateway and let it look."""
        self.report = None
        gateway = self.make(**changes)

        def reported(report: Report) -> None:
            assert self.report is None, "one report only"
            self.report = report

        gateway.look(reported)
        assert self.report is None, "what is asked for is not answered inside the call"
        self.world.run_while(lambda: self.report is None, seconds)
        return self.report

    def start(self, open_orders: tuple[OpenOrder, ...] = (), seconds: float = 60.0) -> None:
        """Start it with all that it reported, and let it become ready and hear the market."""
        assert self.gateway is not None and self.report is not None
        instruments = self.report.instruments
        assets = sorted({one for i in instruments for one in (i.base, i.quote, i.settle)})
        self.directory = Directory(instruments=instruments, assets=tuple(assets), strategies=STRATEGIES)
        self.ear.chains = [int(one.chain) for one in instruments] + [0] * 8
        ready, ups = self.ready, len(self.ear.of(StreamUp))
        self.gateway.start(self.directory, open_orders, self._ready)
        self.world.run_while(lambda: self.ready == ready or len(self.ear.of(StreamUp)) == ups, seconds)
        assert self.ready == ready + 1 and len(self.ear.of(StreamUp)) > ups, self.ear.troubles[-3:]

    def begin(self, **changes: Any) -> GatewayLife:
        assert self.look(**changes) is not None, self.ear.troubles
        self.opening = self.truth()[1]
        self.start()
        return self

    def stop(self, seconds: float = 10.0) -> None:
        stopped: list[int] = []
        assert self.gateway is not None
        self.gateway.stop(lambda: stopped.append(1))
        assert not stopped
        assert self.world.run_while(lambda: not stopped, seconds)
        self.world.run(5.0)
        assert stopped == [1]

    def send(self, command: Out) -> None:
        assert self.gateway is not None
        before = len(self.ear.events)
        self.gateway.send(row_of(command))
        assert len(self.ear.events) == before, "what is asked for is not answered inside the call"

    def touch(self, side: Side, number: int = 0) -> tuple[int, int]:
        quote, grid = self.served.quote(self.venue, self.instrument(number).symbol), self.instrument(number)
        price, size = (
            (quote.ask_e8, quote.ask_quantity_e8) if side is Side.BUY else (quote.bid_e8, quote.bid_quantity_e8)
        )
        return price // grid.tick_e8, size // grid.lot_e8

    def trader(self) -> Any:
        (trader,) = self.served.traders.values()
        return trader

    def open_orders(self) -> int:
        return len(self.trader().open_orders(self.venue))

    def truth(self) -> Truth:
        (name,) = self.served.traders
        told = json.loads(msgspec.json.encode(self.served.truth(name)))["venues"][self.venue.label]
        return truth_of(told)

    def submit_nowhere(self) -> int:
        """An order that the journal knows, and that never left."""
        real, self.send = self.send, lambda command: None  # type: ignore[method-assign]
        order = self.submit(Side.BUY, self.lots(), self.far(Side.BUY), TimeInForce.GTC)
        self.send = real  # type: ignore[method-assign]
        return order

    def _ready(self) -> None:
        self.ready += 1


class VenueClock:
    """The true time of a world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now_ns(self) -> int:
        return self._world.venue_ns()


def serve(world: World, account: Account) -> ServedWorld:
    """A minute of the generated market, over and over, in a world, its first second gone."""
    instruments, rows, starts = market(60)
    clock = VenueClock(world)
    served = ServedWorld(clock, TapeSource(instruments, rows, starts, world.venue_ns()), [account])

    def tick() -> None:
        world.loop.call_later(0.01, tick)
        served.tick(clock.now_ns())

    tick()
    world.run(1.0)
    return served


def truth_of(told: dict[str, Any]) -> Truth:
    """A venue's part of `/crossbook/truth`."""
    fills = [
        (one["symbol"], one["trade_id"], one["side"], parse_e8(one["price"], "price"),
         parse_e8(one["quantity"], "quantity"), parse_e8(one["fee"], "fee"), one["fee_asset"], one["maker"])
        for one in told["fills"]
    ]  # fmt: skip
    cash = {asset: parse_e8(row["cash"], asset) for asset, row in told["balances"].items()}
    return fills, cash, {one["symbol"]: parse_e8(one["quantity"], "quantity") for one in told["positions"]}
