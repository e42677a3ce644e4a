"""How late this machine runs: the part of every limit that is ours and not the device's (decision 5)."""

from __future__ import annotations

import asyncio

from conformance.trace.recorder import Recorder

TICK_S = 0.02


class LagMeter:
    """Measures by how much the loop comes too late, and writes it into the trace at the end of every case."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._worst = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin measuring on the running loop."""
        self._task = asyncio.create_task(self._measure())

    async def _measure(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK_S
            await asyncio.sleep(TICK_S)
            self._worst = max(self._worst, loop.time() - due)

    def report(self) -> float:
        """Write the worst lag since the last report, ms, and begin anew. A case has too few ticks for a p99.9, so the
        largest stands for it, which is on the device's side."""
        worst, self._worst = self._worst * 1000, 0.0
        facts = {"p999_ms": round(worst, 3), "loop_s": round(asyncio.get_running_loop().time(), 6)}  # checked against the stamps
        self._recorder.observe("", "-", "bench.lag", facts=facts)
        return worst

    def stop(self) -> None:
        """Stop measuring."""
        if self._task is not None:
            self._task.cancel()
