"""Allure results, through Allure's own types. File names and ids come from case ids, so that history lines up over runs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from allure_commons.model2 import Attachment, Label, Link, Parameter, StatusDetails, TestResult, TestStepResult
from allure_commons.types import LabelType, Severity
from attr import asdict

from conformance.verdict.model import Verdict
from reports import card, words
from reports.model import CaseRow, ClauseRow, FailureCard, FamilyRow, Report
from reports.reasons import in_words
from reports.safe import ascii_name, clean, clean_block

_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:rvw:allure")
# "broken" is Allure's word for "the test itself could not tell"; it is never drawn in green.
_STATUS: Final = {
    Verdict.PASS: "passed", Verdict.FAIL: "failed", Verdict.INCONCLUSIVE: "broken", Verdict.ERROR: "broken",
    Verdict.NOT_APPLICABLE: "skipped", Verdict.NOT_SELECTED: "skipped",
}  # fmt: skip
_SEVERITY: Final = {"MUST": Severity.CRITICAL, "SHOULD": Severity.NORMAL, "MAY": Severity.MINOR}


def write(report: Report, directory: Path) -> list[Path]:
    """Write one result per case and one per family into the directory; returns the files, ordered."""
    directory.mkdir(parents=True, exist_ok=True)
    cards = {failure.clause: failure for failure in report.failures}
    clauses = {row.id: row for row in report.clauses}
    files: list[Path] = []
    for case in report.cases:
        files += _write(directory, *_case(case, report, cards, clauses))
    for family in report.families:
        files += _write(directory, *_family(family, report, cards))
    environment = directory / "environment.properties"
    environment.write_text(_environment(report), encoding="utf-8", newline="\n")
    return sorted([*files, environment])


def _write(directory: Path, result: TestResult, attached: Sequence[tuple[Attachment, str]]) -> list[Path]:
    path = directory / f"{result.uuid}-result.json"
    content: dict[str, Any] = asdict(result, filter=lambda _, value: bool(value) or value is False)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
    files = [path]
    for attachment, text in attached:
        target = directory / attachment.source
        target.write_text(text, encoding="utf-8", newline="\n")
        files.append(target)
    return files


def _environment(report: Report) -> str:
    facts = [(fact.key, fact.value) for fact in (*report.cover.device, *report.cover.run)]
    lines = [f"{ascii_name(key)}={clean(value).encode('unicode_escape').decode('ascii')}" for key, value in facts]
    return "\n".join([*lines, f"verdict={report.cover.verdict.value}"]) + "\n"


def _result(key: str, name: str, verdict: Verdict, report: Report) -> TestResult:
    return TestResult(
        uuid=str(uuid.uuid5(_NAMESPACE, f"{report.pack}/{report.pack_version}/{report.device_name}/{key}")),
        historyId=uuid.uuid5(_NAMESPACE, f"{report.pack}/{report.device_name}/{key}").hex,
        testCaseId=uuid.uuid5(_NAMESPACE, f"{report.pack}/{key}").hex,
        fullName=ascii_name(key), name=clean(name), status=_STATUS[verdict], stage="finished",
        labels=[
            Label(LabelType.EPIC, clean(f"{report.pack} {report.pack_version}")), Label(LabelType.FRAMEWORK, "rvw"),
            Label(LabelType.HOST, clean(report.device_name)), Label(LabelType.TAG, verdict.value),
        ],
        parameters=[Parameter("seed", report.seed, excluded=True)],
    )  # fmt: skip


def _case(
    case: CaseRow, report: Report, cards: dict[str, FailureCard], clauses: dict[str, ClauseRow]
) -> tuple[TestResult, list[tuple[Attachment, str]]]:
    title = f"{case.id} {case.title.zh}" if case.title is not None else case.id
    result = _result(f"case/{case.id}", title, case.verdict, report)
    own = [cards[clause] for clause in case.clauses if clause in cards and case.id in cards[clause].cases]
    rows = [clauses[clause] for clause in case.clauses if clause in clauses]
    begin = report.started_ms + int((case.started_s or 0.0) * 1000)
    result.start, result.stop = begin, begin + int(case.seconds * 1000)
    result.description = clean(f"{case.title.zh} / {case.title.en}") if case.title is not None else None
    families = list(dict.fromkeys(row.family for row in rows)) or ["-"]
    result.labels += [Label(LabelType.FEATURE, family) for family in families]
    result.labels += [Label(LabelType.STORY, row.id) for row in rows]
    result.labels += [Label(LabelType.PARENT_SUITE, "cases"), Label(LabelType.SUITE, families[0])]
    level = min((row.level for row in rows), key=("MUST", "SHOULD", "MAY").index, default="MUST")
    result.labels.append(Label(LabelType.SEVERITY, _SEVERITY[level]))
    result.links = [Link(type="link", url=f"report.html#{row.id}", name=row.id) for row in rows]
    reason = in_words(f"blocked: {case.blocked_by}") if case.blocked_by else case.reason_text
    return result, _explain(result, case.verdict, reason.zh, own)


def _family(
    family: FamilyRow, report: Report, cards: dict[str, FailureCard]
) -> tuple[TestResult, list[tuple[Attachment, str]]]:
    """The roll-up of a family, with one step per clause."""
    result = _result(f"session/{family.id}", f"{family.id} {family.title.zh}", family.verdict, report)
    result.start = report.started_ms
    result.stop = report.started_ms + int(report.seconds * 1000)
    result.labels += [
        Label(LabelType.PARENT_SUITE, "session"), Label(LabelType.SUITE, family.id), Label(LabelType.FEATURE, family.id),
    ]  # fmt: skip
    rows = [row for row in report.clauses if row.family == family.id]
    result.steps = [
        TestStepResult(
            name=clean(f"{row.id} {row.title.zh} / {row.title.en}"), stage="finished",
            status="passed" if row.remark else _STATUS[row.verdict],
            statusDetails=StatusDetails(message=clean(row.reason_text.zh)) if row.reason else None,
            start=result.start, stop=result.start,
        )
        for row in rows
    ]  # fmt: skip
    own = [cards[row.id] for row in rows if row.id in cards and row.verdict is Verdict.FAIL and not row.remark]
    reason = ", ".join(row.id for row in rows if row.verdict is family.verdict and not row.remark)
    return result, _explain(result, family.verdict, reason, own)


def _explain(
    result: TestResult, verdict: Verdict, reason: str, cards: Sequence[FailureCard]
) -> list[tuple[Attachment, str]]:
    """Status details, and the failure cards as attachments with stable names."""
    if verdict is Verdict.PASS and not cards:
        return []
    meaning = words.VERDICT[verdict]
    rendered = [clean_block(card.render(failure), 64_000) for failure in cards]
    result.statusDetails = StatusDetails(
        message=clean(f"{meaning.zh} {meaning.en}: {reason}".rstrip(": ")), trace="\n\n".join(rendered) or None
    )
    attached = []
    for failure, text in zip(cards, rendered, strict=True):
        source = f"{uuid.uuid5(_NAMESPACE, f'{result.uuid}/{failure.clause}')}-attachment.txt"
        attachment = Attachment(name=f"{failure.clause} card", source=source, type="text/plain")
        result.attachments.append(attachment)
        attached.append((attachment, text))
    return attached
