"""Messages in a wrong state: every pair of a table is provoked or told as out of reach, whatever the pack calls its states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from conformance.bench.asking import asked_on_a_channel
from conformance.bench.generated import generated_cases
from conformance.bench.memorylab import MemoryLab
from conformance.bench.needs import timers_of
from conformance.bench.plan import Selection
from conformance.bench.planview import coverage
from conformance.bench.walks import settled
from conformance.bench.wrongstate import not_provoked
from conformance.iut.device_file import load_device
from conformance.protocol.lifecycle import LifecycleTable
from conformance.spec.loader import load
from conformance.spec.model import Spec
from conformance.verdict.model import RunResult, Verdict

ROOT = Path(__file__).resolve().parents[2]


@cache
def first() -> Spec:
    return load()


@cache
def second() -> Spec:
    return load(ROOT / "tests" / "packs" / "xingzhu" / "1.0")


def wrong_states(spec: Spec) -> set[str]:
    return {case.removeprefix("gen.wrong-state.") for case in generated_cases(spec) if case.startswith("gen.wrong-state.")}


def with_table(spec: Spec, table: LifecycleTable) -> Spec:
    return replace(spec, lifecycles={**spec.lifecycles, table.id: table})


def forbidding(table: LifecycleTable, *pairs: tuple[str, str]) -> LifecycleTable:
    return replace(table, rows={pair: to for pair, to in table.rows.items() if pair not in pairs})


@pytest.mark.parametrize(("pack", "least"), [(first, 25), (second, 7)])
def test_every_pair_of_every_table_is_provoked_or_told_as_out_of_reach(pack: Callable[[], Spec], least: int) -> None:
    spec = pack()
    made, told = wrong_states(spec), {(row.lifecycle, row.state): row.messages for row in not_provoked(spec)}
    met = 0
    for table in spec.lifecycles.values():
        keyed = [m for m in spec.messages.values() if table.key in m.fields.get("request", {})]
        asked = [m.name for m in keyed if asked_on_a_channel(spec, m) and f"{m.name}:request" in table.alphabet]
        for state in table.states:
            unknown = [name for name in asked if (state, f"{name}:request") not in table.rows]
            if unknown and state == table.initial:
                assert {f"{table.id}.{state}.{name}" for name in unknown} <= made
            elif unknown:
                assert (f"{table.id}.{state}" in made) != ((table.id, state) in told)
                assert told.get((table.id, state), tuple(unknown)) == tuple(unknown)
            met += len(unknown)
    assert met >= least


def test_stories_lead_to_the_states_that_can_be_held() -> None:
    assert {"call.ended", "call.ringing", "call.none.call.bye"} <= wrong_states(first())
    assert {row.state: row.reason for row in not_provoked(first()) if row.lifecycle == "call"} == {
        "invited": "it lasts only until call.invite is answered",
        "answering": "it lasts only until call.answer is answered",
        "rejecting": "it lasts only until call.reject is answered",
        "answered": "the device may leave it by itself: call.bye, media.offer",
    }


def test_a_walk_leads_where_no_story_does() -> None:
    assert {state for state in wrong_states(second()) if state.startswith("locker")} == {
        "locker.empty.locker.open", "locker.loaded", "locker.taken",
    }  # fmt: skip
    assert [(row.state, row.reason) for row in not_provoked(second())] == [
        ("opened", "the device may leave it by itself: locker.taken")
    ]


def test_who_asks_for_the_coverage_reads_what_is_out_of_reach() -> None:
    told = coverage(first(), generated_cases(first()))
    assert "call answered: media.answer, media.candidate (the device may leave it by itself: call.bye, media.offer)" in told


def test_a_way_ends_where_the_table_of_the_pack_says() -> None:
    """The states of another pack have other names, and its table may not go along with a story at all."""
    call = first().lifecycles["call"]
    names = {state: f"s{number}" for number, state in enumerate(call.states)}
    rows = {(names[state], event): names[to] for (state, event), to in call.rows.items()}
    renamed = replace(call, states=tuple(names.values()), initial=names[call.initial], rows=rows)
    made = wrong_states(with_table(first(), renamed))
    assert {f"call.{names['ended']}", f"call.{names['ringing']}"} <= made
    silent = forbidding(call, ("invited", "call.invite:result"))
    other = with_table(first(), silent)
    assert not {"call.ended", "call.ringing"} & wrong_states(other)
    assert {row.state: row.reason for row in not_provoked(other)}["ended"] == "no story leads there"


def test_a_request_leads_where_its_answer_does() -> None:
    call = first().lifecycles["call"]
    assert settled(call, "none", "call.invite:request") == "ringing"
    assert settled(call, "ringing", "call.cancel:request") == "ended"


def test_a_state_is_planned_only_where_its_way_can_be_gone() -> None:
    ringing = generated_cases(first())["gen.wrong-state.call.ringing"]
    assert set(ringing.verbs) == {"card", "call_policy"}
    assert {"call.invite", "call.cancel", "session.open", "media.candidate"} <= set(ringing.roles)
    assert {"T-RING", "T-ANSWER", "T-TICKET", "T-ACK"} <= set(timers_of(ringing.procedure))
    assert "T-COMMAND" in timers_of(generated_cases(second())["gen.wrong-state.locker.taken"].procedure)


def run(spec: Spec, *cases: str) -> RunResult:
    chosen = frozenset(f"gen.wrong-state.{case}" for case in cases)
    return MemoryLab(spec).run(load_device(ROOT / "devices" / "reference.toml"), selection=Selection(cases=chosen))


def test_each_message_is_an_occasion_of_its_own() -> None:
    result = run(first(), "call.ended", "call.ringing")
    assert result.verdict is Verdict.PASS
    held = {o.id: o.held for clause in result.clauses for o in clause.obligations}
    assert (held["ROB-003.a"], held["SIG-010.a"], held["ROB-005.a"]) == (4 + 3, 4, 4 + 3)


def test_the_ways_of_tickets_and_sessions_lead_where_they_say() -> None:
    """The tables of this pack forbid nothing there; these do, and the device, which keeps to the pack's, is caught each time."""
    ticket, session = first().lifecycles["ticket"], first().lifecycles["session"]
    ticket = forbidding(ticket, ("issued", "ticket.updated:request"), ("called", "ticket.called:request"))
    session = forbidding(session, ("open", "session.opened:request"), ("closed", "session.closed:request"))
    spec = with_table(with_table(first(), ticket), session)
    states = ("ticket.issued", "ticket.called", "session.open", "session.closed")
    assert set(states) <= wrong_states(spec)
    result = run(spec, *states)
    assert {case.id.removeprefix("gen.wrong-state."): case.reason for case in result.cases} == dict.fromkeys(states, "ROB-003.a")
