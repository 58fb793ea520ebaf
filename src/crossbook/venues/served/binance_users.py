"""Who listens to which account of a served Binance: listen keys, and the connections that hear events."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from crossbook.timestamp import NS_PER_S
from crossbook.venues.served.accounts import Account
from crossbook.venues.served.binance_house import House
from crossbook.venues.served.binance_order_words import uncount_order
from crossbook.venues.served.binance_problem import Problem
from crossbook.venues.served.binance_request import Ask
from crossbook.venues.served.binance_spot_events import SpotVoice
from crossbook.venues.served.binance_usdm_events import UsdmVoice
from crossbook.venues.served.facts import AccountEvent, OrderChanged
from crossbook.venues.served.trader import Trader

Sink = Callable[[bytes], None]
"""Takes one event as JSON."""
LISTEN_KEY_NS = 3_600 * NS_PER_S


class ListenKey(msgspec.Struct):
    """A key to an account's events, valid for an hour from when it was last asked for."""

    text: str
    account: str
    until_ns: int


class Ears:
    """Hears one account's events and passes them on. Spot's count of unfilled orders goes down at a first fill."""

    def __init__(self, house: House, trader: Trader) -> None:
        self.sinks: list[Sink] = []
        self._house = house
        self._trader = trader
        self._voice: SpotVoice | UsdmVoice = SpotVoice(house, trader) if house.is_spot else UsdmVoice(house, trader)
        trader.subscribe(house.venue, self)

    def on_account(self, event: AccountEvent) -> None:
        """Something happened."""
        if self._house.is_spot and isinstance(event, OrderChanged) and event.fill is not None:
            if event.order.filled_e8 == event.fill.quantity_e8:
                uncount_order(self._house, self._trader)
        for message in self._voice.tell(event):
            frame = msgspec.json.encode(message)
            for sink in tuple(self.sinks):
                sink(frame)


class Users:
    """All accounts' ears and listen keys."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._ears = {name: Ears(house, trader) for name, trader in house.world.traders.items()}
        self._keys: dict[str, ListenKey] = {}

    def listen(self, account: str, sink: Sink) -> Callable[[], None]:
        """Pass an account's events to `sink` from now on; gives what ends it."""
        sinks = self._ears[account].sinks
        sinks.append(sink)

        def end() -> None:
            if sink in sinks:
                sinks.remove(sink)

        return end

    def key(self, text: str) -> ListenKey | None:
        """A valid listen key by its text."""
        found = self._keys.get(text)
        return found if found is not None and self._house.clock() < found.until_ns else None

    def start(self, house: House, ask: Ask) -> object:
        """The account's listen key, a new one or the valid one again."""
        key = self._of(ask)
        if key is None:
            key = ListenKey(house.fresh_key(), self._account(ask), 0)
            self._keys[key.text] = key
        key.until_ns = house.clock() + LISTEN_KEY_NS
        return {"listenKey": key.text}

    def extend(self, house: House, ask: Ask) -> object:
        """An hour more for the account's key."""
        key = self._of(ask)
        if key is None:
            raise Problem(-1125)
        key.until_ns = house.clock() + LISTEN_KEY_NS
        return {} if house.is_spot else {"listenKey": key.text}

    def close(self, house: House, ask: Ask) -> object:
        """The account's key is valid no more."""
        key = self._of(ask)
        if key is None:
            raise Problem(-1125)
        del self._keys[key.text]
        return {}

    def expire(self) -> list[ListenKey]:
        """Forget the keys whose hour is over, and tell which."""
        now_ns = self._house.clock()
        gone = [key for key in self._keys.values() if key.until_ns <= now_ns]
        for key in gone:
            del self._keys[key.text]
        return gone

    def _of(self, ask: Ask) -> ListenKey | None:
        """The key that the request names, else the account's own; never another account's."""
        account = self._account(ask)
        if ask.has("listenKey"):
            found = self.key(ask.text("listenKey"))
            return found if found is not None and found.account == account else None
        for key in self._keys.values():
            if key.account == account and self._house.clock() < key.until_ns:
                return key
        return None

    @staticmethod
    def _account(ask: Ask) -> str:
        if not isinstance(ask.account, Account):
            raise Problem(-2015)
        return ask.account.name
