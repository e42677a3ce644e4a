"""The rules `each`, `schema`, `distinct`, `constant`, `sequence`, `ordered`."""

from __future__ import annotations

import json
from pathlib import Path

from verdict_helpers import Tape, make_spec, ns

REPORT = {"message": "report", "kind": "request"}


def reports(*values: object) -> Tape:
    tape = Tape()
    for number, value in enumerate(values):
        tape.call("iut", "report", id=f"e{number}", value=value)
    return tape


def test_each() -> None:
    tape = reports("ready", "broken")
    outcome = tape.judge("each", of=REPORT, that={"value": {"in": ["ready", "busy"]}})
    assert ns(outcome) == ([0], [1], [])
    assert (outcome.violated[0].expected, outcome.violated[0].seen) == ("value in ['ready', 'busy']", "value: broken")


def test_each_takes_an_absent_field_as_broken_but_an_absent_fact_as_unreadable() -> None:
    tape = Tape()
    tape.call("iut", "report", id="e", facts={"digest": {"ok": False}})
    assert ns(tape.judge("each", of=REPORT, that={"value": {"type": "string"}})) == ([], [0], [])
    assert ns(tape.judge("each", of=REPORT, that={"facts.digest.ok": True})) == ([], [0], [])
    assert ns(tape.judge("each", of=REPORT, that={"facts.signature.ok": True})) == ([], [], [(0, "unreadable")])
    assert ns(tape.judge("each", of=REPORT, that={"reply.state": "x"})) == ([], [], [(0, "trace-ended")])


def test_each_looks_at_declarations() -> None:
    tape = reports("VP8")
    that = {"value": {"pics": "RVW.CODECS"}}
    assert ns(tape.judge("each", of=REPORT, that=that, pics={"RVW.CODECS": ["VP8", "H264"]})) == ([0], [], [])
    assert ns(tape.judge("each", of=REPORT, that=that, pics={"RVW.CODECS": ["H264"]})) == ([], [0], [])
    assert ns(tape.judge("each", of=REPORT, that=that)) == ([], [], [(0, "undeclared")])


def test_what_was_sent_again_is_one_message() -> None:
    tape = reports("a")
    again = tape.transcript[0]
    tape.observe("ws.frame", dir_="iut", raw=again.raw, conn="c1", opcode=1, fin=True)
    assert ns(tape.judge("distinct", of=REPORT, field="event_id")) == ([0], [], [])
    asked = REPORT | {"where": {"repeat": True}}
    assert ns(tape.judge("never", forbid=asked))[1] == [1]


def test_schema(tmp_path: Path) -> None:
    (tmp_path / "messages").mkdir()
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "required": ["state"],
        "properties": {"state": {"enum": ["idle"]}, "extra": {"type": "object"}},
    }  # fmt: skip
    (tmp_path / "messages/heartbeat.json").write_text(json.dumps(schema))
    tape = Tape(make_spec(root=tmp_path))
    tape.call("iut", "heartbeat", state="idle")
    tape.call("iut", "heartbeat", state="dancing")
    tape.call("iut", "heartbeat", state="idle", extra=1)
    of = {"message": "heartbeat", "kind": "request"}
    outcome = tape.judge("schema", of=of)
    assert ns(outcome) == ([0], [1, 2], [])
    assert outcome.violated[0].seen == "/state: dancing"
    assert ns(tape.judge("schema", of=of, only=["/state"])) == ([0, 2], [1], [])
    assert ns(tape.judge("schema", of=of, except_=["/state"])) == ([0, 1], [2], [])


def test_schema_books_malformed_messages_where_it_is_asked_for_them() -> None:
    tape = Tape()
    tape.frame("iut", b'{"jsonrpc": "2.0", "id": 1, "id": 2}')
    assert not tape.judge("schema", of={"from": "iut"}).triggered
    assert ns(tape.judge("schema", of={"from": "iut", "kind": ["request", "malformed"]})) == ([], [0], [])


def test_distinct() -> None:
    tape = reports("a", "b", "a", True, 1)
    outcome = tape.judge("distinct", of=REPORT, field="value")
    assert ns(outcome) == ([0, 1, 3, 4], [2], [])
    assert outcome.violated[0].around == (0,)
    assert ns(tape.judge("distinct", of=REPORT, fields=["value", "event_id"])) == ([0, 1, 2, 3, 4], [], [])
    assert not tape.judge("distinct", of=REPORT, field="nowhere").triggered


def test_distinct_until_something_lies_between() -> None:
    tape = reports("a", "a")
    tape.observe("stimulus", verb="power")
    tape.call("iut", "report", value="b")
    tape.call("iut", "report", value="a")
    outcome = tape.judge("distinct", of=REPORT, field="value", until={"observation": "stimulus"})
    assert ns(outcome) == ([0, 3], [4], [])
    assert outcome.violated[0].around == (1,)


def test_constant() -> None:
    assert ns(reports("a", "a", "b").judge("constant", of=REPORT, field="value")) == ([1], [2], [])
    assert not reports("a").judge("constant", of=REPORT, field="value").triggered


def test_constant_takes_what_is_absent_or_empty_for_a_value_where_it_is_told_to() -> None:
    def judged(*values: object) -> tuple[list[int], list[int], list[tuple[int, str]]]:
        tape = Tape()
        for value in values:
            tape.call("iut", "report", **({} if value is ... else {"value": value}))
        return ns(tape.judge("constant", of=REPORT, field="value", or_none=True))

    assert judged(..., [], None, "", {}) == ([1, 2, 3, 4], [], [])
    assert judged(["a"], ["a"], ..., [], ["b"], ["a"]) == ([1, 5], [2, 3, 4], [])
    assert judged(..., ["a"], 0, False) == ([], [1, 2, 3], [])


def test_constant_begins_anew_where_it_is_told_to() -> None:
    tape = Tape()
    for value in "aa|bb|b|ba":
        if value == "|":
            tape.observe("conn.close")
        else:
            tape.call("iut", "report", value=value)
    # the first one after each end is the measure and no occasion
    assert ns(tape.judge("constant", of=REPORT, field="value", reset_by={"observation": "conn.close"})) == ([1, 4], [9], [])


def test_sequence() -> None:
    assert ns(reports(1, 2, 4).judge("sequence", of=REPORT, field="value", start=1)) == ([0, 1], [2], [])
    assert ns(reports(2, 3).judge("sequence", of=REPORT, field="value", start=1)) == ([1], [0], [])
    assert ns(reports(1, "x").judge("sequence", of=REPORT, field="value")) == ([], [1], [])


def test_sequence_asks_for_the_start_only_where_the_run_shows_it() -> None:
    tape = Tape()
    tape.observe("segment")
    tape.call("iut", "report", id="e", value=7)
    assert not tape.judge("sequence", of=REPORT, field="value", start=1).triggered


def test_ordered() -> None:
    assert ns(reports(1, 1, 3, 2).judge("ordered", of=REPORT, field="value")) == ([1, 2], [3], [])
    assert ns(reports(1, "x").judge("ordered", of=REPORT, field="value")) == ([], [], [(1, "unreadable")])
