"""What a rule may look at: one slice of the trace, the limits of the run, the declarations, and the faults we injected.

Two rules for this file: it answers questions and judges nothing; times are seconds on the run's clock in entries and
milliseconds in limits, as in the journal and in the pack.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from operator import attrgetter
from typing import Any

from conformance.protocol.pointer import MISSING
from conformance.trace.transcript import Entry
from conformance.verdict.match import FieldTest, Matcher, compile_matcher, compile_tests
from conformance.verdict.settings import Settings

# How a procedure or a run ends that could not go on; `not-observed` is none of them: there the device was waited for.
_CUT_SHORT = frozenset(
    {"not-home", "no-stimulus", "device-unreachable", "device-absent", "bench-error", "environment", "bench", "interrupted"}
)


GroupKey = tuple[Any, ...]


class Group:
    """Entries that share the values of some fields, in order, with their numbers for bisection."""

    __slots__ = ("entries", "ns")

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.ns: list[int] = []

    def add(self, entry: Entry) -> None:
        """Append an entry."""
        self.entries.append(entry)
        self.ns.append(entry.n)


def freeze(value: Any) -> Any:
    """A JSON value as something hashable; `true` and 1 stay apart."""
    if isinstance(value, str) or value is None or value is MISSING:
        return value
    if isinstance(value, bool | int | float):
        return (isinstance(value, bool), value)
    return repr(value)


def group_key(entry: Entry, fields: Sequence[str]) -> GroupKey | None:
    """The values of `fields` as one key, None where one of them is absent."""
    values = [entry.get(field) for field in fields]
    if any(value is MISSING for value in values):
        return None
    return tuple(map(freeze, values))


@dataclass(frozen=True, slots=True)
class Envelope:
    """The time in which an injected fault, or the recovery from it, excuses the device (decision 3)."""

    start: float
    end: float
    name: str


class Compiled:
    """Matchers and predicates of a pack, compiled on first use. One may serve every judging of a session."""

    def __init__(self) -> None:
        self._matchers: dict[int, tuple[Any, Matcher]] = {}
        self._by_text: dict[str, Matcher] = {}  # equal matchers of different rules are one, so that their results are too
        self._tests: dict[int, tuple[Any, tuple[FieldTest, ...]]] = {}

    def matcher(self, data: Any) -> Matcher:
        """The compiled form of a matcher of the pack. Raises RuleError."""
        kept = self._matchers.get(id(data))
        if kept is None or kept[0] is not data:
            text = repr(data)
            if text not in self._by_text:
                self._by_text[text] = compile_matcher(data)
            kept = (data, self._by_text[text])
            self._matchers[id(data)] = kept
        return kept[1]

    def tests(self, data: Any) -> tuple[FieldTest, ...]:
        """The compiled form of `{field: predicate}`. Raises RuleError."""
        kept = self._tests.get(id(data))
        if kept is None or kept[0] is not data:
            kept = (data, compile_tests(data))
            self._tests[id(data)] = kept
        return kept[1]


class Index:
    """The entries of a slice by what rules ask for them by. It can grow with the run."""

    def __init__(self) -> None:
        self.by_name: dict[str, list[Entry]] = {}
        self.by_role: dict[str, list[Entry]] = {}
        self.by_obs: dict[str, list[Entry]] = {}
        self.messages: list[Entry] = []
        self._count = 0

    def add(self, entries: Sequence[Entry]) -> None:
        """Take in what `entries` hold beyond those of the time before."""
        for entry in entries[self._count :]:
            self.by_obs.setdefault(entry.obs, []).append(entry)
            if entry.kind:
                self.messages.append(entry)
                self.by_name.setdefault(entry.name, []).append(entry)
                if entry.role:
                    self.by_role.setdefault(entry.role, []).append(entry)
        self._count = len(entries)


class Context:
    """One slice of a transcript, indexed, with everything that a rule may ask about it."""

    def __init__(
        self, entries: Sequence[Entry], settings: Settings, *, whole: Context | None = None, grown: Context | None = None
    ) -> None:
        """`whole` is the context of the run that a slice is of; `grown` that of fewer entries of the same run, whose index
        is taken over and is of no more use there."""
        self.entries = entries
        self.settings = settings
        self.spec = settings.spec
        self.pics = settings.pics
        self.pixit = settings.pixit
        self.whole = whole if whole is not None else self
        kin = whole or grown
        self.compiled: Compiled = kin.compiled if kin is not None else Compiled()
        self.answers: dict[Any, Any] = {} if whole is None else whole.answers  # kept between the slices of one judging
        self.start = entries[0].t if entries else 0.0
        self.end = entries[-1].t if entries else 0.0
        self._found: dict[int, tuple[Matcher, list[Entry]]] = {}
        self._groups: dict[tuple[int, tuple[str, ...]], dict[GroupKey, Group]] = {}
        self.index: Index = grown.index if grown is not None else Index()
        self.index.add(entries)

    @cached_property
    def numbers(self) -> frozenset[int]:
        """The observation numbers of the slice."""
        return frozenset(entry.n for entry in self.entries)

    @cached_property
    def _ns(self) -> list[int]:
        return [entry.n for entry in self.entries]

    @cached_property
    def _ts(self) -> list[float]:
        return [entry.t for entry in self.entries]

    def at(self, n: int) -> Entry | None:
        """The entry with the observation number `n`, None where the slice has none."""
        place = bisect_right(self._ns, n) - 1
        return self.entries[place] if place >= 0 and self._ns[place] == n else None

    def matcher(self, data: Any) -> Matcher:
        """The compiled matcher of a rule parameter. Raises RuleError."""
        return self.compiled.matcher(data)

    def matches(self, data: Any) -> list[Entry]:
        """All entries of the slice that a rule parameter matches, in order (`joined` predicates left aside)."""
        matcher = self.matcher(data)
        kept = self._found.get(id(matcher))
        if kept is None:
            kept = (matcher, [entry for entry in self._candidates(matcher) if matcher.admits(entry, self.settings)])
            self._found[id(matcher)] = kept
        return kept[1]

    def groups(self, data: Any, fields: tuple[str, ...]) -> Mapping[GroupKey, Group]:
        """The matches of a rule parameter by the values of `fields`; those that lack one of them are left out.

        Groups come in order of first appearance, entries in order.
        """
        found = self.matches(data)
        key = (id(self.matcher(data)), fields)
        kept = self._groups.get(key)
        if kept is None:
            kept = {}
            for entry in found:
                group = group_key(entry, fields)
                if group is not None:
                    kept.setdefault(group, Group()).add(entry)
            self._groups[key] = kept
        return kept

    def _candidates(self, matcher: Matcher) -> Iterable[Entry]:
        if matcher.observations:
            return _merged(self.index.by_obs, matcher.observations)
        if matcher.names and not matcher.globs:
            return _merged(self.index.by_name, matcher.names)
        if matcher.roles:
            return _merged(self.index.by_role, tuple(sorted(matcher.roles)))
        return self.index.messages

    def observed(self, *kinds: str) -> list[Entry]:
        """All entries of the slice whose observation is one of `kinds`, in order."""
        return list(_merged(self.index.by_obs, kinds))

    @cached_property
    def cut_short(self) -> bool:
        """Whether the slice ended before the device had its say, so that what is missing in it proves nothing."""
        ends = self.observed("case.end", "run.end")
        if not ends or (self.entries[-1].case and ends[-1].case != self.entries[-1].case):
            return bool(self.observed("case.start"))  # killed in the middle of a case
        key = "ended" if ends[-1].obs == "case.end" else "reason"
        return ends[-1].facts.get(key) in _CUT_SHORT

    def begins(self, opening: Entry) -> float:
        """The second from which a limit counts that `opening` opens: for what a person was asked to do, when it was done."""
        if opening.obs != "stimulus" or opening.facts.get("by") != "operator":
            return opening.t
        return self.whole.by_hand.get((opening.case, opening.facts.get("id")), opening.t)

    @cached_property
    def by_hand(self) -> Mapping[tuple[str, Any], float]:
        """When stimuli were done: (case, stimulus) -> second."""
        return {(e.case, e.facts.get("id")): e.t for e in self.observed("stimulus.done")}

    def named(self, names: Iterable[str], *kinds: str) -> list[Entry]:
        """Messages of these names and observations of these kinds, in order."""
        return sorted([*_merged(self.index.by_name, tuple(names)), *_merged(self.index.by_obs, kinds)], key=attrgetter("n"))

    def last_before(self, t: float) -> int:
        """The number of the last observation at or before `t` (seconds); the first of the slice where none is."""
        place = bisect_right(self._ts, t)
        return self._ns[max(place - 1, 0)]

    def suspended(self, start: float, end: float) -> bool:
        """Whether an injected fault or the recovery from it overlaps the time from `start` to `end` (seconds)."""
        return any(start < e.end and end >= e.start for e in self._near)

    @cached_property
    def _near(self) -> tuple[Envelope, ...]:
        """Envelopes of the run that are not over before this slice begins."""
        return tuple(e for e in self.whole.envelopes if e.end >= self.start)

    @cached_property
    def envelopes(self) -> tuple[Envelope, ...]:
        """The fault envelopes in this slice; `suspended` asks those of the whole run.

        A fault that never ended lasts as long as the bench that made it. A device that was proven to be home again needs no
        more time to recover.
        """
        opened: dict[str, list[Entry]] = {}
        found: list[Envelope] = []
        homes = [entry.t for entry in self.observed("home") if entry.facts.get("ok") is True]
        for entry in self.observed("fault.start", "fault.end", "segment"):
            name = str(entry.facts.get("name", ""))
            if entry.obs == "segment":  # the bench that made the fault is gone, and the fault with it
                found.extend(Envelope(s.t, entry.t, str(s.facts.get("name", ""))) for left in opened.values() for s in left)
                opened.clear()
            elif entry.obs == "fault.start":
                opened.setdefault(name, []).append(entry)
            elif opened.get(name):
                found.append(self._envelope(opened[name].pop(), entry.t, homes))
        found.extend(
            Envelope(start.t, inf, str(start.facts.get("name", ""))) for left in opened.values() for start in left
        )
        return tuple(sorted(found, key=lambda e: (e.start, e.end, e.name)))

    def _envelope(self, start: Entry, ended: float, homes: Sequence[float]) -> Envelope:
        timer = start.facts.get("recovery")
        end = ended
        if isinstance(timer, str) and timer:
            recovery_s = self.settings.limit_ms(timer) * (1 + self.settings.tolerance(timer)) / 1000
            late_ms = self.settings.guard_ms(ended, ended + recovery_s) + self.settings.starved_ms(ended, ended + recovery_s)
            end += recovery_s + late_ms / 1000
        home = next((t for t in homes if t >= ended), end)
        return Envelope(start.t, min(end, home), str(start.facts.get("name", "")))


def _merged(index: Mapping[str, list[Entry]], keys: Sequence[str]) -> Sequence[Entry]:
    if len(keys) == 1:
        return index.get(keys[0], ())
    lists = [index[key] for key in dict.fromkeys(keys) if key in index]
    if len(lists) == 1:
        return lists[0]
    return sorted((entry for part in lists for entry in part), key=attrgetter("n"))
