"""The first page: who was tested against what, under which limits, how it came out, and what the report is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from conformance.spec.model import Spec, Text, Timer
from conformance.trace.facts import started_at
from conformance.trace.transcript import Entry
from conformance.verdict.model import RunResult, Verdict
from conformance.verdict.settings import told_timers
from reports import words
from reports.model import CaseRow, Cover, Fact, Stimuli, TimerRow
from reports.safe import clean

_DEVICE_FACTS: Final = (
    ("name", Text("设备名称", "device")),
    ("vendor", Text("厂商", "vendor")),
    ("model", Text("型号", "model")),
    ("serial", Text("序列号", "serial number")),
    ("firmware", Text("固件版本", "firmware")),
    ("remote_device_id", Text("远程设备ID", "remote device ID")),
    ("platform", Text("配套厂商平台", "vendor platform")),
    ("url_role", Text("远程设备URL的作用", "role of the device URL")),
    ("device_profile", Text("设备形态", "device form")),
    ("defect", Text("故意植入的缺陷（自测）", "planted defect (self-test)")),
)
_MODES: Final = {"self_test": Text("厂商自测", "vendor's self-test")}
_PHYSICAL: Final = frozenset({"person", "physical", "operator", "sensor"})


def cover(result: RunResult, cases: Sequence[CaseRow], entries: Sequence[Entry], spec: Spec, declarations: int) -> Cover:
    """The cover of one run. Counts name every verdict, so that a zero is said and not left out."""
    timers = timer_rows(result.head, spec, entries)
    profile = spec.profiles.get(str(result.head.get("profile", "")))
    return Cover(
        title=words.TITLE, subtitle=words.SUBTITLE, disclaimer=words.DISCLAIMER, verdict=result.verdict, gate=result.gate,
        exit_code=result.exit_code, partial=bool(result.head.get("partial")),
        certification=profile is not None and profile.certification,
        device=device_facts(result.head), run=_run_facts(result.head, spec),
        clause_counts=count(clause.verdict for clause in result.clauses if not clause.remark),
        case_counts=count(case.verdict for case in cases),
        remarks=sum(clause.remark for clause in result.clauses),
        claims_only=sum(clause.claims_only and clause.verdict is Verdict.PASS for clause in result.clauses),
        stimuli=_stimuli(entries, declarations),
        altered_timers=tuple(row for row in timers if row.status != "production"),
    )  # fmt: skip


def count(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """How often each verdict occurs, in the order of the enumeration, zeros included."""
    found = Counter(verdicts)
    return {verdict.value: found[verdict] for verdict in Verdict}


def device_facts(head: Mapping[str, Any]) -> tuple[Fact, ...]:
    """What the run knows about the device; unknown values are left out."""
    device = head.get("device")
    known: Mapping[str, Any] = device if isinstance(device, Mapping) else {"name": device}
    return tuple(
        Fact(key, label, clean(_short(known[key]), 200)) for key, label in _DEVICE_FACTS if known.get(key) not in (None, "")
    )


def _short(value: Any) -> Any:
    return value["id"] if isinstance(value, Mapping) and "id" in value else value


def _run_facts(head: Mapping[str, Any], spec: Spec) -> tuple[Fact, ...]:
    profile_id = str(head.get("profile", ""))
    profile = spec.profiles.get(profile_id)
    mode = str(head.get("mode", ""))
    began = started_at(head)
    facts = [
        ("pack", Text("测试规范包", "specification pack"), f"{spec.id} {spec.version} · {spec.title.zh}"),
        ("pack_digest", Text("规范包摘要 SHA-256", "pack digest SHA-256"), spec.digest),
        ("profile", Text("档位", "profile"), f"{profile_id} · {profile.title.zh}" if profile else profile_id),
        ("timer_set", Text("时限集", "timer set"), head.get("timer_set", "")),
        ("seed", Text("随机种子", "seed"), head.get("seed", "")),
        ("harness", Text("测试工具版本", "harness version"), _harness(head.get("harness", ""))),
        ("transport", Text("连接方式", "transport"), head.get("transport", "")),
        ("mode", Text("测试方式", "mode"), f"{_MODES[mode].zh} {_MODES[mode].en}" if mode in _MODES else mode),
        ("started", Text("开始时间", "started"), f"{began:%Y-%m-%d %H:%M:%S} UTC" if began is not None else ""),
    ]
    return tuple(Fact(key, label, clean(value, 200)) for key, label, value in facts if value not in (None, ""))


def _harness(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(str(value[key]) for key in ("name", "version", "commit") if value.get(key))
    return str(value)


def _stimuli(entries: Iterable[Entry], declarations: int) -> Stimuli:
    """Actions on the device: a person's hand is physical, anything through a test interface is simulated."""
    physical = simulated = 0
    for entry in entries:
        if entry.obs != "stimulus":
            continue
        if {entry.facts.get("by"), entry.facts.get("grade")} & _PHYSICAL:
            physical += 1
        else:
            simulated += 1
    return Stimuli(physical, simulated, declarations)


def timer_rows(head: Mapping[str, Any], spec: Spec, entries: Iterable[Entry] = ()) -> tuple[TimerRow, ...]:
    """Every timer of the pack with the value that this run used, and the others that its entries show to have been told."""
    told = told_timers(spec, entries)
    used = head.get("timers")
    values: Mapping[str, Any] = used if isinstance(used, Mapping) else {}
    timer_set: Literal["production", "lab"] = "lab" if head.get("timer_set") == "lab" else "production"
    rows = []
    for timer in spec.timers.values():
        given = values.get(timer.id)
        of_set = timer.value_ms(timer_set)
        value = float(given) if isinstance(given, int | float) else of_set
        status = "loosened" if timer.loosened(value, timer_set) else _status(timer, value, of_set)
        also = sorted({ms for _, ms in told.get(timer.id, ()) if ms} - {value})
        rows.append(TimerRow(timer.id, timer.title, value, tuple(also), timer.production_ms, status))
    return tuple(rows)


def _status(timer: Timer, value: float, of_set: float) -> str:
    """How a limit that is not loosened stands to the specification."""
    if value != of_set:
        return "tightened"
    return "production" if value == timer.production_ms else "accelerated"
