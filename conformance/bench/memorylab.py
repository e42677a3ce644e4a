"""Whole runs in memory and in virtual time: a device, a pack, and no socket. The self-test and the kill matrix stand on it."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from conformance.bench.case import Case, load_cases
from conformance.bench.generated import generated_cases
from conformance.bench.head import run_head, timer_values
from conformance.bench.loop import VirtualTimeLoop
from conformance.bench.memory import memory_world
from conformance.bench.patience import TellWait
from conformance.bench.plan import Means, Selection, make_plan
from conformance.bench.run import RunSession, run_all
from conformance.iut.device_file import DeviceFile, load_device
from conformance.iut.review import declared
from conformance.spec.loader import load
from conformance.spec.model import Spec, TimerSet
from conformance.verdict.model import RunResult, Verdict


def broken_clauses(result: RunResult) -> tuple[str, ...]:
    """Clauses with an untainted violation, SHOULD included."""
    return tuple(c.id for c in result.clauses if c.verdict is Verdict.FAIL or c.remark)


def broken_obligations(result: RunResult) -> tuple[str, ...]:
    """Obligations with an untainted violation, those of SHOULD clauses included."""
    return tuple(o.id for c in result.clauses for o in c.obligations if o.verdict is Verdict.FAIL)


class MemoryLab:
    """Runs devices in memory and in virtual time, with one pack loaded once; with another timer set than the profile's where
    one is named."""

    def __init__(self, spec: Spec | None = None, profile: str = "core", timer_set: TimerSet | None = None) -> None:
        self.spec = spec or load()
        asked = self.spec.profiles[profile]
        self.profile = replace(asked, timer_set=timer_set or asked.timer_set)
        self.timers_ms = timer_values(self.spec, self.profile)
        self.cases: Mapping[str, Case] = {**load_cases(), **generated_cases(self.spec)}

    def run(
        self, device: DeviceFile, *, defect: str | None = None, seed: int = 1, journal: Path | None = None,
        selection: Selection | None = None, waiting: TellWait | None = None,
    ) -> RunResult:  # fmt: skip
        """One whole run. Deterministic for one seed. `waiting` is told of long waits."""
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(self._run(device, defect, seed, journal, selection or Selection(), waiting))

    async def _run(
        self, device: DeviceFile, defect: str | None, seed: int, journal: Path | None, selection: Selection,
        waiting: TellWait | None,
    ) -> RunResult:  # fmt: skip
        pics = declared(device, self.spec).pics
        means = Means(frozenset(device.upper_tester.verbs), power=True, sockets=False, media=self.profile.media)
        plan = make_plan(
            self.spec, self.profile, pics, self.cases, means, seed=seed, selection=selection, declarations=device.declarations
        )
        world = await memory_world(
            self.spec,
            device,
            timers_ms=self.timers_ms,
            pics=pics,
            seed=seed,
            defect=defect,
            journal=journal,
            timer_set=self.profile.timer_set,
        )
        head = run_head(self.spec, device, self.profile, pics, self.timers_ms, seed=seed, transport="memory", selection=selection)
        try:
            return await run_all(RunSession(world, plan, seed, head, waiting=waiting))
        finally:
            await world.close()


class MemoryWorkers:
    """The same runs, as many at once as there are `jobs` (cores of this machine): each in a process with one pack loaded once.

    What is asked is started in its order, so that who waits in that order sees it go on.
    """

    def __init__(self, timer_set: TimerSet | None = None, jobs: int | None = None) -> None:
        # spawn: a fork would inherit the threads and the loop of whoever asks
        self._pool = ProcessPoolExecutor(
            jobs or os.cpu_count(), multiprocessing.get_context("spawn"), initializer=_open_lab, initargs=(timer_set,)
        )

    def run(self, device: Path, *, defect: str | None = None, seed: int = 1) -> Future[RunResult]:
        """Ask for one whole run of a device file."""
        return self._pool.submit(_run_in_worker, device, defect, seed)

    def __enter__(self) -> MemoryWorkers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=True)


_labs: list[MemoryLab] = []  # of a worker: one, made when it starts


def _open_lab(timer_set: TimerSet | None) -> None:
    _labs[:] = [MemoryLab(timer_set=timer_set)]


def _run_in_worker(device: Path, defect: str | None, seed: int) -> RunResult:
    return _labs[0].run(load_device(device), defect=defect, seed=seed)
