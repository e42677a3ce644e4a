"""A campaign: sessions of one device build, one pack and one harness in one directory (decision 28), settled by decision 6."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from conformance.bench.errors import UsageProblem
from conformance.bench.head import harness_version
from conformance.bench.prepare import Prepared
from conformance.spec.model import Level, Text
from conformance.trace.transcript import Transcript
from conformance.verdict import exitcode
from conformance.verdict.clauses import IN_PART
from conformance.verdict.model import ClauseResult, RunResult, Verdict
from reports.reasons import code_of
from reports.words import VERDICT, Lang, say

Only = Literal["", "not-pass", "remaining"]
CAMPAIGN_FILE: Final = "campaign.json"
SESSION: Final = re.compile(r"s\d{3,}")  # name of a session's directory
PASSES_TO_CLEAR: Final = 3  # in a row, on an unchanged build (decision 6)
_ONLY: Final = {
    "": Text("全部", "all"), "not-pass": Text("未通过的", "not passed"), "remaining": Text("未运行的", "not run yet"),
}  # fmt: skip
_TITLES: Final[Mapping[Literal["clauses", "cases"], Text]] = {
    "clauses": Text("条款", "clauses"), "cases": Text("用例", "cases"),
}  # fmt: skip
_OPEN: Final = (Verdict.INCONCLUSIVE, Verdict.ERROR)
_TRIED: Final = (Verdict.PASS, Verdict.FAIL, *_OPEN)


def settle(verdicts: Iterable[Verdict]) -> Verdict | None:
    """What all attempts together say, oldest first; None where there was none.

    A fail stays until three passes in a row; inconclusive and error are settled by a pass or a fail; a pass is not unsettled
    by an attempt that decided nothing.
    """
    state: Verdict | None = None
    row = 0
    for verdict in verdicts:
        row = row + 1 if verdict is Verdict.PASS else 0
        if verdict is Verdict.FAIL:
            state = verdict
        elif verdict is Verdict.PASS:
            state = verdict if state is not Verdict.FAIL or row >= PASSES_TO_CLEAR else state
        elif verdict in _OPEN and (state is None or state in _OPEN):
            state = verdict
    return state


@dataclass
class Campaign:
    """One directory of sessions. `table` is what campaign.json holds."""

    directory: Path
    table: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def open(cls, directory: Path, prepared: Prepared) -> Campaign:
        """The campaign of a device build; a new one where the directory holds none. Raises UsageProblem."""
        file = directory / CAMPAIGN_FILE
        identity = _identity(prepared)
        if not file.exists():
            if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
                raise UsageProblem([Text(
                    f"{directory} 不是空目录，也不是测试活动的目录；请用 --campaign 另选一个",
                    f"{directory} is not empty and holds no campaign; name another --campaign directory",
                )])  # fmt: skip
            return cls(directory, {"format": "rvw-campaign", "version": 1, "identity": identity, "sessions": []})
        book = cls(directory, _read(file))
        if not book.sessions and not book.unlisted():  # it was made, and no run began: nothing binds it to a build
            return cls(directory, {**book.table, "identity": identity, "open": []})
        known = book.table["identity"]
        changed = [key for key in identity if identity[key] != known.get(key)]
        if changed:
            raise UsageProblem([
                Text(f"{directory} 是另一版设备的测试活动：", f"{directory} is the campaign of another device build:"),
                *(Text(
                    f"  {key} 为 {identity[key]!r}，活动中为 {known.get(key)!r}",
                    f"  {key} is {identity[key]!r}, the campaign's is {known.get(key)!r}",
                ) for key in changed),
                Text(
                    "设备固件、规范包或测试台不同，就是另一次测试活动：请另选目录",
                    "another build, pack or harness is another campaign: name another directory",
                ),
            ])  # fmt: skip
        return book

    @classmethod
    def of_session(cls, run: Path) -> Campaign | None:
        """The campaign that a run directory is a session of, None for a run of its own. Raises UsageProblem."""
        place = run.resolve()
        file = place.parent / CAMPAIGN_FILE
        return cls(run.parent, _read(file)) if SESSION.fullmatch(place.name) and file.is_file() else None

    @property
    def sessions(self) -> list[dict[str, Any]]:
        """All sessions, oldest first; a fail is never taken off the list."""
        rows: list[dict[str, Any]] = self.table["sessions"]
        return rows

    def begin(self, prepared: Prepared) -> Path:
        """The directory of the session that begins now. The account is written before it, so that a session that is killed is
        found missing from it. Raises OSError.
        """
        self._owe(case.id for case in prepared.plan()[0].cases)
        self._write()
        number = 1
        while (self.directory / f"s{number:03d}").exists():
            number += 1
        return self.directory / f"s{number:03d}"

    def unlisted(self) -> list[Path]:
        """Directories of sessions that have no entry: killed, or cut off by a full disk."""
        listed = {session["directory"] for session in self.sessions}
        found = self.directory.iterdir() if self.directory.is_dir() else ()
        return sorted(path for path in found if SESSION.fullmatch(path.name) and path.is_dir() and path.name not in listed)

    def choose(self, only: Only, prepared: Prepared) -> frozenset[str] | None:
        """The cases of the next session; None where nothing is left to run, an empty set for the whole plan."""
        if not only or not self.sessions:
            return frozenset()
        plan = prepared.plan()[0]
        verdicts = self.settled("cases")
        if only == "remaining":
            chosen = {case.id for case in plan.cases if case.id not in verdicts}
        else:
            clauses = self.settled("clauses")
            open_clauses = {clause for clause, verdict in clauses.items() if verdict is not Verdict.PASS}
            chosen = {case for case, verdict in verdicts.items() if verdict is not Verdict.PASS}
            chosen |= {c for oid, cases in plan.selected.items() if oid.split(".", 1)[0] in open_clauses for c in cases}
            chosen &= {case.id for case in plan.cases} & verdicts.keys()
        return frozenset(chosen) or None

    def settled(self, what: Literal["cases", "clauses"]) -> dict[str, Verdict]:
        """The verdict of everything that was tried."""
        attempts: dict[str, list[Verdict]] = {}
        for session in self.sessions:
            for name, row in session[what].items():
                attempts.setdefault(name, []).append(Verdict(row["verdict"]))
        found = {name: settle(verdicts) for name, verdicts in attempts.items()}
        return {name: verdict for name, verdict in found.items() if verdict is not None}

    def add(self, run: Path, result: RunResult, transcript: Transcript, only: Only = "") -> None:
        """List a session with everything that it tried, and write campaign.json. Raises OSError.

        A session that went on after a stop gets another entry with what is new in it, so that its attempts stand in the order
        in which they were made. A fail is listed again: what was run since may have added to it.
        """
        name, weighing = run.resolve().name, _weighing(transcript)
        cases: dict[str, dict[str, Any]] = {
            case.id: {"verdict": case.verdict.value, "attempts": case.attempts, "weighs": case.id in weighing}
            for case in result.cases if case.attempts and case.verdict in _TRIED
        }  # fmt: skip
        clauses: dict[str, dict[str, Any]] = {
            clause.id: {"verdict": _tried(clause).value, "weighs": clause.level == Level.MUST.value and not clause.waived}
            for clause in result.clauses if _tried(clause) in _TRIED
        }  # fmt: skip
        before = [session for session in self.sessions if session["directory"] == name]
        if before:
            only = before[0]["only"]
            cases = _news(before, "cases", cases)
            fails = {i: row for i, row in clauses.items() if cases and row["verdict"] == Verdict.FAIL.value}
            clauses = {**_news(before, "clauses", clauses), **fails}
        if cases or clauses or not before:
            self.sessions.append({
                "directory": name, "ended_at": f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}", "only": only,
                "seed": result.head.get("seed"), "profile": result.head.get("profile"), "verdict": result.verdict.value,
                "exit_code": result.exit_code, "cases": cases, "clauses": clauses,
            })  # fmt: skip
        self._owe(case.id for case in result.cases)
        self._write()

    def _owe(self, cases: Iterable[str]) -> None:
        """Cases that were planned stay open until they are tried."""
        self.table["open"] = sorted({*self.table.get("open", ()), *cases} - self.settled("cases").keys())

    def _write(self) -> None:
        self.table["settled"] = {
            what: {name: verdict.value for name, verdict in sorted(self.settled(what).items())} for what in ("cases", "clauses")
        }  # fmt: skip
        self.table["verdict"] = self.verdict().value
        self.directory.mkdir(parents=True, exist_ok=True)
        fresh = self.directory / f"{CAMPAIGN_FILE}.new"
        fresh.write_text(json.dumps(self.table, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        os.replace(fresh, self.directory / CAMPAIGN_FILE)  # noqa: PTH105  atomic on every platform

    def verdict(self) -> Verdict:
        """Of the campaign, from everything that weighs."""
        found = {verdict for what in ("cases", "clauses") for name, verdict in self.settled(what).items()
                 if self._weighs(what, name)}  # fmt: skip
        order = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.PASS)
        worst = next((verdict for verdict in order if verdict in found), Verdict.INCONCLUSIVE)
        return Verdict.INCONCLUSIVE if worst is Verdict.PASS and self.table.get("open") else worst

    def _weighs(self, what: str, name: str) -> bool:
        return any(session[what].get(name, {}).get("weighs") for session in self.sessions)

    @property
    def exit_code(self) -> int:
        """By the one table."""
        return exitcode.of_verdict(self.verdict())

    def summary(self, lang: Lang) -> str:
        """What the campaign stands at: sessions, counts, and everything that is not pass with all its attempts."""
        lines = ["", f"{say(Text('测试活动', 'campaign'), lang)} {self.directory}"]
        lines += [
            f"  {s['directory']}  {s['ended_at']}  {say(_ONLY[s['only']], lang)}  {_told(s['verdict'], lang)}"
            for s in self.sessions
        ]
        for what, title in _TITLES.items():
            settled = self.settled(what)
            counts = [f"{_told(v, lang)} {sum(x is v for x in settled.values())}" for v in _TRIED]
            if what == "cases":
                counts.append(f"{say(Text('未运行', 'not run'), lang)} {len(self.table.get('open', ()))}")
            lines.append(f"  {say(title, lang)}: {', '.join(counts)}")
            for name, verdict in sorted(settled.items()):
                if verdict is not Verdict.PASS:
                    lines.append(f"    {_told(verdict, lang)}  {name}  ({self._attempts(what, name, lang)})")
        lines.append(f"  {say(Text('结论', 'verdict'), lang)}: {_told(self.verdict(), lang)}   exit {self.exit_code}")
        return "\n".join(lines)

    def _attempts(self, what: str, name: str, lang: Lang) -> str:
        rows: Iterable[tuple[str, Mapping[str, Any] | None]] = ((s["directory"], s[what].get(name)) for s in self.sessions)
        return ", ".join(f"{directory} {_told(row['verdict'], lang)}" for directory, row in rows if row is not None)


def _tried(clause: ClauseResult) -> Verdict:
    """What a session says of a clause. One that got too few of its cases was tried and is open: sessions that each leave out
    others of them do not add up to a campaign that never asked."""
    in_part = clause.verdict is Verdict.NOT_SELECTED and code_of(clause.reason) == IN_PART
    return Verdict.INCONCLUSIVE if in_part else clause.verdict


def _told(verdict: str, lang: Lang) -> str:
    return say(VERDICT[Verdict(verdict)], lang)


def _identity(prepared: Prepared) -> dict[str, str]:
    device = prepared.device
    return {
        "remote_device_id": device.remote_device_id, "vendor": device.vendor, "model": device.model, "serial": device.serial,
        "firmware": device.firmware, "platform": device.platform, "pack_digest": prepared.spec.digest,
        "harness_version": harness_version(),
    }  # fmt: skip


def _news(before: Iterable[Mapping[str, Any]], what: str, rows: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What earlier entries of the same session do not say yet."""
    known = {name: row for session in before for name, row in session[what].items()}
    return {name: row for name, row in rows.items() if known.get(name) != row}


def _weighing(transcript: Transcript) -> set[str]:
    """Cases that count for the campaign: all but those that are there for SHOULD and MAY alone."""
    clauses = transcript.spec.clauses
    levels: dict[str, set[Level]] = {}
    for entry in transcript:
        for case in entry.facts.get("cases", ()) if entry.obs == "plan" else ():
            found = levels.setdefault(case["id"], set())
            found |= {clauses[obligation.split(".", 1)[0]].level for obligation in case["obligations"]}
    return {case for case, found in levels.items() if not found or Level.MUST in found}


def _read(file: Path) -> dict[str, Any]:
    """What campaign.json holds. Raises UsageProblem."""
    try:
        table = json.loads(file.read_text("utf-8"))
        problem = _problem(table)
    except (OSError, ValueError) as error:
        problem = str(error)
    if problem:
        raise UsageProblem([Text(
            f"{file} 无法读取（{problem}）；请放回备份，或用 --campaign 另选目录",
            f"{file} cannot be read ({problem}); put back a copy, or name another --campaign directory",
        )])  # fmt: skip
    read: dict[str, Any] = table
    return read


def _problem(table: Any) -> str:
    """The first thing in campaign.json that is not as it was written, "" where there is none."""
    if not (isinstance(table, dict) and isinstance(table.get("identity"), dict) and isinstance(table.get("sessions"), list)):
        return "it has no identity and sessions"
    if not isinstance(table.get("open", []), list):
        return "open is no list of cases"
    for number, session in enumerate(table["sessions"], 1):
        if not isinstance(session, dict):
            return f"session {number} is no object"
        lacking = [key for key in ("directory", "ended_at", "only", "verdict") if not isinstance(session.get(key), str)]
        lacking += [key for key in ("cases", "clauses") if not _are_verdicts(session.get(key))]
        if lacking:
            return f"session {number} has no {', '.join(lacking)}"
    return ""


def _are_verdicts(rows: Any) -> bool:
    known = {verdict.value for verdict in Verdict}
    return isinstance(rows, dict) and all(isinstance(row, dict) and row.get("verdict") in known for row in rows.values())
