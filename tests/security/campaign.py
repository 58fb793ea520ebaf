"""Requests made up from the OpenAPI document, right and wrong ones, sent to a real page by everybody: no fault, ever.

`python tests/security/campaign.py 50000 [SEED]` runs it long. The tests run it short.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import hypothesis
import requests
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[1])]

import paper_runs
from security.served import PASSWORD, Page, serving

from crossbook.desk.runs import write_run
from crossbook.web.server import openapi_json
from crossbook.web.sessions import csrf_of

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
RUN = "20260603-120000-backtest"
ODD = (
    "",
    "..",
    "0",
    "-1",
    "1e9",
    "\u202e",
    "'; drop table fills; --",
    "<script>alert(1)</script>",
    "=1+1",
    "nan",
    "null",
)


def known_words(page: Page) -> dict[str, list[str]]:
    """Words that mean something, by the parameter that they stand in."""
    one = page.operator()
    told = one.get("/api/run").json()
    figures = [tile["name"] for tile in one.get("/api/figures").json()["figures"]]
    columns = [column["name"] for column in one.get("/api/rows/t-fills").json()["columns"]]
    return {
        "name": figures + told["strategies"], "figure": figures, "table": told["tables"],
        "strategy": told["strategies"], "instrument": told["instruments"], "pair": told["pairs"],
        "venue": told["venues"], "run": [RUN], "intent": ["1", "2", "3"], "trace": ["1", "2"], "order": ["1", "5"],
        "series": ["equity", "drawdown"], "sort": columns, "scope": told["scopes"],
        "as_of": ["1", "2", "100", str(told["as_of_seq"])], "after": ["0", "10"], "kind": ["fill", "denial"],
        "reason": ["edge too small"], "text": ["v0", "BTC"],
    }  # fmt: skip


class Campaign:
    """Sends cases and counts what is answered. `Failed` is whatever check fails first."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.words = known_words(page)
        self.answers: Counter[str] = Counter()
        self.sent = 0
        self._random = Random(0)
        self._tokens: dict[str, str] = {}
        self._session = requests.Session()
        self._session.trust_env = False
        page.parts.passwords.set("looker", "viewer", PASSWORD)

    def run(self, count: int, seed: int) -> None:
        """Send `count` requests, spread over all operations."""
        document = json.loads(openapi_json())
        operations = [found.ok() for found in openapi.from_dict(document).get_all_operations()]
        shares = [count // len(operations) + (place < count % len(operations)) for place in range(len(operations))]
        for operation, share in zip(operations, shares, strict=True):
            self._operation(operation, share, seed)

    def _operation(self, operation: Any, share: int, seed: int) -> None:
        until = self.sent + share
        self._random = Random(seed)
        cases = st.one_of(
            operation.as_strategy(GenerationMode.POSITIVE), operation.as_strategy(GenerationMode.NEGATIVE)
        )

        def send(case: Case) -> None:
            if self.sent < until:
                self._send(case)

        for round_ in range(50 + 2 * share):  # where there are few different cases, the same ones are sent again
            if self.sent >= until:
                break
            settings = hypothesis.settings(
                max_examples=min(until - self.sent, 200), deadline=None, database=None, derandomize=False,
                phases=[hypothesis.Phase.generate], suppress_health_check=list(hypothesis.HealthCheck),
            )  # fmt: skip
            hypothesis.seed(seed + round_)(settings(hypothesis.given(cases)(send)))()

    def _send(self, case: Case) -> None:
        self.sent += 1
        random = self._random
        for place in (case.path_parameters, case.query):
            for name in list(place or ()):
                drawn = random.random()
                if drawn < 0.6 and name in self.words:
                    place[name] = random.choice(self.words[name])
                elif drawn < 0.7:
                    place[name] = random.choice(ODD)
        if isinstance(case.body, dict) and "scope" in case.body and random.random() < 0.5:
            case.body["scope"] = random.choice(self.words["scope"])
        headers = dict(case.headers or {}) | {"Origin": self.page.url}
        who = random.choice(("operator", "operator", "operator", "looker", "nobody"))
        if who != "nobody":
            token = self._token(who)
            headers |= {"Cookie": f"crossbook={token}", "X-CSRF-Token": csrf_of(token)}
        self._session.cookies.clear()
        try:
            response = case.call(base_url=self.page.url, session=self._session, headers=headers)
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader, UnicodeError):
            self.answers["could not be sent"] += 1
            self.sent -= 1
            return
        self.answers[str(response.status_code)] += 1
        case.validate_response(response, checks=CHECKS)

    def _token(self, who: str) -> str:
        """Somebody's token; a new one where a case logged out."""
        sessions = self.page.parts.sessions
        if sessions.find(self._tokens.get(who, "")) is None:
            self._tokens[who] = sessions.by_password(who, "operator" if who == "operator" else "viewer")
        return self._tokens[who]


def main() -> None:
    """The campaign: how many requests, and the seed."""
    warnings.simplefilter("ignore")
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder)
        paper_runs.backtest(runs / RUN)
        write_run(runs / RUN, {"run": RUN, "word": "backtest", "mode": "backtest", "complete": True, "not_traded": []})
        with serving(runs, runs / RUN) as page:
            campaign, began = Campaign(page), time.monotonic()
            campaign.run(count, seed)
            took = time.monotonic() - began
    told = "  ".join(f"{status}: {n}" for status, n in sorted(campaign.answers.items()))
    sys.stdout.write(f"{campaign.sent} requests in {took:.0f} s, no fault. Answers: {told}\n")


if __name__ == "__main__":
    main()
