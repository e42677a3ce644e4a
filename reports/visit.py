"""The run and one visit on a time axis: what was going on, when. Drawing is `reports.timeline`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from conformance.spec.model import Text
from conformance.trace.transcript import Entry
from conformance.verdict.model import RunResult
from reports.failures import Trace
from reports.messages import headline, is_message
from reports.model import Lane, Mark, Timeline
from reports.safe import clean

BUCKETS: Final = 480  # points per lane that an axis can tell apart
MIN_MILESTONES: Final = 4  # fewer make no visit

# Roles of the harness (not message names of one pack) and what a reader calls them.
MILESTONES: Final[Mapping[str, tuple[str, Text]]] = {
    "ticket.issue": ("queue", Text("取号", "ticket")),
    "ticket.called": ("queue", Text("叫号", "called")),
    "call.invite": ("call", Text("呼叫", "invite")),
    "call.answer": ("call", Text("接听", "answer")),
    "media.offer": ("call", Text("媒体协商", "offer")),
    "media.state": ("call", Text("媒体状态", "media")),
    "call.bye": ("call", Text("挂断", "bye")),
    "session.opened": ("work", Text("会话开始", "session opened")),
    "session.closed": ("work", Text("会话结束", "session closed")),
    "peripheral.command": ("peripheral", Text("外设指令", "command")),
    "material.upload": ("work", Text("上传材料", "material")),
    "print.content": ("work", Text("取打印件", "print job")),
    "rating.request": ("rating", Text("请求评价", "rating asked")),
    "rating.submit": ("rating", Text("提交评价", "rated")),
}
_PHASES: Final = (
    ("queue", "ticket.issue", "ticket.called", Text("等候", "waiting")),
    ("call", "call.invite", "call.bye", Text("通话", "call")),
    ("work", "session.opened", "session.closed", Text("办理", "session")),
    ("rating", "rating.request", "rating.submit", Text("评价", "rating")),
)
_LANES: Final = {
    "queue": Text("排队取号", "queue"),
    "call": Text("音视频", "call and media"),
    "work": Text("业务办理", "session"),
    "peripheral": Text("外设", "peripherals"),
    "rating": Text("好差评", "rating"),
}


def timelines(result: RunResult, trace: Trace) -> tuple[Timeline, ...]:
    """The whole run, and the fullest visit in it if there is one."""
    if not trace.entries:
        return ()
    run = _run(result, trace)
    visit = _visit(trace)
    return (run, visit) if visit is not None else (run,)


def _run(result: RunResult, trace: Trace) -> Timeline:
    start, end = trace.entries[0].t, max(entry.t for entry in trace.entries)
    lanes = [Lane("cases", Text("测试用例", "cases"), _case_bars(result, trace))]
    for iface in sorted({entry.iface for entry in trace.entries if entry.iface.startswith("I")}):
        of_it = [entry for entry in trace.entries if entry.iface == iface]
        marks = (*_bars(of_it, "conn.open", "conn.close", "conn", end, "conn"), *_points(of_it, start, end))
        if marks:
            lanes.append(Lane(clean(iface, 20), Text(iface, iface), marks))
    faults = (*_bars(trace.entries, "fault.start", "fault.end", "name", end, "fault"), *_troubles(trace.entries))
    if faults:
        lanes.append(Lane("faults", Text("注入故障与异常", "faults and troubles"), faults))
    return Timeline("run", Text("整个测试过程", "the whole run"), start, end, tuple(lanes))


def _case_bars(result: RunResult, trace: Trace) -> tuple[Mark, ...]:
    bars = []
    for case in result.cases:
        entries = trace.case(case.id)
        if case.id and entries:
            bars.append(Mark(entries[0].t, entries[-1].t, case.verdict.value, clean(case.id, 120)))
    return tuple(sorted(bars, key=lambda mark: (mark.start, mark.label)))


def _bars(
    entries: Sequence[Entry], opens: str, closes: str, key: str, end: float, kind: str
) -> tuple[Mark, ...]:
    """Bars from each opening observation to its closing one, paired by the fact `key`; unclosed ones run to the end."""
    running: dict[str, Mark] = {}
    done: list[Mark] = []
    for entry in entries:
        label = str(entry.facts.get(key, ""))
        if entry.obs == opens:
            running[label] = Mark(entry.t, end, kind, clean(label, 60))
        elif entry.obs == closes and label in running:
            done.append(replace(running.pop(label), end=entry.t))
    return tuple(sorted((*done, *running.values()), key=lambda mark: (mark.start, mark.label)))


def _points(entries: Iterable[Entry], start: float, end: float) -> tuple[Mark, ...]:
    """One point per sender and axis bucket: a drawing cannot show more, and a file should not hold more."""
    width = max((end - start) / BUCKETS, 1e-6)
    chosen: dict[tuple[str, int], Mark] = {}
    for entry in entries:
        if is_message(entry):
            kind = "bad" if entry.kind in {"malformed", "error"} else entry.dir
            chosen.setdefault((kind, int((entry.t - start) / width)), Mark(entry.t, entry.t, kind, headline(entry)))
    return tuple(sorted(chosen.values(), key=lambda mark: (mark.start, mark.kind)))


def _troubles(entries: Iterable[Entry]) -> tuple[Mark, ...]:
    kinds = ("tls.failed", "device.exit", "bench.error")
    return tuple(Mark(entry.t, entry.t, "bad", headline(entry)) for entry in entries if entry.obs in kinds)


def _visit(trace: Trace) -> Timeline | None:
    """The case that holds the most different milestones of a visit; the earliest of equals."""
    best: tuple[int, str] = (0, "")
    for case in dict.fromkeys(entry.case for entry in trace.entries if entry.case):
        kinds = {role for entry in trace.case(case) if (role := milestone_of(entry))}
        if len(kinds) > best[0]:
            best = (len(kinds), case)
    if best[0] < MIN_MILESTONES:
        return None
    entries = trace.case(best[1])
    return _lanes_of(best[1], entries)


def milestone_of(entry: Entry) -> str:
    """The role of a request or notification that marks a step of a visit, "" for everything else."""
    if entry.kind not in {"request", "notification"}:
        return ""
    return next((role for role in (entry.role or "", entry.name) if role in MILESTONES), "")


def _lanes_of(case: str, entries: Sequence[Entry]) -> Timeline:
    marks: dict[str, list[Mark]] = {lane: [] for lane in _LANES}
    seen: dict[str, float] = {}
    for entry in entries:
        role = milestone_of(entry)
        if role:
            lane, title = MILESTONES[role]
            seen.setdefault(role, entry.t)
            detail = entry.get("action") if role == "peripheral.command" else entry.get("state")
            label = f"{title.zh} {detail}" if isinstance(detail, str) else title.zh
            marks[lane].append(Mark(entry.t, entry.t, entry.dir, clean(label, 40)))
    times = [mark.start for lane in marks.values() for mark in lane]
    start, end = min(times), max(times)
    for lane, opening, closing, title in _PHASES:
        if opening in seen:
            finish = seen.get(closing, end)
            marks[lane].insert(0, Mark(seen[opening], max(finish, seen[opening]), "phase", f"{title.zh} {title.en}"))
    lanes = tuple(Lane(lane, _LANES[lane], tuple(found)) for lane, found in marks.items() if found)
    name = clean(case, 120)
    return Timeline("visit", Text(f"一次办事的过程（{name}）", f"one visit ({name})"), start, end, lanes)
