"""Messages in a wrong state: for each life cycle and state, what the city could say and the table does not know there.

An object is brought into its state, then each such message is said of it: a good device refuses with a defined error, does
nothing and stays usable. How the object gets there:

- the initial state: it is an object that nobody has heard of (one case a message)
- a state that a story leads to (`conformance/suites/states.py`), and in tables that no story leads, one that a walk along the
  table reaches (one case a state: the way there is the long part)
- every other state is not provoked, and `not_provoked` says why; `rvw spec coverage` shows it
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from conformance.bench.asking import asked_on_a_channel, identifiers
from conformance.bench.case import Case, Procedure
from conformance.bench.stage import Stage
from conformance.bench.walks import left_by_the_device, ways_by_walking
from conformance.bench.ways import Way, load_ways
from conformance.protocol.lifecycle import LifecycleTable
from conformance.spec.model import Message, Spec, Text


@dataclass(frozen=True, slots=True)
class NotProvoked:
    """Messages that a table forbids in a state which the bench cannot hold, and why it cannot."""

    lifecycle: str
    state: str
    messages: tuple[str, ...]
    reason: str


def wrong_state(spec: Spec) -> Iterator[Case]:
    """The cases of all tables."""
    for table in _tables(spec):
        ways = _ways(spec, table)
        for state in table.states:
            messages = _unknown_there(spec, table, state)
            if state == table.initial:
                yield from (_unheard_of(table, message) for message in messages)
            elif messages and state in ways:
                yield _visited(table, state, messages, ways[state])


def not_provoked(spec: Spec) -> list[NotProvoked]:
    """The pairs that no case provokes."""
    rows = []
    for table in _tables(spec):
        ways = _ways(spec, table)
        for state in table.states:
            messages = tuple(message.name for message in _unknown_there(spec, table, state))
            if messages and state != table.initial and state not in ways:
                rows.append(NotProvoked(table.id, state, messages, _why_not(spec, table, state)))
    return rows


def _tables(spec: Spec) -> list[LifecycleTable]:
    """Tables of objects that have a name: a connection or the device itself cannot be brought into a state on the side."""
    return [table for table in spec.lifecycles.values() if table.key and table.key != "conn"]


def _unknown_there(spec: Spec, table: LifecycleTable, state: str) -> list[Message]:
    asked = [m for m in spec.messages.values() if asked_on_a_channel(spec, m) and table.key in m.fields.get("request", {})]
    events = {f"{m.name}:request": m for m in asked}
    spoken_of = table.alphabet - table.ignores
    return [message for event, message in events.items() if event in spoken_of and (state, event) not in table.rows]


def _ways(spec: Spec, table: LifecycleTable) -> dict[str, Way]:
    """A way to each state that can be brought about and held. A walk is only for tables that no story leads."""
    ways = ways_by_walking(spec, table)
    for way in load_ways():
        state = way.end(spec, table)
        if state is not None and state != table.initial:
            ways.setdefault(state, way)
    return ways


def _why_not(spec: Spec, table: LifecycleTable, state: str) -> str:
    away = [event.partition(":") for event in table.lawful(state) if table.rows[state, event] != state]
    answers = sorted({name for name, _, kind in away if kind in ("result", "error")})
    if answers:
        return f"it lasts only until {', '.join(answers)} is answered"
    if by_itself := left_by_the_device(spec, table, state):
        return f"the device may leave it by itself: {', '.join(by_itself)}"
    return "no story leads there"


def _intended(table: LifecycleTable, state: str) -> dict[str, str]:
    return {"stimulus": "wrong-state", "lifecycle": table.id, "state": state}


def _unheard_of(table: LifecycleTable, message: Message) -> Case:
    intended = _intended(table, table.initial)

    async def procedure(stage: Stage) -> None:
        fresh = identifiers(stage, message, table.key)
        await stage.reply(stage.city.bend(message, fresh, {}, intended=intended))
        await stage.still_usable()

    zh, en = _titles(table, table.initial)
    return Case(
        id=f"gen.wrong-state.{table.id}.{table.initial}.{message.name}",
        title=Text(f"{table.subject[0]}处于“{zh}”时收到 {message.name}", f"{message.name} while {table.subject[1]} is {en}"),
        procedure=procedure, roles=(message.role,) if message.role else (),
        purpose=f"{message.name} for a {table.key} that nobody has heard of.",
    )  # fmt: skip


def _visited(table: LifecycleTable, state: str, messages: Sequence[Message], way: Way) -> Case:
    names = ", ".join(message.name for message in messages)
    roles = (*way.roles, *(message.role for message in messages if message.role))
    zh, en = _titles(table, state)
    return Case(
        id=f"gen.wrong-state.{table.id}.{state}",
        title=Text(f"{table.subject[0]}处于“{zh}”时收到不合法的消息", f"what is not lawful while {table.subject[1]} is {en}"),
        procedure=_in_state(way, messages, _intended(table, state)), roles=tuple(dict.fromkeys(roles)), verbs=way.verbs,
        purpose=f"A {table.key} is brought to {state}; then come {names}, which are not lawful there.",
    )  # fmt: skip


def _in_state(way: Way, messages: Sequence[Message], intended: Mapping[str, str]) -> Procedure:
    lead = way.lead  # a name of its own: the timers that a procedure waits by are read from the functions that it names

    async def procedure(stage: Stage) -> None:
        async with lead(stage) as fields:
            for message in messages:
                told = {**identifiers(stage, message), **fields}
                await stage.reply(stage.city.bend(message, told, {}, intended=intended))
                await stage.still_usable()

    return procedure


def _titles(table: LifecycleTable, state: str) -> tuple[str, str]:
    return table.titles.get(state, (state, state))
