"""Round a matrix so that what is shown sums to shown totals in rows and in columns alike, and a 0 stays a 0.

Every cell, row sum and column sum becomes one of its two neighbours on the grid, the whole sum its nearest. That such
a rounding exists is a theorem on flows (Bacharach 1966); it is found as a flow with bounds.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from crossbook.money import divide_half_even

Edge = tuple[int, int, int, int]
"""From, to, least, most."""


def round_matrix(values: Sequence[Sequence[int]], unit: int) -> list[list[int]]:
    """The cells in `unit`s. `values` is not empty and has rows of one length."""
    height, width = len(values), len(values[0])
    source, sink = height + width, height + width + 1
    sums = [sum(row) for row in values]
    edges = [(source, i, *_ends(total, unit)) for i, total in enumerate(sums)]
    edges += [(height + j, sink, *_ends(sum(row[j] for row in values), unit)) for j in range(width)]
    edges += [(i, height + j, *_ends(value, unit)) for i, row in enumerate(values) for j, value in enumerate(row)]
    whole = divide_half_even(sum(sums), unit)
    flow = _feasible([*edges, (sink, source, whole, whole)], sink + 1)
    cells = flow[height + width : -1]
    return [cells[i * width : (i + 1) * width] for i in range(height)]


def _ends(value: int, unit: int) -> tuple[int, int]:
    low = value // unit
    return low, low + (value % unit != 0)


def _feasible(edges: Sequence[Edge], nodes: int) -> list[int]:
    """A flow within the bounds: the least through every edge, and what then lacks at a node sent along the rest."""
    room: list[dict[int, int]] = [{} for _ in range(nodes + 2)]
    start, end = nodes, nodes + 1
    excess = [0] * nodes
    for tail, head, least, most in edges:
        room[tail][head] = most - least
        room[head].setdefault(tail, 0)
        excess[head] += least
        excess[tail] -= least
    for node, amount in enumerate(excess):
        room[start][node] = max(amount, 0)
        room[node][start] = 0
        room[node][end] = max(-amount, 0)
        room[end][node] = 0
    while (path := _path(room, start, end)) is not None:
        steps = list(itertools.pairwise(path))
        through = min(room[tail][head] for tail, head in steps)
        for tail, head in steps:
            room[tail][head] -= through
            room[head][tail] += through
    return [most - room[tail][head] for tail, head, _, most in edges]


def _path(room: Sequence[dict[int, int]], start: int, end: int) -> list[int] | None:
    """The shortest way with room on every edge; None where there is none left."""
    before = {start: start}
    queue = [start]
    for node in queue:
        if node == end:
            path = [end]
            while path[-1] != start:
                path.append(before[path[-1]])
            return path[::-1]
        for following, left in room[node].items():
            if left > 0 and following not in before:
                before[following] = node
                queue.append(following)
    return None
