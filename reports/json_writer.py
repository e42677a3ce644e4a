"""`result.json`: the report for machines. Canonical: fixed member order, UTF-8, LF, so that equal runs give equal bytes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from conformance.spec.model import Text
from reports.model import ClauseRow, Report

_DRAWN_ONLY = frozenset({"diagrams", "diagrams_left_out", "timelines"})  # made for the eye, derived from the journal
_LIFTED = frozenset({"version", "clauses", "cases", "failures"})  # members with a place of their own


def document(report: Report) -> dict[str, Any]:
    """The report as plain JSON values; `verdict`, `gate` and `exit_code` come first. See `specs/meta/result.schema.json`."""
    rest = {
        field.name: _plain(getattr(report, field.name))
        for field in dataclasses.fields(report)
        if field.name not in _DRAWN_ONLY | _LIFTED
    }
    return {
        "format": "rvw-result",
        "version": report.version,
        "verdict": report.cover.verdict.value,
        "gate": report.cover.gate.value,
        "exit_code": report.cover.exit_code,
        **rest,
        "clauses": [_clause(clause) for clause in report.clauses],
        "cases": [{"case": row.pop("id"), **row} for row in map(_plain, report.cases)],
        "failures": _plain(report.failures),
    }


def _clause(clause: ClauseRow) -> dict[str, Any]:
    row = _plain(clause)
    return {"clause": row.pop("id"), "verdict": row.pop("verdict"), **row}


def _plain(value: Any) -> Any:
    """Dataclasses as objects in field order, enumerations as their values, texts as `{zh, en}`."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Text):
        return {"zh": value.zh, "en": value.en}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return round(value, 6)
    return value


def render(report: Report) -> bytes:
    """The bytes of `result.json`."""
    return (json.dumps(document(report), ensure_ascii=False, indent=1) + "\n").encode("utf-8")


def write(report: Report, path: Path) -> Path:
    """Write the file and return its path."""
    path.write_bytes(render(report))
    return path
