"""Judging a recorded run again: no device, no network, no clock. The same journal and pack give the same verdicts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conformance.bench.outputs import JOURNAL, PACK
from conformance.spec.loader import load
from conformance.spec.model import Spec, Text
from conformance.spec.problems import Spoken
from conformance.trace.journal import JournalRead
from conformance.trace.transcript import Transcript
from conformance.verdict import exitcode
from conformance.verdict.judge import judge_run
from conformance.verdict.model import RunResult, Verdict
from conformance.verdict.waivers import Waiver


class NoRun(Spoken):
    """The directory holds no run that can be read."""


def no_journal(journal: Path) -> NoRun:
    """What is said of a directory that holds no run."""
    return NoRun(Text(
        f"{journal} 不存在；请指定一次运行的目录（如 rvw-out 下的某一个）",
        f"{journal} does not exist; name the directory of a run",
    ))  # fmt: skip


@dataclass(frozen=True)
class Rejudged:
    """A run judged from its journal."""

    result: RunResult
    transcript: Transcript
    spec: Spec
    read: JournalRead


def rejudge(run: Path, pack: str | None = None) -> Rejudged:
    """Judge `run` with its own pack, or with another. Raises NoRun, PackError."""
    journal = run / JOURNAL
    if not journal.is_file():
        raise no_journal(journal)
    own = run / PACK
    spec = load(pack) if pack is not None else load(own) if own.is_dir() else load()
    transcript, read = Transcript.from_journal(journal, spec)
    meant = transcript.head.get("pack_digest", spec.digest)
    if pack is None and meant != spec.digest:
        raise _another_pack(spec.root, str(meant), spec.digest)
    if not transcript.head:
        breaks = "; ".join(map(str, read.breaks[:3]))
        raise NoRun(Text(
            f"{journal}: 日志开头无法读取：{breaks or '文件是空的'}", f"{journal} has no readable head: {breaks or 'it is empty'}"
        ))  # fmt: skip
    plan = _plan_under(spec, transcript) if pack is not None else None
    result = judge_run(transcript, spec, waivers_of(transcript.head), plan=plan)
    return Rejudged(_marked(result, read), transcript, spec, read)


def _another_pack(there: Path, meant: str, found: str) -> NoRun:
    """A verdict under other rules than the run's must be asked for."""
    return NoRun(Text(
        f"{there}: 与该次运行所用的规范包不一致（应为 {meant:.12}，实为 {found:.12}）；请恢复原包，或用 --pack 指定判定所用的包",
        f"{there} is not the pack of this run ({meant:.12} is meant, {found:.12} is there); restore it, or name one with --pack",
    ))  # fmt: skip


def _plan_under(spec: Spec, transcript: Transcript) -> Mapping[str, Any] | None:
    """What the other pack asks of the cases that were run; None where it is the pack of the run itself."""
    if spec.digest == transcript.head.get("pack_digest"):
        return None
    from conformance.bench.plan import replan  # with it comes the city, which nobody needs who only judges

    plan = next((entry.facts for entry in transcript if entry.obs == "plan"), {})
    return replan(spec, transcript.head, plan)


def waivers_of(head: Mapping[str, Any]) -> tuple[Waiver, ...]:
    """The waivers that the run was given, from its head. Raises NoRun where a row is none."""
    try:
        return tuple(
            Waiver(row["kind"], row["id"], row["reason"], row["owner"], dt.date.fromisoformat(row["expires"]))
            for row in head.get("waivers", ())
        )
    except (KeyError, TypeError, ValueError) as error:
        what = f"{type(error).__name__}: {error}"
        raise NoRun(Text(
            f"日志开头（run.start）记录的豁免清单已损坏（{what}）：{head['waivers']!r:.200}",
            f"the journal's head (run.start) holds a broken known failure ({what}): {head['waivers']!r:.200}",
        )) from error  # fmt: skip


def _marked(result: RunResult, read: JournalRead) -> RunResult:
    """A journal whose chain is broken proves nothing, neither for the device nor against it: the clauses' verdicts are shown,
    but the run is an error."""
    if read.intact:
        return result
    note = {"kind": "journal-broken", "text": f"{len(read.breaks)}: {read.breaks[0]}", "breaks": [str(b) for b in read.breaks]}
    code = exitcode.USAGE if result.exit_code == exitcode.USAGE else exitcode.BENCH
    return replace(result, verdict=Verdict.ERROR, gate=Verdict.ERROR, exit_code=code, notes=(*result.notes, note))
