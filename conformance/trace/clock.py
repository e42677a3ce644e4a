"""Time for everything that runs in the bench: one monotonic clock for order and limits, one wall clock for dates."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What simulators, drivers and the recorder may know of time."""

    def monotonic(self) -> float:
        """Seconds since the run began; never steps."""
        ...

    def wall(self) -> float:
        """Epoch seconds."""
        ...


class LoopClock:
    """The running loop's time, so that a loop in virtual time carries everything with it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wall_at_start: float | None = None) -> None:
        self._loop = loop
        self._start = loop.time()
        self._wall = time.time() if wall_at_start is None else wall_at_start

    def monotonic(self) -> float:
        return self._loop.time() - self._start

    def wall(self) -> float:
        return self._wall + self.monotonic()


class SystemClock:
    """Real time. The monotonic clock is the machine's, so that stamps of child processes can be put on it.

    A run that goes on after a stop goes on at `since` seconds; the pause is not on its clock.
    """

    def __init__(self, since: float = 0.0) -> None:
        self._start = time.monotonic() - since
        self._wall = time.time() - since

    def monotonic(self) -> float:
        return time.monotonic() - self._start

    def wall(self) -> float:
        return self._wall + self.monotonic()

    def from_machine(self, monotonic: float) -> float:
        """A `time.monotonic()` stamp of any process of this machine on the run's clock."""
        return monotonic - self._start
