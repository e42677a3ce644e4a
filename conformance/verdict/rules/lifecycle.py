"""The rule `lifecycle`: every message of the device is lawful in a state that it could know of.

Two rules for this file: the table of the pack decides what is lawful; the walk over the trace decides in which states. A
state is a set, because messages cross (the device had not yet seen our last ones) and because a crash of the bench hides
what happened meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from conformance.protocol.lifecycle import LifecycleTable, MessageUnexpected
from conformance.protocol.pointer import MISSING
from conformance.trace.transcript import Entry
from conformance.verdict.context import Context, freeze
from conformance.verdict.model import Outcome
from conformance.verdict.predicates import RuleError
from conformance.verdict.rules._common import Params, Tally, need

States = frozenset[str]
_RECENT = 32  # messages of ours that can be under way at once; more than any window of a device channel


@dataclass(slots=True)
class _Instance:
    """One subject of a life cycle: where it may be, and what it held before each of our recent messages."""

    states: States
    sent: list[tuple[States, Entry]] = field(default_factory=list)
    held_since: list[tuple[int, States]] = field(default_factory=list)

    def move(self, states: States, n: int) -> None:
        self.states = states
        self.held_since.append((n, states))
        del self.held_since[: -4 * _RECENT]

    def lawful_states(self, entry: Entry) -> States:
        """The present states, and all held since the first of our messages that the device may not have seen."""
        unseen: dict[str, tuple[States, Entry]] = {}  # by interface: the first after all that were surely seen
        for before, message in self.sent:
            if not _perhaps_unseen(message, entry):
                unseen.pop(message.iface, None)
            else:
                unseen.setdefault(message.iface, (before, message))
        if not unseen:
            return self.states
        before, first = min(unseen.values(), key=lambda pair: pair[1].n)
        return before.union(*(states for n, states in self.held_since if n >= first.n))


def _perhaps_unseen(ours: Entry, theirs: Entry) -> bool:
    """Whether the device may have sent `theirs` before it took note of `ours`."""
    if ours.iface == theirs.iface and ours.epoch == theirs.epoch and _numbers(ours.seq, theirs.seen) and ours.seq:
        return bool(ours.seq > theirs.seen)
    return ours.kind == "request" and (ours.reply is None or ours.reply.n >= theirs.n) and theirs.request is not ours


def _numbers(*values: Any) -> bool:
    return all(isinstance(v, int) and not isinstance(v, bool) for v in values)


class _Walk:
    """One walk of one table over the whole run."""

    def __init__(self, table: LifecycleTable) -> None:
        self._table = table
        self._alphabet = table.alphabet
        self.names = frozenset(event.rpartition(":")[0] for event in self._alphabet)
        self._unborn: States = frozenset({table.initial})
        self._instances: dict[Any, _Instance] = {}
        self.tally: list[tuple[int, str, str]] = []  # n, expected, seen; both empty where it held

    def take(self, entry: Entry) -> None:
        """Let one entry act on the instances."""
        if entry.obs == "segment":
            self._forget()
        elif entry.kind != "malformed" and not entry.repeat:
            key = self._key(entry)
            if key is not MISSING:
                instance = self._instances.setdefault(key, _Instance(self._unborn))
                (self._theirs if entry.dir == "iut" else self._ours)(instance, entry)

    def _forget(self) -> None:
        """A crash of the bench: nobody knows what happened meanwhile."""
        self._unborn = frozenset(self._table.states)
        self._instances.clear()

    def _key(self, entry: Entry) -> Any:
        if not self._table.key:
            return ""
        value = entry.get(self._table.key)
        if value is MISSING and entry.request is not None:
            value = entry.request.get(self._table.key)
        return value if value is MISSING else freeze(value)

    def _happened(self, entry: Entry) -> bool:
        """Whether a request took effect: not if an error answered it, unless the table has a row for that error."""
        if entry.kind != "request" or entry.reply is None or entry.reply.kind != "error":
            return True
        return f"{entry.name}:error" in self._alphabet

    def _step(self, states: States, event: str) -> States:
        stepped = (self._table.step(state, event) for state in sorted(states))
        return frozenset(state for state in stepped if not isinstance(state, MessageUnexpected))

    def _ours(self, instance: _Instance, entry: Entry) -> None:
        if "intended" in entry.facts and (entry.reply is None or entry.reply.kind != "result"):
            return
        if not self._happened(entry):
            return
        before = instance.states
        after = self._step(before, f"{entry.name}:{entry.kind}")
        if after:
            instance.move(after, entry.n)
            instance.sent.append((before, entry))
            del instance.sent[:-_RECENT]

    def _theirs(self, instance: _Instance, entry: Entry) -> None:
        event = f"{entry.name}:{entry.kind}"
        if event not in self._alphabet:
            return
        after = self._step(instance.states, event)
        if after:
            if self._happened(entry):
                instance.move(after, entry.n)
            self.tally.append((entry.n, "", ""))
        elif self._step(instance.lawful_states(entry), event):
            self.tally.append((entry.n, "", ""))  # it crossed with a message of ours, which has the last word
        else:
            self.tally.append((entry.n, self._expected(event), f"{event} in {'|'.join(sorted(instance.states))}"))

    def _expected(self, event: str) -> str:
        states = sorted(state for state, known in self._table.rows if known == event)
        return f"{event} only in {'|'.join(states) or 'no state'}"


def _judged(table: LifecycleTable, ctx: Context) -> list[tuple[int, str, str]]:
    """The walk over the whole run; walked once, asked by every slice."""
    key = ("lifecycle", table.id)
    if key not in ctx.answers:
        walk = _Walk(table)
        for entry in ctx.whole.named(walk.names, "segment"):
            walk.take(entry)
        ctx.answers[key] = walk.tally
    kept: list[tuple[int, str, str]] = ctx.answers[key]
    return kept


def _in_slice(judged: list[tuple[int, str, str]], ctx: Context) -> Iterator[tuple[int, str, str]]:
    if ctx.whole is ctx:
        return iter(judged)
    return (line for line in judged if line[0] in ctx.numbers)


def lifecycle(params: Params, ctx: Context) -> Outcome:
    """Every message of the device in the alphabet of `lifecycle` is lawful in a state that its `seen` implies."""
    name = str(need(params, "lifecycle"))
    if name not in ctx.spec.lifecycles:
        raise RuleError(f"unknown life cycle {name!r}")
    tally = Tally()
    for n, expected, seen in _in_slice(_judged(ctx.spec.lifecycles[name], ctx), ctx):
        if expected:
            tally.violated(n, expected, seen)
        else:
            tally.held(n)
    return tally.outcome()
