"""`rvw resume`: going on with a run that was stopped. Only what has no end on the record is run; all of it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conformance.bench.errors import UsageProblem
from conformance.bench.head import harness_version
from conformance.bench.outputs import JOURNAL, PACK
from conformance.bench.prepare import Options, Prepared, prepare
from conformance.bench.rejudge import NoRun, no_journal, waivers_of
from conformance.iut.device_file import find_device
from conformance.spec.model import Text
from conformance.trace.journal import JournalRead, read_journal
from reports.details import in_chinese


@dataclass(frozen=True)
class Stopped:
    """A run as its journal shows it: its head, its plan, and the cases that came to their end."""

    head: Mapping[str, Any]
    planned: tuple[str, ...]
    ended: frozenset[str]

    @property
    def left(self) -> tuple[str, ...]:
        """Planned cases that have no end, in the order of the plan."""
        return tuple(case for case in self.planned if case not in self.ended)


def stopped_run(run: Path) -> Stopped:
    """Read what a run has done. Raises NoRun."""
    journal = run / JOURNAL
    if not journal.is_file():
        raise no_journal(journal)
    read = read_journal(journal)
    if not read.intact:
        raise NoRun(Text(
            f"{journal}: 日志不完整（{in_chinese(str(read.breaks[0]))}）；可用 rvw rejudge 判定，但不能继续运行",
            f"{journal} is broken ({read.breaks[0]}); it can be judged with rvw rejudge, but not gone on with",
        ))  # fmt: skip
    return _of(journal, read)


def _of(journal: Path, read: JournalRead) -> Stopped:
    head: Mapping[str, Any] = {}
    planned: list[str] = []
    ended: set[str] = set()
    for row in read.observations:
        if row.kind == "run.start":
            head = row.facts
        elif row.kind == "plan":
            planned.extend(case["id"] for case in row.facts.get("cases", ()))
        elif row.kind == "case.end":
            ended.add(row.case)
    if not head:
        raise NoRun(Text(
            f"{journal}: 没有开头记录，运行在开始之前就停止了；请用 rvw run 重新开始",
            f"{journal} has no head: the run stopped before it began; start it anew with rvw run",
        ))  # fmt: skip
    return Stopped(head, tuple(dict.fromkeys(planned)), frozenset(ended))


def prepare_rest(run: Path, device: Path | None = None, lab: Path | None = None, *, prompts: bool = True) -> Prepared:
    """The rest of a run, with the pack, profile, seed, limits and waivers that it began with.

    Raises NoRun, UsageProblem (also where the device file or this harness is no longer what it was).
    """
    stopped = stopped_run(run)
    head = stopped.head
    told = head.get("device", {})
    file = device or Path(str(told.get("file", "")))
    if not find_device(file).is_file():
        raise UsageProblem([Text(
            f"从当前目录找不到该次运行的设备文件 {file}；请用 --device 指定",
            f"the run's device file {file} is not found from here; name it with --device",
        )])  # fmt: skip
    lab = lab or (Path(head["lab"]) if head.get("lab") else None)
    prepared = prepare(
        Options(
            device=file, profile=str(head.get("profile", "")), out=run, pack=str(run / PACK), seed=int(head.get("seed", 0)),
            timers=dict(head.get("timers", {})), only_cases=frozenset(stopped.left), prompts=prompts, lab=lab,
        )
    )  # fmt: skip
    problems = _changed(prepared, head)
    if problems:
        raise UsageProblem([*problems, Text(
            "只有设备、规范包和测试台都与开始时相同才能继续；请用 rvw run 重新开始一次运行",
            "a run goes on only with what it began with; start a new one with rvw run",
        )])  # fmt: skip
    return replace(prepared, waivers=waivers_of(head))


def _changed(prepared: Prepared, head: Mapping[str, Any]) -> list[Text]:
    """What is not as it was when the run began."""
    device, was = prepared.device, head.get("device", {})
    named = {"remote_device_id": "远程设备ID", "firmware": "固件", "model": "型号", "serial": "序列号"}
    rows = [(Text(zh, name), was.get(name), getattr(device, name)) for name, zh in named.items()]
    rows.append((Text("规范包摘要", "the pack's digest"), head.get("pack_digest"), prepared.spec.digest))
    version = head.get("harness", {}).get("version")
    rows.append((Text("测试台版本", "the harness version"), version, harness_version()))
    problems = [
        Text(f"{name.zh}在运行开始时是 {old!r}，现在是 {new!r}", f"{name.en} was {old!r} when the run began and is {new!r} now")
        for name, old, new in rows
        if old != new
    ]
    if dict(head.get("pics", {})) != dict(prepared.pics):
        problems.append(Text(
            "设备文件的能力声明（PICS）与运行开始时不同",
            "the declarations (PICS) of the device file are not those that the run began with",
        ))  # fmt: skip
    return problems
