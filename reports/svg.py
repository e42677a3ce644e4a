"""The few SVG pieces that both drawings share. Text goes through `esc`; styling is by class, from the page's own sheet."""

from __future__ import annotations

import math
import unicodedata
from typing import Final
from xml.sax.saxutils import escape

FONT_PX: Final = 12.0
_WIDE_PX: Final = 1.02  # of the font size, for a Chinese character
_NARROW_PX: Final = 0.56


def esc(text: str) -> str:
    """Text for SVG content or a double-quoted attribute."""
    return escape(text, {'"': "&quot;", "'": "&#39;"})


def width_of(text: str, font_px: float = FONT_PX) -> float:
    """A close upper estimate of the drawn width, pixels. There is no font to ask."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return (wide * _WIDE_PX + (len(text) - wide) * _NARROW_PX) * font_px


def fit(text: str, room: float, font_px: float = FONT_PX) -> str:
    """The text, cut with an ellipsis to the room in pixels."""
    if width_of(text, font_px) <= room:
        return text
    while text and width_of(text + "…", font_px) > room:
        text = text[:-1]
    return text + "…"


def text_at(x: float, y: float, text: str, css: str = "", anchor: str = "start") -> str:
    """One line of text at its baseline."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" text-anchor="{anchor}">{esc(text)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    """A straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{css}"/>'


def rect(x: float, y: float, width: float, height: float, css: str, title: str = "", radius: float = 0) -> str:
    """A rectangle; `title` is what a pointer resting on it reads."""
    corner = f' rx="{radius:.0f}"' if radius else ""
    shape = f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"{corner} class="{css}"'
    return f"{shape}><title>{esc(title)}</title></rect>" if title else f"{shape}/>"


def document(width: float, height: float, label: str, css: str, parts: list[str]) -> str:
    """The SVG element around the parts, scaling with the page."""
    return (
        f'<svg class="{css}" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" '
        f'role="img" aria-label="{esc(label)}">{"".join(parts)}</svg>'
    )


def nice_step(span: float, most: int) -> float:
    """The smallest of 1, 2, 5 times a power of ten that cuts the span into at most `most` pieces."""
    if span <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(span / most))
    return next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= most)


def clock(seconds: float, step: float = 1.0) -> str:
    """Seconds of the run as people read them: `2.35s`, `4:05`, `1:02:03`."""
    if seconds < 60:
        decimals = max(0, -math.floor(math.log10(step))) if step < 1 else 0
        return f"{seconds:.{decimals}f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
