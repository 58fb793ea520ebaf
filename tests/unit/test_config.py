"""A configuration that cannot be meant is refused in one line: file, key, value and what to do."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import desk_material as make
import pytest

from crossbook.desk.config import load_config
from crossbook.desk.wire import fees_ppm, wire
from crossbook.errors import Refused
from crossbook.risk.limits import CEILINGS, Limits
from crossbook.types import Venue

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
GOOD = make.CONFIG + "[limits]\norder_notional_usd_max = 250\n"

BAD = [
    # (what is replaced, by what, what the line must say)
    ("hold_s_max = 3", "hold_max_s = 3", r"unknown key 'strategies\.v1\.hold_max_s'; did you mean hold_s_max\?"),
    ("hold_s_max = 3", "clip_usdt = 3", r"unknown key 'strategies\.v1\.clip_usdt'; did you mean clip_usd\?"),
    ("quote_age_ms_max = 1500", "quote_age_s_max = 1.5", r"'venues\.hyperliquid\.quote_age_s_max'; did you mean "),
    ("order_notional_usd_max", "order_notional_max", r"'limits\.order_notional_max'; did you mean order_notional_u"),
    ("order_notional_usd_max", "zzz", r"unknown key 'limits\.zzz'; known keys: arbs_per_day_max, "),
    ("b = \"hyperliquid:BTC\"", "b = \"binance_usdm:ETHUSDT\"", r"pairs\.B has both legs at one venue"),
    ("[marks]", "sede = 1\n[marks]", r"unknown key 'venues\.hyperliquid\.sede'"),
    ("[pairs.A]", "[pears.A]", r"unknown key 'pears'; did you mean pairs\?"),
    ("usd_max = 250", "usd_max = 501", r"limits\.order_notional_usd_max = 501 is above its ceiling of 500; lower it"),
    ("usd_max = 250", "usd_max = 0", r"limits\.order_notional_usd_max = 0 must be above 0"),
    ("usd_max = 250", "usd_max = -5", r"limits\.order_notional_usd_max = -5 must be above 0"),
    ("usd_max = 250", "usd_max = nan", r"limits\.order_notional_usd_max = NaN is no number; write a decimal"),
    ("usd_max = 250", "usd_max = -inf", r"limits\.order_notional_usd_max = -Infinity is no number"),
    ("usd_max = 250", 'usd_max = "much"', r"limits\.order_notional_usd_max: invalid decimal string; see configs/"),
    ("usd_max = 250", "usd_max = true", r"limits\.order_notional_usd_max: expected `decimal`, got `bool`"),
    ("order_notional_usd_max = 250", "orders_per_s_max = 2.5", r"limits\.orders_per_s_max: expected `int`, got"),
    ("order_notional_usd_max = 250", "hedge_retries = -1", r"limits\.hedge_retries = -1 must be above 0"),
    ("order_notional_usd_max = 250", "hedge_retries = 5", r"limits\.hedge_retries = 5 is above its ceiling of 4"),
    ("order_notional_usd_max = 250", "collateral_pct_min = 19", r"pct_min = 19 is below its floor of 20; raise"),
    ("order_notional_usd_max = 250", "collar_bps = 4", r"strategies\.v0\.collar_bps = 5 must be above 0, at most 4"),
    ("ms_max = 1500", "ms_max = 3001", r"venues\.hyperliquid\.quote_age_ms_max = 3001 must be above 0, at most 3000"),
    ("ms_max = 1500", "ms_max = -1", r"venues\.hyperliquid\.quote_age_ms_max = -1 must be above 0"),
    ("quote_age_ms_max = 1500", "taker_bps = nan", r"venues\.hyperliquid\.taker_bps = NaN is no number"),
    ("quote_age_ms_max = 1500", "taker_bps = 101", r"venues\.hyperliquid\.taker_bps = 101 must lie between -10 and"),
    ("quote_age_ms_max = 1500", "taker_bps = 4.505", r"taker_bps = 4\.505 is finer than 0\.01 basis points; round it"),
    ("quote_age_ms_max = 1500", "leverage_x = 4", r"venues\.hyperliquid\.leverage_x = 4 must be 1 to 3"),
    ("[5000, 40000]", "[]", r"venues\.hyperliquid\.response_latency_us = \[\] must be 0 to 10 s, and at least one"),
    ("[5000, 40000]", "[5000, -1]", r"venues\.hyperliquid\.response_latency_us = \[5000, -1\] must be 0 to 10 s"),
    ("us = 3000", "us = 10_000_001", r"venues\.binance_usdm\.entry_latency_us = 10000001 must be 0 to 10 s"),
    ("USDC = 4400", "USDC = -1", r"venues\.hyperliquid opening USDC = -1 must be 0 to 10 million"),
    ("USDC = 4400", "USDC = nan", r"venues\.hyperliquid\.opening\.USDC = NaN is no number"),
    ("[venues.binance_spot]", "[venues.kraken]", r"venue 'kraken' is unknown; venues are binance_spot, binance_usdm, "),
    ('b = "hyperliquid:BTC"', 'b = "bybit:BTC"', r"pairs\.B leg 'bybit:BTC' names no configured venue; write venue:S"),
    ('b = "hyperliquid:BTC"', 'b = "BTC"', r"pairs\.B leg 'BTC' names no configured venue; write venue:SYMBOL"),
    ('b = "hyperliquid:BTC"\n', "", r"pairs.*: object missing required field `b`"),
    ('pairs = ["B"]', 'pairs = ["C"]', r"strategies\.v1 trades pair 'C', which \[pairs\] does not declare"),
    ('pairs = ["B"]', 'pairs = ["A", "B"]', r"strategies\.v1 uses binance_usdm:BTCUSDT in two pairs; one strategy"),
    ("hold_s_max = 3", 'kind2 = "x"', r"unknown key 'strategies\.v1\.kind2'; did you mean kind\?"),
    ("hold_s_max = 3", "hold_s_max = 0", r"strategies\.v1\.hold_s_max = 0 must be above 0, at most a day"),
    ("hold_s_max = 3", "clip_usd = 251", r"strategies\.v1\.clip_usd = 251 must be above 0, at most 250"),
    ("hold_s_max = 3", "clip_usd = -1", r"strategies\.v1\.clip_usd = -1 must be above 0"),
    ("hold_s_max = 3", "min_edge_bps = 0.001", r"strategies\.v1\.min_edge_bps = 0\.001 is finer than 0\.01 basis"),
    ("hold_s_max = 3", "exit_keep_bps = 200", r"strategies\.v1\.exit_keep_bps = 200 must lie between -100 and 100"),
    ('v1]\nkind = "arbitrage_v0"', 'v1]\nkind = "v9"', r"strategies\.v1\.kind 'v9' is unknown; kinds: arbitrage_v0"),
    ("[venues.binance_s", 'controls_off = ["C9"]\n[venues.binance_s', r"controls_off 'C9' .* C10 \(edge sanity\)"),
    ("[marks]", "[marks", r"is not valid TOML: "),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "says"), BAD, ids=[f"{new.strip()[:30]}" for _, new, _ in BAD])
def test_a_bad_value_is_named_with_its_remedy(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "mine.toml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(Refused, match=says) as refused:
        load_config(path)
    said = str(refused.value)
    assert said.startswith(str(path)) and "\n" not in said


def test_a_missing_file_and_one_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"^no configuration at .*none\.toml; the project's own are in configs/$"):
        load_config(tmp_path / "none.toml")
    with pytest.raises(Refused, match=r"cannot be read: Is a directory$"):
        load_config(tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"a = \xff\xfe")
    with pytest.raises(Refused, match=r"bytes\.toml is not valid TOML: "):
        load_config(tmp_path / "bytes.toml")


def test_a_pair_of_two_coins_is_refused() -> None:
    text = make.CONFIG.replace('a = "binance_spot:BTCUSDT"', 'a = "binance_spot:USDCUSDT"')
    with pytest.raises(Refused, match=r"^pair binance_spot:USDCUSDT x binance_usdm:BTCUSDT: bases USDC and BTC differ"):
        wire(make.config(text), make.tape_of(make.opening()))


def test_an_asset_that_nothing_prices_is_refused() -> None:
    text = make.CONFIG.replace('USDC = "binance_spot:USDCUSDT"\n', "")
    with pytest.raises(Refused, match=r"^asset USDC is held or paid in but has no price: add it under \[marks\]"):
        wire(make.config(text), make.tape_of(make.opening()))


@pytest.mark.parametrize("name", ["arbitrage", "desk", "physics"])
def test_the_projects_own_configurations_stand(name: str) -> None:
    config = load_config(CONFIGS / f"{name}.toml")
    assert config.physics == (name == "physics")
    assert fees_ppm(config, Venue.BINANCE_USDM) == ((0, 0) if config.physics else (200, 500))


def test_every_key_of_a_table_is_documented_where_they_are_said_to_be() -> None:
    """arbitrage.toml shows every key once, with its unit."""
    from crossbook.desk.config import Config, StrategyConfig, VenueConfig

    text = (CONFIGS / "arbitrage.toml").read_text()
    for table in (Config, VenueConfig, StrategyConfig, Limits):
        for key in table.__struct_fields__:
            if key == "survival_tables":  # filled from the file that `survival` names
                continue
            assert f"{key} = " in text or f"[{key}" in text, key


def test_defaults_stand_below_their_ceilings_and_fees_at_the_base_tier() -> None:
    for name, ceiling in CEILINGS.items():
        assert 0 < Decimal(getattr(Limits(), name)) * 2 == ceiling or name in ("quote_age_ms_max", "leverage_x_max"), (
            name
        )
    config = make.config()
    assert [fees_ppm(config, venue) for venue in (Venue.BINANCE_SPOT, Venue.BINANCE_USDM, Venue.HYPERLIQUID)] == [
        (1_000, 1_000), (200, 500), (150, 450),
    ]  # fmt: skip
