"""How a transcript falls into slices: the attempts at each case, the segments of the session, what lies between cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from conformance.trace.transcript import Entry


@dataclass(slots=True)
class Slices:
    """Slices of one run. No obligation spans a segment: an attempt that a crash of the bench cut in two is two attempts."""

    attempts: dict[str, list[list[Entry]]] = field(default_factory=dict)  # by case, in order of first appearance
    segments: list[list[Entry]] = field(default_factory=list)
    between: list[Entry] = field(default_factory=list)  # entries of no case


def slices_of(entries: Sequence[Entry]) -> Slices:
    """Cut a run. One pass, no copies of entries."""
    found = Slices(segments=[[]])
    fresh: set[str] = set()  # cases that already have an attempt in this segment
    for entry in entries:
        if entry.obs == "segment":
            found.segments.append([])
            fresh.clear()
        found.segments[-1].append(entry)
        if not entry.case:
            found.between.append(entry)
            continue
        attempts = found.attempts.setdefault(entry.case, [])
        if entry.obs == "case.start" or entry.case not in fresh:
            # what a driver observed just before it announced the start belongs to the attempt that starts
            if not (entry.obs == "case.start" and entry.case in fresh and _unopened(attempts[-1])):
                attempts.append([])
            fresh.add(entry.case)
        attempts[-1].append(entry)
    found.segments = [segment for segment in found.segments if segment]
    return found


def _unopened(attempt: Sequence[Entry]) -> bool:
    return all(entry.obs != "case.start" for entry in attempt)
