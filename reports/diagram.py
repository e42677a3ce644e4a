"""A sequence diagram as inline SVG: who told whom what, when, with the offending message marked in place."""

from __future__ import annotations

from typing import Final

from reports.model import Diagram, Step
from reports.svg import clock, document, esc, fit, line, rect, text_at, width_of

GUTTER: Final = 118.0  # number and time of each step
COLUMN: Final = 236.0  # least distance between two life lines
WIDEST: Final = 430.0
MARGIN: Final = 96.0  # room for half a participant's box at both ends
HEAD: Final = 58.0
ROW: Final = 30.0
GAP_ROW: Final = 24.0
MIN_WIDTH: Final = 960.0


def render(diagram: Diagram) -> str:
    """The drawing. Safe to put into a page as it is: every text in it is escaped here."""
    gaps = max(len(diagram.participants) - 1, 1)
    apart = min(max((MIN_WIDTH - GUTTER - 2 * MARGIN) / gaps, COLUMN), WIDEST)
    columns = {name: GUTTER + MARGIN + index * apart for index, (name, _) in enumerate(diagram.participants)}
    width = max(MIN_WIDTH, GUTTER + 2 * MARGIN + gaps * apart)
    heights = [GAP_ROW if step.kind == "gap" else ROW for step in diagram.steps]
    height = HEAD + sum(heights) + 18
    parts: list[str] = []
    y = HEAD
    for step, row in zip(diagram.steps, heights, strict=True):
        if step.marked:
            parts.append(rect(0, y, width, row, "sd-hit"))
        y += row
    for name, title in diagram.participants:
        x = columns[name]
        parts.append(line(x, HEAD - 8, x, height - 6, "sd-life"))
        parts.append(rect(x - 92, 6, 184, 42, "sd-who sd-dut" if name == "device" else "sd-who", radius=5))
        tag = f"{name} · " if name.startswith("I") and len(name) <= 3 else ""
        parts.append(text_at(x, 24, fit(f"{tag}{title.zh}", 176), "sd-zh", "middle"))
        parts.append(text_at(x, 40, fit(title.en, 176, 10.5), "sd-en", "middle"))
    y = HEAD
    for step, row in zip(diagram.steps, heights, strict=True):
        parts.append(_step(step, columns, y, width))
        y += row
    return document(width, height, f"{diagram.case}", "sd", parts)


def _step(step: Step, columns: dict[str, float], y: float, width: float) -> str:
    if step.kind == "gap":
        label = f"⋯ 省略 {step.label} 条 · {step.label} left out ⋯"
        return text_at((GUTTER + width) / 2, y + 16, label, "sd-gap", "middle")
    css = f"sd-{step.kind}" + (" sd-bad" if step.marked else "")
    parts = [
        text_at(44, y + 21, f"#{step.n}", "sd-n", "end"),
        text_at(GUTTER - 8, y + 21, clock(step.t, 0.001), "sd-n", "end"),
    ]
    if step.marked:
        parts.append(text_at(50, y + 21, "✗", "sd-flag"))
    start, end = columns.get(step.source, GUTTER + MARGIN), columns.get(step.target, GUTTER + MARGIN)
    if start == end or step.kind in {"note", "fault"}:
        parts.append(_note(step, min(start, end), max(start, end), y, width))
    else:
        parts.append(_arrow(step, start, end, y, width))
    return f'<g class="{css}"><title>{esc(f"#{step.n} {step.label}")}</title>{"".join(parts)}</g>'


def _note(step: Step, left: float, right: float, y: float, width: float) -> str:
    label = fit(step.label, width - left - 28)
    room = max(right - left - 12, width_of(label) + 18)
    return rect(left + 6, y + 5, room, 20, "sd-box", radius=3) + text_at(left + 14, y + 19, label, "sd-label")


def _arrow(step: Step, start: float, end: float, y: float, width: float) -> str:
    base = y + 23
    direction = 1 if end > start else -1
    tip = end - direction * 1.5
    head = f"{tip:.1f},{base:.1f} {tip - direction * 9:.1f},{base - 4.5:.1f} {tip - direction * 9:.1f},{base + 4.5:.1f}"
    left = min(start, end) + 10
    label = fit(step.label, width - left - 8)
    return (
        line(start, base, end - direction * 8, base, "sd-line")
        + f'<polygon points="{head}" class="sd-head"/>'
        + text_at(left, base - 6, label, "sd-label")
    )
