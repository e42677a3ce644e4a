"""Builds the report of one run from its result, its transcript and the pack. Pure: no files, no clock, no network."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from conformance.spec.model import Level, Spec, Text
from conformance.trace.facts import started_at
from conformance.trace.transcript import Entry, Transcript
from conformance.verdict.blame import of_doubt
from conformance.verdict.model import CaseResult, ClauseResult, Finding, ObligationResult, RunResult, Verdict
from reports.cover import count, cover, device_facts, timer_rows
from reports.failures import Trace, cards, expected_text, obligation_text, open_points, source_line
from reports.model import (
    REPORT_VERSION,
    CaseRow,
    ClauseRow,
    Declaration,
    Fact,
    FamilyRow,
    FindingRow,
    Note,
    ObligationRow,
    OccasionRow,
    Report,
)
from reports.reasons import in_words
from reports.safe import clean
from reports.scenes import case_title, diagrams, title_of
from reports.visit import timelines

MAX_OCCASIONS: Final = 20  # listed per finding; the rest is counted
_MACHINE: Final = {
    "version": Text("测试工具版本", "harness version"),
    "python": Text("Python 版本", "Python"),
    "platform": Text("操作系统", "operating system"),
    "machine": Text("处理器架构", "machine"),
}
# A family or a run is as good as its worst clause; what was not tested never outranks what was.
WORST_FIRST: Final = (
    Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_SELECTED, Verdict.NOT_APPLICABLE,
)  # fmt: skip


def build(result: RunResult, transcript: Transcript, spec: Spec) -> Report:
    """The report of a run. Deterministic: the same journal and pack give the same report, byte for byte."""
    trace = Trace(transcript)
    head = result.head
    began = started_at(head)
    declarations = _declarations(result, trace.entries, spec)
    planned = _plan(trace.entries)
    clauses = tuple(_clause(clause, trace, spec, planned) for clause in result.clauses)
    cases = (*(_case(case, trace, planned) for case in result.cases), *_left_out(result, planned))
    drawn, not_drawn = diagrams(result, trace, spec)
    device = device_facts(head)
    return Report(
        version=REPORT_VERSION, pack=spec.id, pack_version=spec.version,
        pack_digest=clean(spec.digest, 100),
        device_name=next((fact.value for fact in device if fact.key == "name"), ""), seed=clean(head.get("seed", ""), 40),
        started_ms=int(began.timestamp() * 1000) if began is not None else 0,
        seconds=max((entry.t for entry in trace.entries), default=0.0),
        cover=cover(result, cases, trace.entries, spec, len(declarations)), families=_families(clauses, spec), clauses=clauses,
        cases=cases, failures=cards(result, trace, spec),
        open_points=open_points(result, spec), diagrams=drawn, diagrams_left_out=not_drawn,
        timelines=timelines(result, trace), declarations=declarations, timers=timer_rows(head, spec, trace.entries),
        notes=_notes(result), notice=spec.notice, sourced=spec.sourced, assumed=spec.assumed,
        environment=_environment(head, trace.entries),
    )  # fmt: skip


def _plan(entries: Sequence[Entry]) -> Mapping[str, Any]:
    """Facts of the run's plan; what a later plan of the same run adds stands beside it."""
    merged: dict[str, list[Any]] = {}
    for entry in entries:
        if entry.obs == "plan":
            for key, rows in entry.facts.items():
                if isinstance(rows, Sequence) and not isinstance(rows, str):
                    merged.setdefault(key, []).extend(rows)
    return merged


def _rows(planned: Mapping[str, Any], *keys: str) -> list[Mapping[str, Any]]:
    return [row for key in keys for row in planned.get(key, ()) if isinstance(row, Mapping)]


def _reason(reason: str, planned: Mapping[str, Any]) -> Text:
    """A reason for people; the plan gives the reasons of what it left out in both languages itself."""
    for row in _rows(planned, "not_selected", "not_applicable", "cases_left"):
        if row.get("reason") == reason and row.get("reason_zh"):
            return Text(clean(row["reason_zh"]), clean(reason))
    return in_words(clean(reason))


def _left_out(result: RunResult, planned: Mapping[str, Any]) -> tuple[CaseRow, ...]:
    """Cases that the plan left out: they were not tested, and the report says so."""
    known = {case.id for case in result.cases}
    left = {str(row.get("id", "")): row for row in _rows(planned, "cases_left")}
    return tuple(
        CaseRow(
            id=clean(case, 200), title=title_of(row), verdict=Verdict.NOT_SELECTED, clauses=(), blame=None,
            reason=clean(row.get("reason", "")), reason_text=_reason(str(row.get("reason", "")), planned), attempts=0,
            seconds=0.0, started_s=None, blocked_by="",
        )
        for case, row in left.items()
        if case not in known
    )  # fmt: skip


def _clause(clause: ClauseResult, trace: Trace, spec: Spec, planned: Mapping[str, Any]) -> ClauseRow:
    text = spec.clauses[clause.id]
    findings = tuple(_finding(finding, trace, spec) for finding in clause.findings)
    declared = bool(clause.obligations) and all(o.grade == "declaration" for o in clause.obligations)
    return ClauseRow(
        id=clause.id, family=text.family, level=clause.level, title=text.title, text=text.text, source=source_line(text),
        interface=text.interface, verdict=clause.verdict, blame=clause.blame, reason=clean(clause.reason),
        reason_text=_reason(clause.reason, planned), remark=clause.remark, claims_only=clause.claims_only,
        declared=declared and clause.verdict is Verdict.PASS, waived=clause.waived,
        primary=clause.primary, obligations=tuple(_obligation(o, spec) for o in clause.obligations), findings=findings,
        evidence=tuple(sorted({n for finding in findings for n in finding.evidence})),
    )  # fmt: skip


def _obligation(row: ObligationResult, spec: Spec) -> ObligationRow:
    return ObligationRow(
        id=row.id, text=obligation_text(spec, row.id), verdict=row.verdict, grade=row.grade, held=row.held,
        violated=row.violated, undecided=row.undecidable, needed=row.needed, reason=clean(row.reason),
    )  # fmt: skip


def _finding(finding: Finding, trace: Trace, spec: Spec) -> FindingRow:
    outcome = finding.outcome
    violated = tuple(
        OccasionRow(o.n, trace.time(o.n), clean(o.expected), clean(o.seen), tuple(sorted(o.around)))
        for o in outcome.violated[:MAX_OCCASIONS]
    )
    undecided = tuple(
        OccasionRow(o.n, trace.time(o.n), "", clean(of_doubt(o)[1]), ())
        for o in outcome.undecidable[:MAX_OCCASIONS]
    )
    listed = {row.n for row in (*violated, *undecided)} | {n for row in violated for n in row.around}
    return FindingRow(
        obligation=finding.obligation, case=clean(finding.case, 200), rule=finding.rule,
        expected_text=expected_text(spec, finding.obligation), held=len(outcome.held), violated=violated, undecided=undecided,
        left_out=len(outcome.violated) + len(outcome.undecidable) - len(violated) - len(undecided), blame=finding.blame,
        tainted=finding.tainted, taint_reason=clean(finding.taint_reason), evidence=tuple(sorted(listed)),
    )  # fmt: skip


def _case(case: CaseResult, trace: Trace, planned: Mapping[str, Any]) -> CaseRow:
    entries = trace.case(case.id) if case.id else ()
    row = next((row for row in _rows(planned, "cases") if row.get("id") == case.id), {})
    return CaseRow(
        id=clean(case.id, 200), title=case_title(entries) or title_of(row), verdict=case.verdict, clauses=case.clauses,
        blame=case.blame,
        reason=clean(case.reason), reason_text=_reason(case.reason, planned), attempts=case.attempts, seconds=case.seconds,
        started_s=entries[0].t if entries else None, blocked_by=clean(case.blocked_by, 200),
    )  # fmt: skip


def _families(clauses: Sequence[ClauseRow], spec: Spec) -> tuple[FamilyRow, ...]:
    by_family: dict[str, list[ClauseRow]] = {family: [] for family in spec.families}
    for clause in clauses:
        by_family.setdefault(clause.family, []).append(clause)
    return tuple(
        FamilyRow(
            id=family, title=spec.families.get(family, Text(family, family)), verdict=_family_verdict(rows),
            counts=count(row.verdict for row in rows if not row.remark), remarks=sum(row.remark for row in rows),
            total=len(rows),
        )
        for family, rows in by_family.items()
        if rows
    )  # fmt: skip


def _family_verdict(rows: Sequence[ClauseRow]) -> Verdict:
    """Weighed as the run is: by the MUST clauses, and by the others only where there is nothing else to go by."""
    tested = [row for row in rows if row.verdict not in (Verdict.NOT_SELECTED, Verdict.NOT_APPLICABLE)]
    musts = [row for row in tested if row.level == Level.MUST.value]
    weighing = musts or tested or rows
    return worst(Verdict.PASS if row.remark else row.verdict for row in weighing)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a group: its worst. An empty group was not selected."""
    found = set(verdicts)
    return next((verdict for verdict in WORST_FIRST if verdict in found), Verdict.NOT_SELECTED)


def _declarations(result: RunResult, entries: Sequence[Entry], spec: Spec) -> tuple[Declaration, ...]:
    """Obligations that a signed declaration meets, as the plan of the run lists them."""
    ids: dict[str, str] = {}
    for entry in entries:
        if entry.obs == "plan":
            ids.update(_declared(entry.facts.get("declared")))
    for note in result.notes:
        if note.get("kind") == "declaration":
            ids.setdefault(str(note.get("obligation", "")), str(note.get("text", "")))
    rows = []
    for oid, statement in ids.items():
        clause = spec.clauses.get(oid.split(".", 1)[0])
        if clause is not None:
            rows.append(Declaration(oid, clause.id, obligation_text(spec, oid) or clause.text, clean(statement)))
    return tuple(rows)


def _declared(listed: Any) -> dict[str, str]:
    """`declared` of a plan: ids, or maps with an id and a statement."""
    rows = listed if isinstance(listed, Sequence) and not isinstance(listed, str) else ()
    return {
        str(row.get("id", "")) if isinstance(row, Mapping) else str(row): (
            str(row.get("statement", "")) if isinstance(row, Mapping) else ""
        )
        for row in rows
    }


def _notes(result: RunResult) -> tuple[Note, ...]:
    """What was noted, equal notes together: a hundred cases may stumble over one mistake of the bench."""
    cases: dict[tuple[str, str], list[str]] = {}
    for note in result.notes:
        kind = str(note.get("kind", "note"))
        if kind == "declaration":
            continue
        text = note.get("text")
        rest = {key: value for key, value in note.items() if key not in {"kind", "case", "n"}}
        key = (clean(kind, 60), clean(text if isinstance(text, str) else _compact(rest)))
        cases.setdefault(key, []).append(clean(note.get("case", ""), 200))
    return tuple(
        Note(kind, text, len(where), tuple(dict.fromkeys(case for case in where if case)))
        for (kind, text), where in cases.items()
    )


def _environment(head: Mapping[str, Any], entries: Sequence[Entry]) -> tuple[Fact, ...]:
    """The machine that the bench ran on, and how late its event loop was at worst."""
    harness = head.get("harness")
    facts = {str(key): str(value) for key, value in harness.items()} if isinstance(harness, Mapping) else {}
    lags = [lag for entry in entries if entry.obs == "bench.lag" and isinstance(lag := entry.facts.get("p999_ms"), int | float)]
    rows = [(key, _MACHINE.get(key, Text(key, key)), value) for key, value in facts.items()]
    if lags:
        rows.append(("lag_p999_ms", Text("事件循环最大延迟 p99.9", "worst loop lag p99.9"), f"{max(lags):g} ms"))
    waits = [ms for entry in entries if entry.obs == "bench.starved" and isinstance(ms := entry.facts.get("ms"), int | float)]
    if waits:
        label = Text("被测设备与坐席进程等待处理器或磁盘的时间", "device and clerk processes waited for a processor or the disk")
        rows.append(("starved_ms", label, f"{sum(waits):.0f} ms"))
    return tuple(Fact(clean(key, 60), label, clean(value, 200)) for key, label, value in rows)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
