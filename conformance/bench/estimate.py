"""How long cases take, as far as that is known before they run: what a story does, and the timers that pass in it.

A device that is slower than the reference device, or a person who gives the stimuli, takes longer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from conformance.bench.case import Case

SECONDS_A_STORY: Final = 1.0  # measured on the reference device with sockets, without what it only waits
SECONDS_GENERATED: Final = 0.08
QUIETS_A_STORY: Final = 1.3  # windows of T-QUIET in which nothing may happen
QUIET: Final = "T-QUIET"


def seconds_of(case: Case, timers_ms: Mapping[str, float]) -> float:
    """About how long a case takes with these timers, seconds."""
    if case.area == "gen":
        return SECONDS_GENERATED
    passing = sum(timers_ms[timer] for timer in case.lasts) + QUIETS_A_STORY * timers_ms.get(QUIET, 0.0)
    return SECONDS_A_STORY + passing / 1000
