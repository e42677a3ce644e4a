"""A run as a command or a pytest session sees it: options in, prepared plan, cases run on the bench's loop, files out."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.bench.case import Case, load_cases
from conformance.bench.errors import RunAborted
from conformance.bench.generated import generated_cases
from conformance.bench.head import loosened, run_head, timer_values
from conformance.bench.lock import DeviceLock
from conformance.bench.loop import LoopThread
from conformance.bench.outputs import JOURNAL, keep_pack, write_outputs
from conformance.bench.plan import Means, Plan, Selection, make_plan
from conformance.bench.run import RunSession
from conformance.bench.sockets import sockets_world
from conformance.iut.device_file import DeviceFile, DeviceFileError, load_device
from conformance.iut.prompt import known_verbs
from conformance.iut.review import declared, review
from conformance.spec.loader import load
from conformance.spec.model import Profile, Spec
from conformance.spec.problems import PackError
from conformance.verdict.model import CaseResult, RunResult
from conformance.verdict.waivers import Waiver, WaiverError, load_waivers
from reports.model import Report

FLOOR_VERBS = frozenset({"card", "scan", "document", "press"})  # what every I6 serves


class UsageProblem(Exception):
    """The run cannot be started as asked (exit 2). `lines` say what, where and what is valid."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    device: Path
    profile: str = "core"
    out: Path | None = None
    pack: str = ""
    seed: int | None = None
    clauses: tuple[str, ...] = ()
    until: str = ""
    known_failures: Path | None = None
    prompts: bool = True
    expect_firmware: str = ""
    timers: Mapping[str, float] = field(default_factory=dict)
    only_cases: frozenset[str] = frozenset()
    defect: str | None = None


@dataclass(frozen=True)
class Prepared:
    """Everything that is known before any traffic."""

    options: Options
    spec: Spec
    device: DeviceFile
    profile: Profile
    pics: Mapping[str, Any]
    timers_ms: Mapping[str, float]
    cases: Mapping[str, Case]
    means: Means
    waivers: tuple[Waiver, ...]
    seed: int

    def plan(self, cases: frozenset[str] = frozenset()) -> tuple[Plan, Selection]:
        """The plan, narrowed to these cases where any are named."""
        o = self.options
        chosen = cases | o.only_cases if not (cases and o.only_cases) else cases & o.only_cases
        selection = Selection(clauses=o.clauses, until=o.until, cases=chosen)
        plan = make_plan(
            self.spec, self.profile, self.pics, self.cases, self.means, seed=self.seed, selection=selection
        )
        return plan, selection


def prepare(options: Options) -> Prepared:
    """Load and check everything; no traffic. Raises UsageProblem with all that is wrong."""
    try:
        spec = load(options.pack) if options.pack else load()
        device = load_device(options.device)
        waivers = load_waivers(options.known_failures) if options.known_failures else ()
    except (PackError, DeviceFileError) as error:
        raise UsageProblem([str(error)]) from error
    except WaiverError as error:
        raise UsageProblem(list(error.problems)) from error
    except OSError as error:
        raise UsageProblem([f"{error.filename or options.device}: {error.strerror or error}"]) from error
    profile = spec.profiles.get(options.profile)
    if profile is None:
        raise UsageProblem([f"unknown profile {options.profile!r}; the pack has {', '.join(spec.profiles)}"])
    problems = [str(problem) for problem in review(device, spec) if problem.fatal]
    problems += [f"unknown clause {c!r}" for c in options.clauses if c.split(".", 1)[0] not in spec.clauses]
    if options.until and options.until not in spec.families:
        problems.append(f"unknown family {options.until!r}; the pack has {', '.join(spec.families)}")
    try:
        timers_ms = timer_values(spec, profile, options.timers)
    except KeyError as error:
        raise UsageProblem([*problems, f"unknown timer {error.args[0]!r}"]) from error
    if profile.certification and waivers:
        problems.append(f"known failures are refused for the certification profile {profile.id!r}")
    if profile.certification and (loose := loosened(spec, profile, timers_ms)):
        problems.append(f"loosened limits are refused for {profile.id!r}: {', '.join(row['timer'] for row in loose)}")
    if problems:
        raise UsageProblem(problems)
    means = Means(_verbs(device, profile, options), device.driver.kind == "spawn", sockets=True, media=profile.media)
    cases = {**load_cases(), **generated_cases(spec)}
    seed = options.seed if options.seed is not None else secrets.randbelow(1 << 31)
    return Prepared(options, spec, device, profile, declared(device, spec).pics, timers_ms, cases, means, waivers, seed)


def _verbs(device: DeviceFile, profile: Profile, options: Options) -> frozenset[str]:
    """What can be asked of the device: its program's verbs, and a person's where prompts are allowed."""
    if device.upper_tester.kind == "operator":
        return known_verbs() if options.prompts and "operator" in profile.stimulus else frozenset()
    return frozenset(device.upper_tester.verbs) or FLOOR_VERBS


class LiveRun:
    """One run on a loop thread. `begin`, then `execute` for each case, then `finish`; `close` in any case."""

    def __init__(self, prepared: Prepared, plan: Plan, selection: Selection) -> None:
        self.prepared = prepared
        self.plan = plan
        self.selection = selection
        self.out = prepared.options.out or default_out(prepared.device)
        self.result: RunResult | None = None
        self.report: Report | None = None
        self.paths: Mapping[str, Path] = {}
        self.aborted: RunAborted | None = None
        self._thread: LoopThread | None = None
        self._session: RunSession | None = None
        self._lock: DeviceLock | None = None

    def begin(self) -> None:
        """Start the world and write the head. Raises UsageProblem (port in use, run directory not empty), RunAborted."""
        p = self.prepared
        journal = self.out / JOURNAL
        if journal.exists():
            raise UsageProblem([f"{self.out} already holds a run; name another --out, or use `rvw resume {self.out}`"])
        self.out.mkdir(parents=True, exist_ok=True)
        self._lock = DeviceLock(p.device.remote_device_id)
        keep_pack(p.spec, self.out)
        self._thread = LoopThread()
        head = run_head(
            p.spec, p.device, p.profile, p.pics, p.timers_ms, seed=p.seed, transport="sockets", selection=self.selection,
            device_ref=str(p.options.device), waivers=p.waivers,
        )  # fmt: skip
        try:
            world = self._thread.call(sockets_world(p, self.out))
        except OSError as error:
            raise UsageProblem([f"the bench cannot listen: {error.strerror or error}"]) from error
        self._session = RunSession(world, self.plan, p.seed, head, p.waivers)
        self._thread.call(self._session.start())

    def execute(self, case: Case) -> CaseResult:
        """Run one case. Raises RunAborted, and again for every later case."""
        if self.aborted is not None:
            raise self.aborted
        assert self._thread is not None
        assert self._session is not None
        try:
            return self._thread.call(self._session.run_case(case))
        except RunAborted as error:
            self.aborted = error
            raise

    def finish(self, *, interrupted: bool = False) -> RunResult:
        """Seal, judge and write the files. Calling it again gives the same result."""
        if self.result is None:
            assert self._thread is not None
            assert self._session is not None
            reason = "interrupted" if interrupted else (self.aborted.kind if self.aborted else "complete")
            self.result = self._thread.call(self._session.finish(reason=reason))
            transcript = self._session.world.recorder.transcript
            self.report, self.paths = write_outputs(self.result, transcript, self.prepared.spec, self.out)
        return self.result

    def close(self) -> None:
        """Stop the device, the servers and the loop."""
        if self._thread is not None:
            if self._session is not None:
                self._thread.call(self._session.world.close())
            self._thread.close()
            self._thread = None
        if self._lock is not None:
            self._lock.release()


def default_out(device: DeviceFile) -> Path:
    """A fresh directory below rvw-out, named by date and device."""
    stamp = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}"
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in device.remote_device_id)[:48]
    out = Path("rvw-out") / f"{stamp}-{safe}"
    number = 1
    while out.exists():
        number += 1
        out = Path("rvw-out") / f"{stamp}-{safe}-{number}"
    return out
