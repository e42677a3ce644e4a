"""Which cases will be run and why, which obligations are selected, who is needed. A plan is data and is recorded."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from conformance.bench.case import Case
from conformance.bench.home import bring_home
from conformance.bench.needs import timers_of
from conformance.spec.condition import holds
from conformance.spec.model import Clause, Obligation, Profile, Spec, Verification

VISIT: Final = "visit"  # area of the cases that go through a whole visit


@dataclass(frozen=True, slots=True)
class Means:
    """What this run has to work with."""

    verbs: frozenset[str]  # stimuli that somebody can give
    power: bool  # the bench can switch the device off and on
    sockets: bool
    media: bool


@dataclass(frozen=True, slots=True)
class Selection:
    """What the user narrowed the run to. Empty fields narrow nothing."""

    clauses: tuple[str, ...] = ()
    until: str = ""
    cases: frozenset[str] = frozenset()

    @property
    def partial(self) -> bool:
        """Whether anything was narrowed: such a run is no basis for an application."""
        return bool(self.clauses or self.until or self.cases)


@dataclass(frozen=True, slots=True)
class Left:
    """Something that is not run, with the reason in both languages."""

    id: str
    zh: str
    en: str

    def as_facts(self) -> dict[str, str]:
        """JSON form."""
        return {"id": self.id, "reason": self.en, "reason_zh": self.zh}


@dataclass(frozen=True, slots=True)
class Plan:
    """The order of cases and the fate of every obligation."""

    cases: tuple[Case, ...]
    cases_left: tuple[Left, ...]
    selected: Mapping[str, tuple[str, ...]]  # obligation -> cases that provoke it ("*" where every case does)
    not_selected: tuple[Left, ...]
    not_applicable: tuple[Left, ...]
    declared: Mapping[str, str]  # obligation that a document meets -> the vendor's statement
    in_part: tuple[str, ...] = ()  # selected, but the user left out some of the cases that provoke them

    def as_facts(self) -> dict[str, Any]:
        """The `plan` observation: the judge works from this, so that a re-judgement needs no suites."""
        by_case: dict[str, list[str]] = {case.id: [] for case in self.cases}
        for obligation, cases in self.selected.items():
            for case_id in cases:
                if case_id in by_case:
                    by_case[case_id].append(obligation)
        return {
            "cases": [
                {"id": c.id, "obligations": by_case[c.id], "title": c.title.en, "title_zh": c.title.zh} for c in self.cases
            ],
            "cases_left": [left.as_facts() for left in self.cases_left],
            "selected": list(self.selected),
            "not_selected": [left.as_facts() for left in self.not_selected],
            "not_applicable": [left.as_facts() for left in self.not_applicable],
            "declared": [{"id": oid, "statement": statement} for oid, statement in self.declared.items()],
            "in_part": list(self.in_part),
        }


def make_plan(
    spec: Spec, profile: Profile, pics: Mapping[str, Any], cases: Mapping[str, Case], means: Means, *, seed: int,
    selection: Selection | None = None, declarations: Mapping[str, str] | None = None,
) -> Plan:  # fmt: skip
    """Choose cases and obligations. Cases come in an order shuffled by the seed, those that start the device first.

    `declarations` are the vendor's statements by obligation (`[declarations]` of the device file).
    """
    chosen = selection or Selection()
    left: list[Left] = []
    runnable: list[Case] = []
    for item in cases.values():
        reason = _out_of_reach(spec, profile, pics, item, means) or _nobody_can(item, means)
        if reason is None:
            runnable.append(item)
        else:
            left.append(Left(item.id, *reason))
    in_reach = [item for item in cases.values() if not _out_of_reach(spec, profile, pics, item, means)]
    lacking = [item.id for item in in_reach if item not in runnable]
    ids = [item.id for item in runnable]
    selected, not_selected, not_applicable, declared = _obligations(spec, profile, pics, ids, lacking, declarations or {})
    runnable, narrowed = _narrow(runnable, chosen, selected, spec)
    left.extend(narrowed)
    kept = {item.id for item in runnable}
    families = list(spec.families)
    for oid, provoking in list(selected.items()):
        family = spec.clauses[oid.split(".", 1)[0]].family
        if chosen.until and families.index(family) > families.index(chosen.until):
            del selected[oid]
            not_selected.append(Left(oid, f"本次只运行到 {chosen.until} 类为止", f"this run goes as far as {chosen.until}"))
        elif not provoking and is_named(oid, chosen.clauses):
            continue  # asked for by name, and nobody can give it: that is inconclusive and not out of scope
        elif chosen.partial and provoking != ("*",) and not kept.intersection(provoking):
            del selected[oid]
            not_selected.append(Left(oid, "本次运行的范围不含触发它的用例", "no case of this run provokes it"))
    in_part = tuple(oid for oid, provoking in selected.items() if provoking != ("*",) and not kept.issuperset(provoking))
    return Plan(
        tuple(_ordered(runnable, seed)), tuple(left), selected, tuple(not_selected), tuple(not_applicable), declared, in_part
    )  # fmt: skip


def replan(spec: Spec, head: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    """The plan facts of a recorded run under another pack: the same cases, the other pack's obligations.

    A profile that the other pack lacks is replaced by its first. What no recorded case provokes is not selected.
    """
    profile = spec.profiles.get(str(head.get("profile"))) or next(iter(spec.profiles.values()))
    cases = [str(row["id"]) for row in plan.get("cases", ())]
    told = {str(row["id"]): str(row["statement"]) for row in plan.get("declared", ()) if isinstance(row, Mapping)}
    selected, not_selected, not_applicable, declared = _obligations(spec, profile, head.get("pics", {}), cases, (), told)
    by_case = {case: [o for o, ids in selected.items() if case in ids] for case in cases}
    return {
        **plan,
        "cases": [{**row, "obligations": by_case[str(row["id"])]} for row in plan.get("cases", ())],
        "selected": list(selected),
        "not_selected": [left.as_facts() for left in not_selected],
        "not_applicable": [left.as_facts() for left in not_applicable],
        "declared": [{"id": oid, "statement": statement} for oid, statement in declared.items()],
    }


def _out_of_reach(
    spec: Spec, profile: Profile, pics: Mapping[str, Any], case: Case, means: Means
) -> tuple[str, str] | None:
    """Why a case is outside what this run set out to do: what only it provokes is `not_selected`."""
    missing = [role for role in case.roles if not spec.by_role(role)]
    if missing:
        return f"规范包未绑定角色 {', '.join(missing)}", f"the pack binds no message to {', '.join(missing)}"
    unknown = [t for t in sorted({*timers_of(case.procedure), *timers_of(bring_home)}) if t not in spec.timers]
    if unknown:
        return f"规范包没有定时器 {', '.join(unknown)}", f"the pack has no timer {', '.join(unknown)}"
    if not any(fnmatchcase(case.id, glob) for glob in profile.cases):
        return f"不在档位 {profile.id} 的范围内", f"outside the profile {profile.id}"
    if case.condition is not None and not holds(case.condition, pics):
        return "设备声明不支持该项", "the device declares not to have it"
    if case.sockets and not means.sockets:
        return "该用例需要真实网络连接", "the case needs real sockets"
    if case.media and not (means.media and profile.media):
        return "本次运行不含媒体", "this run has no media"
    return None


def _nobody_can(case: Case, means: Means) -> tuple[str, str] | None:
    """Why a case that belongs to this run cannot be given: what only it provokes stays selected and is inconclusive."""
    lacking = [verb for verb in case.verbs if verb not in means.verbs]
    if lacking:
        return f"无人可执行操作 {', '.join(lacking)}", f"nobody can give the stimulus {', '.join(lacking)}"
    if case.power and not means.power:
        return "测试平台无法控制设备电源", "the bench cannot switch the device off and on"
    return None


def _obligations(
    spec: Spec, profile: Profile, pics: Mapping[str, Any], cases: Sequence[str], lacking: Sequence[str],
    declarations: Mapping[str, str],
) -> tuple[dict[str, tuple[str, ...]], list[Left], list[Left], dict[str, str]]:  # fmt: skip
    selected: dict[str, tuple[str, ...]] = {}
    not_selected: list[Left] = []
    not_applicable: list[Left] = []
    declared: dict[str, str] = {}
    for clause in spec.clauses.values():
        for obligation in clause.obligations:
            if not (holds(clause.condition, pics) and holds(obligation.condition, pics)):
                not_applicable.append(Left(obligation.id, "设备声明不具备该条件", "its condition is not declared"))
            elif (reason := _out_of_scope(spec, profile, clause, obligation)) is not None:
                not_selected.append(Left(obligation.id, *reason))
            elif obligation.verification is Verification.DOCUMENT and obligation.rule is None:
                if obligation.id in declarations:
                    declared[obligation.id] = declarations[obligation.id]
                else:
                    selected[obligation.id] = ()  # nothing provokes a document: undeclared, it is inconclusive
            else:
                provoking = _provoking(obligation, cases)
                if provoking or _provoking(obligation, lacking):
                    selected[obligation.id] = provoking
                else:
                    not_selected.append(Left(obligation.id, "本次没有可触发它的用例", "no case of this run provokes it"))
    return selected, not_selected, not_applicable, declared


def _out_of_scope(spec: Spec, profile: Profile, clause: Clause, obligation: Obligation) -> tuple[str, str] | None:
    if clause.family not in profile.families:
        return f"档位 {profile.id} 不含 {clause.family} 类", f"the profile {profile.id} leaves out {clause.family}"
    about = spec.interfaces.get(clause.interface or "")
    if about is not None and about.transport == "webrtc" and not profile.media:
        return f"档位 {profile.id} 不含媒体", f"the profile {profile.id} has no media"
    if obligation.verification is Verification.OPERATOR and "operator" not in profile.stimulus:
        return f"档位 {profile.id} 无测试员", f"the profile {profile.id} has no operator"
    if obligation.grade not in profile.grades:
        grade = obligation.grade
        return f"档位 {profile.id} 不采信 {grade} 级证据", f"the profile {profile.id} takes no {grade} evidence"
    return None


def _provoking(obligation: Obligation, cases: Iterable[str]) -> tuple[str, ...]:
    if obligation.stimulus is None:
        return ("*",)
    return tuple(case for case in cases if fnmatchcase(case, obligation.stimulus))


def _narrow(
    cases: list[Case], chosen: Selection, selected: Mapping[str, tuple[str, ...]], spec: Spec
) -> tuple[list[Case], list[Left]]:
    if not chosen.partial:
        return cases, []
    wanted: set[str] | None = None
    if chosen.clauses:
        wanted = set()
        for clause in spec.clauses.values():
            for obligation in clause.obligations:
                if obligation.id in selected and is_named(obligation.id, chosen.clauses):
                    provoking = selected[obligation.id]
                    wanted |= _feeding(cases, clause.family, obligation) if provoking == ("*",) else set(provoking)
    families = list(spec.families)
    kept, left = [], []
    for item in cases:
        out = (
            (wanted is not None and item.id not in wanted)
            or (chosen.cases and item.id not in chosen.cases)
            or (chosen.until and _rank(item, families, selected) > families.index(chosen.until))
        )
        if out:
            left.append(Left(item.id, "未被选择运行", "not chosen for this run"))
        else:
            kept.append(item)
    return kept, left


def _feeding(cases: Sequence[Case], family: str, obligation: Obligation) -> set[str]:
    """The cases that are enough to feed a monitor: those of its own family, where its messages are the story, and the whole
    visit, which brings every message of a good day. Where these are fewer than the occasions that it asks for, every case."""
    near = {case.id for case in cases if case.area in (family.lower(), VISIT)}
    return near if len(near) >= obligation.occasions and near else {case.id for case in cases}


def is_named(obligation: str, clauses: Sequence[str]) -> bool:
    """Whether `--clause` names an obligation, by its own id or by its clause's."""
    return obligation in clauses or obligation.split(".", 1)[0] in clauses


def _rank(case: Case, families: Sequence[str], selected: Mapping[str, tuple[str, ...]]) -> int:
    """Where a case stands among the families: by its area, or by the first family that it is there for; monitors come first."""
    if case.area.upper() in families:
        return families.index(case.area.upper())
    here = [families.index(oid[:3]) for oid, ids in selected.items() if case.id in ids]
    return min(here, default=0)


def _ordered(cases: Iterable[Case], seed: int) -> list[Case]:
    """Shuffled by the seed. What starts the device comes first: it proves the way in that all others stand on."""
    rows = sorted(cases, key=lambda c: c.id)
    random.Random(seed).shuffle(rows)  # noqa: S311  an order, not a key
    return sorted(rows, key=lambda c: c.given != "off")
