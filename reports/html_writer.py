"""`report.html`: one static file for people. No script, nothing fetched; opens from disk, prints on A4.

Two defences stand between a hostile device and a reader: every value is cleaned and auto-escaped, and the content security
policy of the page allows nothing but its own style sheet, named by digest. `Markup` is given to our own drawings only.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from conformance.spec.model import Text
from conformance.verdict.model import Verdict
from reports import diagram, occasions, timeline, words
from reports.model import FamilyRow, Report
from reports.reasons import in_words
from reports.safe import clean_block
from reports.svg import clock, rect

_TEMPLATES: Final = Path(__file__).parent / "templates"
_SHOWN_CAP: Final = 20_000  # characters of any single value on the page
_BAR_WIDTH: Final = 150.0
_BAR_ORDER: Final = (
    Verdict.PASS, Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.NOT_SELECTED, Verdict.NOT_APPLICABLE,
)  # fmt: skip


def render(report: Report) -> str:
    """The page."""
    style = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    page = _environment().get_template("report.html.j2").render(
        report=report, cover=report.cover, verdicts=list(Verdict), words=words, style=Markup(style),  # noqa: S704  ours
        csp=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        diagrams={drawn.case: Markup(diagram.render(drawn)) for drawn in report.diagrams},  # noqa: S704  escaped there
        timelines=[(line, Markup(timeline.render(line))) for line in report.timelines],  # noqa: S704  escaped there
        carded={card.clause for card in report.failures},
    )  # fmt: skip
    return page + "\n"


def write(report: Report, path: Path) -> Path:
    """Write the file and return its path."""
    path.write_text(render(report), encoding="utf-8", newline="\n")
    return path


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=_finalize,
    )  # fmt: skip
    environment.filters.update(
        seconds=lambda value: clock(value, 0.001), ms=_milliseconds, bar=_bar, words=in_words, asked=occasions.in_words
    )
    return environment


def _finalize(value: Any) -> Any:
    """Nothing that acts instead of being read gets onto the page, whatever built the report."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, Text):
        return clean_block(f"{value.zh} {value.en}")
    return clean_block(value, _SHOWN_CAP) if isinstance(value, str) else value


def _milliseconds(value: float) -> str:
    return f"{value:g} ms" if value < 1000 else f"{value / 1000:g} s"


def _bar(family: FamilyRow) -> Markup:
    """A bar of the verdicts of a family, in proportion; what was not tested takes its room too."""
    pieces = [(verdict.value, words.VERDICT[verdict].zh, family.counts[verdict.value]) for verdict in _BAR_ORDER]
    pieces.insert(2, ("remark", words.REMARK.zh, family.remarks))
    parts, x = [], 0.0
    for css, title, number in pieces:
        if number:
            share = number / family.total * _BAR_WIDTH
            parts.append(rect(x, 0, share, 12, f"bar-{css}", f"{title} {number}"))
            x += share
    size = f'viewBox="0 0 {_BAR_WIDTH:.0f} 12" width="{_BAR_WIDTH:.0f}" height="12" preserveAspectRatio="none"'
    drawn = f'<svg class="bar" {size} aria-hidden="true">'
    return Markup(f"{drawn}{''.join(parts)}</svg>")  # noqa: S704  numbers and our own words only
