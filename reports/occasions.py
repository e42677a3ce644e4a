"""What was expected and what was seen, in Chinese beside the rules' own English.

Names of messages, fields and values stay as they are on the wire; what a device said is never translated.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from conformance.spec.model import Text
from reports.details import ASKED
from reports.sentences import Sentences

_ROWS: Final = (
    ("{what:known} ({timer} told as {told:n} ms)", "{what}（设备被告知的 {timer} 为 {told} 毫秒）"),
    ("{what:known} within {limit:n} ms", "{what}，应在 {limit} 毫秒内"),
    ("{what:known} not before {limit:n} ms", "{what}，不得早于 {limit} 毫秒"),
    ("gap {low:n} ms..{high:n} ms", "间隔 {low} 至 {high} 毫秒"),
    ("next within {limit:n} ms", "下一次应在 {limit} 毫秒内"),
    ("silent for {took:n} ms", "{took} 毫秒内没有出现"),
    ("after {took:n} ms", "{took} 毫秒后出现"),
    ("{took:n} ms", "{took} 毫秒"),
    ("absent", "没有出现"),
    ("never {what:known}", "不得出现{what}"),
    ("{what:known} since", "此后又出现{what}"),
    ("{fields:text} never repeats", "{fields} 不得重复"),
    ("well-formed message", "可以读取的报文"),
    ("malformed", "无法读取的报文"),
    # Life cycles.
    ("{what}:{kinds:kinds} only in no state", "任何状态下都不得出现 {what} {kinds}"),
    ("{what}:{kinds:kinds} only in {states}", "{what} {kinds}只能出现在状态 {states} 下"),
    ("{what}:{kinds:kinds} in {states}", "在状态 {states} 下出现 {what} {kinds}"),
    # Messages of any name.
    ("*:{kinds:kinds} from iut ({where:tests})", "设备发出的{kinds}（{where}）"),
    ("*:{kinds:kinds} from bench ({where:tests})", "测试台发出的{kinds}（{where}）"),
    ("*:{kinds:kinds} from iut", "设备发出的{kinds}"),
    ("*:{kinds:kinds} from bench", "测试台发出的{kinds}"),
    ("{what}:{kinds:kinds} {code:code}", "{what} {kinds} {code}"),
    # Schemas.
    ("{first:known}; {rest:known}", "{first}；{rest}"),
    ('{at:at} required: "{name}" is a required property', "{at} 缺少必有成员 {name}"),
    ('{at:at} format: {value:text} is not a "{format}"', "{at} 的格式应为 {format}，不能是 {value}"),
    ("{at:at} enum: {value:text} is not one of {values:text}", "{at} 只能取 {values}，不能是 {value}"),
    ('{at:at} type: {value:text} is not of type "{type}"', "{at} 的类型应为 {type}，不能是 {value}"),
    ("{at:at} const: {value:text} was expected", "{at} 应为 {value}"),
    ("{at:at} {keyword:keyword}: {why:text}", "{at} 不符合模式的 {keyword}：{why}"),
)
_VALUE: Final = re.compile(r"\S+: ")  # `field: value`
_LAST: Final = (
    ("{what:known} before", "此前应有：{what}"),
    ("{what} before", "此前应有 {what}"),
    ("{what:known} after {took:n} ms", "{took} 毫秒后出现 {what}"),
    ("{what} after {took:n} ms", "{took} 毫秒后出现 {what}"),
    ("{what} ({where:tests})", "{what}（{where}）"),
    ("{tests:tests}", "{tests}"),
)


@cache
def _sentences() -> Sentences:
    return Sentences((*_ROWS, *ASKED, *_LAST))


def in_words(text: str) -> Text:
    """What a rule asked for, or what came instead, in both languages; a field's value stays as it was said."""
    return Text(text if _VALUE.match(text) else _sentences().chinese(text) or text, text)
