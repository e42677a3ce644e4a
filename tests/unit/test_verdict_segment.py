"""A run that goes on after a stop: nothing spans the cut, and what the old bench did is over (decision 10)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from conformance.spec.loader import load
from conformance.trace.observation import Observation
from conformance.trace.transcript import Transcript
from conformance.verdict.context import Context
from conformance.verdict.settings import settings_of

SPEC = load()


def _transcript(rows: list[tuple[float, str, str, str, Mapping[str, Any], bytes]]) -> Transcript:
    observations = [
        Observation(n, t, "", iface, direction, kind, raw, facts)  # type: ignore[arg-type]
        for n, (t, iface, direction, kind, facts, raw) in enumerate(rows)
    ]
    return Transcript.from_observations(observations, SPEC)


def _frame(direction: str, t: float, document: Mapping[str, Any]) -> tuple[float, str, str, str, Mapping[str, Any], bytes]:
    return (t, "I2", direction, "ws.frame", {"conn": "i2-1", "opcode": 1, "fin": True}, json.dumps(document).encode())


SEGMENT = (5.0, "", "-", "segment", {"after": "0" * 64}, b"")
META = {"seq": 1, "seen": 0, "boot_id": "b", "epoch": 1}
QUERY = {"jsonrpc": "2.0", "id": 1, "method": "status.query", "params": {}, "meta": META}


def test_a_fault_that_the_stop_cut_off_excuses_nothing_after_it() -> None:
    fault = (1.0, "", "-", "fault.start", {"name": "net.cut", "recovery": "T-RECONNECT"}, b"")
    transcript = _transcript([fault, SEGMENT, (9.0, "", "-", "wait", {}, b"")])
    context = Context(transcript.entries, settings_of(SPEC, {}, ()))
    assert context.suspended(2.0, 3.0)
    assert not context.suspended(6.0, 8.0)


def test_a_reply_after_the_stop_answers_nothing_from_before() -> None:
    result = {"jsonrpc": "2.0", "id": 1, "result": {}, "meta": META}
    joined = _transcript([_frame("bench", 1.0, QUERY), _frame("iut", 6.0, result)])
    assert joined[1].request is joined[0]
    cut = _transcript([_frame("bench", 1.0, QUERY), SEGMENT, _frame("iut", 6.0, result)])
    assert cut[2].request is None


def test_the_same_bytes_after_the_stop_are_no_repeat() -> None:
    again = _transcript([_frame("bench", 1.0, QUERY), _frame("bench", 2.0, QUERY)])
    assert again[1].repeat
    cut = _transcript([_frame("bench", 1.0, QUERY), SEGMENT, _frame("bench", 6.0, QUERY)])
    assert not cut[2].repeat


def test_what_a_person_was_asked_counts_from_when_it_was_done() -> None:
    asked = (1.0, "I6", "-", "stimulus", {"id": "s1", "verb": "card", "by": "operator"}, b"")
    done = (9.0, "I6", "-", "stimulus.done", {"id": "s1", "ok": True}, b"")
    transcript = _transcript([asked, done])
    assert Context(transcript.entries, settings_of(SPEC, {}, ())).begins(transcript[0]) == 9.0
    program = (1.0, "I6", "-", "stimulus", {"id": "s1", "verb": "card", "by": "http"}, b"")
    transcript = _transcript([program, done])
    assert Context(transcript.entries, settings_of(SPEC, {}, ())).begins(transcript[0]) == 1.0
