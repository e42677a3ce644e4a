"""Sentences that our own code words in English, put into Chinese by rows of templates.

A row is a template of the English sentence and its Chinese form. `{x}` is a word without spaces and `{x:text}` anything; both
are taken over as they are. `{x:words}` is translated where the rows know it, `{x:known}` makes the row fit only where they
do. `{x:n}` is a number, `{x:ids}` a list of obligations, `{x:line}` a function and its line, `{x:kinds}` kinds of messages,
`{x:grade}` a grade of evidence, `{x:tests}` what a rule asks of fields, `{x:at}` a place in a message, `{x:keyword}` a keyword
of its schema. The first row that fits counts, so what is more particular stands first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from reports.words import GRADE

Row = tuple[str, str]

_KINDS: Final = {
    "request": "请求", "result": "应答", "error": "错误应答", "notification": "通知", "malformed": "无法读取的报文",
}  # fmt: skip
_GRADES: Final = {grade: text.zh for grade, text in GRADE.items()}
_SHAPES: Final = {
    "": r"\S+", "text": ".+", "words": ".+", "known": ".+", "n": r"[\d.]+", "range": r"\d*\.\.\d*",
    "ids": r"[A-Z]+-\d+\.\w+(?:, [A-Z]+-\d+\.\w+)*", "line": r"[\w<>]+:\d+", "fields": r"\{.*\}",
    "kinds": rf"(?:{'|'.join(_KINDS)})(?:\|(?:{'|'.join(_KINDS)}))*", "grade": "|".join(_GRADES),
    "tests": r"(?:/|[a-z_]+(?:\.| )).+", "at": r"/\S*", "code": r"-?\d+", "keyword": r"[a-zA-Z]+",
}  # fmt: skip
_HOLE: Final = re.compile(r"\{(\w+)(?::(\w+))?\}")
_DEPTH: Final = 6  # sentences inside sentences; more is a device that quotes us back
_KEPT: Final = 4096  # sentences that are remembered: a hostile device may have us word many

# What `conformance.verdict.predicates` says of a field, as words between a field and a value.
_TESTS: Final = tuple(
    (re.compile(rf"(?<= ){english}(?=[ ;,)]|$)"), chinese)
    for english, chinese in (
        (r"as declared in (\S+)", r"与声明的 \1 一致"),
        (r"more than (\S+) s from (\S+)", r"与 \2 相差超过 \1 秒"),
        (r"same as (\S+) of the pair", r"与对应报文的 \1 相同"), (r"same as (\S+)", r"与 \1 相同"),
        (r"all that is declared in (\S+) \(not there: ([^()]*)\)", r"包含 \1 中声明的全部（缺少 \2）"),
        (r"all that is declared in (\S+)", r"包含 \1 中声明的全部"),
        (r"each (\S+) of it in (\S+) of the pair", r"各项的 \1 都出现在对应报文的 \2 中"),
        ("not in", "不属于"), ("in", "属于"), ("matches", "格式为"), ("contains", "包含"), ("length", "长度"), ("type", "类型为"),
        ("present", "有此项"), ("absent", "无此项"), ("each", "每项"), ("any", "至少一项"), ("and", "且"), ("or", "或"),
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Template:
    pattern: re.Pattern[str]
    zh: str
    holes: Mapping[str, str]  # name -> shape


class Sentences:
    """Rows, compiled once, and what they have said."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = tuple(_template(english, chinese) for english, chinese in rows)
        self._said: dict[tuple[str, int], str] = {}

    def chinese(self, text: str) -> str:
        """The text in Chinese; "" where no row fits."""
        return self._known(text, 0)

    def _known(self, text: str, depth: int) -> str:
        if depth > _DEPTH:
            return ""
        key = (text, depth)
        if key not in self._said:
            if len(self._said) > _KEPT:
                self._said.clear()
            fits = ((row, row.pattern.fullmatch(text)) for row in self._rows)
            filled = (self._filled(row, match, depth) for row, match in fits if match is not None)
            self._said[key] = next((sentence for sentence in filled if sentence is not None), "")
        return self._said[key]

    def _filled(self, row: _Template, match: re.Match[str], depth: int) -> str | None:
        said: dict[str, str] = {}
        for name, shape in row.holes.items():
            value = match[name]
            if shape in ("words", "known"):
                known = self._known(value, depth + 1)
                if shape == "known" and not known:
                    return None
                value = known or value
            elif shape in _WORDS_OF:
                value = _WORDS_OF[shape](value)
            said[name] = value
        return row.zh.format_map(said)


def _template(english: str, chinese: str) -> _Template:
    pieces, at, holes = [], 0, {}
    for hole in _HOLE.finditer(english):
        name, shape = hole[1], hole[2] or ""
        holes[name] = shape
        pieces += [re.escape(english[at : hole.start()]), f"(?P<{name}>{_SHAPES[shape]})"]
        at = hole.end()
    return _Template(re.compile("".join([*pieces, re.escape(english[at:])]), re.DOTALL), chinese, holes)


def _tests(text: str) -> str:
    for english, chinese in _TESTS:
        text = english.sub(chinese, text)
    return text


_WORDS_OF: Final[Mapping[str, Callable[[str], str]]] = {
    "kinds": lambda value: "或".join(_KINDS[kind] for kind in value.split("|")),
    "grade": lambda value: _GRADES[value],
    "tests": _tests,
}
