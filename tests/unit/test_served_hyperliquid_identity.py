"""Who may act at the served Hyperliquid: signatures, agents, vaults, expiry, budget. Each refusal in its own words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hyperliquid_material import Json, Venue, Wallet, order
from msgspec.structs import replace

from crossbook.types import Venue as Place
from crossbook.venues.hyperliquid.errors import row_of
from crossbook.venues.hyperliquid.signing import domain_separator
from crossbook.venues.secp256k1 import keccak
from crossbook.venues.served.accounts import Agent, make_accounts
from crossbook.venues.served.fault_plan import read_faults
from crossbook.venues.served.hyperliquid_actions import parse_envelope
from crossbook.venues.served.limits import Limits
from crossbook.venues.served.user_signed import TYPES

OK = {"status": "ok", "response": {"type": "default"}}
NOOP = {"type": "noop"}
STRANGER = Wallet("0x" + "11" * 32)
S = 10**9


def typed(wallet: Wallet, action: Json) -> Json:
    """A user-signed action, signed; only tests and the account's owner can."""
    full = {**action, "signatureChainId": "0x66eee", "hyperliquidChain": "Testnet"}
    name, fields = TYPES[action["type"]]
    encoded = keccak(f"HyperliquidTransaction:{name}({','.join(f'{of} {key}' for key, of in fields)})".encode())
    for key, of in fields:
        value: Any = full.get(key, "")
        if of == "string":
            encoded += keccak(value.encode())
        elif of == "address":
            encoded += bytes(12) + bytes.fromhex(value[2:])
        else:
            encoded += int(value).to_bytes(32, "big")
    domain = domain_separator("HyperliquidSignTransaction", 0x66EEE)
    nonce = full.get("nonce", full.get("time"))
    return {"action": full, "nonce": nonce, "signature": wallet.signed(keccak(b"\x19\x01" + domain + keccak(encoded)))}


@pytest.mark.parametrize("mainnet", [True, False])
def test_master_and_agent_of_either_network(mainnet: bool) -> None:
    venue = Venue()
    assert venue.act(NOOP, mainnet=mainnet) == OK
    assert venue.act(NOOP, venue.agents[0], mainnet=mainnet) == OK


def test_a_stranger_does_not_exist() -> None:
    answer = Venue().act(NOOP, STRANGER)
    assert answer == {"status": "err", "response": f"User or API Wallet {STRANGER.address} does not exist."}


def test_another_key_order_is_another_signature() -> None:
    """What is recovered is over the JSON as it was sent: the same action in another order is somebody else's."""
    venue = Venue()
    assert venue.master is not None
    envelope = venue.master.envelope(order("50000"), venue.nonce())
    (wire,) = envelope["action"]["orders"]
    envelope["action"]["orders"] = [dict(reversed(wire.items()))]
    assert venue.post(envelope)["response"].startswith("User or API Wallet 0x")


@pytest.mark.parametrize("price", ["50000.0", "50000.10"])
def test_trailing_zeros_break_the_signature(price: str) -> None:
    venue = Venue()
    assert venue.act(order(price))["response"].startswith("User or API Wallet 0x")
    assert venue.act(order("50000"))["status"] == "ok"


def test_padded_signatures_and_any_v() -> None:
    venue = Venue()
    assert venue.master is not None
    for v in (0, 27):
        envelope = venue.master.envelope(NOOP, venue.nonce())
        signature = envelope["signature"]
        envelope["signature"] = {
            "r": "0x" + signature["r"][2:].rjust(64, "0"),
            "s": "0x" + signature["s"][2:].rjust(64, "0"),
            "v": signature["v"] - 27 + v,
        }
        assert venue.post(envelope) == OK


def test_a_vault_is_the_accounts_own_or_nobodys() -> None:
    venue = Venue()
    assert venue.act(NOOP, vault=venue.account.address) == OK
    assert venue.act(NOOP, vault=venue.account.address.removeprefix("0x")) == OK
    other = "0x" + "22" * 20
    assert venue.act(NOOP, vault=other) == {"status": "err", "response": f"Vault not registered: {other}"}


def test_an_agent_ends_at_its_time() -> None:
    (made,) = make_accounts(1)
    wallet = Wallet(made.agents[0].private_key)
    venue = Venue((made,))
    until = venue.floor.now_ms + 1_000
    mortal = replace(made, agents=(Agent(address=wallet.address, name="desk", valid_until_ms=until),))
    venue = Venue((mortal,))
    assert venue.act(NOOP, wallet) == OK
    venue.clock.time_ns += 2 * S
    assert venue.act(NOOP, wallet)["response"] == f"User or API Wallet {wallet.address} does not exist."


def test_a_revoked_account_keeps_its_master_only() -> None:
    venue = Venue(faults=read_faults('[[fault]]\nkind = "revoked"', "test", Venue().clock.time_ns))
    assert venue.act(NOOP, venue.agents[0])["response"].startswith("User or API Wallet ")
    assert venue.act(NOOP) == OK


def test_approval_replaces_the_agent_of_that_name() -> None:
    venue = Venue()
    assert venue.master is not None
    first, second = Wallet("0x" + "12" * 32), Wallet("0x" + "13" * 32)
    for wallet in (first, second):
        approval = {"type": "approveAgent", "agentAddress": wallet.address, "nonce": venue.nonce()}
        assert venue.post(typed(venue.master, approval)) == OK
        assert venue.act(NOOP, wallet) == OK
    assert venue.act(NOOP, first)["response"].startswith("User or API Wallet ")
    assert venue.act(NOOP, venue.agents[0]) == OK


def test_an_approval_may_say_how_long() -> None:
    venue = Venue()
    assert venue.master is not None
    wallet, until = Wallet("0x" + "12" * 32), venue.floor.now_ms + 5_000
    for name, answer in (
        (f"bot valid_until {until}", OK),
        (f"bot valid_until {until + 200 * 86_400_000}", {"status": "err", "response": "Invalid agent valid until"}),
    ):
        approval = {
            "type": "approveAgent", "agentAddress": wallet.address, "agentName": name, "nonce": venue.nonce(),
        }  # fmt: skip
        assert venue.post(typed(venue.master, approval)) == answer
    assert venue.act(NOOP, wallet) == OK
    venue.clock.time_ns += 6 * S
    assert venue.act(NOOP, wallet)["status"] == "err"


def test_only_the_account_moves_money_and_it_arrives() -> None:
    venue = Venue(count=2)
    assert venue.master is not None
    sender, receiver = venue.floor.traders.values()

    def free() -> list[int]:
        return [trader.balance(3, "USDC").free_e8 for trader in (sender, receiver)]  # type: ignore[arg-type]

    before = free()
    send = {
        "type": "usdSend", "destination": receiver.account.address, "amount": "12.5", "time": venue.nonce(),
    }  # fmt: skip
    assert venue.post(typed(venue.agents[0], send))["response"].startswith("Must deposit before performing actions.")
    assert free() == before
    assert venue.post(typed(venue.master, send)) == OK
    assert free() == [before[0] - 1_250_000_000, before[1] + 1_250_000_000]
    too_much = send | {"amount": "1000000000", "time": venue.nonce()}
    assert venue.post(typed(venue.master, too_much))["response"] == "Insufficient balance for withdrawal"


def test_an_altered_transfer_is_nobodys() -> None:
    venue = Venue()
    assert venue.master is not None
    envelope = typed(
        venue.master, {"type": "withdraw3", "destination": "0x" + "22" * 20, "amount": "5", "time": venue.nonce()}
    )
    envelope["action"]["amount"] = "5000"
    assert venue.post(envelope)["response"].startswith("Must deposit before performing actions. User: 0x")


def test_what_arrives_late_is_refused_and_costs_five() -> None:
    venue = Venue()
    address, now = venue.account.address, venue.floor.now_ms
    assert venue.act(NOOP, expires=now + 1) == OK
    used = venue.floor.limits.actions_used(address)
    assert venue.act(NOOP, expires=now - 1)["status"] == "err"
    assert venue.floor.limits.actions_used(address) == used + 5


def test_a_spent_budget_slows_down_all_but_cancels() -> None:
    venue = Venue(limits=Limits(address_budget=3))
    rest = venue.act(order("50000"))["response"]["data"]["statuses"][0]["resting"]["oid"]
    for _ in range(3):
        assert venue.act(NOOP)["status"] == "ok"
    refused = venue.act(NOOP)
    assert refused["response"].startswith("Too many cumulative requests sent (5 > 3) for cumulative volume traded $0")
    canceled = venue.act({"type": "cancel", "cancels": [{"a": 0, "o": rest}]})
    assert canceled["response"]["data"]["statuses"] == ["success"]
    venue.clock.time_ns += 10 * S
    assert venue.act(NOOP) == OK


def test_a_venue_clock_ahead_refuses_what_expires() -> None:
    start = Venue().clock.time_ns
    venue = Venue(faults=read_faults('[[fault]]\nkind = "skew"\nskew_ms = 2000', "test", start - S))
    assert venue.act(NOOP, expires=venue.floor.now_ms - 1_000)["status"] == "err"


@pytest.mark.parametrize(
    "broken",
    [
        {"type": "nonsense"},
        {"type": "order", "orders": [], "grouping": "na"},
        {"type": "order", "orders": [{"a": 0}], "grouping": "na"},
        {"type": "cancel", "cancels": [{"a": 0, "o": "1"}]},
        {"type": "noop", "nonce": 1.5} | {"type": 3},
    ],
)
def test_what_is_no_action_is_not_understood(broken: Json) -> None:
    envelope = STRANGER.envelope(broken, 1)
    with pytest.raises(msgspec.MsgspecError):
        parse_envelope(msgspec.json.encode(envelope))


def test_a_closed_market_says_so() -> None:
    venue = Venue()
    venue.world.set_open(Place.HYPERLIQUID, "BTC", False)
    (status,) = venue.act(order("50000"))["response"]["data"]["statuses"]
    assert row_of(status["error"]).rejection == "NOT_TRADING"
    venue.world.set_open(Place.HYPERLIQUID, "BTC", True)
    assert "resting" in venue.act(order("50000"))["response"]["data"]["statuses"][0]
