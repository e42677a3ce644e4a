"""Walks along a life cycle that no story leads: the city says its messages in the order of the table, the device its own."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager

from conformance.bench.asking import asked_on_a_channel, is_event
from conformance.bench.case import Case, Procedure
from conformance.bench.stage import Stage
from conformance.bench.ways import Lead, Way
from conformance.protocol.lifecycle import LifecycleTable
from conformance.spec.model import Message, Spec, Text

Said = Mapping[str, Message]  # what the city says in a table, by event


def walks(spec: Spec) -> Iterator[Case]:
    """One case for each table that can be walked."""
    for table in spec.lifecycles.values():
        if said := said_by_nobody_else(spec, table):
            yield Case(
                id=f"gen.walk.{table.id}",
                title=Text(f"{table.subject[0]}走完其生命周期", f"{table.subject[1]} goes its way"),
                procedure=_walk(table, said),
                purpose=f"One {table.key} from {table.initial} on, in the order of the table.",
            )  # fmt: skip


def said_by_nobody_else(spec: Spec, table: LifecycleTable) -> Said:
    """The city's messages of a table, where each of them is bound to no role: no story will ever say them. Else nothing."""
    said = {f"{m.name}:request": m for m in spec.messages.values() if f"{m.name}:request" in table.alphabet and m.sender != "iut"}
    free = all(m.role is None and asked_on_a_channel(spec, m) for m in said.values())
    return said if table.key and free else {}


def ways_by_walking(spec: Spec, table: LifecycleTable) -> dict[str, Way]:
    """A way to each state that a walk reaches and the device does not leave again by itself."""
    said = said_by_nobody_else(spec, table)
    found = _routes(table) if said else {}
    return {
        state: Way(table.key, _lead(table.key, events, said)) for state, events in found.items()
        if state != table.initial and not left_by_the_device(spec, table, state)
    }  # fmt: skip


def left_by_the_device(spec: Spec, table: LifecycleTable, state: str) -> list[str]:
    """Messages by which the device may leave a state without being asked."""
    away = [event.partition(":") for event in table.lawful(state) if table.rows[state, event] != state]
    return [name for name, _, kind in away if kind in ("request", "notification") and spec.messages[name].sender != "bench"]


def settled(table: LifecycleTable, state: str, event: str) -> str:
    """Where a request leads once it was answered with success. Raises KeyError where the state does not know it."""
    asked = table.rows[state, event]
    return table.rows.get((asked, event.replace(":request", ":result")), asked)


def _routes(table: LifecycleTable) -> dict[str, tuple[str, ...]]:
    """The shortest way to each state by requests and their results."""
    routes: dict[str, tuple[str, ...]] = {table.initial: ()}
    todo = deque([table.initial])
    while todo:
        here = todo.popleft()
        for event in table.lawful(here):
            if event.endswith(":request") and (to := settled(table, here, event)) not in routes:
                routes[to] = (*routes[here], event)
                todo.append(to)
    return routes


def _walk(table: LifecycleTable, said: Said) -> Procedure:
    events = _through(table)

    async def procedure(stage: Stage) -> None:
        await _go(stage, events, said, {table.key: stage.city.new_id(table.key)})

    return procedure


def _through(table: LifecycleTable) -> list[str]:
    """Requests that lead from state to state, each time to one where the walk has not been."""
    events: list[str] = []
    state, passed = table.initial, {table.initial}
    while step := _onward(table, state, passed):
        event, state = step
        events.append(event)
        passed.add(state)
    return events


def _onward(table: LifecycleTable, state: str, passed: set[str]) -> tuple[str, str] | None:
    requests = (event for at, event in table.rows if at == state and event.endswith(":request"))
    steps = ((event, settled(table, state, event)) for event in requests)
    return next((step for step in steps if step[1] not in passed), None)


def _lead(key: str, events: Sequence[str], said: Said) -> Lead:
    @asynccontextmanager
    async def lead(stage: Stage) -> AsyncIterator[Mapping[str, str]]:
        fields = {key: stage.city.new_id(key)}
        await _go(stage, events, said, fields)
        yield fields

    return lead


async def _go(stage: Stage, events: Sequence[str], said: Said, fields: Mapping[str, str]) -> None:
    for event in events:
        if event in said:
            await stage.reply(stage.city.bend(said[event], fields, {}))
        else:
            await stage.wait(is_event(event, fields), timer="T-COMMAND", what=event)
