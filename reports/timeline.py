"""A time line as inline SVG: one lane per subject, bars for what lasted, ticks for what happened."""

from __future__ import annotations

import math
from typing import Final

from reports.model import Lane, Mark, Timeline
from reports.svg import clock, document, esc, fit, line, nice_step, rect, text_at, width_of

WIDTH: Final = 1040.0
GUTTER: Final = 132.0
RIGHT: Final = 24.0
AXIS: Final = 26.0
LABEL_ROW: Final = 15.0
BAR: Final = 14.0
MAX_LABEL_ROWS: Final = 6
_LABEL_PX: Final = 11.0


def render(timeline: Timeline) -> str:
    """The drawing. Safe to put into a page as it is: every text in it is escaped here."""
    span = max(timeline.end - timeline.start, 1e-3)
    scale = (WIDTH - GUTTER - RIGHT) / span
    labelled = timeline.id == "visit"
    parts: list[str] = []
    y = AXIS
    for index, lane in enumerate(timeline.lanes):
        drawn, height = _lane(lane, timeline.start, scale, y, labelled=labelled)
        parts.append(rect(0, y, WIDTH, height, "tl-lane tl-odd" if index % 2 else "tl-lane"))
        parts.append(text_at(8, y + 15, fit(lane.title.zh, GUTTER - 16), "tl-zh"))
        if lane.title.en != lane.title.zh:
            parts.append(text_at(8, y + 28, fit(lane.title.en, GUTTER - 16, 10.0), "tl-en"))
        parts.append(drawn)
        y += height
    return document(WIDTH, y + 6, timeline.title.en, "tl", [*_axis(timeline.start, span, scale, y), *parts])


def _axis(start: float, span: float, scale: float, bottom: float) -> list[str]:
    step = nice_step(span, 10)
    parts = []
    first, last = math.ceil(start / step - 1e-9), math.floor((start + span) / step + 1e-9)
    for tick in range(first, last + 1):
        x = GUTTER + (tick * step - start) * scale
        parts.append(line(x, AXIS - 6, x, bottom, "tl-grid"))
        parts.append(text_at(x, 14, clock(tick * step, step), "tl-tick", "middle"))
    return parts


def _lane(lane: Lane, start: float, scale: float, y: float, *, labelled: bool) -> tuple[str, float]:
    """(drawing, height). Labels of points are put on the first row where they do not run into another."""
    parts: list[str] = []
    ends: list[float] = []
    middle = y + 17
    for mark in lane.marks:
        x = GUTTER + (mark.start - start) * scale
        if mark.end > mark.start or mark.kind == "phase":
            parts.append(_bar(mark, x, max((mark.end - mark.start) * scale, 2.0), middle - BAR / 2, labelled=labelled))
            continue
        css = f"tl-point tl-{mark.kind}"
        title = f"<title>{esc(mark.label)}</title>"
        parts.append(
            f'<line x1="{x:.1f}" y1="{middle - 8:.1f}" x2="{x:.1f}" y2="{middle + 8:.1f}" class="{css}">{title}</line>'
        )
        if labelled:
            parts.append(_label(mark, x, middle + 20, ends))
    height = 36.0 + (len(ends) * LABEL_ROW if ends else 0)
    return "".join(parts), height


def _bar(mark: Mark, x: float, width: float, top: float, *, labelled: bool) -> str:
    drawn = rect(x, top, width, BAR, f"tl-bar tl-{mark.kind}", mark.label, radius=2)
    if labelled and width > 40:
        drawn += text_at(x + 6, top + 11, fit(mark.label, width - 10, _LABEL_PX), "tl-inbar")
    return drawn


def _label(mark: Mark, x: float, y: float, ends: list[float]) -> str:
    """The label beside its tick, turned to the left where the right edge is near. `ends` holds each row's last pixel."""
    width = width_of(mark.label, _LABEL_PX) + 8
    left = x - 3 if x + width < WIDTH else WIDTH - width
    row = next((index for index, end in enumerate(ends) if end <= left), len(ends))
    if row >= MAX_LABEL_ROWS:
        return ""
    if row == len(ends):
        ends.append(0.0)
    ends[row] = left + width
    return text_at(left, y + row * LABEL_ROW, mark.label, "tl-label")
