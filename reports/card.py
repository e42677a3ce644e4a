"""The failure card as plain text, for a terminal and for every format that holds text. No colours, no control characters."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from conformance.spec.model import Text
from reports import occasions, words
from reports.model import FailureCard, MessageRow, OpenPoint, Scene, Shown
from reports.reasons import in_words
from reports.safe import clean
from reports.words import Lang, blame_text, say

BODY_LINES: Final = 14  # lines of the offending message on a card; the whole of it is in report.html
WIDTH: Final = 110
LABEL_WIDTH: Final = {"zh": 10, "en": 14, "both": 23}
MAX_BLOCKED: Final = 5  # blocked cases named; the rest is counted

_L: Final = {
    "clause": Text("条款", "clause"),
    "source": Text("依据", "source"),
    "fault": Text("责任方", "fault"),
    "where": Text("义务", "obligation"),
    "case": Text("用例", "case"),
    "expected": Text("应为", "expected"),
    "seen": Text("实际", "seen"),
    "messages": Text("前后报文", "messages"),
    "log": Text("设备日志", "device log"),
    "cause": Text("常见原因", "likely cause"),
    "next": Text("下一步", "next step"),
    "again": Text("重跑命令", "run it again"),
    "follows": Text("连带", "follows"),
    "blocks": Text("阻塞", "blocks"),
    "more": Text("另有", "more"),
    "waived": Text("豁免", "waived"),
}
_SENDER: Final = {"iut": Text("设备 →", "device ->"), "bench": Text("→ 设备", "-> device"), "-": Text("", "")}
_WAIVED: Final = Text("已豁免；结论不变，只影响退出码", "verdict unchanged, exit code only")
_WHOLE_RUN: Final = Text("整个运行", "the whole run")


def render(card: FailureCard, lang: Lang = "both") -> str:
    """The card, ending without a line feed. In `en` all of our own words are ASCII."""
    lines = [_heading(card, lang)]
    lines += _field("clause", _sentences(card.text, lang), lang)
    lines += _field("source", [card.source], lang)
    why = f" · {say(in_words(card.reason), lang)}" if card.reason else ""
    lines += _field("fault", [say(blame_text(card.blame), lang) + why], lang)
    if card.waived:
        lines += _field("waived", [say(_WAIVED, lang)], lang)
    for scene in card.scenes:
        lines += _scene(scene, lang)
    if card.more:
        more = Text(f"{card.more} 次违反见报告", f"{card.more} violations, see the report")
        lines += _field("more", [say(more, lang)], lang)
    if card.device_log:
        lines += _field("log", card.device_log, lang)
    lines += _field("cause", _sentences(card.cause, lang), lang)
    lines += _field("next", _sentences(card.remedy, lang), lang)
    lines += _field("again", card.rerun, lang, wrap=False)
    if card.folded:
        lines += _field("follows", [f"{folded.clause} {say(folded.title, lang)}" for folded in card.folded], lang)
    if card.blocks:
        named = ", ".join(card.blocks[:MAX_BLOCKED]) + (", …" if len(card.blocks) > MAX_BLOCKED else "")
        count = say(Text(f"{len(card.blocks)} 个用例", f"{len(card.blocks)} cases"), lang)
        lines += _field("blocks", [f"{count}: {named}"], lang)
    return _final(lines, lang)


def render_open(points: Iterable[OpenPoint], lang: Lang = "both", most: int = 8) -> str:
    """What could not be decided, one short paragraph per reason; "" if there is nothing."""
    rows = list(points)
    lines: list[str] = []
    for point in rows[:most]:
        glyph = (words.ASCII_GLYPH if lang == "en" else words.GLYPH)[point.verdict]
        what = f"{glyph} {say(words.VERDICT[point.verdict], lang)} · {say(blame_text(point.blame), lang)}"
        lines.append(f"{what} · {say(in_words(point.reason), lang) or '-'}")
        listed = [*point.clauses, *point.cases]
        shown = ", ".join(listed[:6]) + (f", … (+{len(listed) - 6})" if len(listed) > 6 else "")
        lines += [f"    {shown}", f"    {point.rerun}"]
    if len(rows) > most:
        lines.append(f"… (+{len(rows) - most})")
    return _final(lines, lang)


def _final(lines: Sequence[str], lang: Lang) -> str:
    """Cleaned once more at the exit: nothing that acts on a terminal may pass, whatever built the card."""
    text = "\n".join(clean(line, 2_000) for line in lines)
    return text.replace("…", "...").replace(" · ", " - ") if lang == "en" else text


def _heading(card: FailureCard, lang: Lang) -> str:
    glyph = (words.ASCII_GLYPH if lang == "en" else words.GLYPH)[card.verdict]
    verdict = say(words.VERDICT[card.verdict], lang)
    if card.remark:
        glyph, verdict = ("~" if lang == "en" else words.REMARK_GLYPH), say(words.REMARK, lang)
    rule = "==" if lang == "en" else "━━"
    return f"{rule} {glyph} {verdict} {rule} {card.clause} [{card.level}] {say(card.title, lang)}"


def _sentences(text: Text, lang: Lang) -> list[str]:
    if lang == "both":
        return [text.zh] if text.zh == text.en else [text.zh, text.en]
    return [say(text, lang)]


def _field(key: str, values: Sequence[str], lang: Lang, *, wrap: bool = True) -> list[str]:
    label = say(_L[key], lang).replace(" / ", " ")
    lines: list[str] = []
    for value in values:
        lines += _wrap(value) if wrap else [value]
    pad = LABEL_WIDTH[lang]
    first = f"  {label}{' ' * max(1, pad - _columns(label))}"
    return [(first if index == 0 else " " * (pad + 2)) + value for index, value in enumerate(lines)]


def _wrap(text: str) -> list[str]:
    """Lines of at most `WIDTH` columns; Chinese has no spaces and counts double."""
    if _columns(text) <= WIDTH:
        return [text]
    if sum(unicodedata.east_asian_width(char) in "WF" for char in text) * 4 < len(text):
        return textwrap.wrap(text, WIDTH, break_on_hyphens=False) or [text]
    lines, current, used = [], "", 0
    for char in text:
        if used >= WIDTH - 2:
            lines.append(current)
            current, used = "", 0
        current += char
        used += _columns(char)
    return [*lines, current] if current else lines


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _scene(scene: Scene, lang: Lang) -> list[str]:
    lines = _field("where", [scene.obligation], lang)
    if scene.obligation_text is not None:
        lines += [" " * (LABEL_WIDTH[lang] + 2) + line for line in _sentences(scene.obligation_text, lang)]
    where = scene.case or say(_WHOLE_RUN, lang) + (f" ({scene.during})" if scene.during else "")
    lines += _field("case", [where], lang)
    lines += _field("expected", _sentences(scene.expected_text or occasions.in_words(scene.expected), lang), lang)
    lines += _shown(scene.expected_more, lang)
    *above, last = _sentences(occasions.in_words(scene.seen), lang)
    lines += _field("seen", [*above, f"{last}  (#{scene.n})"], lang)
    lines += _shown(scene.seen_more, lang)
    if scene.messages:
        lines += _field("messages", [""], lang)
        for message in scene.messages:
            lines += _message(message, lang)
    return lines


def _shown(rows: Sequence[Shown], lang: Lang) -> list[str]:
    """Beneath a field: a line, or a block whose lines stay as they are, to be compared with those of the device."""
    pad, colon = " " * (LABEL_WIDTH[lang] + 2), "：" if lang == "zh" else ":"
    lines: list[str] = []
    for row in rows:
        label = f"{say(row.label, lang)}{colon}"
        if "\n" in row.text:
            lines += [pad + label, *(f"{pad}| {line}" for line in row.text.split("\n"))]
        else:
            lines += [pad + line for line in _wrap(f"{label} {row.text}")]
    return lines


def _message(message: MessageRow, lang: Lang) -> list[str]:
    mark = ("x" if lang == "en" else "✗") if message.offending else ("*" if message.mentioned else " ")
    sender = say(_SENDER.get(message.sender, Text("", "")), "en" if lang == "en" else "zh")
    lines = [f"   {mark} {'#' + str(message.n):>7} {message.t:>9.3f}s {message.iface:<3} {sender:<9} {message.headline}"]
    if message.offending and message.body:
        body = message.body.split("\n")
        lines += [f"               | {line}" for line in body[:BODY_LINES]]
        if len(body) > BODY_LINES:
            lines.append(f"               | … (+{len(body) - BODY_LINES})")
    return lines
