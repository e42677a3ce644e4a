"""Predicates and matchers."""

from __future__ import annotations

from typing import Any

import pytest
from verdict_helpers import Tape

from conformance.protocol.pointer import MISSING
from conformance.verdict.context import Context
from conformance.verdict.match import compile_matcher
from conformance.verdict.predicates import RuleError, Scene, compile_predicate
from conformance.verdict.settings import Settings


def scene_of(pics: dict[str, Any]) -> Scene:
    tape = Tape()
    entry = tape.call("iut", "report", id="e", value="v")
    other = tape.call("bench", "command", command_id="v", list=[{"id": 1}, {"id": 2}, {}])
    return Scene(entry, other, Settings(tape.transcript.spec, pics=pics))


def ask(data: Any, value: Any, *, pics: dict[str, Any] | None = None) -> bool:
    return compile_predicate(data).test(value, scene_of(pics or {}))


@pytest.mark.parametrize(
    ("data", "yes", "no"),
    [
        (1, 1, True),
        (True, True, 1),
        ("a", "a", MISSING),
        ({"eq": [1]}, [1], [True]),
        ({"eq": {"a": 1}}, {"a": 1}, {"a": True}),
        (["a", "b"], "b", "c"),
        ({"ne": 1}, MISSING, 1),
        ({"in": [1, 2]}, 2, 3),
        ({"not_in": [1, 2]}, 3, 2),
        ({"lt": 3}, 2, 3),
        ({"le": 3}, 3, 4),
        ({"gt": 3}, 3.5, True),
        ({"ge": 3, "le": 5}, 5, 6),
        ({"gt": "a"}, "b", 1),
        ({"matches": "[0-9]+"}, "12", "12a"),
        ({"matches": ".*"}, "", 3),
        ({"present": True}, None, MISSING),
        ({"present": False}, MISSING, None),
        ({"length": {"min": 1, "max": 2}}, "ab", []),
        ({"length": {"max": 2}}, {}, 1),
        ({"type": "integer"}, 1, True),
        ({"type": ["string", "null"]}, None, 1),
        ({"contains": "b"}, ["a", "b"], ["a"]),
        ({"contains": "b"}, "abc", None),
        ({"contains": "b"}, {"0": "b"}, {"b": "0"}),
        ({"held_by": {"joined": "/params/list", "at": "/id"}}, [{"id": 2}], [{"id": 2}, {"id": 4}]),
        ({"held_by": {"joined": "/params/list", "at": "/id"}}, [], None),
        ({"each": {"gt": 0}}, [1, 2], [1, 0]),
        ({"any": [{"eq": 1}, {"eq": 2}]}, 2, 3),
        ({"all": [{"ge": 1}, {"le": 2}]}, 2, 3),
        ({"any": {"gt": 5}}, [1, 6], [1]),
        ({"all": {"gt": 5}}, [6], [1, 6]),
        ({"each": {"/id": {"type": "string"}}}, [{"id": "a"}], [{}]),
        ({"same_as": "value"}, "v", "w"),
        ({"joined": "command_id"}, "v", MISSING),
    ],
)
def test_predicates(data: Any, yes: Any, no: Any) -> None:
    assert ask(data, yes) is True
    assert ask(data, no) is False


def test_a_list_may_be_asked_for_everything_that_is_declared() -> None:
    declared = {"X": ["a", "b"]}
    assert ask({"has_all": {"pics": "X"}}, ["b", "c", "a"], pics=declared)
    assert not ask({"has_all": {"pics": "X"}}, ["a"], pics=declared)
    assert not ask({"has_all": {"pics": "X"}}, "ab", pics=declared)
    assert ask({"has_all": {"pics": "X", "at": "/class"}}, [{"class": "a"}, {"class": "b"}], pics=declared)
    assert not ask({"has_all": {"pics": "X", "at": "/class"}}, [{"class": "a"}, "b"], pics=declared)


def test_times_are_compared_as_instants() -> None:
    far = compile_predicate({"far_from": {"field": "value", "seconds": 7}})
    scene = scene_of({})

    def asked(told: Any, near: Any) -> bool:
        return far.test(told, Scene({"value": near}, None, scene.declared))

    near = "2026-03-02T09:30:00+08:00"
    assert not asked("2026-03-02T01:30:07Z", near)
    assert not asked("2026-03-02t01:29:60z", near), "a leap second"
    assert asked("2026-03-02T01:30:07.1Z", near)
    assert asked("2026-03-02T09:30:00Z", near)
    for other in ("2026-03-02T09:30:00", "soon", 5, None, MISSING):  # no time: far from nothing
        assert not asked(other, near)
        assert not asked(near, other)


def test_what_is_not_there_is_named() -> None:
    """And of several things that are asked at once only those that fail."""
    made = compile_predicate({"length": {"min": 1}, "has_all": {"pics": "X", "at": "/class"}})
    scene = scene_of({"X": ["a", "b"]})
    assert made.unmet([{"class": "a"}], scene) == "all that is declared in X (not there: b)"
    assert made.unmet([], scene) == "length 1.. and all that is declared in X (not there: a, b)"


def test_declared_sets_are_upper_bounds() -> None:
    assert ask({"pics": "X"}, ["a"], pics={"X": ["a", "b"]})
    assert not ask({"pics": "X"}, ["c"], pics={"X": ["a", "b"]})
    assert ask({"pics": "X"}, True, pics={"X": True})


@pytest.mark.parametrize(
    "data",
    [
        {"near": 3}, {"in": "abc"}, {"matches": "("}, {"type": "word"}, {"length": 3}, {"present": "yes"},
        {"held_by": "list"}, {"has_all": "X"}, {"far_from": {"field": "t"}},
    ],
)
def test_a_bad_predicate_is_a_rule_error(data: Any) -> None:
    with pytest.raises(RuleError):
        compile_predicate(data)


def test_a_bad_matcher_is_a_rule_error() -> None:
    for data in ("report", {"mesage": "report"}, {"message": 3}, {"where": ["value"]}):
        with pytest.raises(RuleError):
            compile_matcher(data)


def found(tape: Tape, **matcher: Any) -> list[int]:
    data = {key.rstrip("_"): value for key, value in matcher.items()}
    return [e.n for e in Context(tape.transcript.entries, Settings(tape.transcript.spec)).matches(data)]


def test_matchers() -> None:
    tape = Tape()
    invite = tape.call("bench", "call.invite", call_id="c")  # 0
    tape.answer(invite, state="ringing")  # 1
    tape.call("iut", "call.answer", call_id="c")  # 2
    tape.call("iut", "report", id="e")  # 3
    tape.observe("conn.close", conn="c1")  # 4
    tape.frame("iut", b"{")  # 5
    assert found(tape, message="call.*") == [0, 1, 2]
    assert found(tape, message=["report", "call.invite"]) == [0, 1, 3]
    assert found(tape, message="call.invite", kind="result") == [1]
    assert found(tape, role="report") == [3]
    assert found(tape, from_="iut") == [1, 2, 3]
    assert found(tape, from_="iut", kind="malformed") == [5]
    assert found(tape, observation="conn.close") == [4]
    assert found(tape, observation=["ws.frame", "conn.close"], from_="-") == [4]
    assert found(tape, interface=["I3"]) == []
    assert found(tape, message="call.invite", where={"state": "ringing"}) == [1]
    assert found(tape, kind="request", where={"reply.state": "ringing"}) == [0]
