"""How the read model refuses: each with the HTTP status that says so."""

from __future__ import annotations

from crossbook.errors import Refused


class Ahead(Refused):
    """A sequence that the journal has not reached."""

    status = 409


class Missing(Refused):
    """There is no such thing."""

    status = 404


class Unclear(Refused):
    """What is asked cannot be meant."""

    status = 422
