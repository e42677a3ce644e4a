"""The judge: (transcript, pack) -> verdicts. No clock, no chance, no device: the same journal gives the same result.

Two rules for this file: it wires and decides nothing that a rule, the roll-up of clauses or the roll-up of cases could
decide; whatever it reads of a run is in the transcript.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from conformance.spec.model import Level, Obligation, Profile, Spec
from conformance.trace.facts import started_at
from conformance.trace.transcript import Entry, Transcript
from conformance.verdict import blame as blaming
from conformance.verdict import exitcode
from conformance.verdict.audit import Audit
from conformance.verdict.cases import Attempt, case_result, with_roots
from conformance.verdict.clauses import Bench, Evidence, clause_result, superseded, with_primaries
from conformance.verdict.context import Context
from conformance.verdict.findings import findings_on
from conformance.verdict.model import Blame, CaseResult, ClauseResult, Finding, RunResult, Verdict
from conformance.verdict.rules import POINTWISE
from conformance.verdict.scope import Scope, scope_from_facts, scope_of
from conformance.verdict.settings import sets_terms, settings_of
from conformance.verdict.slices import Slices, slices_of
from conformance.verdict.taint import taints_of
from conformance.verdict.waivers import Applied, Waiver, apply_waivers

_FAR = 1 << 62  # later than any observation
_HARD_RUNGS = frozenset({"power-cycle", "none"})  # of the way home: the case before left a mess


class Hearing:
    """One reading of a transcript: slices, settings, scope and troubles, shared by everything that is judged on it.

    A run that still goes on is heard with `go_on`, which takes in what came since.
    """

    def __init__(self, transcript: Transcript, spec: Spec, plan: Mapping[str, Any] | None = None) -> None:
        self.spec = spec
        self._transcript = transcript
        self._plan = plan
        self._audit = Audit(spec)
        self._heard = 0
        self.first_sign: int | None = None
        self._terms: list[Entry] = []
        self._rules: dict[str, list[Obligation]] = {}  # by case
        self._hear(None)
        pics = self.settings.pics
        self.scope: Scope = scope_from_facts(plan) if plan is not None else scope_of(self.whole.observed("plan"), spec, pics)
        self.profile: Profile | None = spec.profiles.get(str(self.head.get("profile", "")))

    def go_on(self) -> None:
        """Take in what was recorded since. The plan stays the one that was known at first."""
        self._hear(self.whole)

    def _hear(self, before: Context | None) -> None:
        entries = self._transcript.entries
        fresh, self._heard = entries[self._heard :], len(entries)
        self.head: Mapping[str, Any] = self._transcript.head
        self._terms.extend(entry for entry in fresh if sets_terms(entry))
        self.settings = settings_of(self.spec, self.head, self._terms)
        self.whole = Context(entries, self.settings, grown=before)
        troubles = self.whole.observed("bench.error", "stimulus", "stimulus.done", "case.start")
        self._audit.take(fresh)
        self.taints = (*taints_of(troubles), *self._audit.taints)
        if self.first_sign is None:
            self.first_sign = blaming.first_sign(fresh)

    @property
    def entries(self) -> Sequence[Entry]:
        """Everything heard so far."""
        return self.whole.entries

    def in_case(self, case: str) -> Sequence[Entry]:
        """The entries of one case."""
        return self._transcript.in_case(case).entries

    @cached_property
    def slices(self) -> Slices:
        """The whole run, cut."""
        return slices_of(self.entries)

    @cached_property
    def obligations(self) -> tuple[Obligation, ...]:
        """The selected obligations in pack order."""
        return tuple(o for clause in self.spec.clauses.values() for o in clause.obligations if o.id in self.scope.selected)

    @cached_property
    def _of_cases(self) -> tuple[Obligation, ...]:
        return tuple(o for o in self.obligations if o.rule is None or o.rule.scope == "case")

    def attempts(self, case: str) -> list[Attempt]:
        """Every attempt at a case, judged by the case-scope rules."""
        return self.judged(case, self.slices.attempts.get(case, ()))

    def judged(self, case: str, attempts: Sequence[Sequence[Entry]]) -> list[Attempt]:
        """The given attempts at a case, judged by the case-scope rules."""
        rules = self._rules.get(case)
        if rules is None:
            rules = self._rules[case] = [o for o in self._of_cases if self.scope.judged_in(o, case)]
        return [self._attempt(case, entries, rules) for entries in attempts]

    def _attempt(self, case: str, entries: Sequence[Entry], rules: Sequence[Obligation]) -> Attempt:
        first, last = entries[0].n, entries[-1].n
        absent = (self.first_sign if self.first_sign is not None else _FAR) > last
        ctx = Context(entries, self.settings, whole=self.whole)
        found = findings_on(ctx, case, rules, [t for t in self.taints if t.n <= last], absent=absent)
        inside = tuple(t for t in self.taints if first <= t.n <= last and t.case == case and t.blame is Blame.BENCH)
        return Attempt(entries, tuple(found), inside, absent)

    def session(self) -> list[Finding]:
        """The findings of the run session: session-scope rules a segment at a time, and what lies between cases."""
        absent = self.first_sign is None
        rules = [o for o in self.obligations if o.rule is not None and o.rule.scope == "session"]
        found: list[Finding] = []
        for segment in self.slices.segments:
            ctx = Context(segment, self.settings, whole=self.whole)
            found.extend(findings_on(ctx, "", rules, self.taints, absent=absent))
        points = [o for o in self._of_cases if o.rule is not None and o.rule.kind in POINTWISE and o.stimulus is None]
        between = Context(self.slices.between, self.settings, whole=self.whole)
        found.extend(findings_on(between, "", points, self.taints, absent=absent))
        return found


def judge_case(hearing: Hearing, case: str) -> tuple[CaseResult, list[Finding]]:
    """Judge one case when it closes, after its `case.end`: its result and the findings of its last attempt."""
    attempts = hearing.judged(case, slices_of(hearing.in_case(case)).attempts.get(case, ()))
    result = case_result(case, attempts, hearing.spec, hearing.scope)
    return result, list(attempts[-1].findings) if attempts else []


def judge_run(
    transcript: Transcript, spec: Spec, waivers: Sequence[Waiver] = (), *, today: dt.date | None = None,
    plan: Mapping[str, Any] | None = None,
) -> RunResult:  # fmt: skip
    """Judge a run, live or from its journal. `today` is the day for waivers; by default the day on which the run began.

    `plan` is given where another pack is held against the run; by default the transcript's own plan counts.
    """
    hearing = Hearing(transcript, spec, plan)
    attempts = {case: hearing.attempts(case) for case in dict.fromkeys([*hearing.scope.cases, *hearing.slices.attempts])}
    cases = with_roots([case_result(case, tried, spec, hearing.scope) for case, tried in attempts.items()])
    evidence = _evidence(hearing.session(), attempts.values())
    certification = bool(hearing.profile and hearing.profile.certification)
    bench = Bench(
        spec, hearing.scope, hearing.whole, {c.id: c for c in cases}, certification,
        blaming.absence(transcript.entries) if hearing.first_sign is None else None, _run_trouble(hearing),
        bool(hearing.head.get("partial")), bool(hearing.profile and hearing.profile.cases != ("*",)),
    )  # fmt: skip
    clauses = with_primaries([clause_result(c, evidence, bench) for c in spec.clauses.values()], spec)
    began = started_at(hearing.head)
    day = today or (began.date() if began is not None else None)
    applied = apply_waivers(waivers, clauses, cases, today=day, certification=bench.certification, partial=bench.partial)
    clauses = [replace(c, waived=True) if c.id in applied.clauses and c.verdict is Verdict.FAIL else c for c in clauses]
    return _run_result(hearing, clauses, cases, applied, bench)


def _evidence(session: Iterable[Finding], attempts: Iterable[Sequence[Attempt]]) -> dict[str, Evidence]:
    """All findings by obligation; of attempts that were run again only what a re-run cannot settle."""
    evidence: dict[str, Evidence] = {}
    for tried in attempts:
        for attempt in tried:
            for finding in attempt.findings:
                kept = finding if attempt is tried[-1] else superseded(finding)
                if kept is not None:
                    evidence.setdefault(kept.obligation, Evidence()).findings.append(kept)
    for finding in session:
        evidence.setdefault(finding.obligation, Evidence()).findings.append(finding)
    return evidence


def _run_trouble(hearing: Hearing) -> tuple[Blame, str] | None:
    """A trouble that reaches the whole run, or the bench's own reason to break it off (disk full: exit 4)."""
    for taint in hearing.taints:
        if taint.whole_run:
            return taint.blame, taint.reason
    ended = hearing.whole.observed("run.end")
    return (Blame.BENCH, "run-aborted") if ended and ended[-1].facts.get("reason") == "bench" else None


def _run_result(
    hearing: Hearing, clauses: Sequence[ClauseResult], cases: Sequence[CaseResult], applied: Applied, bench: Bench
) -> RunResult:
    problems = [*applied.problems, *_loosened_for_certification(hearing, bench.certification)]
    weighing = _weighing(cases, hearing)
    trouble = bench.run_trouble is not None and bench.run_trouble[0] is Blame.BENCH
    verdict = _verdict([c.verdict for c in clauses if c.level == Level.MUST.value], [c.verdict for c in weighing], trouble)
    gate = _verdict(
        [c.verdict for c in clauses if c.level == Level.MUST.value and not c.waived],
        [c.verdict for c in weighing if c.id not in applied.cases],
        trouble,
    )
    if problems:
        gate = Verdict.FAIL
    codes = [exitcode.USAGE] if problems else []
    return RunResult(
        verdict=verdict, gate=gate, exit_code=exitcode.worst([*codes, exitcode.of_verdict(gate)]), clauses=tuple(clauses),
        cases=tuple(cases), head=hearing.head, notes=tuple(_notes(hearing, applied, problems)),
    )  # fmt: skip


def _weighing(cases: Sequence[CaseResult], hearing: Hearing) -> list[CaseResult]:
    """The cases that count for the run: all but those that are there for SHOULD and MAY alone."""
    clauses = hearing.spec.clauses

    def counts(case: CaseResult) -> bool:
        ids = {oid.split(".", 1)[0] for oid in hearing.scope.cases.get(case.id, ())}
        levels = {clauses[clause].level for clause in ids if clause in clauses}
        return not levels or Level.MUST in levels

    return [case for case in cases if counts(case)]


def _verdict(clauses: Sequence[Verdict], cases: Sequence[Verdict], trouble: bool) -> Verdict:
    """Fail, then error, then inconclusive; green needs at least one clause or case that passed."""
    found = {*clauses, *cases}
    if Verdict.FAIL in found:
        return Verdict.FAIL
    if Verdict.ERROR in found or trouble:
        return Verdict.ERROR
    if Verdict.INCONCLUSIVE in found or Verdict.PASS not in found:
        return Verdict.INCONCLUSIVE
    return Verdict.PASS


def _loosened(hearing: Hearing) -> list[str]:
    """Timers whose value in this run favours the device beyond the set of the profile (decision 20)."""
    settings = hearing.settings
    rows = [
        (timer, used)
        for timer in settings.spec.timers.values()
        for used in sorted({settings.limit_ms(timer.id), *(told for _, told in settings.told.get(timer.id, ()) if told)})
    ]
    return [
        f"{timer.id} {timer.value_ms(settings.timer_set):g} ms -> {used:g} ms"
        for timer, used in rows
        if timer.loosened(used, settings.timer_set)
    ]


def _loosened_for_certification(hearing: Hearing, certification: bool) -> list[str]:
    if not certification:
        return []
    return [f"loosened-refused: {text}" for text in _loosened(hearing)]


def _unfinished(hearing: Hearing) -> Sequence[str]:
    """What a reader must know of a record that does not reach to the end of the plan: it is judged up to there."""
    ends, parts = hearing.whole.observed("run.end"), hearing.whole.observed("segment")
    if not ends or (parts and ends[-1].n < parts[-1].n):
        return ["the record has no end: the bench was killed, or what came after is missing"]
    return ["somebody stopped it"] if ends[-1].facts.get("reason") == "interrupted" else []


def _notes(hearing: Hearing, applied: Applied, problems: Sequence[str]) -> list[Mapping[str, Any]]:
    notes: list[Mapping[str, Any]] = [{"kind": "usage", "text": text} for text in problems]
    notes.extend(
        {"kind": "bench-error", "n": t.n, "case": t.case, "text": t.reason} for t in hearing.taints if t.blame is Blame.BENCH
    )
    notes.extend(
        {"kind": "home", "case": e.case, "text": f"home-{e.facts.get('rung', '')}: {e.facts.get('before', '')}"}
        for e in hearing.whole.observed("home")
        if e.facts.get("rung") in _HARD_RUNGS
    )
    notes.extend(
        {"kind": "aborted", "n": e.n, "text": str(e.facts.get("reason", ""))}
        for e in hearing.whole.observed("environment")
        if e.facts.get("what") == "aborted"
    )
    notes.extend({"kind": "unfinished", "text": text} for text in _unfinished(hearing))
    notes.extend(
        {"kind": "segment", "n": e.n,
         "text": f"{e.facts.get('resumed_at', '?')}, #{e.facts.get('after_n', '?')}"}
        for e in hearing.whole.observed("segment")
    )  # fmt: skip
    notes.extend({"kind": "loosened", "text": text} for text in _loosened(hearing))
    notes.extend(
        {"kind": "waiver", "subject": w.id, "owner": w.owner, "expires": w.expires.isoformat(), "text": w.reason}
        for w in applied.used
    )
    notes.extend(
        {"kind": "declaration", "obligation": oid, "text": statement} for oid, statement in hearing.scope.declared.items()
    )
    return notes
