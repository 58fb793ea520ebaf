"""What the served Hyperliquid does when a signed action was accepted; each answers as the venue does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crossbook.errors import Refused
from crossbook.money import E8, parse_e8
from crossbook.types import Venue
from crossbook.venues.served import hyperliquid_actions as actions
from crossbook.venues.served.hyperliquid_account import COLLATERAL
from crossbook.venues.served.hyperliquid_actions import Action
from crossbook.venues.served.hyperliquid_floor import Floor
from crossbook.venues.served.hyperliquid_market import by_asset
from crossbook.venues.served.hyperliquid_orders import Answer, cancel, error, malformed, modify, place
from crossbook.venues.served.world import Trader

HL = Venue.HYPERLIQUID
Json = dict[str, Any]
DEFAULT: Json = {"type": "default"}
REQUEST_PRICE_E8 = 50_000
"""0.0005 USDC for a request beyond the budget."""
WITHDRAWAL_FEE_E8 = E8
PERPS, SPOT = "", "spot"


class Failed(Exception):  # it is an answer, not a fault
    """The action as a whole did not happen; the text is the venue's."""


def perform(floor: Floor, trader: Trader, action: Action) -> Json:
    """The `response` of an action that was accepted. Raises `Failed`."""
    does = _DOES[type(action)]
    floor.is_acting = True
    try:
        done: Json = does(floor, trader, action)
    finally:
        floor.is_acting = False
    return done


def _statuses(kind: str, statuses: list[Answer]) -> Json:
    return {"type": kind, "data": {"statuses": statuses}}


def _order(floor: Floor, trader: Trader, action: actions.Order) -> Json:
    wrong = malformed(floor, action.orders)
    if wrong is not None:
        return _statuses("order", [wrong])
    return _statuses("order", [place(floor, trader, wire) for wire in action.orders])


def _cancel(floor: Floor, trader: Trader, action: actions.Cancel) -> Json:
    return _statuses("cancel", [cancel(floor, trader, wire.a, oid=wire.o) for wire in action.cancels])


def _cancel_by_cloid(floor: Floor, trader: Trader, action: actions.CancelByCloid) -> Json:
    return _statuses("cancel", [cancel(floor, trader, wire.asset, cloid=wire.cloid) for wire in action.cancels])


def _modify(floor: Floor, trader: Trader, action: actions.Modify) -> Json:
    done = modify(floor, trader, action.oid, action.order, action.a)
    if isinstance(done, dict) and "error" in done:
        raise Failed(done["error"])
    return DEFAULT


def _batch_modify(floor: Floor, trader: Trader, action: actions.BatchModify) -> Json:
    return _statuses("order", [modify(floor, trader, wire.oid, wire.order, action.a) for wire in action.modifies])


def _schedule_cancel(floor: Floor, trader: Trader, action: actions.ScheduleCancel) -> Json:
    wrong = floor.set_countdown(trader, action.time)
    if wrong is not None:
        raise Failed(wrong)
    return DEFAULT


def _update_leverage(floor: Floor, trader: Trader, action: actions.UpdateLeverage) -> Json:
    instrument = by_asset(floor.world, action.asset)
    if instrument is None:
        raise Failed(f"Asset not found. asset={action.asset}")
    if not action.is_cross:
        raise Failed("Isolated margin is not available: all margin of this venue is cross.")
    try:
        trader.set_leverage(HL, instrument.symbol, action.leverage)
    except Refused:
        raise Failed("Invalid leverage value") from None
    return DEFAULT


def _isolated_margin(floor: Floor, trader: Trader, action: actions.UpdateIsolatedMargin) -> Json:
    raise Failed("Isolated margin is not available: all margin of this venue is cross.")


def _set_referrer(floor: Floor, trader: Trader, action: actions.SetReferrer) -> Json:
    floor.referrers.setdefault(trader.account.address, action.code)
    return DEFAULT


def _noop(floor: Floor, trader: Trader, action: actions.Noop) -> Json:
    return DEFAULT


def _reserve(floor: Floor, trader: Trader, action: actions.ReserveRequestWeight) -> Json:
    _pay(trader, action.weight * REQUEST_PRICE_E8)
    floor.limits.reserve(trader.account.address, action.weight)
    return DEFAULT


def _twap(floor: Floor, trader: Trader, action: actions.TwapOrder) -> Json:
    return {"type": "twapOrder", "data": {"status": error("TWAP orders are not available.")}}


def _twap_cancel(floor: Floor, trader: Trader, action: actions.TwapCancel) -> Json:
    return {
        "type": "twapCancel",
        "data": {"status": error("TWAP was never placed, already canceled, or filled.")},
    }


def _abstraction(
    floor: Floor,
    trader: Trader,
    action: actions.AgentSetAbstraction | actions.UserSetAbstraction | actions.UserDexAbstraction,
) -> Json:
    asked = action.enabled if isinstance(action, actions.UserDexAbstraction) else action.abstraction
    if asked in (False, "disabled", "i"):
        return DEFAULT
    raise Failed("Account abstraction is not available.")


def _no_vault(floor: Floor, trader: Trader, action: actions.VaultTransfer) -> Json:
    raise Failed(f"Vault not registered: {action.vault_address}")


def _no_sub_account(
    floor: Floor, trader: Trader, action: actions.CreateSubAccount | actions.SubAccountTransfer
) -> Json:
    raise Failed("Sub-accounts are not available.")


# what only the account itself may sign


def _pay(trader: Trader, amount_e8: int) -> None:
    """Money leaves the perpetuals wallet. Raises `Failed` where it is not free."""
    if not 0 < amount_e8 <= trader.balance(HL, COLLATERAL).free_e8:
        raise Failed("Insufficient balance for withdrawal")
    trader.transfer(HL, COLLATERAL, -amount_e8)


def _move(floor: Floor, trader: Trader, amount: str, wallet: str, to: str, to_wallet: str) -> Json:
    """Collateral goes from one wallet of the account to one of an address; of nobody here, it leaves the world."""
    try:
        amount_e8 = parse_e8(amount, "amount")
    except Refused:
        raise Failed("Invalid amount") from None
    mine, receiver = trader.account.address, floor.trader(to)
    if wallet == SPOT:
        if not 0 < amount_e8 <= floor.spot_usdc_e8[mine]:
            raise Failed("Insufficient balance for token transfer")
        floor.spot_usdc_e8[mine] -= amount_e8
    else:
        _pay(trader, amount_e8)
    if receiver is not None and to_wallet == SPOT:
        floor.spot_usdc_e8[receiver.account.address] += amount_e8
    elif receiver is not None:
        receiver.transfer(HL, COLLATERAL, amount_e8)
    return DEFAULT


def _usd_send(floor: Floor, trader: Trader, action: actions.UsdSend) -> Json:
    return _move(floor, trader, action.amount, PERPS, action.destination, PERPS)


def _spot_send(floor: Floor, trader: Trader, action: actions.SpotSend) -> Json:
    if not action.token.startswith(COLLATERAL):
        raise Failed("Insufficient balance for token transfer")
    return _move(floor, trader, action.amount, SPOT, action.destination, SPOT)


def _class_transfer(floor: Floor, trader: Trader, action: actions.UsdClassTransfer) -> Json:
    amount, _, sub_account = action.amount.partition(" subaccount:")
    if sub_account:
        raise Failed("Sub-accounts are not available.")
    source, target = (SPOT, PERPS) if action.to_perp else (PERPS, SPOT)
    return _move(floor, trader, amount, source, trader.account.address, target)


def _send_asset(floor: Floor, trader: Trader, action: actions.SendAsset) -> Json:
    if not action.token.startswith(COLLATERAL) or {action.source_dex, action.destination_dex} - {PERPS, SPOT}:
        raise Failed("Insufficient balance for token transfer")
    return _move(floor, trader, action.amount, action.source_dex, action.destination, action.destination_dex)


def _withdraw(floor: Floor, trader: Trader, action: actions.Withdraw) -> Json:
    amount_e8 = parse_e8(action.amount, "amount")
    if amount_e8 <= WITHDRAWAL_FEE_E8:
        raise Failed("Insufficient balance for withdrawal")
    _pay(trader, amount_e8)
    return DEFAULT


def _approve_agent(floor: Floor, trader: Trader, action: actions.ApproveAgent) -> Json:
    wrong = floor.approve(trader.account.address, action.agent_address.lower(), action.agent_name)
    if wrong is not None:
        raise Failed(wrong)
    return DEFAULT


def _approve_builder(floor: Floor, trader: Trader, action: actions.ApproveBuilderFee) -> Json:
    tenths_bp = parse_e8(action.max_fee_rate.removesuffix("%"), "maxFeeRate") * 1_000 // E8
    floor.builder_fees[trader.account.address, action.builder.lower()] = tenths_bp
    return DEFAULT


def _delegate(floor: Floor, trader: Trader, action: actions.TokenDelegate) -> Json:
    raise Failed("Insufficient staking balance")


_DOES: dict[type[Action], Callable[[Floor, Trader, Any], Json]] = {
    actions.Order: _order,
    actions.Cancel: _cancel,
    actions.CancelByCloid: _cancel_by_cloid,
    actions.Modify: _modify,
    actions.BatchModify: _batch_modify,
    actions.ScheduleCancel: _schedule_cancel,
    actions.UpdateLeverage: _update_leverage,
    actions.UpdateIsolatedMargin: _isolated_margin,
    actions.SetReferrer: _set_referrer,
    actions.Noop: _noop,
    actions.ReserveRequestWeight: _reserve,
    actions.TwapOrder: _twap,
    actions.TwapCancel: _twap_cancel,
    actions.AgentSetAbstraction: _abstraction,
    actions.VaultTransfer: _no_vault,
    actions.CreateSubAccount: _no_sub_account,
    actions.SubAccountTransfer: _no_sub_account,
    actions.UsdSend: _usd_send,
    actions.SpotSend: _spot_send,
    actions.Withdraw: _withdraw,
    actions.UsdClassTransfer: _class_transfer,
    actions.SendAsset: _send_asset,
    actions.ApproveAgent: _approve_agent,
    actions.ApproveBuilderFee: _approve_builder,
    actions.TokenDelegate: _delegate,
    actions.UserSetAbstraction: _abstraction,
    actions.UserDexAbstraction: _abstraction,
}
