"""What is wrong with a device file, in Chinese: its problems are worded in English where they are found."""

from __future__ import annotations

import re
from typing import Final

from conformance.spec.model import Text
from conformance.spec.problems import Problem

# English by pattern, Chinese by its groups; what no row knows (the words of Python, of the system) stays as it is.
_ROWS: Final = tuple(
    (re.compile(english, re.DOTALL), chinese)
    for english, chinese in (
        (r"cannot be read: (.+)", r"无法读取：\1"),
        (r"not UTF-8 \(byte (\d+)\)", r"不是 UTF-8 编码（第 \1 字节）"),
        (r"UTF-16, and not UTF-8", r"是 UTF-16 编码，不是 UTF-8"),
        (r"save the file as UTF-8", r"请在编辑器中另存为 UTF-8"),
        (r"not TOML: (.+)", r"不是合法的 TOML：\1"),
        (r"a number with too many digits", r"数字的位数过多"),
        (r"(.*?)values lie too deep in one another", r"\1嵌套过深"),
        (r"at most (\d+) deep", r"最多 \1 层"),
        (r"(.*?)a NUL character in a name", r"\1名称中有 NUL 字符"),
        (r"(.*?)a NUL character", r"\1含有 NUL 字符"),
        (r"(.*?)(\S+(?: \S+)?) is a date or a time", r"\1\2 是日期或时间"),
        (r"as a text it stands in quotes: (.+)", r"作为文字须加引号：\1"),
        (r"(.*?)a number over 64 bits", r"\1数字超过 64 位"),
        (r"extends: names one file, relative to this one", r"extends：应为一个文件，路径相对于本文件"),
        (r"extends: (.+) runs in a circle", r"extends：\1 形成循环引用"),
        (r"extends: (.+) does not exist", r"extends：\1 不存在"),
        (r"a file relative to this one", r"路径相对于本文件"),
        (r"(.*?)member (\S+) is missing", r"\1缺少 \2"),
        (r"(.*?)unknown member (\S+)", r"\1没有 \2 这一项"),
        (r"(.*?: )(.+) is not allowed", r"\1不能是 \2"),
        (r"(.*?: )?(.+) has the wrong type", r"\1\2 的类型不对"),
        (r"(.*?: )?(.+) has the wrong form", r"\1\2 的格式不对"),
        (r"(.*?: )?(.+) has less than (\d+) items?", r"\1\2 少于 \3 项"),
        (r"(.*?: )?(.+) has more than (\d+) items?", r"\1\2 多于 \3 项"),
        (r"(.*?: )?(.+) has non-unique elements", r"\1\2 中有重复项"),
        (r"(.*?: )?(.+) is shorter than (\d+) characters?", r"\1\2 少于 \3 个字符"),
        (r"(.*?: )?(.+) is longer than (\d+) characters?", r"\1\2 超过 \3 个字符"),
        (r"(.*?: )?(.+) is less than or equal to the minimum of (\S+)", r"\1\2 须大于 \3"),
        (r"(.*?: )?(.+) is less than the minimum of (\S+)", r"\1\2 小于最小值 \3"),
        (r"(.*?: )?(.+) is greater than the maximum of (\S+)", r"\1\2 大于最大值 \3"),
        (r"(.*?: )?(.+) does not match (\S+)", r"\1\2 不符合格式 \3"),
        (r"did you mean ('[^']*')\?", r"是否应为 \1？"),
        (r"did you mean ('[^']*') or ('[^']*')\?", r"是否应为 \1 或 \2？"),
        (r"known: (.+), \.\.\. (\d+) in all", r"可用：\1 等，共 \2 项"),
        (r"known: (.+)", r"可用：\1"),
        (r"none is defined", r"没有定义任何一项"),
        (r"valid: string", r"应为加引号的文字"),
        (r"valid: array", r'应为方括号中的列表，如 ["a", "b"]'),
        (r"valid: object", r"应为一个表"),
        (r"valid: boolean", r"应为 true 或 false"),
        (r"valid: integer", r"应为整数"),
        (r"valid: number", r"应为数字"),
        (r"valid: (.+)", r"应为 \1"),
    )
)


def in_both(problem: Problem) -> Text:
    """A problem with its place, as a line."""
    valid = f"（{_chinese(problem.valid)}）" if problem.valid else ""
    return Text(f"{problem.place}: {_chinese(problem.text)}{valid}", str(problem))


def _chinese(text: str) -> str:
    for pattern, chinese in _ROWS:
        found = pattern.fullmatch(text)
        if found is not None:
            return found.expand(chinese)
    return text
