"""The audit by example: the desk's first month, one case a rule, and files that cannot be meant."""

import json
from pathlib import Path

import pytest

from crossbook.cli.audit import app
from crossbook.cli.call import call
from crossbook.errors import Refused
from crossbook.report.audit import audit
from crossbook.report.claims import parse_claims, read_claims

GOLDEN = Path(__file__).parents[1] / "golden" / "first_month.toml"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        call(app, "crossbook audit", list(arguments))
    assert isinstance(left.value.code, int)
    return left.value.code


def found(text: str) -> list[tuple[str, str]]:
    return [(one.law[:3], one.shown) for one in audit(parse_claims(text, "claims"))]


def test_the_first_month(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(GOLDEN), "--json") == 1
    contradictions = json.loads(capsys.readouterr().out)["contradictions"]
    assert all(set(one) == {"law", "claimed", "shown", "why"} for one in contradictions)
    said = [(one["law"][:3], one["claimed"], f"{one['shown']} | {one['why']}") for one in contradictions]

    def named(law: str, claimed: str, *words: str) -> bool:
        return any(law == at and claimed in what and all(word in why for word in words) for at, what, why in said)

    assert named("L04", "P&L -8.36", "sum to -10.32", "a gap of 1.96")
    assert named("L11", "win rate 23.0 %", "33.3 % (6 of 18)", "23.0 is the unweighted mean of the rates")
    assert named("L10", "max drawdown 0.0 %", "P&L -8.36 from a start of 8,816.11")
    assert named("L14", "fill rate 0 %", "18 trades, so above 0")
    assert named("L13", "v2: Sharpe 0.38", "3 trades", "no meaning", "contradicts its P&L's sign (P&L -0.46)")
    assert named("L13", "Sharpe 0.19", "18 trades", "contradicts its P&L's sign (P&L -8.36)")
    assert named("L13", "v1: Sharpe -0.00", "14 trades", "its minus stands before nothing but zeros")
    assert named("L15", "latency 1,000,000 ms", "16.7 minutes", "as ns it is 1 ms")
    assert len(contradictions) == 9


def test_the_first_month_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(GOLDEN)) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "9 contradictions in 23 claimed figures"


def test_the_first_month_told_truly_is_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claims = tmp_path / "true.json"
    rows = [
        {"name": "v0", "level": "KILLED", "pnl": -7.45, "win_rate_pct": 0.0, "trades": 1, "sharpe": None},
        {"name": "v1", "level": "close-only", "pnl": -2.41, "win_rate_pct": 35.7, "trades": 14},
        {"name": "v2", "level": "CLOSE_ONLY", "pnl": -0.46, "win_rate_pct": 33.3, "trades": 3, "sharpe": "n/a"},
        {"name": "unattributed", "pnl": 1.96},
    ]
    summary = {"pnl": -8.36, "nav": 8807.75, "nav_start": 8816.11, "win_rate_pct": 33.3, "max_drawdown_pct": 0.14}
    summary |= {"exposure": 0.62, "fill_rate_pct": 83.7, "latency_ms": 1.0, "trades": 18}
    claims.write_text(json.dumps({"summary": summary, "strategy": rows}))
    assert run(str(claims), "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"contradictions": []}
    assert run(str(claims)) == 0
    assert capsys.readouterr().out == "no contradiction in 22 claimed figures\n"


@pytest.mark.parametrize(
    ("summary", "law", "shown"),
    [
        ("pnl = 5.0\nnav = 105.0\nnav_start = 101.0", "L05", "NAV changed by 4.0, a gap of 1.0"),
        ("pnl = -10\nnav_start = 100\nmax_drawdown_pct = 5", "L10", "at least 9.45 %: P&L -10 from a start of 100"),
        ("pnl = -8.36\nmax_drawdown_pct = 0.0", "L10", "above 0: P&L -8.36"),
        ("max_drawdown_pct = 101", "L10", "more than all of the peak"),
        ("max_drawdown_pct = -0.1", "L10", "a fall has no sign"),
        ("win_rate_pct = 100.1", "L11", "outside 0 to 100 %"),
        ("win_rate_pct = 50.0\ntrades = 3", "L11", "1 of 3 is 33.3 %, 2 of 3 is 66.7 %"),
        ("win_rate_pct = 0\ntrades = 0", "L16", "0 trades"),
        ("pnl = 3.00\ntrades = 0", "L12", "0 trades"),
        ("fill_rate_pct = 40\ntrades = 0\nexposure = 0", "L14", "0 trades"),
        ("fill_rate_pct = 100.2", "L14", "outside 0 to 100 %"),
        ("fill_rate_pct = 0.0\ntrades = 1", "L14", "1 trades, so above 0"),
        ("latency_ms = -3", "L15", "below 0"),
        ("latency_ms = 60001", "L15", "1 minutes; as ns it is 60 us, as us 60 ms"),
        ("exposure = -5", "C04", "below 0"),
        ("exposure = 90000\nnav = 8800", "C04", "10.2 times a NAV of 8800"),
        ("sharpe = 1.2\npnl = -50.0\ntrades = 400", "L13", "P&L -50.0"),
        ("sharpe = -0.5\npnl = 50.0", "L13", "P&L 50.0"),
        ("sharpe = 3.1\ntrades = 29", "L13", "29 trades"),
    ],
)
def test_a_summary_against_itself(summary: str, law: str, shown: str) -> None:
    assert found("[summary]\n" + summary) == [(law, shown)]


@pytest.mark.parametrize(
    "summary",
    [
        "pnl = -0.46\nnav = 8807.75\nmax_drawdown_pct = 0.0",  # 0.005 % is written so
        "pnl = 3.00\ntrades = 0\nexposure = 190.0",  # of what is open
        "sharpe = 0.02\npnl = -0.10\nmax_drawdown_pct = 8.0\ntrades = 60",  # compounding can do that
        "sharpe = -0.00\npnl = 0.01\ntrades = 40",
        "latency_ms = 60000\ntrades = 3",
        "fill_rate_pct = 0\ntrades = 0",
        "win_rate_pct = 33\ntrades = 3",
        "pnl = 1e3\nnav = 1e4",
        "[[strategy]]\npnl = 0.01\nwin_rate_pct = 0\ntrades = 1",  # revalued after it closed
    ],
)
def test_what_may_be_true_is_let_pass(summary: str) -> None:
    assert found("[summary]\n" + summary) == []


@pytest.mark.parametrize(
    ("text", "law", "shown"),
    [
        (
            "summary = {trades = 5}\nstrategy = [{name = 'a', trades = 2}, {name = 'b', trades = 4}]",
            "L12",
            "rows sum to 6",
        ),
        (
            "summary = {win_rate_pct = 80}\nstrategy = [{win_rate_pct = 10}, {win_rate_pct = 20}]",
            "L11",
            "rows from 10.0 to 20.0 %",
        ),
        (
            "summary = {win_rate_pct = 50.0}\nstrategy = [{trades = 8, win_rate_pct = 25.0}, {trades = 2}]",
            "L11",
            "pooled win rate 20.0 % (2 of 10) to 40.0 % (4 of 10)",
        ),
        ("strategy = [{name = 'a', pnl = 4.0, trades = 0}]", "L12", "0 trades"),
        (
            "strategy = [{name = 'a', pnl = 4.0, trades = 3, win_rate_pct = 0.0}]",
            "L12",
            "none of 3 trades won, and yet a gain",
        ),
        (
            "strategy = [{name = 'a', pnl = -4.0, trades = 3, win_rate_pct = 100.0}]",
            "L12",
            "all of 3 trades won, and yet a loss",
        ),
        ("summary = {pnl = 1.00}\nstrategy = [{pnl = 0.5}, {pnl = 0.505}]", "L04", None),
    ],
)
def test_rows_against_their_summary(text: str, law: str, shown: str | None) -> None:
    said = found(text)
    if shown is None:
        assert said == []  # 0.5 is anything from 0.45 to 0.55
    else:
        assert (law, shown) in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[summary]\nwinrate_pct = 3", "unknown key 'summary.winrate_pct'; did you mean win_rate_pct?"),
        ("[sumary]\npnl = 3", "unknown key 'sumary'; did you mean summary?"),
        ("[summary]\n[strategies]\n", "unknown key 'strategies'; did you mean strategy?"),
        ("[[strategy]]\nlevel = 'CLOSED_ONLY'", "level 'CLOSED_ONLY' is unknown; did you mean CLOSE_ONLY?"),
        ("[[strategy]]\nname = 3", "name = 3 is no text"),
        ("[summary]\npnl = nan", "summary.pnl = NaN is not finite"),
        ("[summary]\npnl = -inf", "summary.pnl = -Infinity is not finite"),
        ("[summary]\npnl = '-8.36'", "summary.pnl = -8.36 is no number"),
        ("[summary]\npnl = true", "summary.pnl = True is no number"),
        ("[summary]\npnl = 1e99", "summary.pnl = 1E+99 is out of range"),
        ("[summary]\npnl = 1e-99", "summary.pnl = 1E-99 is out of range"),
        ("[summary]\ntrades = 1.5", "summary.trades = 1.5 is no count"),
        ("[summary]\ntrades = -1", "summary.trades = -1 is no count"),
        ("[summary]\npnl = ", "is no TOML"),
        ("[summary]\npnl = 1\npnl = 2", "is no TOML"),
        ("summary = 3", "summary is not a table"),
        ("strategy = 3", "strategy is not a list of tables"),
        ('{"summary": {"pnl": 1, "pnl": 2}}', "key 'pnl' stands twice"),
        ('{"summary": {"pnl": NaN}}', "summary.pnl = NaN is not finite"),
        ('{"summary": {"pnl": 1}', "is no JSON"),
        ("[1]", "unknown key '1'; known keys: summary, strategy"),
        ("", "neither [summary] nor [[strategy]]"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line(text: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_claims(text, "claims", as_json=text.startswith("{"))
    assert words in str(refused.value)
    assert str(refused.value).startswith("claims: ")


def test_a_file_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(tmp_path / "nowhere.toml")) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1 and "cannot be read: No such file" in said.err
    noise = tmp_path / "noise.toml"
    noise.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Refused, match="not UTF-8"):
        read_claims(noise)
    with pytest.raises(Refused, match="Is a directory"):
        read_claims(tmp_path)


def test_nothing_claimed_is_said_to_be_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty.toml"
    empty.write_text("[summary]\n")
    assert run(str(empty)) == 0
    assert capsys.readouterr().out == "nothing is claimed: nothing can contradict\n"
