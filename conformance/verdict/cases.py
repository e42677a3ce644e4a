"""From findings to the outcome of a test case (decision 8: it sets the pytest outcome)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from conformance.spec.model import Level, Obligation, Spec
from conformance.trace.transcript import Entry
from conformance.verdict import blame as blaming
from conformance.verdict.model import Blame, CaseResult, Finding, Verdict
from conformance.verdict.scope import Scope
from conformance.verdict.taint import Taint

# How a procedure can end other than `through`. What was not observed is the device's doing unless the pack proves more.
ENDS: Final = {
    "not-observed": (Verdict.INCONCLUSIVE, Blame.DEVICE),
    "not-home": (Verdict.INCONCLUSIVE, Blame.ENVIRONMENT),
    "no-stimulus": (Verdict.INCONCLUSIVE, Blame.CONFIGURATION),
    "device-unreachable": (Verdict.INCONCLUSIVE, Blame.ENVIRONMENT),
    "device-absent": (Verdict.INCONCLUSIVE, Blame.ENVIRONMENT),
    "bench-error": (Verdict.ERROR, Blame.BENCH),
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a case: its entries, its findings, the troubles inside it."""

    entries: Sequence[Entry]
    findings: tuple[Finding, ...]
    taints: tuple[Taint, ...]
    absent: bool  # no sign of any device up to its end


@dataclass(frozen=True, slots=True)
class _Outcome:
    verdict: Verdict
    blame: Blame | None = None
    reason: str = ""
    blocked_by: str = ""
    decisive: tuple[str, ...] = ()  # obligations that made it what it is, where some did


def case_result(case: str, attempts: Sequence[Attempt], spec: Spec, scope: Scope) -> CaseResult:
    """The outcome of a case. A later attempt settles inconclusive or error; a fail of any attempt stays (decision 6)."""
    outcomes = [_outcome(case, attempt, spec, scope) for attempt in attempts]
    chosen = _settled(outcomes) or _Outcome(Verdict.INCONCLUSIVE, Blame.ENVIRONMENT, "not-run")
    clauses = dict.fromkeys(f.clause for attempt in attempts for f in attempt.findings)
    return CaseResult(
        id=case, verdict=chosen.verdict, clauses=tuple(clauses), blame=chosen.blame, reason=chosen.reason,
        attempts=len(attempts), seconds=_seconds(attempts[-1].entries) if attempts else 0.0,
        blocked_by=chosen.blocked_by, decisive=tuple(dict.fromkeys(oid.split(".", 1)[0] for oid in chosen.decisive)),
    )  # fmt: skip


def _settled(outcomes: Sequence[_Outcome]) -> _Outcome | None:
    for verdict in (Verdict.FAIL, Verdict.PASS):
        found = next((o for o in outcomes if o.verdict is verdict), None)
        if found is not None:
            return found
    return outcomes[-1] if outcomes else None


def _seconds(entries: Sequence[Entry]) -> float:
    return round(entries[-1].t - entries[0].t, 6) if entries else 0.0


def _outcome(case: str, attempt: Attempt, spec: Spec, scope: Scope) -> _Outcome:
    """Fail, then error, then inconclusive, then pass."""
    found = [f for f in attempt.findings if f.outcome.violated and not f.tainted and _weighs(f, spec)]
    broken = tuple(dict.fromkeys(f.obligation for f in found))
    if broken:
        return _Outcome(Verdict.FAIL, Blame.DEVICE, ", ".join(broken), decisive=broken)
    trouble = _trouble(attempt)
    if trouble is not None:
        return trouble
    return _undone(case, attempt, spec, scope) or _Outcome(Verdict.PASS)


def _weighs(finding: Finding, spec: Spec) -> bool:
    """Only a MUST fails a case; a violated SHOULD is a remark."""
    return spec.clauses[finding.clause].level is Level.MUST


def _trouble(attempt: Attempt) -> _Outcome | None:
    if attempt.taints:
        return _Outcome(Verdict.ERROR, Blame.BENCH, attempt.taints[0].reason)
    tainted = next((f for f in attempt.findings if f.tainted), None)
    if tainted is not None:
        return _Outcome(Verdict.ERROR, tainted.blame, tainted.taint_reason, decisive=(tainted.obligation,))
    return None


def _undone(case: str, attempt: Attempt, spec: Spec, scope: Scope) -> _Outcome | None:
    """Why an attempt without a violation is no pass either."""
    ended = next((e.facts for e in reversed(attempt.entries) if e.obs == "case.end"), None)
    if ended is None:
        return _Outcome(Verdict.INCONCLUSIVE, *blaming.unended(attempt.entries))
    said = _said(ended, attempt.entries)
    if said is not None:
        return said
    if attempt.absent:
        return _Outcome(Verdict.INCONCLUSIVE, *blaming.absence(attempt.entries))
    missed = _unproven(case, attempt, spec, scope)
    why = blaming.of_slice(attempt.entries)
    if why is not None and missed:
        return _Outcome(Verdict.INCONCLUSIVE, *why, decisive=tuple(missed))
    if missed:
        doubts = [d for f in attempt.findings if f.obligation in missed for d in f.outcome.undecidable]
        blame, reason = blaming.of_doubt(doubts[0]) if doubts else (Blame.BENCH, "not-exercised")
        return _Outcome(Verdict.INCONCLUSIVE, blame, f"{reason}: {', '.join(missed)}", decisive=tuple(missed))
    return None


def _said(facts: Mapping[str, Any], entries: Sequence[Entry]) -> _Outcome | None:
    """What the bench itself said about how the procedure ended: not reached, broken."""
    ended, reason = str(facts.get("ended", "through")), str(facts.get("reason", ""))
    if ended == "through":
        return None
    verdict, blame = ENDS.get(ended, (Verdict.ERROR, Blame.BENCH))
    return _Outcome(verdict, blame, f"{ended}: {reason}" if reason else ended, _polluter(ended, entries))


def _polluter(ended: str, entries: Sequence[Entry]) -> str:
    """The case that left the device in a state from which it could not be brought home (decision 17)."""
    homes = [entry.facts for entry in entries if entry.obs == "home"]
    return str(homes[-1].get("before", "")) if ended == "not-home" and homes else ""


def with_roots(results: Sequence[CaseResult]) -> list[CaseResult]:
    """Let each blocked case name the case at the beginning of the chain, so that one card tells all that it blocks."""
    blockers = {r.id: r.blocked_by for r in results}

    def root(case: str) -> str:
        seen = {case}
        while blockers.get(case) and blockers[case] not in seen:
            case = blockers[case]
            seen.add(case)
        return case

    return [replace(r, blocked_by=root(r.blocked_by)) if r.blocked_by else r for r in results]


def _unproven(case: str, attempt: Attempt, spec: Spec, scope: Scope) -> list[str]:
    """MUST obligations that only this case is there to provoke and that it left open: none of their occasions held, or too few
    because a measurement was thin, which another attempt may settle."""
    held: Counter[str] = Counter()
    thin: set[str] = set()
    for finding in attempt.findings:
        held[finding.obligation] += len(finding.outcome.held)
        if any(doubt.reason == "thin" for doubt in finding.outcome.undecidable):
            thin.add(finding.obligation)
    own = [o for oid in scope.cases.get(case, ()) if oid in scope.selected and _is_own(o := spec.obligation(oid), case, spec)]
    return [o.id for o in own if not held[o.id] or (o.id in thin and held[o.id] < o.occasions)]


def _is_own(obligation: Obligation, case: str, spec: Spec) -> bool:
    must = spec.clauses[obligation.clause].level is Level.MUST
    return must and obligation.stimulus == case and obligation.rule is not None and obligation.rule.scope == "case"
