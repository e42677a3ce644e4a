"""Every life cycle of the reference pack, stepped with everything: it knows where it is, and what it does not know it says."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.protocol.lifecycle import LifecycleTable, MessageUnexpected
from conformance.spec.loader import load
from conformance.spec.model import Spec

KINDS = ("request", "result", "error", "notification")


@cache
def pack() -> Spec:
    return load()


def tables() -> list[LifecycleTable]:
    return list(pack().lifecycles.values())


def everything() -> list[str]:
    """Every message of the pack in every kind, known to a table or not."""
    return [f"{name}:{kind}" for name in (*pack().messages, "no.such.message") for kind in KINDS]


@pytest.mark.parametrize("table", tables(), ids=lambda t: t.id)
def test_every_pair_of_state_and_message_has_a_defined_outcome(table: LifecycleTable) -> None:
    unexpected = 0
    for state in table.states:
        for event in everything():
            rows, answer = dict(table.rows), table.step(state, event)
            assert dict(table.rows) == rows  # stepping changes nothing: a table has no memory
            if isinstance(answer, MessageUnexpected):
                unexpected += 1
                assert event in table.alphabet
                assert event not in answer.lawful
                assert (answer.lifecycle, answer.state, answer.event) == (table.id, state, event)
                assert event in str(answer)
                assert state in str(answer)
            else:
                assert answer in table.states
                if event not in table.alphabet or event in table.ignores:
                    assert answer == state
    assert unexpected, "a table that expects everything in every state decides nothing"


@pytest.mark.parametrize("table", tables(), ids=lambda t: t.id)
def test_the_alphabet_is_made_of_messages_of_the_pack(table: LifecycleTable) -> None:
    for event in table.alphabet:
        name, _, kind = event.rpartition(":")
        assert name in pack().messages
        assert kind in KINDS


@pytest.mark.parametrize("table", tables(), ids=lambda t: t.id)
def test_every_state_can_be_reached(table: LifecycleTable) -> None:
    reached, todo = {table.initial}, [table.initial]
    while todo:
        state = todo.pop()
        for event in table.lawful(state):
            after = table.step(state, event)
            if isinstance(after, str) and after not in reached:
                reached.add(after)
                todo.append(after)
    assert reached == set(table.states)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.data())
def test_any_walk_stays_on_the_table_and_an_unexpected_message_changes_nothing(data: st.DataObject) -> None:
    table = data.draw(st.sampled_from(tables()))
    events = data.draw(st.lists(st.sampled_from([*sorted(table.alphabet), "nonsense:request"]), max_size=30))
    state = table.initial
    for event in events:
        after = table.step(state, event)
        if isinstance(after, MessageUnexpected):
            assert table.step(state, event) == after
        else:
            assert after in table.states
            state = after
