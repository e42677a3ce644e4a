"""Failure cards and open points: the part of a report that somebody acts on."""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.spec.model import Clause, Obligation, Spec, Text
from conformance.trace.transcript import Entry, Transcript
from conformance.verdict.model import Blame, ClauseResult, Finding, RunResult, Verdict, Violation
from reports import words
from reports.cover import timer_rows
from reports.evidence import expected_more, seen_more
from reports.messages import surroundings
from reports.model import FailureCard, Folded, OpenPoint, Scene
from reports.reasons import code_of
from reports.safe import clean

MAX_SCENES: Final = 3  # occasions shown in full on one card
MAX_RERUN_CASES: Final = 2  # cases offered for a re-run beside the clause itself
ACROSS_CASES: Final = ("constant", "distinct", "ordered", "sequence")  # kinds of rules that compare values of several stories
LOG_BEFORE_S: Final = 2.0  # the device's own lines shown: from two seconds before the violation
LOG_AFTER_S: Final = 1.0
MAX_LOG_LINES: Final = 20
DEFAULT_PROFILE: Final = "core"  # what `rvw run` takes without being told
_WORD: Final = re.compile(r"[\w:+\-.\[\]/]+")
_GROUPED: Final = frozenset(
    {"not-exercised", "not-planned", "not-run", "too-few", "trace-ended", "thin", "thin-busy", "device-absent"}
)


@dataclass
class Trace:
    """The transcript with the look-ups that a report needs, each made once."""

    transcript: Transcript
    entries: Sequence[Entry] = field(init=False)
    _place: dict[int, int] = field(init=False)
    _cases: dict[str, list[Entry]] = field(init=False)

    def __post_init__(self) -> None:
        self.entries = list(self.transcript)
        self._place = {entry.n: index for index, entry in enumerate(self.entries)}
        cases: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            cases[entry.case].append(entry)
        self._cases = dict(cases)

    def at(self, n: int) -> Entry | None:
        """The entry with the number, None if the journal lost it."""
        place = self._place.get(n)
        return None if place is None else self.entries[place]

    def time(self, n: int) -> float:
        """Seconds on the run's clock of an observation, 0 if unknown."""
        entry = self.at(n)
        return entry.t if entry is not None else 0.0

    def case_of(self, finding: Finding, n: int) -> str:
        """The case in which an occasion fell, also where a rule of the whole run found it; "" between cases."""
        entry = self.at(n)
        return finding.case or (entry.case if entry is not None else "")

    def case(self, case: str) -> Sequence[Entry]:
        """The entries of a case, or of the whole run for the empty id."""
        return self._cases.get(case, []) if case else self.entries


def cards(result: RunResult, trace: Trace, spec: Spec) -> tuple[FailureCard, ...]:
    """One card per clause that failed for a reason of its own; what merely follows is folded into it.

    The clauses that the user named come first, and each has its card; then failed clauses, then violated SHOULD clauses. Among
    them the one that broke first leads, for consequences come later, and of those that broke together the one that broke most.
    """
    named = {str(ident).split(".", 1)[0] for ident in result.head.get("clauses", ())}
    broken = {clause.id: clause for clause in result.clauses if clause.verdict is Verdict.FAIL or clause.remark}
    folded: dict[str, list[ClauseResult]] = defaultdict(list)
    primaries: list[ClauseResult] = []
    for clause in broken.values():
        root = _root(clause, broken)
        if root == clause.id or clause.id in named:
            primaries.append(clause)
        if root != clause.id:
            folded[root].append(clause)
    primaries.sort(key=lambda clause: (clause.id not in named, clause.remark, *_first_and_most(clause)))
    return tuple(_card(clause, folded[clause.id], result, trace, spec) for clause in primaries)


def _first_and_most(clause: ClauseResult) -> tuple[int, int]:
    """The observation that broke it first, and how often it was broken, as less for more."""
    ns = [occasion.n for finding in clause.findings if not finding.tainted for occasion in finding.outcome.violated]
    return min(ns, default=0), -len(ns)


def _root(clause: ClauseResult, broken: Mapping[str, ClauseResult]) -> str:
    """The clause at the far end of what explains this one; itself where that is nothing, or a ring."""
    seen = [clause.id]
    while clause.primary in broken:
        clause = broken[clause.primary]
        if clause.id in seen:
            return seen[0]
        seen.append(clause.id)
    return clause.id


def _card(
    clause: ClauseResult, folded: Sequence[ClauseResult], result: RunResult, trace: Trace, spec: Spec
) -> FailureCard:
    text = spec.clauses[clause.id]
    violations = [(finding, occasion) for finding in clause.findings for occasion in finding.outcome.violated]
    shown = _first_of_each(violations)
    cases = tuple(dict.fromkeys(case for finding, occasion in violations if (case := trace.case_of(finding, occasion.n))))
    blocked = {clause.id, *cases}
    return FailureCard(
        id=clause.id, clause=clause.id, level=clause.level, title=text.title, text=text.text, source=source_line(text),
        verdict=clause.verdict, remark=clause.remark, waived=clause.waived, blame=clause.blame, reason=clean(clause.reason),
        scenes=tuple(_scene(finding, occasion, trace, spec, result.head) for finding, occasion in shown),
        more=len(violations) - len(shown), cases=cases, cause=text.cause or words.FALLBACK_CAUSE,
        remedy=text.remedy or words.FALLBACK_REMEDY,
        rerun=rerun_commands(result.head, spec, clause.id, cases, case_first=_lies_in_its_case(violations, spec)),
        device_log=_device_log(shown, trace),
        folded=tuple(Folded(c.id, spec.clauses[c.id].title, c.verdict) for c in folded),
        blocks=tuple(case.id for case in result.cases if case.blocked_by in blocked and case.id not in cases),
    )  # fmt: skip


def _first_of_each(violations: Sequence[tuple[Finding, Violation]]) -> list[tuple[Finding, Violation]]:
    """The first violation of each (obligation, case), untainted ones first: they prove most."""
    chosen: dict[tuple[str, str], tuple[Finding, Violation]] = {}
    for finding, occasion in sorted(violations, key=lambda pair: pair[0].tainted):
        chosen.setdefault((finding.obligation, finding.case), (finding, occasion))
    return list(chosen.values())[:MAX_SCENES]


def _scene(finding: Finding, occasion: Violation, trace: Trace, spec: Spec, head: Mapping[str, Any]) -> Scene:
    entries = trace.case(finding.case)
    here = trace.case(trace.case_of(finding, occasion.n))
    position = next((index for index, entry in enumerate(entries) if entry.n == occasion.n), None)
    messages = () if position is None else surroundings(entries, position, frozenset(occasion.around), spec)
    own = obligation_text(spec, finding.obligation)
    return Scene(
        obligation=finding.obligation, obligation_text=None if own == spec.clauses[finding.clause].text else own,
        case=clean(finding.case, 200), during=clean(trace.case_of(finding, occasion.n), 200),
        n=occasion.n, expected=clean(occasion.expected), expected_text=expected_text(spec, finding.obligation),
        expected_more=expected_more(occasion, here, head, spec),
        seen=clean(occasion.seen), seen_more=seen_more(occasion, here), messages=messages,
    )  # fmt: skip


def obligation_text(spec: Spec, oid: str) -> Text | None:
    """The obligation's own sentence, None where it has none."""
    obligation = _obligation(spec, oid)
    return None if obligation is None else obligation.text


def expected_text(spec: Spec, oid: str) -> Text | None:
    """What the pack has people read in place of the rule's own words, None where these will do."""
    obligation = _obligation(spec, oid)
    return None if obligation is None else obligation.expected


def _obligation(spec: Spec, oid: str) -> Obligation | None:
    try:
        return spec.obligation(oid)
    except KeyError:
        return None


def source_line(clause: Clause) -> str:
    """Where the clause comes from, in one line."""
    return " · ".join(part for part in (clause.source.kind, clause.source.ref, clause.source.note) if part)


def _lies_in_its_case(violations: Sequence[tuple[Finding, Violation]], spec: Spec) -> bool:
    """Whether the case in which it was seen shows it again more surely than the clause does: what is watched everywhere may
    come of one story alone, which `--clause` need not tell; what compares values needs more than one story."""
    watched = (spec.obligation(finding.obligation) for finding, _ in violations)
    return any(o.stimulus is None and o.rule is not None and o.rule.kind not in ACROSS_CASES for o in watched)


def rerun_commands(
    head: Mapping[str, Any], spec: Spec, clause: str, cases: Sequence[str] = (), *, case_first: bool = False
) -> tuple[str, ...]:
    """Shell commands that run the clause, or one of its failing cases, alone: same device, bench, limits and seed. The one that
    shows the failure again most surely comes first.
    """
    tail = ("--seed", clean(head.get("seed", 0), 40))
    base = ["rvw", "run", "--device", device_file(head)]
    profile = clean(head.get("profile") or DEFAULT_PROFILE, 60)
    if profile != DEFAULT_PROFILE:
        base += ["--profile", profile]
    if head.get("pack_ref"):  # what the user named; a run of the installed pack needs no name
        base += ["--pack", clean(head["pack_ref"], 400)]
    if head.get("lab"):
        base += ["--lab", clean(head["lab"], 400)]
    for row in timer_rows(head, spec):
        if row.status in ("tightened", "loosened"):
            base += ["--timer", f"{row.id}={round(row.used_ms)}"]
    selections = [("--clause", clause), *(("-k", _keyword(case)) for case in cases[:MAX_RERUN_CASES])]
    if case_first and cases:
        selections = [*selections[1:], selections[0]]
    return tuple(shlex.join((*base, *selection, *tail)) for selection in selections)


def _keyword(case: str) -> str:
    """A `-k` expression that finds the case: pytest reads only some characters as one word."""
    return " and ".join(_WORD.findall(clean(case, 200)))


def device_file(head: Mapping[str, Any]) -> str:
    """The device file that the run was started with, or a placeholder."""
    device = head.get("device")
    path = device.get("file") if isinstance(device, Mapping) else None
    return clean(path, 200) if path else "DEVICE.toml"


def _device_log(shown: Sequence[tuple[Finding, Violation]], trace: Trace) -> tuple[str, ...]:
    """The device's own lines near the first violation; the last ones of the case before it if none are near."""
    if not shown:
        return ()
    finding, occasion = shown[0]
    moment = trace.time(occasion.n)
    logs = [entry for entry in trace.case(finding.case) if entry.obs == "device.log"]
    lines = [timed for entry in logs for timed in _timed_lines(entry)]
    near = [line for t, line in lines if moment - LOG_BEFORE_S <= t <= moment + LOG_AFTER_S]
    if not near:
        near = [line for t, line in lines if t <= moment][-5:]
    return tuple(clean(line, 300) for line in near[-MAX_LOG_LINES:])


def _timed_lines(entry: Entry) -> list[tuple[float, str]]:
    """Lines with their second on the run's clock; those of a log without times came with the observation."""
    lines, times = _log_lines(entry), entry.facts.get("times")
    if isinstance(times, list) and len(times) == len(lines) and all(isinstance(t, int | float) for t in times):
        return list(zip(times, lines, strict=True))
    return [(entry.t, line) for line in lines]


def _log_lines(entry: Entry) -> list[str]:
    for key in ("lines", "line", "text"):
        value = entry.facts.get(key)
        if isinstance(value, str):
            return value.splitlines()
        if isinstance(value, Sequence):
            return [str(line) for line in value]
    return []


def open_points(result: RunResult, spec: Spec) -> tuple[OpenPoint, ...]:
    """Everything inconclusive or in error, grouped by verdict, blame and reason; the largest group first."""
    clauses: dict[tuple[Verdict, Blame | None, str], list[str]] = defaultdict(list)
    cases: dict[tuple[Verdict, Blame | None, str], list[str]] = defaultdict(list)
    undecided = (Verdict.INCONCLUSIVE, Verdict.ERROR)
    ids = frozenset(case.id for case in result.cases)
    for clause in result.clauses:
        if clause.verdict in undecided:
            clauses[(clause.verdict, clause.blame, _shared_reason(clause.reason, ids))].append(clause.id)
    for case in result.cases:
        if case.verdict in undecided:
            reason = f"blocked: {case.blocked_by}" if case.blocked_by else case.reason
            cases[(case.verdict, case.blame, _shared_reason(reason, ids))].append(case.id)
    keys = sorted(
        set(clauses) | set(cases),
        key=lambda key: (key[0] is not Verdict.ERROR, -len(clauses[key]) - len(cases[key]), key[2]),
    )
    return tuple(
        OpenPoint(
            verdict=key[0], blame=key[1], reason=key[2], clauses=tuple(clauses[key]), cases=tuple(cases[key]),
            rerun=_rerun_open(result.head, spec, clauses[key], cases[key]),
        )
        for key in keys
    )  # fmt: skip


def _shared_reason(reason: str, cases: frozenset[str]) -> str:
    """What a group has in common: without the case that a clause quotes, and the bare code where it says enough."""
    quoted, _, rest = reason.partition(": ")
    reason = rest if quoted in cases else reason
    return code if (code := code_of(reason)) in _GROUPED else clean(reason)


def _rerun_open(head: Mapping[str, Any], spec: Spec, clauses: Sequence[str], cases: Sequence[str]) -> str:
    if clauses:
        return rerun_commands(head, spec, clauses[0])[0]
    return rerun_commands(head, spec, "", cases[:1])[1]
