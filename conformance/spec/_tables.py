"""Cross-checks of the life cycles: events name messages, states exist, every state can be reached."""

from __future__ import annotations

from typing import Any

from conformance.spec import _meta
from conformance.spec._read import RawPack
from conformance.spec._source import Node
from conformance.spec.model import Spec

_KINDS = {"call": ("request", "result", "error"), "notification": ("notification",)}


def check(raw: RawPack, spec: Spec) -> None:
    """Note every event, state and key of a life cycle that leads nowhere."""
    for name, node in raw.ids("lifecycle").items():
        stem = node.doc.file.rsplit("/", 1)[-1].removesuffix(".yaml")
        if stem != name:
            raw.problems.add(node.child("id").place, f"life cycle {name!r} stands in {node.doc.file}", f"{name}.yaml")
        states = [state.get("id") for state in node.child("states").items()]
        for index, state in enumerate(states):
            if state in states[:index]:
                raw.problems.add(node.child("states", index).place, f"duplicate state {state!r}")
        _states(raw, node, states)
        for event in _events(node):
            _event(raw, spec, event)
        _key(raw, spec, node)
        _reach(raw, spec, name, node)
        _shadowed(raw, node, states)


def _events(node: Node) -> list[Node]:
    found = [event for row in node.child("transitions").items() for event in _listed(row.child("on"))]
    return found + list(node.child("ignores").items())


def _listed(node: Node) -> list[Node]:
    return list(node.items()) if isinstance(node.value, list) else [node]


def _states(raw: RawPack, node: Node, states: list[Any]) -> None:
    used = [node.child("initial"), *node.child("final").items()]
    for row in node.child("transitions").items():
        used += [state for state in _listed(row.child("from")) if state.value != "*"]
        if row.get("to") != "=":
            used.append(row.child("to"))
    for state in used:
        if isinstance(state.value, str) and state.value not in states:
            raw.problems.unknown(state.place, "state", state.value, [s for s in states if isinstance(s, str)])


def _event(raw: RawPack, spec: Spec, node: Node) -> None:
    if not isinstance(node.value, str):
        return
    name, colon, kind = node.value.rpartition(":")
    if not colon:
        raw.problems.add(node.place, f"event {node.value!r} names no kind", "<message>:<request|result|error|notification>")
        return
    if name not in raw.ids("messages", "name"):
        raw.problems.unknown(node.place, "message", name, raw.ids("messages", "name"))
        return
    message = spec.messages.get(name)
    if message is not None and kind not in _KINDS[message.kind]:
        raw.problems.add(
            node.place, f"{name!r} is a {message.kind} and has no {kind!r}", "valid: " + ", ".join(_KINDS[message.kind])
        )


def _key(raw: RawPack, spec: Spec, node: Node) -> None:
    """The key must be a field that at least one message of the table carries, or no instance is ever told apart."""
    key = node.get("key", "")
    if not key or key in _meta.vocabulary("rules")["entry"]:
        return
    bound: set[str] = set()
    for event in _events(node):
        message = spec.messages.get(str(event.value).rpartition(":")[0])
        if message is not None:
            bound |= {field for fields in message.fields.values() for field in fields}
    if bound and key not in bound:
        raw.problems.unknown(node.child("key").place, "canonical field", key, bound)


def _reach(raw: RawPack, spec: Spec, name: str, node: Node) -> None:
    table = spec.lifecycles.get(name)
    if table is None or table.initial not in table.states:
        return
    reached = {table.initial}
    grew = True
    while grew:
        more = {to for (state, _), to in table.rows.items() if state in reached} - reached
        reached |= more
        grew = bool(more)
    for index, state in enumerate(table.states):
        if state not in reached:
            raw.problems.add(node.child("states", index).place, f"state {state!r} of {name!r} can never be reached")


def _shadowed(raw: RawPack, node: Node, states: list[Any]) -> None:
    """The first row that fits wins, so a row whose every pair was given before says nothing, or contradicts."""
    given: set[tuple[Any, Any]] = set()
    for row in node.child("transitions").items():
        sources = states if row.get("from") == "*" else [s.value for s in _listed(row.child("from"))]
        events = [event.value for event in _listed(row.child("on"))]
        if not all(isinstance(word, str) for word in (*sources, *events)):
            continue  # told by the schema of the file
        pairs = {(source, event) for source in sources for event in events}
        if pairs and pairs <= given:
            raw.problems.add(row.place, "the row never applies: rows before it cover all of its states and events")
        given |= pairs
