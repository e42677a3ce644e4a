"""How much of a core run is waiting for the device and for named timers, and how much is the bench itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from conformance.bench.device import DeviceHandle
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


@contextmanager
def _clocked(owner: Any, name: str, *clocks: Waits) -> Iterator[None]:
    """While it lasts, every call of a coroutine method runs these clocks."""
    original = getattr(owner, name)

    async def clocked(*args: Any, **kwargs: Any) -> Any:
        with ExitStack() as running:
            for clock in clocks:
                running.enter_context(clock)
            return await original(*args, **kwargs)

    setattr(owner, name, clocked)
    try:
        yield
    finally:
        setattr(owner, name, original)


def measure(desk: Desk) -> list[Figure]:
    """A core run in this process, with every wait on the trace clocked, and apart from that every wait for the device itself."""
    waits, device = Waits(), Waits()
    begin = time.perf_counter()
    with (
        _clocked(Recorder, "wait_for", waits, device),
        _clocked(DeviceHandle, "power_on", device), _clocked(DeviceHandle, "power_off", device),
        _clocked(DeviceHandle, "do", device),
    ):  # fmt: skip
        seconds, passed, total = _whole(desk)
    wall = time.perf_counter() - begin
    ratio = seconds / waits.total if waits.total else float("inf")
    return [
        Figure("core run from the first case to the seal", f"{seconds:.1f} s", seconds <= 60, f"{passed} of {total} cases pass"),
        Figure("of it waiting on the trace (limits are named timers)", f"{waits.total:.1f} s"),
        Figure("ratio", f"{ratio:.3f}", ratio <= 1.05),
        Figure("besides, waiting for the device to boot, to go down, to serve its tester", f"{device.total - waits.total:.1f} s"),
        Figure("left for the bench", f"{seconds - device.total:.1f} s", None, f"{seconds / device.total:.3f} of all the waiting"),
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
