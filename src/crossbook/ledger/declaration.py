"""What a run declares before its first event: names, grids, fees and which price values which asset."""

from __future__ import annotations

import msgspec

from crossbook.errors import Corrupt, Refused
from crossbook.money import factor_of
from crossbook.types import Instrument, InstrumentKind

REPORTING = -1
"""In `asset_marks`: this is the reporting asset itself."""
NOT_PRICED = -2
"""In `asset_marks`: no instrument prices this asset; it is counted, never summed into a value."""


class DeclaredInstrument(Instrument, frozen=True, kw_only=True):
    """An instrument as the run knew it, with the fees of its venue in parts per million."""

    maker_ppm: int
    taker_ppm: int


class DeclaredVenue(msgspec.Struct, frozen=True, kw_only=True):
    """A venue; its place in the list is its `Venue` number. `collateral`: asset index, -1 for a spot wallet.
    `clock_offset_ns` was added to its stamps to move them onto our clock."""

    label: str
    margin: bool = False
    collateral: int = -1
    clock_offset_ns: int = 0


class DeclaredPair(msgspec.Struct, frozen=True, kw_only=True):
    """Two instruments (indices) with one base; `step_e8` is the smallest base quantity both can trade."""

    name: str
    a: int
    b: int
    step_e8: int


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """The first entry of a journal. Lists are indexed by the numbers that rows carry."""

    instruments: list[DeclaredInstrument]
    assets: list[str]
    asset_marks: list[int]
    """Per asset: the instrument whose middle prices it in the reporting asset, `REPORTING` or `NOT_PRICED`."""
    reporting: int
    venues: list[DeclaredVenue]
    strategies: list[str]
    pairs: list[DeclaredPair]
    physics: bool = False
    controls_off: list[str] = []
    config: str = "{}"
    """The configuration of the run as JSON text."""

    def to_json(self) -> bytes:
        """The canonical bytes: equal declarations give equal bytes."""
        return _ENCODER.encode(self)

    @staticmethod
    def from_json(text: bytes) -> Declaration:
        """Raises `Corrupt` where the text is no declaration, `Refused` where its numbers contradict each other."""
        try:
            declaration = _DECODER.decode(text)
        except msgspec.DecodeError as error:
            raise Corrupt(f"journal declaration cannot be read: {error}; restore the journal from a backup") from None
        declaration.check()
        return declaration

    def check(self) -> None:
        """Raises `Refused` naming the first thing that cannot be valued as declared."""
        for names in (self.assets, self.strategies, [one.name for one in self.instruments]):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise Refused(f"declared twice: {', '.join(twice)}; a name has one index, list it once")
        if self.asset_marks[self.reporting] != REPORTING or len(self.asset_marks) != len(self.assets):
            raise Refused(f"asset_marks {self.asset_marks}: one per asset, {REPORTING} at the reporting asset")
        name = self.assets[self.reporting]
        for asset, mark in zip(self.assets, self.asset_marks, strict=True):
            if mark < 0:
                continue
            instrument = self.instruments[mark]
            quoted = (instrument.base, instrument.quote)
            if instrument.kind is InstrumentKind.INVERSE or quoted not in ((asset, name), (name, asset)):
                raise Refused(f"asset {asset} is marked by {instrument.name}, which does not price it in {name}")

    def terms(self) -> list[Terms]:
        """What booking needs to know of each instrument."""
        numbers = {asset: index for index, asset in enumerate(self.assets)}
        return [
            Terms(
                index=index,
                name=one.name,
                venue=int(one.venue),
                spot=one.kind is InstrumentKind.SPOT,
                inverse=one.kind is InstrumentKind.INVERSE,
                base=numbers.get(one.base, -1),
                quote=numbers[one.settle] if one.kind is InstrumentKind.INVERSE else numbers[one.quote],
                settle=numbers[one.settle],
                tick_e8=one.tick_e8,
                lot_e8=one.lot_e8,
                contract_e8=one.contract_e8,
                factor=factor_of(one),
            )
            for index, one in enumerate(self.instruments)
        ]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument with its assets as indices. `quote`: the asset that a fill's notional is counted in (of an inverse
    contract its coin); `factor` as in `money.factor_of`."""

    index: int
    name: str
    venue: int
    spot: bool
    inverse: bool
    base: int
    quote: int
    settle: int
    tick_e8: int
    lot_e8: int
    contract_e8: int
    factor: int


_ENCODER = msgspec.json.Encoder(order="deterministic")
_DECODER = msgspec.json.Decoder(Declaration)
