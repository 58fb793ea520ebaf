"""Keeping a live run so that it can be gone on with: the desk as it stands now and then, and what it hears between."""

from __future__ import annotations

from collections.abc import Callable

from crossbook.desk.desk_snapshot import Standing
from crossbook.desk.inputs import Inputs
from crossbook.rules.layout import Rows
from crossbook.venues.network import Ports

KEEP_EVERY_S = 120.0
PREPARED_WITHIN_S = 1.0


class Keeper:
    """Keeps `desk` in `inputs`: at once when it begins, then every two minutes. `standing` says where the run is; it is
    asked between two steps, and so is the desk."""

    def __init__(self, inputs: Inputs, ports: Ports, desk: Rows, standing: Callable[[], Standing]) -> None:
        self.frame = inputs.frame
        """Call it with each frame before it is stepped."""
        self._inputs, self._ports = inputs, ports
        self._desk, self._standing = desk, standing
        self._is_over = False

    def keep(self) -> None:
        """Keep the desk now, and again after a while."""
        if not self._is_over:
            self._inputs.turn(self._standing(), self._desk.tobytes())
            self._ports.loop.call_later(KEEP_EVERY_S, self._prepare)

    def end(self) -> None:
        """The run is over."""
        self._is_over = True

    def _prepare(self) -> None:
        if not self._is_over:
            ready = self._inputs.prepare()
            self._ports.loop.call_later(PREPARED_WITHIN_S, self.keep if ready else self._prepare)
