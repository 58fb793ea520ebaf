"""What the server itself takes and gives, apart from the figures: log-in, levels, errors, and the live messages."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(max_length=200)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Seq = Annotated[int, Field(ge=0, le=2**63 - 1)]


class Asked(BaseModel):
    """Base of everything a request brings: unknown names are refused."""

    model_config = ConfigDict(extra="forbid")


class Login(Asked):
    """Either the one-time code, or a name and its password."""

    code: Annotated[str, StringConstraints(max_length=64)] | None = None
    name: Annotated[str, StringConstraints(max_length=64)] | None = None
    password: Annotated[str, StringConstraints(max_length=1_000)] | None = None


class Nothing(Asked):
    """An empty object."""


class Lower(Asked):
    """Lower a scope: desk, venue:NAME, instrument:VENUE:SYMBOL, strategy:NAME. The reason stays in the journal."""

    scope: Name
    level: Literal["CLOSE_ONLY", "KILLED"]
    reason: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]


class Raise(Asked):
    """Raise a scope from CLOSE_ONLY to ACTIVE, with the password of whoever is logged in."""

    scope: Name
    level: Literal["CLOSE_ONLY", "ACTIVE"]
    reason: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]


class AsOf(Asked):
    """`as_of`: the journal sequence at which to answer; the present one where it is missing."""

    as_of: Seq | None = None


class RowsAsked(AsOf):
    """Which rows of a table, in what order."""

    figure: Text | None = None
    strategy: Text | None = None
    instrument: Text | None = None
    pair: Text | None = None
    venue: Text | None = None
    reason: Text | None = None
    order: Text | None = None
    intent: Text | None = None
    text: Text | None = None
    sort: Text | None = None
    descending: bool = False
    excluded: bool = False
    """Of `figure` those rows of its table that it leaves out."""
    offset: Annotated[int, Field(ge=0, le=2**31)] = 0
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100


class LogAsked(AsOf):
    """Which entries of the journal, after which sequence."""

    text: Text | None = None
    trace: Text | None = None
    kind: Text | None = None
    after: Seq | None = None


class SeriesAsked(AsOf):
    """At most how many points."""

    points: Annotated[int, Field(ge=2, le=2_000)] = 2_000


class Error(msgspec.Struct, frozen=True):
    """Why not, in one line."""

    error: str


class SessionTold(msgspec.Struct, frozen=True):
    """Who is logged in; `role` null: nobody. `csrf` goes back in the header X-CSRF-Token of every POST."""

    role: Literal["viewer", "operator"] | None
    name: str | None
    csrf: str | None
    may_raise: bool = False
    """Whether there is a password to raise with."""


class Done(msgspec.Struct, frozen=True):
    """What came of a wish. `request`: its number in the journal."""

    ok: bool
    text: str
    request: int
    transitions: list[dict[str, str]]
    csrf: str
    """After a raise the session has a new token, and with it a new word for the header."""


class Left(msgspec.Struct, frozen=True):
    """Logged out."""

    ok: bool
