"""A look at the process itself, once a second: how far the disk is behind, what room it has, how late the loop is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from crossbook.events import Health
from crossbook.timestamp import NS_PER_S
from crossbook.venues.network import Ports

HEALTH_EVERY_S = 1.0


def watch_health(
    ports: Ports, directory: Path, journal_lag_ns: Callable[[], int], now: Callable[[], int | None],
    tell: Callable[[Health], None],
) -> None:  # fmt: skip
    """Tell it every second from now on, until `now`, the desk's time, is None."""

    def look_after(began_ns: int) -> None:
        def look() -> None:
            ts = now()
            if ts is None:
                return
            late = ports.clock.monotonic_ns() - began_ns - int(HEALTH_EVERY_S * NS_PER_S)
            tell(
                Health(
                    ts=ts, ts_venue=ts, journal_lag_ns=journal_lag_ns(), disk_bytes=shutil.disk_usage(directory).free,
                    loop_lag_ns=max(late, 0),
                )
            )  # fmt: skip
            look_after(ports.clock.monotonic_ns())

        ports.loop.call_later(HEALTH_EVERY_S, look)

    look_after(ports.clock.monotonic_ns())
