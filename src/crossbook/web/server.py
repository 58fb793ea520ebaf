"""The page's server: routes from the tables, one guard before them all, one task that follows the run."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import msgspec
from fastapi import Body, FastAPI, Path, Query, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from pydantic import StringConstraints
from starlette.exceptions import HTTPException

from crossbook import __version__
from crossbook.errors import Corrupt, Refused, Retryable
from crossbook.web.openapi import document, responses
from crossbook.web.parts import Parts, Problem
from crossbook.web.routes import JSON, READS, Read
from crossbook.web.routes_commands import ACTS, Act, told
from crossbook.web.security import Guard
from crossbook.web.shapes import SessionTold
from crossbook.web.static import BuiltPage

ABOUT = "Figures of a trading desk, each with the rows it is made of, all at one journal sequence."
_Named = Annotated[str, Path(), StringConstraints(min_length=1, max_length=200)]


def build_app(parts: Parts | None = None) -> FastAPI:
    """The app. Without parts it only tells its OpenAPI document."""
    app = FastAPI(
        title="crossbook", version=__version__, description=ABOUT, openapi_url=None, docs_url=None, redoc_url=None,
        redirect_slashes=False, separate_input_output_schemas=False, lifespan=_lifespan,
    )  # fmt: skip
    for read in READS:
        app.add_api_route(
            read.path, _reading(read), methods=["GET"], operation_id=read.name, summary=read.about,
            responses=responses(read.shape, read.media), response_model=None, response_class=Response,
            openapi_extra={"security": [{"session": []}]}, name=read.name,
        )  # fmt: skip
    for act in ACTS:
        app.add_api_route(
            act.path, _acting(act), methods=["POST"], operation_id=act.name, summary=act.about,
            responses=responses(act.shape), response_model=None, response_class=Response, name=act.name,
            openapi_extra={"security": [] if act.role == "anyone" else [{"session": [], "csrf": []}]},
        )  # fmt: skip
    app.add_api_route(
        "/api/session", _session, methods=["GET"], operation_id="session", summary="Who is logged in.",
        responses=responses(SessionTold), response_model=None, response_class=Response,
    )  # fmt: skip
    app.add_api_route("/api/openapi.json", _openapi, methods=["GET"], include_in_schema=False)
    app.add_api_websocket_route("/api/live", _live)
    app.add_api_route("/{path:path}", BuiltPage().answer, methods=["GET"], include_in_schema=False)
    app.add_exception_handler(Problem, _problem)
    for kind in (Refused, Retryable, Corrupt, RequestValidationError, HTTPException, RecursionError):
        app.add_exception_handler(kind, _problem)
    app.state.parts = parts
    if parts is not None:
        app.add_middleware(Guard, sessions=parts.sessions, site=parts.site)
    return app


def openapi_json() -> bytes:
    """The OpenAPI document as it is served."""
    return msgspec.json.format(msgspec.json.encode(document(build_app())), indent=1) + b"\n"


def _reading(read: Read) -> Callable[..., Awaitable[Response]]:
    """The endpoint of a row of the table."""

    async def endpoint(request: Request, asked: Any, **named: str) -> Response:
        parts = Parts.of(request)
        answer = await parts.read(answer_of, parts.pages, read, named, asked)
        headers = {}
        if read.media != JSON:
            words = re.sub(r"[^A-Za-z0-9_.-]", "_", next(iter(named.values()), read.method))[:64]
            headers["Content-Disposition"] = f'attachment; filename="{words}.{read.ending}"'
        return Response(answer, media_type=read.media, headers=headers)

    return _with_signature(endpoint, read.path, asked=Annotated[read.asked, Query()])


def answer_of(pages: Any, read: Read, named: dict[str, str], asked: Any) -> bytes:
    """The bytes that the read model answers with."""
    facts = asked.model_dump(exclude_none=True)
    if read.ending:
        facts["kind"] = read.ending
    answer: bytes = getattr(pages, read.method)(*named.values(), **facts)
    return answer


def _acting(act: Act) -> Callable[..., Awaitable[Response]]:
    async def endpoint(request: Request, body: Any) -> Response:
        answer: Response = await act.answer(request, body)
        return answer

    return _with_signature(endpoint, act.path, body=Annotated[act.body, Body()])


def _with_signature(
    endpoint: Callable[..., Awaitable[Response]], path: str, **more: Any
) -> Callable[..., Awaitable[Response]]:
    """What FastAPI reads of a function: its parameters, those of the address among them."""
    kinds = {"request": Request, **more} | dict.fromkeys(re.findall(r"{(\w+)}", path), _Named)
    only = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(name, only, annotation=kind) for name, kind in kinds.items()]
    vars(endpoint)["__signature__"] = inspect.Signature(parameters)
    return endpoint


async def _session(request: Request) -> Response:
    state = request.scope["state"]
    return told(Parts.of(request), state["session"], state["token"])


async def _openapi(request: Request) -> Response:
    app = request.app
    if not hasattr(app.state, "document"):
        app.state.document = msgspec.json.encode(document(app))
    return Response(app.state.document, media_type=JSON)


async def _live(socket: WebSocket) -> None:
    parts: Parts = socket.app.state.parts
    session = socket.scope["state"]["session"]
    if parts.live is None:
        await socket.accept()
        await socket.close(1013, "no run is shown")
        return
    await parts.live.serve(socket, session)


async def _problem(request: Request, error: Exception) -> Response:
    """Every refusal as `{"error": ...}` with its status."""
    if isinstance(error, Problem):
        return error.response()
    if isinstance(error, HTTPException):
        return Problem(error.status_code, str(error.detail)).response()
    if isinstance(error, RequestValidationError):
        first: dict[str, Any] = next(iter(error.errors()), {})
        place = ".".join(str(one) for one in first.get("loc", ()))
        return Problem(422, f"{place}: {first.get('msg', 'cannot be read')}"[:300]).response()
    if isinstance(error, RecursionError):
        return Problem(400, "nested too deep").response()
    return Problem(getattr(error, "status", 422 if isinstance(error, Refused) else 409), str(error)).response()


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: Parts | None = app.state.parts
    if parts is None or parts.live is None:
        yield
        return
    following = asyncio.create_task(parts.live.follow())
    try:
        yield
    finally:
        following.cancel()
