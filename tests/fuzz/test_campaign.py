"""The campaign of `campaign.py`, short: a few thousand spoilt messages on every run, the same ones each time."""

from __future__ import annotations

from random import Random

import captured
import pytest
from fuzz import campaign, corpus, mutations, oracles

from crossbook.types import Venue
from crossbook.venues import messages as said

COUNT = 15_000


@pytest.fixture(scope="module")
def material() -> campaign.Material:
    return campaign.Material()


@captured.needed
def test_no_crash_no_hang_no_wrong_accept(material: campaign.Material) -> None:
    found = campaign.run(material, seed=2026, first=0, count=COUNT)
    assert not found.complaints, "\n".join(found.complaints[:3])
    for venue in campaign.VENUES:
        for decoder in ("kernel", "reader", "order answer"):
            assert found.counts[venue.label, decoder, "accepted"] > 0, f"{venue.label} {decoder}: nothing was accepted"


@captured.needed
def test_unspoilt_messages_pass_every_oracle(material: campaign.Material) -> None:
    for seed, _ in material.seeds:
        for verdict, complaints in (
            oracles.kernel(material.codecs[seed.venue], seed.raw),
            oracles.reader(seed, seed.raw, material.readers[seed.venue]),
            oracles.answer(seed, seed.raw, 0.0),
        ):
            assert not complaints, (seed.name, verdict)


def test_a_campaign_can_be_made_again() -> None:
    body = mutations.anatomy(corpus.seeds()[0].raw)
    first, second = ([mutations.mutated(body, random) for _ in range(50)] for random in (Random("1:0"), Random("1:0")))
    assert first == second and len(set(first)) > 30


def test_the_oracles_see_what_is_wrong() -> None:
    """A decoder that reads another price, takes the wrong field, or makes a fill of a print is found out."""
    seed = next(one for one in corpus.seeds() if one.name == "trades")
    wrong = said.Trade(venue="hyperliquid", instrument="BTC", price="1.6", quantity="2", trade_id=7)
    assert oracles.reader(seed, seed.raw, lambda raw: [wrong])[1]
    fill = said.Fill(venue="hyperliquid", instrument="BTC", price="1.5", quantity="2")
    assert oracles.reader(seed, seed.raw, lambda raw: [fill])[1]
    own = next(one for one in corpus.seeds() if one.name == "user_fills")
    swapped = said.Fill(venue="hyperliquid", instrument="BTC", price="93.53", quantity="18.435", fee="0.01")
    assert oracles.reader(own, own.raw, lambda raw: [swapped])[1]
    codecs = oracles.Codecs(Venue.HYPERLIQUID, ["BTC"])
    assert oracles.kernel(codecs, seed.raw) == ("accepted", [])
    codecs.symbols = ["ETH"]
    assert oracles.kernel(codecs, seed.raw)[1]
