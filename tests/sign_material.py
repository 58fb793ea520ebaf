"""Keys, actions and clients for the tests of signing."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import strategies as st

from crossbook.money import text_e8
from crossbook.venues.hyperliquid import actions as hl
from crossbook.venues.keys import AgentKey

ROOT = Path(__file__).resolve().parents[1]
VENUES = Path(os.environ.get("CROSSBOOK_SHARED") or ROOT / ".." / "shared") / "venues"
CLIENTS = Path(os.environ.get("CROSSBOOK_CLIENTS") or ROOT / ".venv-clients" / "bin" / "python")

K1 = "0x0123456789012345678901234567890123456789012345678901234567890123"
K1_ADDRESS = "0x14791697260e4c9a71f18484c9f997b308e59325"
AGENT = AgentKey(K1)
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
"""Of Binance's published examples."""
SEED = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"
PEM = f"-----BEGIN PRIVATE KEY-----\n{SEED}\n-----END PRIVATE KEY-----\n"
"""Of RFC 8032's first test."""

uints = st.one_of(st.integers(0, 300), st.integers(0, (1 << 63) - 1))
numbers = st.integers(1, 10**15).map(text_e8)
cloids = st.integers(0, (1 << 128) - 1).map(lambda number: f"0x{number:032x}")
addresses = st.integers(0, (1 << 160) - 1).map(lambda number: f"0x{number:040x}")
vaults = st.none() | st.binary(min_size=20, max_size=20)
stamps = st.integers(0, (1 << 63) - 1)
expiries = st.none() | stamps
kinds = st.one_of(
    st.builds(hl.Kind, limit=st.builds(hl.Limit, tif=st.sampled_from(["Alo", "Ioc", "Gtc"]))),
    st.builds(
        hl.Kind,
        trigger=st.builds(
            hl.Trigger, is_market=st.booleans(), trigger_px=numbers, tpsl=st.sampled_from(["tp", "sl"])
        ),
    ),
)  # fmt: skip
orders = st.builds(
    hl.Order, a=uints, b=st.booleans(), p=numbers, s=numbers, r=st.booleans(), t=kinds, c=st.none() | cloids
)
groupings = st.sampled_from(["na", "normalTpsl", "positionTpsl"]) | st.builds(hl.Priority, p=uints)
actions = st.one_of(
    st.builds(
        hl.PlaceOrders,
        orders=st.lists(orders, min_size=1, max_size=20),
        grouping=groupings,
        builder=st.none() | st.builds(hl.Builder, b=addresses, f=uints),
    ),
    st.builds(
        hl.CancelOrders, cancels=st.lists(st.builds(hl.Cancel, a=uints, o=uints), max_size=20), f=st.booleans()
    ),
    st.builds(
        hl.CancelByCloid,
        cancels=st.lists(st.builds(hl.CancelCloid, asset=uints, cloid=cloids), max_size=20),
        f=st.booleans(),
    ),
    st.builds(hl.Modify, oid=uints | cloids, order=orders, a=st.booleans()),
    st.builds(
        hl.BatchModify,
        modifies=st.lists(st.builds(hl.Change, oid=uints | cloids, order=orders), max_size=5),
        a=st.booleans(),
    ),
    st.builds(hl.ScheduleCancel, time=st.none() | uints),
    st.builds(hl.UpdateLeverage, asset=uints, is_cross=st.booleans(), leverage=uints),
    st.builds(hl.Noop),
)  # fmt: skip
"""Every action that we can ask for."""
