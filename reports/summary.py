"""The last lines of a run on a terminal: failure cards, what stayed open, counts, paths, and the verdict at the very end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from conformance.spec.model import Text
from conformance.verdict.model import Verdict
from reports import card, words
from reports.details import in_chinese
from reports.model import Note, Report, TimerRow
from reports.safe import clean
from reports.words import Lang, say

MAX_CARDS: Final = 12  # cards printed; all of them are in the report
_NOT_A_PASS: Final = (Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.NOT_SELECTED)
_CUT: Final = ("unfinished", "journal-broken")  # notes without which the verdict would be misread


def render(report: Report, paths: Mapping[str, Path] | None = None, lang: Lang = "both") -> str:
    """The summary, ending with a line feed. `paths` maps a name of an output to its file."""
    blocks = [card.render(failure, lang) for failure in report.failures[:MAX_CARDS]]
    if len(report.failures) > MAX_CARDS:
        rest = len(report.failures) - MAX_CARDS
        blocks.append(say(Text(f"… 另有 {rest} 张失败卡片，见报告", f"... {rest} more failure cards in the report"), lang))
    undecided = card.render_open(report.open_points, lang)
    if undecided:
        blocks.append(undecided)
    blocks.append("\n".join(_tail(report, paths or {}, lang)))
    return "\n\n".join(blocks) + "\n"


def _tail(report: Report, paths: Mapping[str, Path], lang: Lang) -> list[str]:
    cover = report.cover
    glyph = words.ASCII_GLYPH if lang == "en" else words.GLYPH
    rule = "=" * 72 if lang == "en" else "━" * 72
    device = " ".join(fact.value for fact in cover.device if fact.key in {"name", "firmware"})
    sep = " - " if lang == "en" else " · "
    lines = [rule, say(cover.title, lang)]
    lines.append(sep.join(part for part in (device, f"{report.pack} {report.pack_version}", f"seed {report.seed}") if part))
    lines.append(f"{say(Text('条款', 'clauses'), lang)}: {_counts(cover.clause_counts, lang)}")
    lines.append(f"{say(Text('用例', 'cases'), lang)}: {_counts(cover.case_counts, lang)}")
    done = cover.stimuli
    lines.append(
        say(
            Text(
                f"真人操作 {done.physical}，模拟操作 {done.simulated}，书面声明 {done.declarations}",
                f"physical actions {done.physical}, simulated {done.simulated}, declarations {done.declarations}",
            ),
            lang,
        )
    )
    if cover.altered_timers:
        lines.append(_limits(cover.altered_timers, lang))
    if cover.partial:
        lines.append(say(words.PARTIAL, lang))
    if not cover.certification:
        lines.append(say(words.NOT_FOR_CERTIFICATION, lang))
    lines += [_noted(note, lang) for note in report.notes if note.kind in _CUT]
    if cover.remarks:
        lines.append(say(Text(f"建议项未满足 {cover.remarks}", f"{cover.remarks} remarks (SHOULD not met)"), lang))
    lines += [f"{name:<8} {path}" for name, path in paths.items()]
    verdict = f"{glyph[cover.verdict]} {say(words.VERDICT[cover.verdict], lang)}"
    if cover.gate is not cover.verdict:
        verdict += f" (gate: {say(words.VERDICT[cover.gate], lang)})"
    lines.append(f"{say(Text('结论', 'verdict'), lang)}: {verdict}   exit {cover.exit_code}")
    return [clean(line, 1_000) for line in lines]


def _noted(note: Note, lang: Lang) -> str:
    kind = words.NOTE[note.kind]
    return say(Text(f"{kind.zh}：{in_chinese(note.text)}", f"{kind.en}: {note.text}"), lang)


def _limits(rows: Sequence[TimerRow], lang: Lang) -> str:
    """How many limits were accelerated, and by name every one that stands elsewhere."""
    accelerated = sum(row.status == "accelerated" for row in rows)
    others = [
        f"{row.id} {row.used_ms:g} ms ({say(words.TIMER_STATUS[row.status], lang)})"
        for row in rows
        if row.status != "accelerated"
    ]
    return "; ".join([say(Text(f"加速时限 {accelerated} 项", f"{accelerated} accelerated limits"), lang), *others])


def _counts(counts: Mapping[str, int], lang: Lang) -> str:
    shown = [
        f"{say(words.VERDICT[verdict], lang)} {counts.get(verdict.value, 0)}"
        for verdict in Verdict
        if counts.get(verdict.value, 0) or verdict in (Verdict.PASS, Verdict.FAIL, *_NOT_A_PASS)
    ]
    return ", ".join(shown)
