"""How much of a core run is waiting for the device and for named timers, and how much is the bench itself."""

from __future__ import annotations

import time
from typing import Any

from conformance.bench.live import LiveRun, Options, prepare
from conformance.trace.recorder import Recorder
from measure import Figure
from measure.desk import REFERENCE, Desk, device_file

TITLE = "Wall time of a core run against its waits"
AIM = "at most 60 s; at most 1.05 times the waits"


class Waits:
    """Adds up the time in which at least one wait on the trace was open (waits that overlap count once)."""

    def __init__(self) -> None:
        self.total = 0.0
        self._open = 0
        self._since = 0.0

    def __enter__(self) -> None:
        if self._open == 0:
            self._since = time.perf_counter()
        self._open += 1

    def __exit__(self, *_: object) -> None:
        self._open -= 1
        if self._open == 0:
            self.total += time.perf_counter() - self._since


def measure(desk: Desk) -> list[Figure]:
    """A core run in this process, with every wait on the trace clocked."""
    waits = Waits()
    original = Recorder.wait_for

    async def clocked(self: Recorder, *args: Any, **kwargs: Any) -> Any:
        with waits:
            return await original(self, *args, **kwargs)

    Recorder.wait_for = clocked  # type: ignore[method-assign]
    begin = time.perf_counter()
    try:
        seconds, passed, total = _whole(desk)
    finally:
        Recorder.wait_for = original  # type: ignore[method-assign]
    wall = time.perf_counter() - begin
    ratio = seconds / waits.total if waits.total else float("inf")
    return [
        Figure("core run from the first case to the seal", f"{seconds:.1f} s", seconds <= 60, f"{passed} of {total} cases pass"),
        Figure("of it waiting on the trace (limits are named timers)", f"{waits.total:.1f} s"),
        Figure("ratio", f"{ratio:.3f}", ratio <= 1.05),
        Figure("with start and files", f"{wall:.1f} s"),
    ]


def _whole(desk: Desk) -> tuple[float, int, int]:
    device = device_file(desk, REFERENCE, "RVW-PROVE-WALL")
    prepared = prepare(Options(device=device, profile="core", out=desk.scratch / "core-clocked", seed=1, prompts=False))
    plan, selection = prepared.plan()
    live = LiveRun(prepared, plan, selection)
    try:
        live.begin()
        begin = time.perf_counter()
        results = [live.execute(case) for case in plan.cases]
        seconds = time.perf_counter() - begin
        live.finish()
    finally:
        live.close()
    return seconds, sum(str(result.verdict) == "pass" for result in results), len(results)
