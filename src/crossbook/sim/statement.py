"""What a simulated venue would tell an account of its money, as one kernel over the account's state.

The same sums by which orders are admitted and positions liquidated.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from crossbook.rules.fees import fee_e8
from crossbook.rules.kernel import kernel
from crossbook.rules.layout import I8, MAX_ASSETS, MAX_INSTRUMENTS, MAX_VENUES, Rows, record
from crossbook.rules.value import mid_notional_e8
from crossbook.sim.accounts import MAINTENANCE_PPM, equity_e8, held_e8, initial_margin_e8, maintenance_e8
from crossbook.types import InstrumentKind

SPOT = int(InstrumentKind.SPOT)

WALLET = record(*[(name, I8) for name in ("balance", "locked", "equity", "maintenance")])
"""One asset at one venue, 1e-8 units. `locked`: spot, what resting orders hold; margin, the initial margin of positions
and resting orders."""
HOLDING = record(*[(name, I8) for name in ("net", "value", "margin", "maintenance", "bid_plus_ask")])
"""One instrument: net lots and, at the mid, their signed value, initial and maintenance margin; 0 for spot."""
STATEMENT = record(("wallets", WALLET, (MAX_VENUES, MAX_ASSETS)), ("holdings", HOLDING, (MAX_INSTRUMENTS,)))


def new_statement() -> Rows:
    """An empty statement: a one-element array of `STATEMENT`."""
    return np.zeros(1, STATEMENT)


@kernel
def state_account(state: Any, out: Any) -> None:
    """Write how an account stands into a statement."""
    s = state[0]
    o = out[0]
    for venue in range(MAX_VENUES):
        for asset in range(s.n_assets):
            wallet = o.wallets[venue, asset]
            wallet.balance = s.balances[venue, asset]
            wallet.equity = wallet.balance
            wallet.maintenance = 0
            if s.venues[venue].margin == 1:
                wallet.equity = equity_e8(s, venue, asset)
                wallet.maintenance = maintenance_e8(s, venue, asset)
                wallet.locked = initial_margin_e8(s, venue, asset, -1, 0, 0)
            else:
                wallet.locked = held_e8(s, venue, asset)
    for i in range(s.n_instruments):
        holding = o.holdings[i]
        instrument = s.instruments[i]
        holding.net = s.net[i]
        holding.bid_plus_ask = s.mids[i]
        holding.value = 0
        holding.margin = 0
        holding.maintenance = 0
        if instrument.kind != SPOT and s.net[i] != 0:
            size = mid_notional_e8(instrument, s.mids[i], abs(s.net[i]))
            holding.value = size if s.net[i] > 0 else -size
            holding.margin = -(-size // s.leverage[i])
            holding.maintenance = fee_e8(size, MAINTENANCE_PPM)
