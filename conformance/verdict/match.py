"""Matchers of the rule vocabulary: which entries of a transcript a rule speaks of. Compiled once, asked often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from conformance.trace.transcript import Entry
from conformance.verdict.predicates import (
    Declarations,
    Predicate,
    RuleError,
    Scene,
    Undecided,
    compile_predicate,
)

_KEYS = frozenset({"message", "role", "kind", "from", "interface", "observation", "where"})
_GLOB = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class FieldTest:
    """One line of `where` or `that`: a field and what must be true of it."""

    field: str
    predicate: Predicate

    def holds(self, entry: Entry, other: Entry | None, declared: Declarations) -> bool:
        """Whether it is true of the entry. Raises Undecided."""
        return self.predicate.test(entry.get(self.field), Scene(entry, other, declared))

    def unmet(self, entry: Entry, declared: Declarations) -> str:
        """What an entry of which it is not true was asked for."""
        return f"{self.field} {self.predicate.unmet(entry.get(self.field), Scene(entry, None, declared))}"


def compile_tests(data: Any) -> tuple[FieldTest, ...]:
    """Compile `{field: predicate}`. Raises RuleError."""
    if data is None:
        return ()
    if not isinstance(data, Mapping):
        raise RuleError(f"expected a map of field to predicate, not {data!r}")
    return tuple(FieldTest(str(field), compile_predicate(predicate)) for field, predicate in data.items())


@dataclass(frozen=True, slots=True, eq=False)
class Matcher:
    """A compiled matcher. Identity is equality, so that results can be kept per matcher.

    A message that was sent again byte for byte with the same sequence number (`Entry.repeat`) is the same message: it is
    left out unless `where` asks about `repeat`. What is malformed is left out unless `kind` or `observation` asks for it,
    so that one malformed message breaks the clause about form and not every clause about content.
    """

    names: tuple[str, ...]  # exact names; empty: any
    globs: tuple[str, ...]
    roles: frozenset[str]
    kinds: frozenset[str]
    sender: str
    interfaces: frozenset[str]
    observations: tuple[str, ...]
    where: tuple[FieldTest, ...]  # of the entry alone
    pair: tuple[FieldTest, ...]  # that need the other entry of the pair
    repeats: bool  # whether `where` asks about repeats
    text: str

    def admits(self, entry: Entry, declared: Declarations) -> bool:
        """Whether the entry matches, `joined` predicates left aside."""
        if not self.admits_head(entry):
            return False
        try:
            return all(test.holds(entry, None, declared) for test in self.where)
        except Undecided:
            return False

    def admits_head(self, entry: Entry) -> bool:
        """Whether everything but the predicates matches."""
        if self.observations:
            if entry.obs not in self.observations:
                return False
        elif not entry.kind or (entry.kind == "malformed" and not self.kinds):
            return False
        return (
            (not self.kinds or entry.kind in self.kinds)
            and (not self.sender or entry.dir == self.sender)
            and (not self.interfaces or entry.iface in self.interfaces)
            and (not self.roles or entry.role in self.roles)
            and self._admits_name(entry.name)
            and (self.repeats or not entry.repeat)
        )

    def _admits_name(self, name: str) -> bool:
        if not self.names and not self.globs:
            return True
        return name in self.names or any(fnmatchcase(name, glob) for glob in self.globs)

    def admits_pair(self, entry: Entry, other: Entry, declared: Declarations) -> bool:
        """Whether the `joined` predicates hold between the two."""
        try:
            return all(test.holds(entry, other, declared) for test in self.pair)
        except Undecided:
            return False


def compile_matcher(data: Any) -> Matcher:
    """Compile the pack's form of a matcher. Raises RuleError on an unknown key or a bad value."""
    if not isinstance(data, Mapping):
        raise RuleError(f"a matcher is a map, not {data!r}")
    unknown = set(map(str, data)) - _KEYS
    if unknown:
        raise RuleError(f"unknown matcher key {sorted(unknown)[0]!r}; known: {', '.join(sorted(_KEYS))}")
    names = _strings(data.get("message"))
    tests = compile_tests(data.get("where"))
    return Matcher(
        names=tuple(n for n in names if not _GLOB & set(n)),
        globs=tuple(n for n in names if _GLOB & set(n)),
        roles=frozenset(_strings(data.get("role"))),
        kinds=frozenset(_strings(data.get("kind"))),
        sender=str(data.get("from", "")),
        interfaces=frozenset(_strings(data.get("interface"))),
        observations=_strings(data.get("observation")),
        where=tuple(t for t in tests if not t.predicate.joined),
        pair=tuple(t for t in tests if t.predicate.joined),
        repeats=any(t.field == "repeat" for t in tests),
        text=_text(data),
    )


def _strings(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list | tuple):
        return tuple(str(v) for v in value)
    raise RuleError(f"expected a name or a list of names, not {value!r}")


def _text(data: Mapping[str, Any]) -> str:
    """`peripheral.report:request from iut`: what the card shows as expected."""
    subject = "|".join(_strings(data.get("message")) or _strings(data.get("role")) or _strings(data.get("observation")))
    kinds = "|".join(_strings(data.get("kind")))
    sender = f" from {data['from']}" if "from" in data else ""
    where = ", ".join(f"{t.field} {t.predicate.text}" for t in compile_tests(data.get("where")))
    head = f"{subject or '*'}{':' + kinds if kinds else ''}{sender}"
    return f"{head} ({where})" if where else head
