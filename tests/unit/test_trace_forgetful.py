"""A transcript that forgets: what it still holds means the same as in one that keeps all."""

from __future__ import annotations

import gc
from typing import Any

import orjson

from conformance.spec.loader import load
from conformance.trace.observation import Observation
from conformance.trace.transcript import Entry, Transcript

SPEC = load()
REPORT = SPEC.examples["peripheral.report/request"]


def frame(n: int, direction: Any, message: dict[str, Any]) -> Observation:
    meta = {"seq": n // 2 + 1, "seen": n // 2, "boot_id": "boot-0001", "epoch": 1}
    raw = orjson.dumps({"jsonrpc": "2.0", **message, "meta": meta})
    return Observation(n, n / 10, "load", "I2", direction, "ws.frame", raw, {"conn": "ws-1", "opcode": 1, "fin": True})


def exchanges(count: int) -> list[Observation]:
    rows = []
    for k in range(count):
        rows.append(frame(2 * k, "iut", {"id": f"h-{k}", "method": "peripheral.report", "params": REPORT}))
        rows.append(frame(2 * k + 1, "bench", {"id": f"h-{k}", "result": {"accepted": True}}))
    return rows


def test_what_is_held_reads_as_in_a_whole_transcript() -> None:
    whole, forgetful = Transcript(SPEC), Transcript(SPEC, keep=10)
    for row in exchanges(50):
        whole.feed(row)
        forgetful.feed(row)
    assert 10 <= len(forgetful) <= 20
    for entry in list(forgetful)[1:]:  # the first may be an answer whose question is forgotten
        same = whole[entry.n]
        assert (entry.kind, entry.name, entry.body, entry.seq) == (same.kind, same.name, same.body, same.seq)
        assert (entry.request and entry.request.n) == (same.request and same.request.n)
    assert [e.n for e in forgetful.since(95)] == [95, 96, 97, 98, 99]


def test_an_entry_that_somebody_holds_can_still_be_read_when_it_is_forgotten() -> None:
    forgetful = Transcript(SPEC, keep=5)
    held = forgetful.feed(exchanges(1)[0])
    for row in exchanges(40)[2:]:
        forgetful.feed(row)
    assert held not in forgetful.entries
    assert held.name == "peripheral.report"
    assert held.get("event_id") == REPORT["id"]


def test_decoding_is_shared_only_where_nothing_precedes_the_frame() -> None:
    envelope = SPEC.envelopes["jsonrpc"]
    transcript = Transcript(SPEC)
    rows = exchanges(1)
    decoded = envelope.decode(rows[0].raw)
    assert transcript.feed(rows[0], decoded).doc is decoded.doc
    half = Observation(1, 0.1, "", "I2", "iut", "ws.frame", rows[0].raw[:40], {"conn": "ws-1", "opcode": 1, "fin": False})
    rest = Observation(2, 0.2, "", "I2", "iut", "ws.frame", rows[0].raw[40:], {"conn": "ws-1", "opcode": 0, "fin": True})
    transcript.feed(half)
    assert transcript.feed(rest, decoded).doc is not decoded.doc


def test_what_is_forgotten_is_gone_without_the_collector() -> None:
    forgetful = Transcript(SPEC, keep=5)
    gc.collect()
    gc.disable()
    try:
        for row in exchanges(40):
            assert forgetful.feed(row).kind  # read, and so paired
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        assert not [found for found in gc.garbage if isinstance(found, Entry)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert forgetful[-1].request is forgetful[-2]
