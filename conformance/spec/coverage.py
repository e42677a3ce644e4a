"""Which clause is checked how, and by which cases: the table behind `rvw spec coverage`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from conformance.spec.model import Obligation, Place, Spec, Verification
from conformance.spec.problems import Problem, suggest


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """One obligation: how it is verified, and the cases that provoke it."""

    clause: str
    family: str
    level: str
    interface: str
    obligation: str
    polarity: str
    verification: str
    grade: str
    occasions: int
    rule: str  # kind of the rule, "" where a person or a document answers
    stimulus: str
    cases: tuple[str, ...]

    @property
    def by_machine(self) -> bool:
        """Whether a rule decides it."""
        return self.verification in (Verification.MONITOR, Verification.PROCEDURE)

    @property
    def unprovoked(self) -> bool:
        """A procedure that no case carries out: it would stay inconclusive in every run."""
        return self.verification == Verification.PROCEDURE and not self.cases


@dataclass(frozen=True, slots=True)
class FamilyCoverage:
    """Sums of one family (or of all, family `*`)."""

    family: str
    clauses: int
    must: int
    obligations: int
    verification: Mapping[str, int]
    unprovoked: int


def coverage(spec: Spec, cases: Iterable[str] = ()) -> list[CoverageRow]:
    """One row an obligation, in pack order; `cases` are the ids of all cases that exist."""
    known = tuple(cases)
    return [
        CoverageRow(
            clause=clause.id, family=clause.family, level=clause.level, interface=clause.interface, obligation=o.id,
            polarity=o.polarity, verification=o.verification, grade=o.grade, occasions=o.occasions,
            rule=o.rule.kind if o.rule else "", stimulus=o.stimulus or "", cases=provoked_by(o, known),
        )
        for clause in spec.clauses.values()
        for o in clause.obligations
    ]  # fmt: skip


def provoked_by(obligation: Obligation, cases: Iterable[str]) -> tuple[str, ...]:
    """The cases that the stimulus of an obligation names."""
    glob = obligation.stimulus
    return () if glob is None else tuple(case for case in cases if fnmatchcase(case, glob))


def totals(rows: Sequence[CoverageRow]) -> list[FamilyCoverage]:
    """Sums by family in pack order, and over everything (family `*`) at the end."""
    families = list(dict.fromkeys(row.family for row in rows))
    return [_total(f, [row for row in rows if row.family == f]) for f in families] + [_total("*", rows)]


def _total(family: str, rows: Sequence[CoverageRow]) -> FamilyCoverage:
    clauses = {row.clause: row.level for row in rows}
    how = Counter(row.verification for row in rows)
    return FamilyCoverage(
        family=family, clauses=len(clauses), must=sum(level == "MUST" for level in clauses.values()),
        obligations=len(rows), verification={v.value: how.get(v, 0) for v in Verification},
        unprovoked=sum(row.unprovoked for row in rows),
    )  # fmt: skip


def stimulus_problems(spec: Spec, cases: Iterable[str]) -> list[Problem]:
    """Stimuli that name no existing case, and case globs of profiles that select none. The pack alone cannot know this."""
    known = tuple(cases)
    found = [
        Problem(clause.place, f"the stimulus {o.stimulus!r} of {o.id} names no case", suggest(o.stimulus, known))
        for clause in spec.clauses.values()
        for o in clause.obligations
        if o.stimulus is not None and not provoked_by(o, known)
    ]
    for profile in spec.profiles.values():
        for glob in profile.cases:
            if not any(fnmatchcase(case, glob) for case in known):
                place = Place(f"profiles/{profile.id}.yaml", 1)
                found.append(Problem(place, f"{glob!r} of profile {profile.id!r} selects no case", suggest(glob, known)))
    return found
