"""How a fill moves balances: one rule for the desk's belief and for the simulated venue's truth."""

from __future__ import annotations

from typing import Any

from crossbook.rules.kernel import kernel
from crossbook.rules.value import notional_e8
from crossbook.types import InstrumentKind

SPOT = int(InstrumentKind.SPOT)
INVERSE = int(InstrumentKind.INVERSE)


@kernel
def settle_fill(balances: Any, instrument: Any, side: int, price: int, lots: int, fee_e8: int, fee_asset: int) -> None:
    """Move one venue's balances (1e-8 units, by asset) for a fill.

    Spot: coin and quote change hands. Linear: the settle asset moves by the signed notional, so that the balance is
    wallet cash less the signed cost of open positions, whatever way partial closes are averaged. Inverse: the same in
    coin with the sign reversed, for a long gains coin when 1/price falls.
    """
    sign = 1 - 2 * side
    notional = notional_e8(instrument, price, lots)
    if instrument.kind == SPOT:
        balances[instrument.base] += sign * lots * instrument.lot_e8
        balances[instrument.quote] -= sign * notional
    elif instrument.kind == INVERSE:
        balances[instrument.settle] += sign * notional
    else:
        balances[instrument.settle] -= sign * notional
    balances[fee_asset] -= fee_e8
