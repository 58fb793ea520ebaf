"""Errors, named for the caller's next move."""

from __future__ import annotations


class CrossbookError(Exception):
    """An error one can act on: its text is one line that names the thing, its value and the remedy."""


class Refused(CrossbookError):
    """The input or the request is wrong: correct it and call again. Nothing was changed."""


class Retryable(CrossbookError):
    """The other side is in trouble: the same call may succeed after `after_ms`."""

    def __init__(self, message: str, after_ms: int = 1_000) -> None:
        super().__init__(message)
        self.after_ms = after_ms


class Corrupt(CrossbookError):
    """A file does not say what was written to it: stop, and look at the place that is named."""
