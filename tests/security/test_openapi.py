"""The OpenAPI document: complete, true, and 2,000 requests made from it that find no fault."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from security.campaign import RUN, Campaign
from security.served import Page

from crossbook.web.server import build_app, openapi_json

COUNT = 2_000


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(openapi_json())
    return made


def test_every_route_is_described_with_what_it_answers(document: dict[str, Any]) -> None:
    served = {
        (route.path, method.lower())
        for route in build_app().routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in route.methods
    }
    described = {(path, method) for path, found in document["paths"].items() for method in found}
    assert described == served
    names = set()
    for path, found in document["paths"].items():
        for method, operation in found.items():
            names.add(operation["operationId"])
            assert operation["responses"]["200"]["content"], path
            assert {"400", "401", "403", "404", "409", "422"} <= set(operation["responses"])
            assert not any(status.startswith("5") for status in operation["responses"])
            assert operation["summary"]
            open_to_all = path in ("/api/login", "/api/session")
            assert bool(operation.get("security")) != open_to_all
            if method == "post" and not open_to_all:
                assert "csrf" in operation["security"][0]
    assert len(names) == len(described)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    known = set(document["components"]["schemas"])
    asked = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert asked <= known and "HTTPValidationError" not in asked


def test_the_page_serves_the_document(page: Page, document: dict[str, Any]) -> None:
    assert page.somebody().get("/api/openapi.json").json() == document


@pytest.mark.timeout(600)
def test_two_thousand_requests_find_no_fault(page: Page, runs: Path) -> None:
    assert (runs / RUN).is_dir()
    campaign = Campaign(page)
    campaign.run(COUNT, seed=1)
    assert campaign.sent == COUNT
    assert campaign.answers["200"] > COUNT / 5 and campaign.answers["404"] and campaign.answers["409"]
    assert not any(status.startswith("5") for status in campaign.answers)
