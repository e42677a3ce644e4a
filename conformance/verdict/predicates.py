"""Predicates of the rule vocabulary, compiled once from the pack's data.

A predicate asks one question of one value. A scalar means equality, a list means membership, a map holds operators that
must all be met. What a predicate cannot know (an undeclared PICS item) raises `Undecided`, so that nobody is blamed for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from conformance.protocol import pointer
from conformance.protocol.pointer import MISSING

SHOWN_CHARS = 120  # longest `seen` or `expected` text; a card has no room for more


class Fields(Protocol):
    """Whatever has named fields: an entry of the transcript."""

    def get(self, field: str) -> Any:
        """The value of a field, `MISSING` when absent."""


class Declarations(Protocol):
    """What the vendor declared."""

    @property
    def pics(self) -> Mapping[str, Any]:
        """Declared PICS values by item."""

    @property
    def pixit(self) -> Mapping[str, Any]:
        """Declared PIXIT values by item (not the sensitive ones)."""


class RuleError(ValueError):
    """A rule of the pack that cannot be compiled: the pack's mistake, never the device's."""


class Undecided(Exception):
    """The predicate cannot be decided from what is known."""

    def __init__(self, reason: str, note: str = "") -> None:
        super().__init__(note or reason)
        self.reason = reason
        self.note = note


@dataclass(frozen=True, slots=True)
class Scene:
    """What a predicate may look at beside the value: its entry, the other entry of a pair, the declarations."""

    entry: Fields
    other: Fields | None
    declared: Declarations


Test = Callable[[Any, Scene], bool]


@dataclass(frozen=True, slots=True)
class Predicate:
    """A compiled predicate: the test, its text for the card, and whether it needs the other entry of a pair."""

    test: Test
    text: str
    joined: bool = False
    absent_ok: bool = False  # whether an absent value may satisfy it, so that absence is an answer and not a gap
    parts: tuple[Predicate, ...] = ()  # of one that asks several things at once
    lacks: Callable[[Any, Scene], str] | None = None  # its text for a value that fails, where that says more

    def unmet(self, value: Any, scene: Scene) -> str:
        """What a value that fails was asked for and does not have."""
        if self.parts:
            return " and ".join(part.unmet(value, scene) for part in self.parts if part.fails(value, scene)) or self.text
        return self.lacks(value, scene) if self.lacks is not None else self.text

    def fails(self, value: Any, scene: Scene) -> bool:
        """Whether the value surely does not satisfy it."""
        try:
            return not self.test(value, scene)
        except Undecided:
            return False


def same(left: Any, right: Any) -> bool:
    """Equality of JSON values: `true` is not 1."""
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    return bool(left == right)


def show(value: Any) -> str:
    """A value as a short text without a language."""
    if value is MISSING:
        return "absent"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"


def compile_predicate(data: Any) -> Predicate:
    """Compile the pack's form of a predicate. Raises RuleError on an unknown operator or a bad operand."""
    if isinstance(data, Mapping):
        parts = [_operator(str(name), operand) for name, operand in data.items()]
        if len(parts) == 1:
            return parts[0]
        return _every(parts, " and ")
    if isinstance(data, list | tuple):
        return _operator("in", data)
    return _operator("eq", data)


def _every(parts: Sequence[Predicate], glue: str) -> Predicate:
    tests = tuple(p.test for p in parts)
    return Predicate(
        lambda value, scene: all(test(value, scene) for test in tests),
        glue.join(p.text for p in parts),
        any(p.joined for p in parts),
        bool(parts) and all(p.absent_ok for p in parts),
        tuple(parts),
    )


def _operator(name: str, operand: Any) -> Predicate:
    if name.startswith("/"):
        return _at(name, operand)
    make = _OPERATORS.get(name)
    if make is None:
        raise RuleError(f"unknown predicate operator {name!r}; known: {', '.join(sorted(_OPERATORS))} or a JSON pointer")
    return make(operand)


def _at(path: str, operand: Any) -> Predicate:
    inner = compile_predicate(operand)
    return Predicate(
        lambda value, scene: inner.test(pointer.get(value, path, MISSING), scene), f"{path} {inner.text}", inner.joined
    )


def _listed(operand: Any, name: str) -> tuple[Any, ...]:
    if not isinstance(operand, list | tuple):
        raise RuleError(f"{name} needs a list, not {operand!r}")
    return tuple(operand)


def _in(operand: Any) -> Predicate:
    values = _listed(operand, "in")
    return Predicate(lambda v, _: any(same(v, x) for x in values), f"in {show(list(values))}")


def _not_in(operand: Any) -> Predicate:
    values = _listed(operand, "not_in")
    return Predicate(lambda v, _: not any(same(v, x) for x in values), f"not in {show(list(values))}", absent_ok=True)


def _compare(symbol: str, test: Callable[[Any, Any], bool]) -> Callable[[Any], Predicate]:
    def comparable(value: Any, limit: Any) -> bool:
        if isinstance(value, str):
            return isinstance(limit, str)
        return isinstance(value, int | float) and not isinstance(value, bool) and isinstance(limit, int | float)

    def make(limit: Any) -> Predicate:
        return Predicate(lambda v, _: comparable(v, limit) and test(v, limit), f"{symbol} {limit}")

    return make


def _matches(pattern: Any) -> Predicate:
    try:
        compiled = re.compile(str(pattern))
    except re.error as exc:
        raise RuleError(f"bad pattern {pattern!r}: {exc}") from exc
    return Predicate(lambda v, _: isinstance(v, str) and compiled.fullmatch(v) is not None, f"matches {show(str(pattern))}")


def _present(wanted: Any) -> Predicate:
    if not isinstance(wanted, bool):
        raise RuleError("present needs true or false")
    return Predicate(lambda v, _: (v is not MISSING) is wanted, "present" if wanted else "absent", absent_ok=True)


def _length(bounds: Any) -> Predicate:
    if not isinstance(bounds, Mapping) or not set(bounds) <= {"min", "max"}:
        raise RuleError("length needs {min, max}")
    low, high = bounds.get("min", 0), bounds.get("max", float("inf"))
    return Predicate(
        lambda v, _: isinstance(v, str | list | Mapping) and low <= len(v) <= high,
        f"length {bounds.get('min', 0)}..{bounds.get('max', '')}",
    )


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: type(v) is int or (type(v) is float and v.is_integer()),  # 5.0, too: JSON Schema 2020-12, 4.2.3
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, Mapping),
    "null": lambda v: v is None,
}


def _type(name: Any) -> Predicate:
    names = name if isinstance(name, list) else [name]
    unknown = [n for n in names if n not in _TYPES]
    if unknown:
        raise RuleError(f"unknown JSON type {unknown[0]!r}")
    checks = tuple(_TYPES[n] for n in names)
    return Predicate(lambda v, _: any(check(v) for check in checks), f"type {'|'.join(map(str, names))}")


def _declared(which: str) -> Callable[[Any], Predicate]:
    def make(item: Any) -> Predicate:
        def test(value: Any, scene: Scene) -> bool:
            table = scene.declared.pics if which == "pics" else scene.declared.pixit
            if item not in table:
                raise Undecided("undeclared", f"{which} {item}")
            return _as_declared(value, table[item])

        return Predicate(test, f"as declared in {item}")

    return make


def _as_declared(value: Any, declared: Any) -> bool:
    if isinstance(declared, list | tuple | set | frozenset):
        values = value if isinstance(value, list) else [value]
        return all(any(same(v, d) for d in declared) for v in values)
    return same(value, declared)


def _same_as(field: Any) -> Predicate:
    return Predicate(lambda v, scene: v is not MISSING and same(v, scene.entry.get(str(field))), f"same as {field}")


def _joined(field: Any) -> Predicate:
    def test(value: Any, scene: Scene) -> bool:
        return scene.other is not None and value is not MISSING and same(value, scene.other.get(str(field)))

    return Predicate(test, f"same as {field} of the pair", joined=True)


def _below_joined(field: Any) -> Predicate:
    def test(value: Any, scene: Scene) -> bool:
        limit = scene.other.get(str(field)) if scene.other is not None else MISSING
        return all(isinstance(x, int | float) and not isinstance(x, bool) for x in (value, limit)) and bool(value < limit)

    return Predicate(test, f"below {field} of the pair", joined=True)


def _contains(needle: Any) -> Predicate:
    def test(value: Any, _: Scene) -> bool:
        if isinstance(value, str):
            return isinstance(needle, str) and needle in value
        members = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
        return any(same(v, needle) for v in members)

    return Predicate(test, f"contains {show(needle)}")


def _held_by(operand: Any) -> Predicate:
    """What stands at `at` in each of these stands there in one of the pair's list, too, in whatever order."""
    if not isinstance(operand, Mapping) or set(operand) != {"joined", "at"}:
        raise RuleError("held_by needs {joined, at}")
    field, at = str(operand["joined"]), str(operand["at"])

    def test(value: Any, scene: Scene) -> bool:
        held = scene.other.get(field) if scene.other is not None else MISSING
        if not isinstance(value, list) or not isinstance(held, list):
            return False
        there = {repr(pointer.get(item, at, MISSING)) for item in held}  # a device may send very long lists
        return all(repr(pointer.get(item, at, MISSING)) in there for item in value)

    return Predicate(test, f"each {at} of it in {field} of the pair", joined=True)


def _far_from(operand: Any) -> Predicate:
    """An RFC 3339 time more than so many seconds from the one in another field of the entry, whatever their offsets. What is no
    such time is far from nothing: whether it should be one is another question."""
    if not isinstance(operand, Mapping) or set(operand) != {"field", "seconds"}:
        raise RuleError("far_from needs {field, seconds}")
    field, most_s = str(operand["field"]), float(operand["seconds"])

    def test(value: Any, scene: Scene) -> bool:
        told, other = _seconds(value), _seconds(scene.entry.get(field))
        return told is not None and other is not None and abs(told - other) > most_s

    return Predicate(test, f"more than {most_s:g} s from {field}")


def _seconds(value: Any) -> float | None:
    """Seconds since 1970 of an RFC 3339 time with an offset; None for anything else."""
    if not isinstance(value, str):
        return None
    text, leap = re.subn(r":60(?=[.Zz+-])", ":59", value.upper(), count=1)
    try:
        time = datetime.fromisoformat(text)
        return None if time.tzinfo is None else time.timestamp() + leap
    except (ValueError, OverflowError):
        return None


def _has_all(operand: Any) -> Predicate:
    """Everything that the vendor declares of `pics` is in the list, at `at` of its members where that is named."""
    if not isinstance(operand, Mapping) or "pics" not in operand or not set(operand) <= {"pics", "at"}:
        raise RuleError("has_all needs {pics, at?}")
    item, at = str(operand["pics"]), str(operand.get("at", ""))

    def missing(value: Any, scene: Scene) -> list[Any]:
        declared = scene.declared.pics.get(item)
        if not isinstance(declared, list | tuple | set | frozenset):
            raise Undecided("undeclared", f"pics {item}")
        there = {repr(pointer.get(held, at, MISSING)) for held in value} if isinstance(value, list) else set()
        return [one for one in declared if repr(one) not in there]

    text = f"all that is declared in {item}"
    return Predicate(
        lambda value, scene: not missing(value, scene), text,
        lacks=lambda value, scene: f"{text} (not there: {show(', '.join(map(str, missing(value, scene))))})",
    )  # fmt: skip


def _each(data: Any) -> Predicate:
    inner = compile_predicate(data)
    return Predicate(
        lambda v, scene: isinstance(v, list) and all(inner.test(x, scene) for x in v),
        f"each {inner.text}",
        inner.joined,
    )


def _all(data: Any) -> Predicate:
    if isinstance(data, list):
        return _every([compile_predicate(d) for d in data], " and ")
    return _each(data)


def _any(data: Any) -> Predicate:
    if isinstance(data, list):
        parts = [compile_predicate(d) for d in data]
        tests = tuple(p.test for p in parts)
        return Predicate(
            lambda v, scene: any(test(v, scene) for test in tests),
            " or ".join(p.text for p in parts),
            any(p.joined for p in parts),
            any(p.absent_ok for p in parts),
        )
    inner = compile_predicate(data)
    return Predicate(
        lambda v, scene: isinstance(v, list) and any(inner.test(x, scene) for x in v),
        f"any {inner.text}",
        inner.joined,
    )


_OPERATORS: Mapping[str, Callable[[Any], Predicate]] = {
    "eq": lambda x: Predicate(lambda v, _: same(v, x), f"= {show(x)}"),
    "ne": lambda x: Predicate(lambda v, _: not same(v, x), f"!= {show(x)}", absent_ok=True),
    "in": _in,
    "not_in": _not_in,
    "lt": _compare("<", lambda v, x: bool(v < x)),
    "le": _compare("<=", lambda v, x: bool(v <= x)),
    "gt": _compare(">", lambda v, x: bool(v > x)),
    "ge": _compare(">=", lambda v, x: bool(v >= x)),
    "matches": _matches,
    "present": _present,
    "length": _length,
    "type": _type,
    "pics": _declared("pics"),
    "pixit": _declared("pixit"),
    "same_as": _same_as,
    "joined": _joined,
    "below_joined": _below_joined,
    "contains": _contains,
    "held_by": _held_by,
    "far_from": _far_from,
    "has_all": _has_all,
    "each": _each,
    "all": _all,
    "any": _any,
}
