"""The OpenAPI document: made from the route tables, answers described by the structs they are encoded from."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from crossbook.web.routes import JSON, READS
from crossbook.web.routes_commands import ACTS
from crossbook.web.shapes import Error, SessionTold

REF = "#/components/schemas/{name}"
REFUSALS = {
    400: "Not served under that Host, or no JSON.",
    401: "Not logged in.",
    403: "Not from the page itself, or not allowed.",
    404: "There is no such thing.",
    405: "Not with this method.",
    408: "The body did not come.",
    409: "Not in this state; the text says why.",
    413: "Too large.",
    414: "The address is too long.",
    415: "Not application/json.",
    422: "This cannot be meant; the text says why.",
    429: "Too many attempts.",
}


def document(app: FastAPI) -> dict[str, Any]:
    """The document of an app, whole."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        shapes = [read.shape for read in READS if read.shape is not None]
        shapes += [*(act.shape for act in ACTS), SessionTold, Error]
        _, components = msgspec.json.schema_components(list(dict.fromkeys(shapes)), ref_template=REF)
        made.setdefault("components", {}).setdefault("schemas", {}).update(_numbers(components))
        made["components"]["securitySchemes"] = {
            "session": {"type": "apiKey", "in": "cookie", "name": "crossbook"},
            "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
        }
        app.openapi_schema = made
    return app.openapi_schema


def responses(shape: Any, media: str = JSON) -> dict[int | str, dict[str, Any]]:
    """What a route may answer."""
    schema = {"type": "string", "format": "binary"} if shape is None else reference(shape)
    found: dict[int | str, dict[str, Any]] = {}
    found[200] = {"description": "The answer.", "content": {media: {"schema": schema}}}
    for status, about in REFUSALS.items():
        found[status] = {"description": about, "content": {JSON: {"schema": reference(Error)}}}
    return found


def reference(shape: Any) -> dict[str, Any]:
    """A reference to a struct's schema."""
    (schema,), _ = msgspec.json.schema_components([shape], ref_template=REF)
    told: dict[str, Any] = _numbers(schema)
    return told


def _numbers(schema: Any) -> Any:
    """Exact decimals are written as numbers, not as text; tuples without their places, which many
    readers of such documents do not know."""
    if isinstance(schema, list):
        return [_numbers(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        return {"type": "number"}
    told = {name: _numbers(one) for name, one in schema.items()}
    places = told.pop("prefixItems", None)
    if places is not None:
        told["items"] = places[0] if all(one == places[0] for one in places) else {}
    return told
