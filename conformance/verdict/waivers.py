"""Known failures: a signed-off list of clauses or cases that may fail until a day. They set the gate, never a verdict.

The file is TOML: `[[waiver]]` tables with exactly one of `clause` and `case`, and `reason`, `owner`, `expires` (a date).
An entry that is expired, that matches nothing, or whose subject no longer fails is a usage problem: the list must not rot.
What can be known before a run is held against the list then (`unfit`); a partial run says nothing of what it left out.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from conformance.spec.model import Text
from conformance.spec.problems import suggestion
from conformance.verdict.model import CaseResult, ClauseResult, Verdict

_KINDS: Final = {"clause": "条款", "case": "用例"}
_KEYS = frozenset({"clause", "case", "reason", "owner", "expires"})


@dataclass(frozen=True, slots=True)
class Waiver:
    """One known failure. Valid through the day `expires`."""

    kind: Literal["clause", "case"]
    id: str
    reason: str
    owner: str
    expires: dt.date


class WaiverError(ValueError):
    """A waiver file that cannot be used; `lines` tell everything that is wrong with it."""

    def __init__(self, lines: Sequence[Text]) -> None:
        super().__init__("\n".join(line.en for line in lines))
        self.lines = tuple(lines)

    @property
    def problems(self) -> tuple[str, ...]:
        """In English."""
        return tuple(line.en for line in self.lines)


def load_waivers(path: Path) -> tuple[Waiver, ...]:
    """Read a known-failures file. Raises WaiverError with all problems, OSError where there is no file."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as exc:  # not TOML, not UTF-8, a number without end, values too deep in one another
        raise WaiverError([Text(f"{path.name}: 不是 TOML 文件：{exc}", f"{path.name}: not TOML: {exc}")]) from exc
    rows = data.get("waiver", [])
    name = path.name
    problems = [
        Text(f"{name}: 没有表 {key!r}；可用：waiver", f"{name}: unknown table {key!r}; known: waiver")
        for key in data
        if key != "waiver"
    ]
    if not isinstance(rows, list):
        raise WaiverError([*problems, Text(f"{name}: 请写成 [[waiver]] 表", f"{name}: write [[waiver]] tables")])
    waivers: list[Waiver] = []
    for number, row in enumerate(rows, 1):
        found = _problems(row)
        if found:
            problems.extend(
                Text(f"{name}: 第 {number} 项豁免：{told.zh}", f"{name}: waiver {number}: {told.en}") for told in found
            )
        else:
            waivers.append(_waiver(row))
    subjects = [(w.kind, w.id) for w in waivers]
    problems.extend(
        Text(f"{name}: {_KINDS[kind]} {i} 豁免了两次", f"{name}: {kind} {i} is waived twice")
        for kind, i in dict.fromkeys(subjects)
        if subjects.count((kind, i)) > 1
    )
    if problems:
        raise WaiverError(problems)
    return tuple(waivers)


def _problems(row: Any) -> list[Text]:
    if not isinstance(row, Mapping):
        return [Text("不是表", "is no table")]
    problems = [Text(f"没有键 {key!r}", f"unknown key {key!r}") for key in row if key not in _KEYS]
    if ("clause" in row) is ("case" in row):
        problems.append(Text("clause 与 case 须写且只写一个", "needs exactly one of clause and case"))
    problems.extend(
        Text(f"{key} 须为非空文本", f"{key} must be a text that says something") for key in ("clause", "case", "reason", "owner")
        if key in row and not (isinstance(row[key], str) and row[key].strip())
    )  # fmt: skip
    problems.extend(Text(f"缺少 {key}", f"{key} is missing") for key in ("reason", "owner", "expires") if key not in row)
    if "expires" in row and type(row["expires"]) is not dt.date:
        problems.append(Text(
            "expires 须为不带引号的日期，如 2030-01-31", "expires must be a date without quotes, like 2030-01-31"
        ))  # fmt: skip
    return problems


def _waiver(row: Mapping[str, Any]) -> Waiver:
    kind: Literal["clause", "case"] = "clause" if "clause" in row else "case"
    return Waiver(kind, row[kind], row["reason"], row["owner"], row["expires"])


def unfit(waivers: Sequence[Waiver], clauses: Collection[str], cases: Collection[str], today: dt.date) -> list[Text]:
    """What is wrong with a list before anything is run: ids that nothing has, days that are over."""
    problems: list[Text] = []
    for waiver in waivers:
        known, kind, day = clauses if waiver.kind == "clause" else cases, _KINDS[waiver.kind], waiver.expires.isoformat()
        if waiver.id not in known:
            near = suggestion(waiver.id, known)
            problems.append(Text(
                f"豁免清单：没有{kind} {waiver.id!r}；{near.zh}",
                f"known failures: unknown {waiver.kind} {waiver.id!r}; {near.en}",
            ))  # fmt: skip
        if waiver.expires < today:
            problems.append(Text(
                f"豁免清单：{kind} {waiver.id} 的豁免已于 {day} 到期",
                f"known failures: {waiver.kind} {waiver.id} expired on {day}",
            ))  # fmt: skip
    return problems


@dataclass(frozen=True, slots=True)
class Applied:
    """What a list of waivers did: what it excuses, and what is wrong with it."""

    clauses: frozenset[str]
    cases: frozenset[str]
    problems: tuple[str, ...]
    used: tuple[Waiver, ...]


def apply_waivers(
    waivers: Sequence[Waiver], clauses: Sequence[ClauseResult], cases: Sequence[CaseResult], *,
    today: dt.date | None, certification: bool, partial: bool = False,
) -> Applied:  # fmt: skip
    """Hold waivers against results. `today` is the day of the run; without one no entry can be shown to be in force.

    In a partial run an entry whose subject was left out is neither used nor wrong, nor is a clause that passes in what was run.
    """
    if waivers and certification:
        return Applied(frozenset(), frozenset(), ("waivers are refused for a certification profile",), ())
    clause_of = {c.id: c for c in clauses}
    case_of = {c.id: c for c in cases}
    problems: list[str] = []
    used: list[Waiver] = []
    for waiver in waivers:
        subject: ClauseResult | CaseResult | None = (clause_of if waiver.kind == "clause" else case_of).get(waiver.id)
        problem = _unusable(waiver, subject, today)
        if partial and _left_open(waiver, subject):
            continue
        if problem:
            problems.append(problem)
        else:
            used.append(waiver)
    excused_cases = {w.id for w in used if w.kind == "case"}
    excused = {w.id for w in used if w.kind == "clause"}
    excused |= {c.id for c in clauses if _only_in(c, excused_cases)}
    excused_cases |= {c.id for c in cases if c.verdict is Verdict.FAIL and _only_for(c, clauses, excused)}
    return Applied(frozenset(excused), frozenset(excused_cases), tuple(problems), tuple(used))


def _unusable(waiver: Waiver, subject: ClauseResult | CaseResult | None, today: dt.date | None) -> str:
    name = f"waiver for {waiver.kind} {waiver.id}"
    if subject is None or subject.verdict in (Verdict.NOT_SELECTED, Verdict.NOT_APPLICABLE):
        return f"{name} matches nothing in this run"
    if today is None or waiver.expires < today:
        return f"{name} expired on {waiver.expires.isoformat()}" if today else f"{name}: the run does not say its day"
    if subject.verdict is Verdict.PASS:
        return f"{name} is stale: it passes now, remove the entry"
    return ""


def _left_open(waiver: Waiver, subject: ClauseResult | CaseResult | None) -> bool:
    """Whether a partial run cannot say that the entry is wrong: its subject was not run, or not wholly."""
    if subject is None or subject.verdict is Verdict.NOT_SELECTED:
        return True
    return waiver.kind == "clause" and subject.verdict is Verdict.PASS


def _violated_in(clause: ClauseResult) -> set[str]:
    return {f.case for f in clause.findings if f.outcome.violated and not f.tainted}


def _only_in(clause: ClauseResult, cases: set[str]) -> bool:
    """Whether a clause fails in waived cases and nowhere else."""
    return clause.verdict is Verdict.FAIL and bool(_violated_in(clause)) and _violated_in(clause) <= cases


def _only_for(case: CaseResult, clauses: Sequence[ClauseResult], excused: set[str]) -> bool:
    """Whether everything that fails a case is waived."""
    guilty = {c.id for c in clauses if not c.remark and case.id in _violated_in(c)}
    return bool(guilty) and guilty <= excused
