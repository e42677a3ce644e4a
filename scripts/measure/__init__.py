"""Measurements for docs/proof.md: one module each, found by name.

A module has `TITLE` (what is measured), `AIM` (what would be good enough, in words) and `measure(desk)`, which returns figures or
raises `CannotMeasure` with the reason. A measurement reports what it saw; whether that is enough is said beside it, never hidden.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: what, how much, and whether the aim is met (None where there is none to meet)."""

    what: str
    value: str
    met: bool | None = None
    note: str = ""


class CannotMeasure(Exception):
    """The measurement cannot run here and now; the text says why and is printed in the table."""
