"""Facts taken at ingest, while the bytes are still whole: what masking hides and rules need (decision 12).

Each extractor is small and named with a version; the names are written into `run.start`, and a re-judgement trusts them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from conformance.trace import personal

EXTRACTORS: Final[Mapping[str, int]] = {"canary": 2}
_LINE_END: Final = re.compile(rb"\r\n")


def started_at(head: Mapping[str, Any]) -> dt.datetime | None:
    """When a run began (UTC), by its head; None where the journal does not say it."""
    try:
        return dt.datetime.fromisoformat(str(head.get("started_at", ""))).astimezone(dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None


def id_numbers(raw: bytes) -> set[str]:
    """The distinct valid identity numbers in the bytes."""
    return {
        number.upper()
        for match in personal.CANDIDATE.finditer(raw)
        if personal.is_id_number(number := match.group().decode("ascii"))
    }


def canary(kind: str, raw: bytes, masked: Sequence[Mapping[str, Any]], digits: bool) -> dict[str, Any]:
    """Where personal numbers and secrets stand in what the device sent: counts, never values.

    `raw` is already masked: a foreign number has become a synthetic one and is still counted; a secret is told by `masked`.
    `digits` is what the mask saw: whether there can be a number at all.
    """
    if kind in ("ws.frame", "http.response"):
        return {"ids": len(id_numbers(raw)) if digits else 0}
    head, _, body = raw.partition(b"\r\n\r\n")
    line_end = _LINE_END.search(head)
    target_end = line_end.start() if line_end else len(head)
    return {
        "ids_in_target": len(id_numbers(head[:target_end])) if digits else 0,
        "ids_in_headers": len(id_numbers(head[target_end:])) if digits else 0,
        "ids_in_body": len(id_numbers(body)) if digits else 0,
        "secrets_in_target": sum(1 for m in masked if m["kind"] != "id_number" and m["at"] < target_end),
    }
