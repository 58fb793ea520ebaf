"""Bars of days as inline SVG, in the style of the other charts."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from crossbook.report.charts import Frame, draw, nice_ticks


def bars(name: str, values: Sequence[tuple[str, float | None]]) -> Markup:
    """A bar up or down for each (label, value); a place without a value stays empty and is marked."""
    known = [value for _, value in values if value is not None]

    def paint(size: str, width: int, height: int) -> Frame:
        height = height * 3 // 4
        frame = Frame(width, height, (0, len(values)), (min([0.0, *known]), max([0.0, *known])))
        frame.grid_y(nice_ticks(frame.y0, frame.y1, 4), lambda value: f"{value:,.3g}")
        step = max(1, -(-len(values) // (31 if width > 500 else 8)))
        zero = frame.y(0.0)
        for place, (label, value) in enumerate(values):
            left, right = frame.x(place + 0.14), frame.x(place + 0.86)
            if place % step == 0:
                frame.text((left + right) / 2, height - 7, label)
            if value is None:
                frame.text((left + right) / 2, zero - 3, "-")
                continue
            top, bottom = sorted((zero, frame.y(value)))
            frame.add(
                f'<rect class="{"up" if value >= 0 else "down"}" x="{left:.1f}" y="{top:.1f}" '
                f'width="{right - left:.1f}" height="{max(bottom - top, 0.5):.1f}"/>'
            )
        frame.add(f'<line class="axis" x1="{frame.left}" x2="{frame.right}" y1="{zero:.1f}" y2="{zero:.1f}"/>')
        return frame

    return draw(name, paint)
