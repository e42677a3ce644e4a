"""The plan and the coverage of a pack as text: what will be run and why, what not and why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from conformance.bench.case import Case
from conformance.bench.estimate import seconds_of
from conformance.bench.live import Prepared
from conformance.bench.plan import Left, is_named
from conformance.bench.wrongstate import not_provoked
from conformance.spec.model import Spec, Text
from reports.words import Lang, duration, say

LONG_S = 300.0  # a case that takes longer is named beside the whole


def render(prepared: Prepared, lang: Lang, chosen: frozenset[str] = frozenset()) -> str:
    """The plan of a prepared run, narrowed to the chosen cases where any are."""
    plan, selection = prepared.plan(chosen)
    lines = [
        say(Text(f"设备 {prepared.device.name}，档位 {prepared.profile.id}（{prepared.profile.title.zh}），"
                 f"规范 {prepared.spec.id} {prepared.spec.version}，seed {prepared.seed}",
                 f"device {prepared.device.name}, profile {prepared.profile.id} ({prepared.profile.title.en}), "
                 f"pack {prepared.spec.id} {prepared.spec.version}, seed {prepared.seed}"), lang),
        "",
    ]  # fmt: skip
    by_case: dict[str, list[str]] = {}
    for obligation, cases in plan.selected.items():
        for case_id in cases:
            by_case.setdefault(case_id, []).append(obligation)
    fed = [oid for oid, cases in plan.selected.items() if cases == ("*",) and is_named(oid, selection.clauses)]
    monitors = f"monitors {' '.join(fed)}" if fed else "monitors"
    for number, case in enumerate(plan.cases, 1):
        why = " ".join([*by_case.get(case.id, ()), *([monitors] if fed or case.id not in by_case else [])])
        lines.append(f"{number:4d}  {case.id:<44} {say(case.title, lang)}\n      -> {why}")
    if fed:
        lines += ["", say(Text(f"{' '.join(fed)} 由监测判定，无需专门触发：选取本类用例和完整办事流程，次数不够时选取全部用例",
                               f"monitored, without a stimulus of its own: {' '.join(fed)}; the cases of its family and the "
                               "whole visit feed it, or every case where these are too few"), lang)]  # fmt: skip
    lines += _left(Text("不运行的用例", "cases that are not run"), plan.cases_left, lang)
    lines += _left(Text("不适用", "not applicable"), plan.not_applicable, lang)
    lines += _left(Text("未选择（不计为通过）", "not selected (never counted as passed)"), plan.not_selected, lang)
    lasting = _lasting(plan.cases, prepared.timers_ms)
    who = Text("测试员", "an operator") if prepared.device.upper_tester.kind == "operator" else Text("无需人员", "nobody")
    lines += [
        "",
        say(Text(f"共 {len(plan.cases)} 个用例、{len(plan.selected)} 项义务；{lasting.zh}；需要：{who.zh}",
                 f"{len(plan.cases)} cases, {len(plan.selected)} obligations; {lasting.en}; needs {who.en}"), lang),
    ]  # fmt: skip
    lines += [say(remark, lang) for remark in prepared.remarks]
    if selection.partial:
        lines.append(say(Text("部分运行，不能用于接入申请", "a partial run, no basis for an application"), lang))
    return "\n".join(lines)


def _lasting(cases: Sequence[Case], timers_ms: Mapping[str, float]) -> Text:
    """How long it all takes, with the cases that take most of it."""
    seconds = {case.id: seconds_of(case, timers_ms) for case in cases}
    whole = duration(sum(seconds.values()))
    long = [(case, duration(took)) for case, took in seconds.items() if took > LONG_S]
    if not long:
        return Text(f"约 {whole.zh}", f"about {whole.en}")
    return Text(
        f"约 {whole.zh}（其中{'、'.join(f' {case} 约 {took.zh}' for case, took in long)}）",
        f"about {whole.en} ({', '.join(f'{case} about {took.en}' for case, took in long)} of it)",
    )


def _left(title: Text, rows: tuple[Left, ...], lang: Lang) -> list[str]:
    if not rows:
        return []
    lines = ["", f"{say(title, lang)}: {len(rows)}"]
    return [*lines, *(f"      {row.id}: {say(Text(row.zh, row.en), lang)}" for row in rows)]


def coverage(spec: Spec, cases: Mapping[str, Case]) -> str:
    """Family by family: clauses, obligations, how they are verified, which cases provoke them; and wrong states out of reach."""
    lines = [f"{'obligation':<12} {'level':<7} {'verification':<13} {'rule':<10} provoked by"]
    totals: Counter[str] = Counter()
    for clause in spec.clauses.values():
        for obligation in clause.obligations:
            provoking = [c for c in cases if obligation.stimulus and fnmatchcase(c, obligation.stimulus)]
            told = "every case" if obligation.stimulus is None else (", ".join(provoking[:3]) or "NOTHING")
            more = f" +{len(provoking) - 3}" if len(provoking) > 3 else ""
            rule = obligation.rule.kind if obligation.rule else "-"
            lines.append(f"{obligation.id:<12} {clause.level:<7} {obligation.verification:<13} {rule:<10} {told}{more}")
            totals[clause.family] += 1
    families = Counter(clause.family for clause in spec.clauses.values())
    lines.append("")
    lines += [f"{family}: {families[family]} clauses, {totals[family]} obligations" for family in families]
    pairs = not_provoked(spec)
    if pairs:
        lines += ["", "messages in a wrong state that no case provokes:"]
        lines += [f"{pair.lifecycle} {pair.state}: {', '.join(pair.messages)} ({pair.reason})" for pair in pairs]
    return "\n".join(lines)
