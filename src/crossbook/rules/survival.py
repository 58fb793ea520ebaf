"""The probability that an edge outlives the way to the venue, read from a measured table."""

from __future__ import annotations

from typing import Any

from crossbook.rules.kernel import kernel

PPM = 1_000_000


@kernel
def survival_ppm(s: Any, edge_ppm: int, delay_ns: int) -> int:
    """Probability in ppm that an edge of `edge_ppm` is still there after `delay_ns`.

    The row is that of the largest edge bound not above it (0 below the smallest), the column that of the shortest
    delay not below it: both err towards less. Beyond the longest delay it is 0.
    """
    table = s.survival
    row = -1
    for k in range(table.n_edges):
        if table.edges_ppm[k] <= edge_ppm:
            row = k
    if row < 0:
        return 0
    for j in range(table.n_delays):
        if table.delays_ns[j] >= delay_ns:
            return int(table.survive_ppm[row, j])
    return 0
