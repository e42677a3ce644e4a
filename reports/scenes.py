"""What the drawings show: the sequence of a failing case, and the run and one visit on a time axis. No drawing here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from conformance.spec.model import Spec, Text
from conformance.trace.transcript import Entry
from conformance.verdict.model import CaseResult, RunResult, Verdict
from reports.failures import Trace
from reports.messages import headline, is_message, is_telling
from reports.model import Diagram, Step
from reports.safe import clean

MAX_DIAGRAMS: Final = 40  # more would make the page too heavy to open
WHOLE: Final = 60  # steps up to which a case is drawn in full
NEAR: Final = 12  # steps kept before and after a marked one in longer cases
EDGE: Final = 4  # steps kept at both ends
MAX_MARKED: Final = 4  # marked observations that get their neighbourhood drawn
DEVICE: Final = "device"
TESTER: Final = "tester"
_DEVICE_TITLE: Final = Text("被测设备", "device under test")
_TESTER_TITLE: Final = Text("测试员 / 上测试器", "operator / upper tester")
_AWAY: Final = ("stimulus", "prompt", "device.claim")


def diagrams(result: RunResult, trace: Trace, spec: Spec) -> tuple[tuple[Diagram, ...], int]:
    """(sequence diagrams of the cases in which something broke, how many of them have none for want of room)."""
    marked: dict[str, set[int]] = {}
    for clause in result.clauses:
        for finding in clause.findings:
            for occasion in finding.outcome.violated if not finding.tainted else ():
                marked.setdefault(trace.case_of(finding, occasion.n), set()).add(occasion.n)
    failing = [case for case in result.cases if (case.verdict is Verdict.FAIL or case.id in marked) and trace.case(case.id)]
    failing.sort(key=lambda case: case.verdict is not Verdict.FAIL)
    drawn = tuple(_diagram(case, marked.get(case.id, set()), trace, spec) for case in failing[:MAX_DIAGRAMS])
    return drawn, len(failing) - len(drawn)


def _diagram(case: CaseResult, marked: set[int], trace: Trace, spec: Spec) -> Diagram:
    entries = [entry for entry in trace.case(case.id) if is_telling(entry, spec) or entry.n in marked]
    kept = _kept(entries, marked)
    steps: list[Step] = []
    last = -1
    for index in kept:
        if index > last + 1:
            steps.append(_gap(entries[index], index - last - 1))
        steps.append(_step(entries[index], entries[index].n in marked))
        last = index
    if entries and last < len(entries) - 1:
        steps.append(_gap(entries[-1], len(entries) - 1 - last))
    return Diagram(
        case=clean(case.id, 200), title=case_title(trace.case(case.id)), verdict=case.verdict,
        participants=_participants(steps, spec), steps=tuple(steps), left_out=len(entries) - len(kept),
    )  # fmt: skip


def _kept(entries: Sequence[Entry], marked: set[int]) -> list[int]:
    if len(entries) <= WHOLE:
        return list(range(len(entries)))
    centres = [index for index, entry in enumerate(entries) if entry.n in marked][:MAX_MARKED]
    kept = set(range(EDGE)) | set(range(len(entries) - EDGE, len(entries)))
    for centre in centres:
        kept |= set(range(max(0, centre - NEAR), min(len(entries), centre + NEAR + 1)))
    return sorted(kept)


def _gap(entry: Entry, count: int) -> Step:
    return Step(n=entry.n, t=entry.t, source=DEVICE, target=DEVICE, label=str(count), kind="gap", marked=False)


def _step(entry: Entry, marked: bool) -> Step:
    source, target, kind = DEVICE, DEVICE, "note"
    if is_message(entry) or entry.obs in {"http.request", "http.response", "ws.frame"}:
        peer = entry.iface or TESTER
        source, target = (DEVICE, peer) if entry.dir == "iut" else (peer, DEVICE)
        kind = entry.kind or "note"
    elif entry.obs.startswith(_AWAY):
        answer = entry.dir == "iut" or entry.obs in {"stimulus.done", "prompt.answer"}
        source, target = (DEVICE, TESTER) if answer else (TESTER, DEVICE)
        kind = "result" if answer else "request"
    elif entry.obs.startswith(("fault.", "tls.failed", "device.exit", "bench.error")):
        kind = "fault"
    elif entry.iface.startswith("I"):
        target = entry.iface
    return Step(
        n=entry.n, t=entry.t, source=clean(source, 20), target=clean(target, 20), label=clean(headline(entry), 90),
        kind=kind, marked=marked,
    )  # fmt: skip


def _participants(steps: Iterable[Step], spec: Spec) -> tuple[tuple[str, Text], ...]:
    used = {name for step in steps for name in (step.source, step.target)} - {DEVICE, TESTER}
    known = [(name, interface.title) for name, interface in spec.interfaces.items() if name in used]
    foreign = [(name, Text(name, name)) for name in sorted(used - set(spec.interfaces))]
    tester = [(TESTER, _TESTER_TITLE)] if any(TESTER in (step.source, step.target) for step in steps) else []
    return (*tester, (DEVICE, _DEVICE_TITLE), *known, *foreign)


def case_title(entries: Sequence[Entry]) -> Text | None:
    """The title that a case gave itself in its `case.start`, None if it never started."""
    for entry in entries:
        if entry.obs == "case.start":
            return title_of(entry.facts)
    return None


def title_of(facts: Mapping[str, Any]) -> Text | None:
    """The title in the facts of a `case.start` or in a plan's row, None where there is none."""
    en, zh = clean(facts.get("title", ""), 160), clean(facts.get("title_zh", ""), 160)
    return Text(zh or en, en or zh) if zh or en else None
