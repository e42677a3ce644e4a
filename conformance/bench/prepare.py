"""What is known of a run before any traffic: options, pack, device file, plan, and everything that is wrong with them."""

from __future__ import annotations

import datetime as dt
import errno
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.bench.case import Case, load_cases
from conformance.bench.errors import BenchBroken
from conformance.bench.generated import generated_cases
from conformance.bench.head import loosened, timer_values
from conformance.bench.place import Place, PlaceError, place_of
from conformance.bench.plan import Means, Plan, Selection, make_plan
from conformance.iut.device_file import DeviceFile, DeviceFileError, load_device
from conformance.iut.prompt import known_verbs
from conformance.iut.review import FLOOR_VERBS, declared, review
from conformance.spec.loader import load
from conformance.spec.model import Profile, Spec, Text
from conformance.spec.problems import PackError, suggest
from conformance.verdict.waivers import Waiver, WaiverError, load_waivers, unfit

FULL = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})  # what a disk says that takes no more


class UsageProblem(Exception):
    """The run cannot be started as asked (exit 2). `lines` say what, where and what is valid."""

    def __init__(self, lines: Sequence[str | Text]) -> None:
        super().__init__("\n".join(line if isinstance(line, str) else line.en for line in lines))
        self.lines = lines


def told_of(error: OSError, place: Path | None = None) -> str:
    """An error of the system as a sentence with the file that it is about."""
    file = error.filename or place
    return f"{file}: {error.strerror or error}" if file else str(error)


def unwritable(error: OSError, out: Path, option: str = "--out") -> UsageProblem | BenchBroken:
    """What it means that `out` cannot be written: the user's business, but a full disk is the bench's."""
    if error.errno in FULL:
        return BenchBroken(f"{told_of(error, out)}; make room or name another {option}")
    return UsageProblem([f"{told_of(error, out)}; name a directory that can be written with {option}"])


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
    lab: Path | None = None


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
    place: Place = field(default_factory=Place)
    remarks: tuple[Text, ...] = ()  # about the declarations: nothing that stops a run

    @property
    def person(self) -> bool:
        """Whether somebody may be asked in this run."""
        return self.options.prompts and "operator" in self.profile.stimulus

    @property
    def secrets(self) -> tuple[str, ...]:
        """Sensitive values of the device file: nothing that is written or shown may hold them."""
        return declared(self.device, self.spec).secrets

    def plan(self, cases: frozenset[str] = frozenset()) -> tuple[Plan, Selection]:
        """The plan, narrowed to these cases where any are named."""
        o = self.options
        chosen = cases | o.only_cases if not (cases and o.only_cases) else cases & o.only_cases
        selection = Selection(clauses=o.clauses, until=o.until, cases=chosen)
        plan = make_plan(
            self.spec, self.profile, self.pics, self.cases, self.means, seed=self.seed, selection=selection,
            declarations=self.device.declarations,
        )  # fmt: skip
        return plan, selection


def prepare(options: Options) -> Prepared:
    """Load and check everything; no traffic. Raises UsageProblem with all that is wrong."""
    try:
        spec = load(options.pack) if options.pack else load()
        device = load_device(options.device)
        waivers = load_waivers(options.known_failures) if options.known_failures else ()
        place = place_of(device, options.lab)
    except (PackError, DeviceFileError) as error:
        raise UsageProblem([str(error)]) from error
    except WaiverError as error:
        raise UsageProblem(list(error.problems)) from error
    except PlaceError as error:
        raise UsageProblem([str(error)]) from error
    except OSError as error:
        raise UsageProblem([told_of(error, options.device)]) from error
    profile = spec.profiles.get(options.profile)
    if profile is None:
        raise UsageProblem([f"unknown profile {options.profile!r}; the pack has {', '.join(spec.profiles)}"])
    reviewed = review(device, spec)
    problems: list[str | Text] = [problem.line for problem in reviewed if problem.fatal]
    known_ids = [*spec.clauses, *(o.id for clause in spec.clauses.values() for o in clause.obligations)]
    problems += [f"unknown clause {c!r}; {suggest(c, known_ids)}" for c in options.clauses if c not in known_ids]
    if options.until and options.until not in spec.families:
        problems.append(f"unknown family {options.until!r}; the pack has {', '.join(spec.families)}")
    try:
        timers_ms = timer_values(spec, profile, options.timers)
    except KeyError as error:
        known = suggest(str(error.args[0]), list(spec.timers))
        raise UsageProblem([*problems, f"unknown timer {error.args[0]!r}; {known}"]) from error
    if profile.certification and waivers:
        problems.append(f"known failures are refused for the certification profile {profile.id!r}")
    if profile.certification and (loose := loosened(spec, profile, timers_ms)):
        problems.append(f"loosened limits are refused for {profile.id!r}: {', '.join(row['timer'] for row in loose)}")
    cases = {**load_cases(), **generated_cases(spec)}
    problems += unfit(waivers, spec.clauses.keys(), cases.keys(), dt.datetime.now(dt.UTC).date())
    if problems:
        raise UsageProblem(problems)
    means = Means(_verbs(device, profile, options), device.driver.kind == "spawn", sockets=True, media=profile.media)
    seed = options.seed if options.seed is not None else secrets.randbelow(1 << 31)
    pics = declared(device, spec).pics
    remarks = tuple(problem.line for problem in reviewed if not problem.fatal)
    return Prepared(options, spec, device, profile, pics, timers_ms, cases, means, waivers, seed, place, remarks)


def _verbs(device: DeviceFile, profile: Profile, options: Options) -> frozenset[str]:
    """What can be asked of the device: its program's verbs, and a person's where prompts are allowed."""
    person = known_verbs() if options.prompts and "operator" in profile.stimulus else frozenset()
    if device.upper_tester.kind == "operator":
        return person
    return (frozenset(device.upper_tester.verbs) or frozenset(FLOOR_VERBS)) | person
