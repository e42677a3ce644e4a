"""How late this machine runs: the part of every limit that is ours and not the device's (decision 5)."""

from __future__ import annotations

import asyncio
import math
from typing import Final

from conformance.bench.starvation import Starvation
from conformance.trace.recorder import Recorder

TICK_S: Final = 0.02
LOOK_S: Final = 0.25  # how often the waits of other processes are taken; asking costs a millisecond or two
REPORT_S: Final = 1.0  # between two reports at most: a bench that is killed leaves no longer time unmeasured
WORTH_MS: Final = 5.0  # a shorter wait in that time is what every machine does


class LagMeter:
    """Measures by how much the loop comes too late and how long the processes of the run wait to be run, and writes both into
    the trace as it goes and at the end of every case. Without `processes` time is virtual, and nothing in it is ever late."""

    def __init__(self, recorder: Recorder, processes: Starvation | None = None) -> None:
        self._recorder = recorder
        self._processes = processes
        self._worst = 0.0
        self._due = math.inf  # when the loop has to come by next
        self._looked = self._reported = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin measuring on the running loop."""
        self._looked = self._reported = self._recorder.clock.monotonic()
        if self._processes is not None:
            self._task = asyncio.create_task(self._measure(self._processes))

    async def _measure(self, processes: Starvation) -> None:
        loop = asyncio.get_running_loop()
        self._due = loop.time() + TICK_S
        while True:
            await asyncio.sleep(self._due - loop.time())
            woke = loop.time()
            self._notice(woke)
            self._due = woke + TICK_S  # set before the look: what that takes is lateness of ours as well
            now = self._recorder.clock.monotonic()
            if now - self._looked >= LOOK_S:
                self._look(processes, now)
                processes.look_around()
            if now - self._reported >= REPORT_S:
                self.report()

    def _notice(self, loop_s: float) -> None:
        """Keep how much later than due it is; asked by a report too, since the tick itself may still be held up."""
        self._worst = max(self._worst, loop_s - self._due)

    def _look(self, processes: Starvation, now: float) -> None:
        """Write how long the processes waited since the last look."""
        since, self._looked = self._looked, now
        waited = processes.since_last()
        if waited >= WORTH_MS:
            facts = {"ms": round(waited, 3), "since": round(since, 6)}
            self._recorder.observe("", "-", "bench.starved", facts=facts)

    def report(self) -> float:
        """Write the worst lag since the last report, ms, and begin anew. There are too few ticks for a p99.9, so the largest
        stands for it, which is on the device's side."""
        self._reported = self._recorder.clock.monotonic()
        if self._processes is not None:
            self._look(self._processes, self._reported)
        self._notice(asyncio.get_running_loop().time())
        worst, self._worst = self._worst * 1000, 0.0
        facts = {"p999_ms": round(worst, 3), "loop_s": round(asyncio.get_running_loop().time(), 6)}  # checked against the stamps
        self._recorder.observe("", "-", "bench.lag", facts=facts)
        return worst

    def stop(self) -> None:
        """Stop measuring."""
        if self._task is not None:
            self._task.cancel()
