"""JSON as the specification reads it: UTF-8, no duplicate member, no NaN, bounded depth (RFC 8259, RFC 7493)."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import orjson

MAX_DEPTH = 64


class MalformedMessage(ValueError):
    """Bytes that are no message. An observation about the sender, never a crash and never by itself a verdict."""

    def __init__(self, reason: str, raw: bytes = b"", offset: int | None = None) -> None:
        super().__init__(reason if offset is None else f"{reason} (at byte {offset})")
        self.reason = reason
        self.raw = raw
        self.offset = offset


class _DuplicateMemberError(ValueError):
    pass


def loads(raw: bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """Decode one JSON text. Raises MalformedMessage with the reason and, where known, the byte offset."""
    if raw.count(b"{") + raw.count(b"[") > max_depth and too_deep(raw, max_depth):
        raise MalformedMessage(f"nested deeper than {max_depth} levels", raw)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise MalformedMessage(f"not JSON: {error.msg}", raw, error.pos) from None
    # What encodes to the very same text repeats no member, and most senders write compactly.
    if orjson.dumps(value) != raw and _may_repeat_members(raw, value):
        _refuse_duplicates(raw)
    return value


def dumps(value: Any) -> bytes:
    """Encode compactly as UTF-8."""
    return orjson.dumps(value)


def canonical(value: Any) -> bytes:
    """Encode with sorted members: the form that is hashed."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def too_deep(raw: bytes, max_depth: int) -> bool:
    """Whether brackets nest deeper than `max_depth`. A text with few brackets is settled by counting them beforehand."""
    depth, in_string, escaped = 0, False, False
    for byte in raw:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in (0x7B, 0x5B):
            depth += 1
            if depth > max_depth:
                return True
        elif byte in (0x7D, 0x5D):
            depth -= 1
    return False


def _members(value: Any) -> int:
    if type(value) is dict:
        return len(value) + sum(_members(v) for v in value.values() if type(v) in (dict, list))
    if type(value) is list:
        return sum(_members(v) for v in value if type(v) in (dict, list))
    return 0


def _may_repeat_members(raw: bytes, value: Any) -> bool:
    """Whether a close look for duplicates is needed. Key ends in the text (`":`) are counted against members decoded: equal,
    with no space before a colon, means no duplicate; anything else (also a harmless `":` inside a string) means look closely."""
    return raw.count(b'":') != _members(value) or any(gap in raw for gap in (b" :", b"\t:", b"\n:", b"\r:"))


def _refuse_duplicates(raw: bytes) -> None:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(items)
        if len(result) != len(items):
            seen: set[str] = set()
            name = next(key for key, _ in items if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise _DuplicateMemberError(name)
        return result

    def constant(name: str) -> NoReturn:
        raise ValueError(name)

    try:
        json.loads(raw, object_pairs_hook=pairs, parse_constant=constant)
    except _DuplicateMemberError as error:
        raise MalformedMessage(f"member {error.args[0]!r} stands twice in one object", raw) from None
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(f"not JSON: {error}", raw) from None
