"""What a run set out to show: the `plan` observation as the judge reads it. A re-judgement needs no suites, only this."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from conformance.spec.condition import ConditionError, holds
from conformance.spec.model import Obligation, Spec, Verification
from conformance.trace.transcript import Entry


@dataclass(frozen=True)
class Scope:
    """Selected obligations and planned cases. Without a recorded plan everything that the PICS allows is selected."""

    selected: frozenset[str]
    cases: Mapping[str, tuple[str, ...]]  # case -> obligations that it is there to provoke
    not_selected: Mapping[str, str] = field(default_factory=dict)  # obligation or clause -> reason
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    declared: Mapping[str, str] = field(default_factory=dict)  # obligation -> statement
    in_part: frozenset[str] = frozenset()  # selected, but the user left out some of the cases that provoke them

    def provoking(self, obligation: str) -> tuple[str, ...]:
        """The planned cases that are there to provoke an obligation."""
        return tuple(case for case, listed in self.cases.items() if obligation in listed)

    def provoked_by(self, case: str) -> tuple[str, ...]:
        """The obligations for whose sake a case is run."""
        return self.cases.get(case, ())

    def reason(self, obligation: Obligation) -> tuple[bool, str]:
        """Why an obligation is out of scope: (whether not applicable, reason)."""
        for key in (obligation.id, obligation.clause):
            if key in self.not_applicable:
                return True, self.not_applicable[key]
        for key in (obligation.id, obligation.clause):
            if key in self.not_selected:
                return False, self.not_selected[key]
        return False, ""

    def judged_in(self, obligation: Obligation, case: str) -> bool:
        """Whether a case-scope rule is judged on the slices of `case`.

        What is monitored is judged everywhere; a procedure's rule only where its stimulus is given, since elsewhere its
        windows would open on other things.
        """
        return (
            obligation.stimulus is None
            or obligation.verification is Verification.MONITOR
            or obligation.id in self.cases.get(case, ())
            or fnmatchcase(case, obligation.stimulus)
        )


def scope_of(entries: Iterable[Entry], spec: Spec, pics: Mapping[str, Any]) -> Scope:
    """The scope of a run from its `plan` observations (a resumed run has one a segment; their union counts)."""
    plans = [entry.facts for entry in entries if entry.obs == "plan"]
    return _planned(plans) if plans else _unplanned(spec, pics)


def scope_from_facts(facts: Mapping[str, Any]) -> Scope:
    """The scope that one plan gives."""
    return _planned([facts])


def _planned(plans: Sequence[Mapping[str, Any]]) -> Scope:
    cases: dict[str, tuple[str, ...]] = {}
    selected: set[str] = set()
    in_part: set[str] = set()
    texts: dict[str, dict[str, str]] = {"not_selected": {}, "not_applicable": {}, "declared": {}}
    said = {"declared": "statement"}
    for plan in plans:
        selected.update(_ids(plan.get("selected")))
        in_part.update(_ids(plan.get("in_part")))
        for row in _rows(plan.get("cases")):
            case = str(row.get("id", ""))
            cases[case] = tuple(dict.fromkeys([*cases.get(case, ()), *_ids(row.get("obligations"))]))
        for name, kept in texts.items():
            for row in _rows(plan.get(name)):
                kept[str(row.get("id", ""))] = str(row.get(said.get(name, "reason")) or "")
    return Scope(
        frozenset(selected), cases, texts["not_selected"], texts["not_applicable"], texts["declared"], frozenset(in_part)
    )  # fmt: skip


def _ids(listed: Any) -> list[str]:
    return [str(row.get("id", "")) for row in _rows(listed)]


def _rows(listed: Any) -> list[Mapping[str, Any]]:
    """A list of ids or of maps with an id, as maps."""
    if not isinstance(listed, list | tuple):
        return []
    return [row if isinstance(row, Mapping) else {"id": str(row)} for row in listed]


def _unplanned(spec: Spec, pics: Mapping[str, Any]) -> Scope:
    selected: set[str] = set()
    not_applicable: dict[str, str] = {}
    not_selected: dict[str, str] = {}
    for clause in spec.clauses.values():
        for obligation in clause.obligations:
            if not (_applies(clause.condition, pics) and _applies(obligation.condition, pics)):
                not_applicable[obligation.id] = "its condition is not declared"
            elif obligation.verification is Verification.DOCUMENT:
                not_selected[obligation.id] = "no plan was recorded"
            else:
                selected.add(obligation.id)
    return Scope(frozenset(selected), {}, not_selected=not_selected, not_applicable=not_applicable)


def _applies(condition: Any, pics: Mapping[str, Any]) -> bool:
    try:
        return holds(condition, pics)
    except ConditionError:
        return True  # a pack that was not checked: judge it rather than hide it
