"""The official SDK and ccxt, in their own Python: what they sign we sign bit for bit, and recognise where we serve."""

from __future__ import annotations

import json
import random
import subprocess
import textwrap
from typing import Any

import msgspec
import pytest
from sign_material import AGENT, CLIENTS, K1, K1_ADDRESS

from crossbook.money import text_e8
from crossbook.venues.hyperliquid.actions import (
    BatchModify,
    Builder,
    Cancel,
    CancelByCloid,
    CancelCloid,
    CancelOrders,
    Change,
    Kind,
    Limit,
    Modify,
    Noop,
    Order,
    PlaceOrders,
    Priority,
    ScheduleCancel,
    Trigger,
    UpdateLeverage,
)
from crossbook.venues.hyperliquid.fast_signer import FastSigner
from crossbook.venues.hyperliquid.signing import Signature, recover_l1, sign_l1, vault_of
from crossbook.venues.served.user_signed import TYPES, recover_user_signed

ACTIONS = 1_000
SEED = 20_260_801

SDK = """
import json, sys
from eth_account import Account
from hyperliquid.utils import signing
from hyperliquid.utils.types import Cloid
wallet = Account.from_key(sys.argv[1])
for line in sys.stdin:
    case = json.loads(line)
    action = case["action"]
    for one, floats in zip(action.get("orders", []), case["floats"]):
        kind = one["t"]
        if "trigger" in kind:
            kind = {"trigger": kind["trigger"] | {"triggerPx": floats[2]}}
        built = signing.order_request_to_order_wire({
            "coin": "X", "is_buy": one["b"], "sz": floats[1], "limit_px": floats[0], "order_type": kind,
            "reduce_only": one["r"], "cloid": Cloid.from_str(one["c"]) if "c" in one else None,
        }, one["a"])
        assert list(built) == list(one) and built == one, (built, one)
    signed = signing.sign_l1_action(
        wallet, action, case["vault"], case["nonce"], case["expires"], case["mainnet"])
    print(json.dumps(signed))
"""

USER_SIGNED = """
import json, sys
from eth_account import Account
from hyperliquid.utils import signing
wallet = Account.from_key(sys.argv[1])
to = "0x5e9ee1089755c3435139848e47e6635505d5a13a"
cases = [
    ({"type": "usdSend", "destination": to, "amount": "1.5", "time": 7}, signing.sign_usd_transfer_action),
    ({"type": "spotSend", "destination": to, "token": "PURR:0xc4", "amount": "1", "time": 7},
     signing.sign_spot_transfer_action),
    ({"type": "withdraw3", "destination": to, "amount": "1", "time": 7}, signing.sign_withdraw_from_bridge_action),
    ({"type": "usdClassTransfer", "amount": "1", "toPerp": True, "nonce": 7}, signing.sign_usd_class_transfer_action),
    ({"type": "sendAsset", "destination": to, "sourceDex": "", "destinationDex": "x", "token": "USDC", "amount": "1",
      "fromSubAccount": "", "nonce": 7}, signing.sign_send_asset_action),
    ({"type": "approveAgent", "agentAddress": to, "agentName": "", "nonce": 7}, signing.sign_agent),
    ({"type": "approveBuilderFee", "maxFeeRate": "0.001%", "builder": to, "nonce": 7},
     signing.sign_approve_builder_fee),
    ({"type": "tokenDelegate", "validator": to, "wei": 10**12, "isUndelegate": False, "nonce": 7},
     signing.sign_token_delegate_action),
    ({"type": "userSetAbstraction", "user": to, "abstraction": "disabled", "nonce": 7},
     signing.sign_user_set_abstraction_action),
    ({"type": "userDexAbstraction", "user": to, "enabled": True, "nonce": 7},
     signing.sign_user_dex_abstraction_action),
    ({"type": "convertToMultiSigUser", "signers": "[]", "nonce": 7}, signing.sign_convert_to_multi_sig_user_action),
]
for mainnet in (True, False):
    for action, sign in cases:
        action = dict(action)
        signature = sign(wallet, action, mainnet)
        if action.get("agentName") == "":
            del action["agentName"]
        print(json.dumps([action, signature]))
"""

CCXT = """
import json, sys, ccxt
key, address = sys.argv[1:]
hl = ccxt.hyperliquid({"walletAddress": address, "privateKey": key})
sent = []
hl.privatePostExchange = lambda request: sent.append(request) or {"status": "ok"}
hl.approve_builder_fee("0x6530512A6c89C7cfCEbC3BA7fcD9aDa5f30827a6", "0.01%")
order = {"type": "order", "orders": [{"a": 0, "b": True, "p": "30000", "s": "0.1", "r": False,
         "t": {"limit": {"tif": "Gtc"}}}], "grouping": "na"}
print(json.dumps(sent[0]))
for vault in (None, "1234567890123456789012345678901234567890"):
    signature = hl.sign_l1_action(order, 1700000000000, vault)
    print(json.dumps({"action": order, "nonce": 1700000000000, "vault": vault, "signature": signature}))
"""


def run(script: str, *words: str, lines: list[str] | None = None) -> list[Any]:
    """What a script of the clients' Python prints, a JSON value a line. Skips where the clients are absent."""
    if not CLIENTS.is_file():
        pytest.skip(f"no clients at {CLIENTS}; set CROSSBOOK_CLIENTS to the Python that has them")
    done = subprocess.run(
        [str(CLIENTS), "-c", textwrap.dedent(script), *words],
        input="\n".join(lines or []), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def random_order(dice: random.Random) -> tuple[Order, list[float]]:
    """An order, and its price, size and trigger as floats that the SDK writes the same way."""
    texts = [text_e8(dice.randint(1, 10**9) * 10 ** dice.randint(0, 5)) for _ in range(3)]
    if dice.random() < 0.3:
        kind = Kind(trigger=Trigger(is_market=dice.random() < 0.5, trigger_px=texts[2], tpsl=dice.choice(["tp", "sl"])))
    else:
        kind = Kind(limit=Limit(tif=dice.choice(["Alo", "Ioc", "Gtc"])))
    order = Order(
        a=dice.choice([0, 1, 127, 128, 255, 256, 10_107, 110_000, 100_000_010]), b=dice.random() < 0.5, p=texts[0],
        s=texts[1], r=dice.random() < 0.5, t=kind, c=random_cloid(dice) if dice.random() < 0.5 else None,
    )  # fmt: skip
    return order, [float(text) for text in texts]


def random_cloid(dice: random.Random) -> str:
    return f"0x{dice.getrandbits(128):032x}"


def random_oid(dice: random.Random) -> int:
    return dice.getrandbits(dice.choice([5, 7, 8, 16, 32, 38, 63]))


def random_action(dice: random.Random) -> tuple[Any, list[list[float]]]:
    """Any action of ours, orders most often; the floats are those of its orders."""
    asset, flag = dice.randint(0, 300), dice.random() < 0.3
    which = dice.randint(0, 15)
    if which < 8:
        made = [random_order(dice) for _ in range(dice.choice([1, 1, 1, 2, 3, 16, 20]))]
        grouping: Any = dice.choice(["na", "na", "normalTpsl", "positionTpsl", Priority(p=dice.randint(0, 10**9))])
        builder = Builder(b=f"0x{dice.getrandbits(160):040x}", f=dice.randint(0, 100)) if flag else None
        action = PlaceOrders(orders=[order for order, _ in made], grouping=grouping, builder=builder)
        return action, [floats for _, floats in made]
    change = Change(oid=dice.choice([random_oid(dice), random_cloid(dice)]), order=random_order(dice)[0])
    others = [
        CancelOrders(cancels=[Cancel(a=asset, o=random_oid(dice))] * dice.randint(1, 20), f=flag),
        CancelByCloid(cancels=[CancelCloid(asset=asset, cloid=random_cloid(dice))], f=flag),
        Modify(oid=change.oid, order=change.order, a=flag),
        BatchModify(modifies=[change] * dice.randint(1, 17), a=flag),
        ScheduleCancel(time=dice.choice([None, dice.getrandbits(41)])),
        UpdateLeverage(asset=asset, is_cross=flag, leverage=dice.randint(1, 50)),
        Noop(),
    ]
    return dice.choice(others), []


def test_a_thousand_random_actions_are_signed_as_the_sdk_signs_them() -> None:
    dice = random.Random(SEED)
    cases = []
    for _ in range(ACTIONS):
        action, floats = random_action(dice)
        case = {
            "action": action, "floats": floats, "nonce": dice.getrandbits(dice.choice([8, 41, 63])),
            "vault": dice.choice([None, f"0x{dice.getrandbits(160):040x}"]),
            "expires": dice.choice([None, dice.getrandbits(41)]), "mainnet": dice.random() < 0.5,
        }  # fmt: skip
        cases.append(case)
    theirs = run(SDK, K1, lines=[msgspec.json.encode(case).decode() for case in cases])
    assert len(theirs) == ACTIONS
    fast = FastSigner(AGENT)
    fast.refill(ACTIONS)
    for case, sdk in zip(cases, theirs, strict=True):
        vault = vault_of(case["vault"])
        ours = sign_l1(AGENT, case["action"], case["nonce"], vault, case["expires"], mainnet=case["mainnet"])
        assert msgspec.to_builtins(ours) == sdk
        read = msgspec.json.decode(msgspec.json.encode(case["action"]))
        for signature in (
            ours,
            sign_l1(fast, case["action"], case["nonce"], vault, case["expires"], mainnet=case["mainnet"]),
        ):
            signers = recover_l1(read, case["nonce"], signature, vault, case["expires"])
            assert (signers.mainnet if case["mainnet"] else signers.testnet) == K1_ADDRESS
    assert fast.slow == 0 and fast.ready == 0


def test_what_only_an_account_may_sign_is_recognised() -> None:
    cases = run(USER_SIGNED, K1)
    assert {action["type"] for action, _ in cases} == set(TYPES) and len(cases) == 2 * len(TYPES)
    for action, signature in cases:
        assert recover_user_signed(action, msgspec.convert(signature, Signature)) == K1_ADDRESS, action["type"]
        other = action | {"hyperliquidChain": "Elsewhere"}
        assert recover_user_signed(other, msgspec.convert(signature, Signature)) != K1_ADDRESS


def test_what_ccxt_signs_is_recognised() -> None:
    approval, plain, vaulted = run(CCXT, K1, K1_ADDRESS)
    signature = msgspec.convert(approval["signature"], Signature)
    assert approval["action"]["type"] == "approveBuilderFee" and next(iter(approval["action"])) == "hyperliquidChain"
    assert recover_user_signed(approval["action"], signature) == K1_ADDRESS
    for sent in (plain, vaulted):
        signature = msgspec.convert(sent["signature"], Signature)
        assert recover_l1(sent["action"], sent["nonce"], signature, vault_of(sent["vault"])).mainnet == K1_ADDRESS
