"""From findings to verdicts of obligations and clauses (decisions 1, 5, 7, 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from conformance.spec.model import Clause, Grade, Level, Obligation, Spec, Verification
from conformance.verdict import blame as blaming
from conformance.verdict.blame import Why
from conformance.verdict.context import Context
from conformance.verdict.findings import RULE_ERROR
from conformance.verdict.model import (
    Blame,
    CaseResult,
    ClauseResult,
    Doubt,
    Finding,
    ObligationResult,
    Outcome,
    Verdict,
)
from conformance.verdict.scope import Scope

THIN_REPEATS: Final = 5  # occasions inside the guard band that a further one may settle (decision 5)
THIN_SETTLED_BY: Final = 2  # beyond, each asks for two that held: what can be seen clearly must outweigh what cannot
IN_PART: Final = "in-part"  # the user left out cases that would have given the occasions
_SETTLED_BY_OTHERS: Final = frozenset({blaming.ENDED, "thin", blaming.ABSENT})  # doubts that enough held occasions outweigh


@dataclass
class Evidence:
    """All findings of one obligation over the run, those of attempts that a later one settled already thinned out."""

    findings: list[Finding] = field(default_factory=list)

    @property
    def held(self) -> list[int]:
        """Occasions that held."""
        return [n for f in self.findings if not f.tainted for n in f.outcome.held]

    @property
    def broken(self) -> int:
        """Number of untainted violations."""
        return sum(len(f.outcome.violated) for f in self.findings if not f.tainted)

    @property
    def doubts(self) -> list[Doubt]:
        """Occasions that could not be decided."""
        return [d for f in self.findings for d in f.outcome.undecidable if d.reason != RULE_ERROR]

    @property
    def tainted(self) -> Finding | None:
        """The first tainted finding."""
        return next((f for f in self.findings if f.tainted), None)


def superseded(finding: Finding) -> Finding | None:
    """What stays of a finding of an attempt that was run again: what held and what was plainly violated (decision 6)."""
    if finding.tainted:
        return None
    kept = Outcome(finding.outcome.held, finding.outcome.violated)
    return replace(finding, outcome=kept) if kept.triggered else None


@dataclass(frozen=True)
class Bench:
    """What the roll-up looks at beside the findings."""

    spec: Spec
    scope: Scope
    whole: Context
    cases: Mapping[str, CaseResult]
    certification: bool
    absent: Why | None  # why no device was seen in the whole run
    run_trouble: Why | None  # a trouble that reaches the whole run
    partial: bool = False  # the user narrowed the run: what it happened to meet too seldom was not asked for
    few_cases: bool = False  # the profile has chosen cases: what none of them ever brings about was not asked for


@dataclass(frozen=True)
class _Judged:
    result: ObligationResult
    blame: Blame | None
    claims: bool


def clause_result(clause: Clause, evidence: Mapping[str, Evidence], bench: Bench) -> ClauseResult:
    """The verdict of one clause."""
    chosen = [o for o in clause.obligations if o.id in bench.scope.selected or o.id in bench.scope.declared]
    if not chosen:
        return _out_of_scope(clause, bench.scope)
    nothing = Evidence()
    judged = [_judge(o, evidence.get(o.id, nothing), bench) for o in chosen]
    verdict = _worst([j.result.verdict for j in judged])
    decisive = next(j for j in judged if j.result.verdict is verdict)
    proven = [j for j in judged if j.result.verdict is Verdict.PASS and j.result.grade != "declaration"]
    findings = tuple(f for o in chosen for f in evidence.get(o.id, nothing).findings if _is_news(f))
    return ClauseResult(
        id=clause.id, level=clause.level.value, verdict=verdict, obligations=tuple(j.result for j in judged),
        findings=findings, blame=decisive.blame, reason=decisive.result.reason,
        remark=verdict is Verdict.FAIL and clause.level is not Level.MUST,
        claims_only=verdict is Verdict.PASS and bool(proven) and all(j.claims for j in proven),
    )  # fmt: skip


def _is_news(finding: Finding) -> bool:
    return bool(finding.tainted or finding.outcome.violated or finding.outcome.undecidable)


def _out_of_scope(clause: Clause, scope: Scope) -> ClauseResult:
    reasons = [scope.reason(obligation) for obligation in clause.obligations]
    inapplicable = bool(reasons) and all(not_applicable for not_applicable, _ in reasons)
    verdict = Verdict.NOT_APPLICABLE if inapplicable else Verdict.NOT_SELECTED
    reason = next((text for not_applicable, text in reasons if not_applicable is inapplicable and text), "")
    return ClauseResult(clause.id, clause.level.value, verdict, (), (), reason=reason)


def _worst(verdicts: Sequence[Verdict]) -> Verdict:
    order = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.NOT_SELECTED, Verdict.PASS)
    return next(v for v in order if v in verdicts)


def _judge(obligation: Obligation, evidence: Evidence, bench: Bench) -> _Judged:
    held, doubts = evidence.held, evidence.doubts
    needed = max(1, obligation.occasions)
    claims = _rests_on_claims(obligation, held, bench)
    grade: str = obligation.grade.value
    if obligation.verification is Verification.DOCUMENT and obligation.rule is None:
        grade = "declaration"
        verdict, why = _declared(obligation, bench.scope)
    elif evidence.broken:
        verdict, why = Verdict.FAIL, (Blame.DEVICE, "")
    elif evidence.tainted is not None:
        verdict = Verdict.ERROR
        why = (evidence.tainted.blame or Blame.BENCH, evidence.tainted.taint_reason)
    else:
        verdict, why = _unbroken(obligation, held, doubts, needed, bench)
        if verdict is Verdict.PASS and claims and bench.certification and obligation.grade is not Grade.CLAIM:
            verdict, why = Verdict.INCONCLUSIVE, (Blame.CONFIGURATION, f"claims-only: {obligation.grade.value} asked")
    result = ObligationResult(
        obligation.id, verdict, len(held), evidence.broken, len(doubts), needed, grade, why[1] if why else ""
    )
    return _Judged(result, why[0] if why else None, claims)


def _declared(obligation: Obligation, scope: Scope) -> tuple[Verdict, Why | None]:
    if scope.declared.get(obligation.id):  # a declaration says something; the id alone declares nothing
        return Verdict.PASS, None
    return Verdict.INCONCLUSIVE, (Blame.CONFIGURATION, "undeclared")


def _rests_on_claims(obligation: Obligation, held: Sequence[int], bench: Bench) -> bool:
    """Whether everything that speaks for the device is its own word (all of I6)."""
    if obligation.grade is Grade.CLAIM:
        return True
    entries = [bench.whole.at(n) for n in held]
    return bool(entries) and all(entry is not None and entry.obs == "device.claim" for entry in entries)


def _unbroken(
    obligation: Obligation, held: Sequence[int], doubts: Sequence[Doubt], needed: int, bench: Bench
) -> tuple[Verdict, Why | None]:
    if len(held) < needed:
        return _too_few(obligation, held, doubts, needed, bench)
    lasting = [d for d in doubts if d.reason not in _SETTLED_BY_OTHERS]
    if lasting:
        return Verdict.INCONCLUSIVE, blaming.of_doubt(lasting[0])
    thin = [d for d in doubts if d.reason == "thin"]
    if len(thin) > max(THIN_REPEATS, len(held) // THIN_SETTLED_BY):
        return Verdict.INCONCLUSIVE, blaming.of_doubt(thin[0])
    return Verdict.PASS, None


def _too_few(
    obligation: Obligation, held: Sequence[int], doubts: Sequence[Doubt], needed: int, bench: Bench
) -> tuple[Verdict, Why]:
    """Error where the bench kept the occasions away, else inconclusive with the nearest cause."""
    if bench.run_trouble is not None:
        return Verdict.ERROR, bench.run_trouble
    cases = [bench.cases[c] for c in bench.scope.provoking(obligation.id) if c in bench.cases]
    for case in cases:
        if case.verdict is Verdict.ERROR:
            return Verdict.ERROR, (case.blame or Blame.BENCH, f"{case.id}: {case.reason}")
    if bench.absent is not None:
        return Verdict.INCONCLUSIVE, bench.absent
    met = bool(held or doubts)
    if obligation.stimulus is None and (bench.partial or (bench.few_cases and not met)):
        return Verdict.NOT_SELECTED, (Blame.BENCH, f"narrowed: {len(held)}/{needed}")
    if doubts:
        return Verdict.INCONCLUSIVE, _broken_off(doubts[0], bench) or blaming.of_doubt(doubts[0])
    for case in cases:
        if case.verdict is Verdict.INCONCLUSIVE and case.blame is not None:
            return Verdict.INCONCLUSIVE, (case.blame, f"{case.id}: {case.reason}")
    if obligation.id in bench.scope.in_part:
        return Verdict.NOT_SELECTED, (Blame.BENCH, f"{IN_PART}: {len(held)}/{needed}")
    if held:
        return Verdict.INCONCLUSIVE, (Blame.BENCH, f"too-few: {len(held)}/{needed}")
    blame = Blame.OPERATOR if obligation.verification is Verification.OPERATOR else Blame.BENCH
    return Verdict.INCONCLUSIVE, (blame, "not-exercised" if cases or obligation.stimulus is None else "not-planned")


def _broken_off(doubt: Doubt, bench: Bench) -> Why | None:
    """Why a limit did not run out: what broke off the case in which it ran, where that is neither device nor bench."""
    entry = bench.whole.at(doubt.n) if doubt.reason == blaming.ENDED else None
    case = bench.cases.get(entry.case) if entry is not None else None
    if case is None or case.verdict is not Verdict.INCONCLUSIVE or case.blame in (None, Blame.DEVICE, Blame.BENCH):
        return None
    return case.blame, f"{case.id}: {case.reason}"


def with_primaries(results: Sequence[ClauseResult], spec: Spec) -> list[ClauseResult]:
    """Name, for each failed clause, the failed clause that it follows from (decision 9)."""
    failed = {r.id for r in results if r.verdict is Verdict.FAIL}
    return [
        replace(r, primary=_root(r.id, failed, spec)) if r.id in failed else r for r in results
    ]  # fmt: skip


def _root(clause: str, failed: set[str], spec: Spec) -> str:
    """The failed clause at the far end of `follows_from`, empty where the clause fails for a reason of its own."""
    seen = {clause}
    here = clause
    while True:
        causes = [c for c in spec.clauses[here].follows_from if c in failed and c not in seen]
        if not causes:
            return "" if here == clause else here
        here = causes[0]
        seen.add(here)
