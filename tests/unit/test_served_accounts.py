"""Accounts of the served venues: made from a seed, or read from a file."""

import pytest

from crossbook.errors import Refused
from crossbook.types import Venue
from crossbook.venues.keys import AgentKey, Ed25519Key
from crossbook.venues.served.accounts import make_accounts, read_accounts

MADE = make_accounts(1)
PEM = MADE.accounts[0].keys[1].public_key
FILE = f"""
[[account]]
name = "desk"
leverage = 5
api_key = "k1"
secret = "s1"
address = "0xABCDEF0000000000000000000000000000000001"
agents = [{{address = "0x{"2" * 40}", name = "bot", valid_until_ms = 1800000000000}}]
[[account.key]]
api_key = "k2"
public_key = '''{PEM}'''
permissions = ["read"]
valid_until_ms = 1800000000000
[account.balances.binance_usdm]
USDT = "1000.5"
[account.fees_bps.hyperliquid]
maker = "1.5"
taker = "-0.25"
"""


def test_a_seed_makes_the_same_accounts_and_no_two_alike() -> None:
    assert make_accounts(1, 3).accounts == make_accounts(1, 3).accounts
    people = [one for seed in (1, 2) for one in make_accounts(seed, 3)]
    assert len({one.address for one in people}) == len({one.keys[0].secret for one in people}) == 6
    (one, *_) = MADE
    assert AgentKey(one.agents[0].private_key).address == one.agents[0].address
    assert Ed25519Key(one.keys[1].private_key).public_pem == one.keys[1].public_key
    assert AgentKey(one.private_key).address == one.address


def test_no_secret_is_in_a_repr() -> None:
    (one, *_) = MADE
    shown = repr(one) + repr(one.keys) + repr(one.agents) + repr(MADE)
    for secret in (one.keys[0].secret, one.keys[1].private_key, one.private_key, one.agents[0].private_key):
        assert secret not in shown and secret.removeprefix("0x") not in shown


def test_a_file_is_read_whole_and_people_are_found() -> None:
    accounts = read_accounts(FILE, "accounts.toml")
    (desk,) = accounts
    assert desk.leverage == 5 and desk.balances == {Venue.BINANCE_USDM: {"USDT": 100_050_000_000}}
    assert desk.fees_ppm[Venue.HYPERLIQUID] == (150, -25) and desk.fees_ppm[Venue.BINANCE_SPOT] == (1_000, 1_000)
    found = accounts.by_api_key("k2")
    assert found is not None and found[0] is desk and not found[1].may_trade and found[1].public_key == PEM
    assert accounts.by_address("0xabcdef0000000000000000000000000000000001") is desk
    agent = accounts.by_agent("0x" + "2" * 40)
    assert agent is not None and agent[1].valid_until_ms == 1_800_000_000_000
    assert not (accounts.by_api_key("k3") or accounts.by_address("0x") or accounts.by_agent("0x"))
    assert accounts.by_name("desk") is desk and len(accounts) == 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('secret = "s1"', "", "either secret"),
        ('api_key = "k2"', 'api_key = "k1"', "api_key 'k1' is there twice"),
        ('name = "desk"', "", "name is missing"),
        ("leverage = 5", "leverage = 0", "leverage 0"),
        ('["read"]', '["withdraw"]', "permission 'withdraw'"),
        ("0xABCDEF", "0xXYZ", "address"),
        ("2" * 40, "abcdef0000000000000000000000000000000001", "both an account and an agent"),
        ('"1000.5"', "1000.5", "is not a string"),
        ('"1000.5"', '"-1"', "below 0"),
        ("balances.binance_usdm", "balances.okx", "no venue"),
        ("BEGIN PUBLIC KEY", "BEGIN SOMETHING", "no Ed25519 key"),
        ("[[account]]", "[[accounts]]", "unknown key 'accounts'|not TOML"),
        ('address = "0xABC', 'name2 = "0xABC', "unknown key 'name2'"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(old: str, new: str, says: str) -> None:
    assert old in FILE
    with pytest.raises(Refused, match=says):
        read_accounts(FILE.replace(old, new), "accounts.toml")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no account"),
        ("[[account]]\nname = 'a'", "nobody could use it"),
        (
            "[[account]]\nname = 'a'\napi_key = 'k'\nsecret = 's'\nagents = [{address = '0x1'}]",
            "agents of which account",
        ),
    ],
)
def test_a_file_of_nobody_is_refused(text: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        read_accounts(text, "accounts.toml")
