"""One run session: the plan's cases one after the other on one device, each judged when it closes, all judged at the seal.

The same session runs under pytest in real time and in the self-test in virtual time; neither can change a verdict, because
verdicts come from the trace alone.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.bench import devicelog
from conformance.bench.case import Case
from conformance.bench.errors import DeviceUnreachable, NotHome, NotObserved, RunAborted
from conformance.bench.home import bring_home
from conformance.bench.lag import LagMeter
from conformance.bench.patience import TellWait, told
from conformance.bench.plan import Plan
from conformance.bench.stage import MOMENT_S, Stage
from conformance.bench.starvation import Starvation
from conformance.bench.world import World
from conformance.iut.process import DeviceAbsent
from conformance.iut.prompt import NotAvailable
from conformance.protocol.pointer import MISSING
from conformance.trace.transcript import Entry
from conformance.verdict.judge import Hearing, judge_case, judge_run
from conformance.verdict.model import CaseResult, Finding, RunResult, Verdict
from conformance.verdict.waivers import Waiver

REPEATS = 5  # how often a thin measurement is taken again (decision 5), declared before the run
HEAR_OUT_ROUNDS = 12  # what was late during one wait for a limit moves that limit a little further
LOST = 3  # cases in a row before which the device could not be brought home: after that a run would wait for it all day
HEARD_OUT_S = 0.03  # the least of these waits: the machine may have held something up since
SETTLE_S = 30.0  # the clerk's own steps have shorter limits; what lasts longer hangs
# How a procedure ends that could not put back what it had changed in the device: the next case starts from a cold start.
_LEFT_ALONE = frozenset({"bench-error", "device-unreachable", "no-stimulus"})
Progress = Callable[[Case, CaseResult], None]


@dataclass
class RunSession:
    """Runs cases in a world. Call `start`, then `run_case` for each, then `finish`."""

    world: World
    plan: Plan
    seed: int
    head: Mapping[str, Any]
    waivers: tuple[Waiver, ...] = ()
    waiting: TellWait | None = None  # is told of long waits
    results: dict[str, CaseResult] = field(default_factory=dict)
    findings: dict[str, list[Finding]] = field(default_factory=dict)
    _last_case: str = ""
    _unfit: list[str] = field(default_factory=list)
    _lost: int = 0
    _disturbed: bool = False  # the case before was broken off by no fault of the device
    _lag: LagMeter | None = None
    _hearing: Hearing | None = None

    def __post_init__(self) -> None:
        self._plan_facts = self.plan.as_facts()

    async def start(self, segment: Mapping[str, Any] | None = None) -> None:
        """Write what the run is and what is planned. With a `segment` the run was begun before and only goes on: its head
        stands, and so does its plan where it got that far."""
        recorder = self.world.recorder
        now = dt.datetime.fromtimestamp(recorder.clock.wall(), dt.UTC).isoformat(timespec="seconds")
        if segment:
            recorder.observe("", "-", "segment", facts={**segment, "resumed_at": now})
            self._last_case = ""
        else:
            recorder.observe("", "-", "run.start", facts={**self.head, "started_at": now})
        planned = next((entry.facts for entry in recorder.transcript if entry.obs == "plan"), None)
        if planned is None:
            recorder.observe("", "-", "plan", facts=self._plan_facts)
        else:
            self._plan_facts = dict(planned)
        self._unfit = self.world.city.self_check()
        for problem in self._unfit:
            self._bench_error("self-check", problem, scope="run")
        self._lag = LagMeter(recorder, Starvation() if self.world.transport == "sockets" else None)
        self._lag.start()

    async def await_device(self, limit_s: float) -> str:
        """Wait until a device that nobody starts has registered; returns the firmware that it names. Raises RunAborted."""
        recorder = self.world.recorder
        found = await recorder.wait_for(_registered, recorder.last, limit_s)
        if found is None:
            reason = f"no device registered within {limit_s:g} s"
            recorder.observe("", "-", "environment", facts={"what": "device-absent", "reason": reason})
            asked = f"{reason}: is it on, and does it have the address, the trust and the keys of this bench?"
            raise RunAborted(asked, "environment")
        told = found.request.get("firmware") if found.request is not None else MISSING
        return "" if told is MISSING else str(told)

    def _bench_error(self, where: str, what: str, *, scope: str = "case", about: int | None = None) -> None:
        facts = {"where": where, "what": what, "scope": scope, **({} if about is None else {"about": about})}
        self.world.recorder.observe("", "-", "bench.error", facts=facts)

    async def run_case(self, case: Case) -> CaseResult:
        """Run one case until it is decided: a thin measurement is repeated, nothing else is. Raises RunAborted, on the record."""
        try:
            return await self._decided(case)
        except RunAborted as error:
            self.world.recorder.observe("", "-", "environment", facts={"what": "aborted", "reason": str(error)})
            raise

    async def _decided(self, case: Case) -> CaseResult:
        if self._unfit:
            raise RunAborted(f"the bench is not fit to judge: {self._unfit[0]}", "bench")
        if self._lost >= LOST:
            asked = "mend what failed, then run again (if it was away, resume)"
            raise RunAborted(f"before {self._lost} cases in a row the device was not usable: {asked}", "environment")
        result = await self._attempt(case, 1)
        for attempt in range(2, REPEATS + 1):
            if not self._thin(case.id, result):
                break
            result = await self._attempt(case, attempt)
        self.results[case.id] = result
        return result

    def _thin(self, case_id: str, result: CaseResult) -> bool:
        """Whether the case is open because of a measurement inside the guard band; one that enough others settle is not."""
        if result.verdict is not Verdict.INCONCLUSIVE:
            return False
        doubts = [d for f in self.findings.get(case_id, ()) for d in f.outcome.undecidable]
        return any(doubt.reason == "thin" for doubt in doubts)

    async def _attempt(self, case: Case, attempt: int) -> CaseResult:
        recorder = self.world.recorder
        recorder.case = case.id
        start = recorder.observe(
            "", "-", "case.start", facts={"title": case.title.en, "title_zh": case.title.zh, "attempt": attempt}
        )
        reason = await self._procedure(case)
        if reason["ended"] in ("through", "not-observed"):
            await self._hear_out(case)
        await self._close(start.n)
        facts = {"attempt": attempt, "heard": self.world.city.heard, **reason}
        end = recorder.observe("", "-", "case.end", facts=facts)
        recorder.case = ""
        self._report_lag()  # after the end, which is measured too: a report before it leaves the end to the next case's lag
        recorder.flush(to_disk=True)
        if case.given != "off":
            self._lost = self._lost + 1 if reason["ended"] == "not-home" else 0
        self._last_case, self._disturbed = case.id, reason["ended"] in _LEFT_ALONE
        if recorder.failed is not None:
            raise RunAborted(f"the journal cannot be written: {recorder.failed}", "bench")
        result, findings = self._judged(case)
        self.findings[case.id] = findings
        if self.world.log is not None and result.verdict is not Verdict.PASS:
            await devicelog.report(recorder, self.world.log, case.id, start.t)
        return replace(result, attempts=attempt, seconds=round(end.t - start.t, 3))

    def _judged(self, case: Case) -> tuple[CaseResult, list[Finding]]:
        if self._hearing is None:
            self._hearing = Hearing(self.world.recorder.transcript, self.world.spec, self._plan_facts)
        else:
            self._hearing.go_on()
        return judge_case(self._hearing, case.id)

    async def _hear_out(self, case: Case) -> None:
        """Let the limits run out for whose sake the case is there: what a procedure gave up on may be due later by its rule."""
        recorder = self.world.recorder
        for _ in range(HEAR_OUT_ROUNDS):
            self._report_lag()  # a lag that is known only after the wait would leave the limit open by as much
            _, findings = self._judged(case)
            assert self._hearing is not None
            own = self._hearing.scope.provoked_by(case.id)
            running = [d.until for f in findings if f.obligation in own for d in f.outcome.undecidable]
            last = max(running, default=0.0)
            if not last:
                return
            left_s = max(last - recorder.clock.monotonic(), HEARD_OUT_S)
            wait: dict[str, Any] = {"what": "limits that still run", "limit_ms": round(left_s * 1000)}
            recorder.observe("", "-", "wait", facts=wait)
            with told(self.waiting, case.id, wait["what"], left_s):
                await recorder.wait_for(lambda _: False, recorder.last, left_s + MOMENT_S)
            recorder.observe("", "-", "wait.end", facts={**wait, "ok": True})

    async def _close(self, began: int | None = None) -> None:
        """What has to be over when a case closes: the clerk's steps and our faults."""
        faults = self.world.city.faults
        try:
            await faults.stop_all()
            if faults.active:
                self._bench_error("faults", f"still on: {', '.join(faults.active)}", scope="run")
            await asyncio.wait_for(self.world.settle(), SETTLE_S)
        except TimeoutError:
            self.world.city.hub.give_up()
            self._bench_error("clerk", f"not done {SETTLE_S:g} s after the end of the case", about=began)
        except Exception as error:  # what the bench cannot close is the bench's trouble
            self._bench_error("case end", f"{type(error).__name__}: {error}")

    def _report_lag(self) -> None:
        try:
            assert self._lag is not None
            self._lag.report()
        except Exception as error:
            self._bench_error("lag", f"{type(error).__name__}: {error}")

    async def _procedure(self, case: Case) -> dict[str, Any]:
        """Run the procedure; how it ended is recorded, what that means is judged from the trace."""
        world = self.world
        stage = Stage(
            case.id, world.spec, world.seat, world.device, world.recorder, world.timers_ms, self.seed, world.pics, self.waiting
        )
        try:
            await bring_home(stage, case, self._last_case, self._disturbed)
            stage.mark = world.recorder.last
            await case.procedure(stage)
        except NotObserved as error:
            return {"ended": "not-observed", "reason": str(error)}
        except NotHome as error:
            world.recorder.observe("", "-", "environment", facts={"what": "not-home", "reason": str(error)})
            return {"ended": "not-home", "reason": str(error)}
        except NotAvailable as error:
            world.recorder.observe("", "-", "environment", facts={"what": "no-stimulus", "reason": str(error)})
            return {"ended": "no-stimulus", "reason": str(error)}
        except DeviceUnreachable as error:
            world.recorder.observe("", "-", "environment", facts={"what": "device-unreachable", "reason": str(error)})
            return {"ended": "device-unreachable", "reason": str(error)}
        except DeviceAbsent as error:
            world.recorder.observe("", "-", "environment", facts={"what": "device-absent", "reason": str(error)})
            if not self._ever_online():
                raise RunAborted(str(error), "environment") from error
            return {"ended": "device-absent", "reason": str(error)}
        except Exception as error:  # whatever goes wrong in our own procedure is ours, not the device's
            where = traceback.extract_tb(error.__traceback__)[-1]
            world.recorder.observe(
                "", "-", "bench.error",
                facts={"where": f"{where.name}:{where.lineno}", "what": f"{type(error).__name__}: {error}"},
            )  # fmt: skip
            return {"ended": "bench-error", "reason": f"{type(error).__name__}: {error}"}
        return {"ended": "through"}

    def _ever_online(self) -> bool:
        return any(entry.dir == "iut" and entry.kind for entry in self.world.recorder.transcript)

    async def finish(self, *, reason: str = "complete") -> RunResult:
        """Seal the trace and judge it whole."""
        recorder = self.world.recorder
        self.world.city.put_down()
        if recorder.case:  # broken off in its middle: it has no end of its own, and `rvw resume` runs it again
            recorder.observe("", "-", "case.cut", facts={"reason": reason})
        recorder.case = ""
        if self._lag is not None:
            await self._close()
            self._report_lag()
            self._lag.stop()
        recorder.observe("", "-", "run.end", facts={"reason": reason, "heard": self.world.city.heard})
        recorder.flush(to_disk=True)
        recorder.seal()
        return judge_run(recorder.transcript, self.world.spec, self.waivers)


async def run_all(session: RunSession, progress: Progress | None = None) -> RunResult:
    """Run the whole plan. A run that cannot go on is judged up to there."""
    await session.start()
    reason = "complete"
    for case in session.plan.cases:
        try:
            result = await session.run_case(case)
        except RunAborted as error:
            reason = error.kind
            break
        if progress is not None:
            progress(case, result)
    return await session.finish(reason=reason)


def _registered(entry: Entry) -> bool:
    return entry.role == "registration.register" and entry.kind == "result" and entry.dir == "bench"
