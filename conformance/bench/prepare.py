"""What is known of a run before any traffic: options, pack, device file, plan, and everything that is wrong with them."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.bench.case import Case, load_cases
from conformance.bench.errors import UsageProblem, told_of
from conformance.bench.generated import generated_cases
from conformance.bench.head import loosened, timer_values
from conformance.bench.place import Place, PlaceError, place_of
from conformance.bench.plan import Means, Plan, Selection, make_plan
from conformance.iut.device_file import DeviceFile, DeviceFileError, load_device
from conformance.iut.prompt import known_verbs
from conformance.iut.review import FLOOR_VERBS, declared, review, review_beside
from conformance.spec.loader import load
from conformance.spec.model import Profile, Spec, Text
from conformance.spec.problems import PackError, lines_of, suggestion
from conformance.verdict.waivers import Waiver, WaiverError, load_waivers, unfit


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
    if options.seed is not None and not -(1 << 63) <= options.seed < 1 << 63:
        raise UsageProblem([Text("--seed 应为 64 位以内的整数", "--seed takes a whole number of at most 64 bits")])
    try:
        spec = load(options.pack) if options.pack else load()
        device = _device(options.device, spec)
        waivers = load_waivers(options.known_failures) if options.known_failures else ()
        place = place_of(device, options.lab)
    except (PackError, WaiverError, PlaceError) as error:
        raise UsageProblem(lines_of(error)) from error
    except OSError as error:
        raise UsageProblem([told_of(error, options.device)]) from error
    profile = spec.profiles.get(options.profile)
    if profile is None:
        raise UsageProblem([no_profile(options.profile, spec)])
    reviewed = review(device, spec)
    problems: list[str | Text] = [problem.line for problem in reviewed if problem.fatal]
    known_ids = [*spec.clauses, *(o.id for clause in spec.clauses.values() for o in clause.obligations)]
    problems += [_unknown(Text("条款", "clause"), c, known_ids) for c in options.clauses if c not in known_ids]
    if options.until and options.until not in spec.families:
        families = ", ".join(spec.families)
        problems.append(Text(
            f"没有条款类别 {options.until!r}；规范包有 {families}", f"unknown family {options.until!r}; the pack has {families}"
        ))  # fmt: skip
    try:
        timers_ms = timer_values(spec, profile, options.timers)
    except KeyError as error:
        raise UsageProblem([*problems, _unknown(Text("时限", "timer"), str(error.args[0]), spec.timers)]) from error
    if profile.certification and waivers:
        problems.append(Text(
            f"认证档位 {profile.id!r} 不接受豁免清单（--known-failures）",
            f"known failures are refused for the certification profile {profile.id!r}",
        ))  # fmt: skip
    if profile.certification and (loose := loosened(spec, profile, timers_ms)):
        named = ", ".join(row["timer"] for row in loose)
        problems.append(Text(
            f"认证档位 {profile.id!r} 不接受放宽的时限：{named}", f"loosened limits are refused for {profile.id!r}: {named}"
        ))  # fmt: skip
    cases = {**load_cases(), **generated_cases(spec)}
    problems += unfit(waivers, spec.clauses.keys(), cases.keys(), dt.datetime.now(dt.UTC).date())
    if problems:
        raise UsageProblem(problems)
    means = Means(_verbs(device, profile, options), device.driver.kind == "spawn", sockets=True, media=profile.media)
    seed = options.seed if options.seed is not None else secrets.randbelow(1 << 31)
    pics = declared(device, spec).pics
    remarks = tuple(problem.line for problem in reviewed if not problem.fatal)
    return Prepared(options, spec, device, profile, pics, timers_ms, cases, means, waivers, seed, place, remarks)


def _device(file: Path, spec: Spec) -> DeviceFile:
    """The device file. Raises UsageProblem with all that is wrong: its form, and what it declares as far as that can be read."""
    try:
        return load_device(file)
    except DeviceFileError as error:
        beside = [problem.line for problem in review_beside(error, spec) if problem.fatal]
        head = Text("此外，其中的声明：", "and what it declares:")
        raise UsageProblem([*lines_of(error), *([head, *beside] if beside else [])]) from error


def no_profile(name: str, spec: Spec) -> Text:
    """What is said of a profile that the pack lacks."""
    known = ", ".join(spec.profiles)
    return Text(f"规范包没有档位 {name!r}；可用：{known}", f"unknown profile {name!r}; the pack has {known}")


def _unknown(what: Text, name: str, known: Iterable[str]) -> Text:
    near = suggestion(name, known)
    return Text(f"没有{what.zh} {name!r}；{near.zh}", f"unknown {what.en} {name!r}; {near.en}")


def _verbs(device: DeviceFile, profile: Profile, options: Options) -> frozenset[str]:
    """What can be asked of the device: its program's verbs, and a person's where prompts are allowed."""
    person = known_verbs() if options.prompts and "operator" in profile.stimulus else frozenset()
    if device.upper_tester.kind == "operator":
        return person
    return (frozenset(device.upper_tester.verbs) or frozenset(FLOOR_VERBS)) | person
