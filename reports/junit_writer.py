"""`junit.xml`: one test case per case, and one per family for the rules that judge the whole run.

"Could not be decided" is an `<error>`, never a skip: a CI server that shows skips in green must not make a pass of it.
Names are ASCII and made from ids, so that they are the same in every run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from conformance.verdict.model import Verdict
from reports import card, words
from reports.model import CaseRow, ClauseRow, FailureCard, FamilyRow, Report
from reports.reasons import in_words
from reports.safe import ascii_name, clean, clean_block

OUTPUT_CAP: Final = 64 * 1024  # bytes of system-out per test case; servers refuse huge text nodes
MAX_PROPERTIES: Final = 200  # clause ids named per test case
_SKIPPED: Final = (Verdict.NOT_APPLICABLE, Verdict.NOT_SELECTED)
# What XML 1.0 cannot hold even escaped.
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report) -> bytes:
    """The bytes of `junit.xml`."""
    root = ET.Element("testsuites", name="rvw-conformance")
    cards = {failure.clause: failure for failure in report.failures}
    cases = _suite(root, "cases", [_case(row, cards) for row in report.cases])
    _properties(cases, _run_properties(report))
    by_family = {family.id: [row for row in report.clauses if row.family == family.id] for family in report.families}
    _suite(root, "session", [_family(family, by_family[family.id], cards) for family in report.families])
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    root.set("time", f"{report.seconds:.3f}")
    ET.indent(root, " ")
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def write(report: Report, path: Path) -> Path:
    """Write the file and return its path."""
    path.write_bytes(render(report))
    return path


def _suite(root: ET.Element, name: str, items: Sequence[ET.Element]) -> ET.Element:
    suite = ET.SubElement(root, "testsuite", name=f"rvw.{name}", tests=str(len(items)))
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(sum(item.find(tag) is not None for item in items)))
    suite.set("time", f"{sum(float(item.get('time', '0')) for item in items):.3f}")
    suite.extend(items)
    return suite


def _run_properties(report: Report) -> list[tuple[str, str]]:
    facts = [(fact.key, fact.value) for fact in (*report.cover.device, *report.cover.run)]
    return [
        ("verdict", report.cover.verdict.value), ("gate", report.cover.gate.value),
        ("exit_code", str(report.cover.exit_code)), *facts,
    ]  # fmt: skip


def _properties(element: ET.Element, pairs: Iterable[tuple[str, str]]) -> None:
    holder = ET.Element("properties")
    for name, value in pairs:
        ET.SubElement(holder, "property", name=_xml(clean(name)), value=_xml(clean(value)))
    element.insert(0, holder)


def _item(classname: str, name: str, seconds: float) -> ET.Element:
    return ET.Element("testcase", classname=classname, name=name, time=f"{max(seconds, 0.0):.3f}")


def _outcome(item: ET.Element, verdict: Verdict, message: str, details: str) -> None:
    """The child that says how it ended. Only a pass has none."""
    if verdict is Verdict.PASS:
        return
    tag = "failure" if verdict is Verdict.FAIL else "skipped" if verdict in _SKIPPED else "error"
    meaning = words.VERDICT[verdict]
    child = ET.SubElement(item, tag, message=_xml(clean(f"{meaning.zh} {meaning.en}: {message}".rstrip(": "))))
    if tag != "skipped":
        child.set("type", verdict.value)
        child.text = _text(details)


def _case(row: CaseRow, cards: dict[str, FailureCard]) -> ET.Element:
    name = ascii_name(row.id)
    area = re.split(r"[.:/\[-]", name, maxsplit=1)[0] or "case"
    item = _item(f"rvw.cases.{area}", name, row.seconds)
    own = [cards[clause] for clause in row.clauses if clause in cards and row.id in cards[clause].cases]
    reason = in_words(f"blocked: {row.blocked_by}") if row.blocked_by else row.reason_text
    message = f"{reason.zh} {reason.en}" if reason.zh != reason.en else reason.zh
    _properties(
        item,
        [
            *(("clause", clause) for clause in row.clauses[:MAX_PROPERTIES]), ("verdict", row.verdict.value),
            ("attempts", str(row.attempts)), *((("blame", row.blame.value),) if row.blame else ()),
        ],
    )  # fmt: skip
    clauses = ", ".join(failure.clause for failure in own)
    _outcome(item, row.verdict, message or clauses, "\n\n".join(card.render(failure) for failure in own) or message)
    if row.title is not None:
        _output(item, f"{row.title.zh} / {row.title.en}")
    return item


def _family(family: FamilyRow, clauses: Sequence[ClauseRow], cards: dict[str, FailureCard]) -> ET.Element:
    """The roll-up of a family. It fails if any of its clauses fails, also where no single case shows why."""
    item = _item("rvw.session", f"session[{ascii_name(family.id)}]", 0.0)
    notable = [] if family.verdict is Verdict.PASS else [r for r in clauses if r.verdict is family.verdict and not r.remark]
    named = ", ".join(row.id for row in notable[:20]) + (f", … (+{len(notable) - 20})" if len(notable) > 20 else "")
    shown = [card.render(cards[row.id]) if row.id in cards else f"{row.id}: {row.reason}" for row in notable]
    _properties(item, [*(("clause", row.id) for row in clauses[:MAX_PROPERTIES]), ("verdict", family.verdict.value)])
    _outcome(item, family.verdict, named, "\n\n".join(shown))
    _output(item, "\n".join(_line(row) for row in clauses))
    return item


def _line(row: ClauseRow) -> str:
    verdict = words.REMARK.en if row.remark else words.VERDICT[row.verdict].en
    return f"{row.id} [{row.level}] {verdict}" + (f" - {row.reason_text.en}" if row.reason else "")


def _output(item: ET.Element, text: str) -> None:
    ET.SubElement(item, "system-out").text = _text(text)


def _text(text: str) -> str:
    """Text of an element: safe, legal in XML, at most `OUTPUT_CAP` bytes."""
    legal = _xml(clean_block(text, OUTPUT_CAP))
    data = legal.encode("utf-8")
    if len(data) <= OUTPUT_CAP:
        return legal
    return data[: OUTPUT_CAP - 16].decode("utf-8", errors="ignore") + "… (cut)"


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
