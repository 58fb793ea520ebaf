"""Charts as inline SVG: no script, no request. Colours come from the page's style, so that they follow its theme.

Each is drawn twice, for a wide screen and for a phone, and the style shows one: text keeps its size on both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup, escape

from crossbook.timestamp import NS_PER_DAY, NS_PER_S, iso

Points = Sequence[tuple[float, float]]
SIZES = (("wide", 940, 250), ("slim", 360, 230))
BUCKETS = {"wide": 400, "slim": 120}
"""Slices of a line; each keeps its extremes."""
STEPS_NS = [size * NS_PER_S for size in (1, 5, 15, 60, 120, 300, 600, 1_800)]
STEPS_NS += [hours * 3_600 * NS_PER_S for hours in (1, 3, 6, 12)]
STEPS_NS += [days * NS_PER_DAY for days in (1, 2, 5, 10, 30, 90, 365)]


class Frame:
    """A drawing area with its two scales."""

    def __init__(
        self, width: int, height: int, xs: tuple[float, float], ys: tuple[float, float], left: int = 62
    ) -> None:
        self.width, self.height = width, height
        self.left, self.right, self.top, self.bottom = left, width - 10, 10, height - 24
        self.x0, self.x1 = spread(*xs)
        low, high = spread(*ys)
        room = (high - low) * 0.06
        self.y0, self.y1 = low - room, high + room
        self.parts: list[str] = []

    def x(self, value: float) -> float:
        return self.left + (value - self.x0) / (self.x1 - self.x0) * (self.right - self.left)

    def y(self, value: float) -> float:
        return self.bottom - (value - self.y0) / (self.y1 - self.y0) * (self.bottom - self.top)

    def add(self, text: str) -> None:
        self.parts.append(text)

    def text(self, x: float, y: float, text: str, anchor: str = "middle", kind: str = "tick") -> None:
        self.add(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>')

    def grid_y(self, ticks: Sequence[float], label: Callable[[float], str]) -> None:
        for tick in ticks:
            y = self.y(tick)
            self.add(f'<line class="grid" x1="{self.left}" x2="{self.right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            self.text(self.left - 6, y + 4, label(tick), "end")

    def grid_time(self) -> None:
        for ts, label in time_ticks(self.x0, self.x1, 8 if self.width > 500 else 4):
            x = self.x(ts)
            self.add(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{self.top}" y2="{self.bottom}"/>')
            self.text(x, self.height - 7, label)

    def svg(self, size: str, name: str) -> str:
        head = f'<svg class="{size}" viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{escape(name)}">'
        return head + "".join(self.parts) + "</svg>"


def draw(name: str, paint: Callable[[str, int, int], Frame]) -> Markup:
    """Both sizes of a chart. `paint` draws one into a frame of the size it is given."""
    return Markup("".join(paint(size, width, height).svg(size, name) for size, width, height in SIZES))


def line(
    name: str, points: Points, label: Callable[[float], str], kind: str = "a", floor: float | None = None
) -> Markup:
    """A value over time. With `floor` the area between the line and it is filled."""
    ys = [y for _, y in points] + ([floor] if floor is not None else [])

    def paint(size: str, width: int, height: int) -> Frame:
        thin = envelope(points, BUCKETS[size])
        frame = Frame(width, height, (thin[0][0], thin[-1][0]), (min(ys), max(ys)))
        frame.grid_y(nice_ticks(frame.y0, frame.y1, 5), label)
        frame.grid_time()
        path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in thin)
        if floor is not None:
            base = frame.y(floor)
            ends = f"{frame.x(thin[-1][0]):.1f},{base:.1f} {frame.x(thin[0][0]):.1f},{base:.1f}"
            frame.add(f'<polygon class="area {kind}" points="{path} {ends}"/>')
        frame.add(f'<polyline class="line {kind}" points="{path}"/>')
        return frame

    return draw(name, paint)


def steps(name: str, series: Sequence[tuple[str, Points]], label: Callable[[float], str]) -> Markup:
    """Values that hold until they change; `series` are (kind, points)."""
    every = [point for _, points in series for point in points]
    xs, ys = (min(x for x, _ in every), max(x for x, _ in every)), [0.0, *(y for _, y in every)]

    def paint(size: str, width: int, height: int) -> Frame:
        frame = Frame(width, height, xs, (min(ys), max(ys)))
        frame.grid_y(nice_ticks(frame.y0, frame.y1, 5), label)
        frame.grid_time()
        for kind, points in series:
            thin = envelope(points, BUCKETS[size])
            path, last = [], None
            for x, y in thin:
                if last is not None:
                    path.append(f"{frame.x(x):.1f},{frame.y(last):.1f}")
                path.append(f"{frame.x(x):.1f},{frame.y(y):.1f}")
                last = y
            frame.add(f'<polyline class="line {kind}" points="{" ".join(path)}"/>')
        return frame

    return draw(name, paint)


def waterfall(name: str, bars: Sequence[tuple[str, float, str]], total: str) -> Markup:
    """From nothing to the sum, a bar for each (label, change, text); the last bar is the sum itself."""
    levels, at = [0.0], 0.0
    for _, change, _ in bars:
        at += change
        levels.append(at)
    every = [*bars, ("total", at, total)]

    def paint(size: str, width: int, height: int) -> Frame:
        rows, height = len(every), 30 * len(every) + 34
        frame = Frame(width, height, (min(levels), max(levels)), (0, 1), left=78)
        frame.right = width - 78
        frame.bottom = height - 24
        for tick in nice_ticks(frame.x0, frame.x1, 6 if width > 500 else 3):
            x = frame.x(tick)
            kind = "axis" if tick == 0 else "grid"
            frame.add(f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top}" y2="{frame.bottom}"/>')
            frame.text(x, height - 7, f"{tick:,g}")
        for number, (label, change, text) in enumerate(every):
            begin = 0.0 if number == rows - 1 else levels[number]
            y = frame.top + number * 30 + 4
            left, right = sorted((frame.x(begin), frame.x(begin + change)))
            kind = "up" if change >= 0 else "down"
            frame.text(frame.left - 10, y + 15, label, "end", "bar")
            frame.add(
                f'<rect class="{kind}{" sum" if number == rows - 1 else ""}" x="{left:.1f}" y="{y}" '
                f'width="{max(right - left, 1):.1f}" height="20" rx="2"/>'
            )
            frame.text(right + 6, y + 15, text, "start", "bar")
        return frame

    return draw(name, paint)


def scatter(name: str, points: Points, label: Callable[[float], str]) -> Markup:
    """Expected against captured, with the line on which both are equal."""
    every = [value for point in points for value in point] + [0.0]

    def paint(size: str, width: int, height: int) -> Frame:
        width, height = min(width, 560), 300
        span = (min(every), max(every))
        room = (span[1] - span[0]) * 0.06 or 1
        frame = Frame(width, height, (span[0] - room, span[1] + room), span)
        ticks = nice_ticks(frame.y0, frame.y1, 5)
        frame.grid_y(ticks, label)
        for tick in nice_ticks(frame.x0, frame.x1, 5 if width > 500 else 3):
            x = frame.x(tick)
            frame.add(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top}" y2="{frame.bottom}"/>')
            frame.text(x, height - 7, label(tick))
        low, high = max(frame.x0, frame.y0), min(frame.x1, frame.y1)
        ends = (frame.x(low), frame.y(low), frame.x(high), frame.y(high))
        frame.add('<line class="even" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>'.format(*ends))
        for x, y in points:
            frame.add(
                f'<circle class="{"up" if y >= x else "down"}" cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="3"/>'
            )
        return frame

    return draw(name, paint)


def ranges(name: str, bars: Sequence[tuple[str, float, float, float]], label: Callable[[float], str]) -> Markup:
    """On a logarithmic scale, for each (label, p50, p99, p99.9): a bar from the first to the last, marked at each."""
    low = 10 ** math.floor(math.log10(max(1, min(one[1] for one in bars))))
    high = 10 ** math.ceil(math.log10(max(10, max(one[3] for one in bars))))

    def paint(size: str, width: int, height: int) -> Frame:
        height = 28 * len(bars) + 34
        frame = Frame(width, height, (math.log10(low), math.log10(high)), (0, 1), left=104)
        frame.right = width - 24
        power = low
        skip = 1 if width > 500 else 2
        for number in range(round(math.log10(high / low)) + 1):
            x = frame.x(math.log10(power))
            frame.add(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.top}" y2="{frame.bottom}"/>')
            if number % skip == 0:
                frame.text(x, height - 7, label(power))
            power *= 10
        for number, (text, *values) in enumerate(bars):
            y = frame.top + number * 28 + 6
            places = [frame.x(math.log10(max(value, low))) for value in values]
            frame.text(frame.left - 10, y + 13, text, "end", "bar")
            frame.add(
                f'<rect class="reach" x="{places[0]:.1f}" y="{y + 4}" width="{max(places[2] - places[0], 1):.1f}" '
                'height="8" rx="4"/>'
            )
            for place, kind in zip(places, ("up", "mid", "down"), strict=True):
                frame.add(f'<rect class="{kind}" x="{place - 2:.1f}" y="{y}" width="4" height="16" rx="1"/>')
        return frame

    return draw(name, paint)


def spread(low: float, high: float) -> tuple[float, float]:
    """A range that is not empty; around one moment in ns it is some seconds wide."""
    room = max(1.0, abs(low) * 1e-9)
    return (low, high) if low < high else (low - room, high + room)


def envelope(points: Points, buckets: int) -> list[tuple[float, float]]:
    """At most four points of each of `buckets` slices: first, lowest, highest, last; no extreme is lost."""
    if len(points) <= 2 * buckets:
        return list(points)
    result: list[tuple[float, float]] = []
    size = len(points) / buckets
    for number in range(buckets):
        inside = points[int(number * size) : int((number + 1) * size)]
        lowest = min(range(len(inside)), key=lambda k: inside[k][1])
        highest = max(range(len(inside)), key=lambda k: inside[k][1])
        result += [inside[k] for k in sorted({0, lowest, highest, len(inside) - 1})]
    return result


def nice_ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers inside a range, about that many."""
    rough = (high - low) / max(about, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * size for size in (1, 2, 2.5, 5, 10) if power * size >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round((first + k) * step, 12) for k in range(int((high - first * step) / step + 1e-9) + 1)]


def time_ticks(low: float, high: float, most: int) -> list[tuple[int, str]]:
    """Whole moments inside a range of ns, with a label as long as their step needs."""
    step = next((size for size in STEPS_NS if (high - low) / size <= most), STEPS_NS[-1])
    first = -(-int(low) // step) * step
    part = slice(5, 10) if step >= NS_PER_DAY else slice(11, 16) if step >= 60 * NS_PER_S else slice(11, 19)
    return [(ts, iso(ts)[part]) for ts in range(first, int(high) + 1, step)]
