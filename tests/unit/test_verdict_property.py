"""Whatever a transcript holds, the judge judges: it never raises, it is deterministic, and it is fast."""

from __future__ import annotations

import json
import time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from verdict_helpers import Tape, clause, make_spec, obligation, rule

from conformance.spec.model import Clause, Verification
from conformance.trace.transcript import Transcript
from conformance.verdict.judge import Hearing, judge_case, judge_run
from conformance.verdict.model import Verdict

REPORT = {"message": "report", "kind": "request"}
COMMAND = {"message": "command", "kind": "request"}
ANY = {"from": "iut", "kind": ["request", "result", "error", "notification", "malformed"]}
JOIN = {"command_id": "command_id"}
RULES = (
    rule("each", of=ANY, that={"value": {"gt": 3}, "facts.signature.ok": True, "/meta/seq": {"type": "integer"}}),
    rule("schema", of={"from": "iut", "message": "report", "kind": ["request", "malformed"]}),
    rule("within", after=COMMAND, expect=REPORT, timer="T-ACK", join=JOIN, until={"observation": "conn.close"}),
    rule("within", after=COMMAND, expect={"kind": "result"}, timer="T-ACK", reply=True, at_least="T-QUIET"),
    rule("never", forbid=REPORT, after=COMMAND, for_="T-QUIET"),
    rule("never", forbid={"observation": "device.exit"}),
    rule("preceded", each=REPORT, by=COMMAND, join=JOIN, not_since={"observation": "conn.close"}),
    rule("count", of=REPORT, per=["event_id"], max=1),
    rule("count", of=REPORT, after=COMMAND, for_="T-QUIET", min=1, max=2, join=JOIN),
    rule("distinct", "session", of=REPORT, field="event_id"),
    rule("constant", of=REPORT, field="value", per=["event_id"]),
    rule("interval", of=REPORT, timer="T-BEAT", reset_by={"observation": "conn.close"}),
    rule("growing", of=REPORT, floor="T-FLOOR", cap="T-CAP", reset_by=COMMAND),
    rule("sequence", "session", of=ANY, field="seq", start=1, per=["iface"]),
    rule("ordered", of=REPORT, field="value"),
    rule("lifecycle", lifecycle="call"),
)


def pack() -> list[Clause]:
    return [clause(obligation(f"CHN-{i:03}.a", r)) for i, r in enumerate(RULES)] + [
        clause(obligation("OPS-001.a", None, verification=Verification.OPERATOR))
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
NAMES = st.sampled_from(["command", "report", "heartbeat", "call.invite", "call.answer", "call.cancel", "nonsense"])
PARAMS = st.dictionaries(st.sampled_from(["id", "value", "command_id", "call_id"]), JSON, max_size=4) | JSON
META = st.dictionaries(st.sampled_from(["seq", "seen", "epoch", "boot_id"]), JSON, max_size=4) | JSON
REQUEST = st.fixed_dictionaries({"jsonrpc": st.just("2.0"), "id": JSON, "method": NAMES, "params": PARAMS, "meta": META})
REPLY = st.fixed_dictionaries({"jsonrpc": st.just("2.0"), "id": JSON, "meta": META}) .flatmap(
    lambda doc: st.sampled_from([doc | {"result": {}}, doc | {"error": {"code": -1, "message": ""}}])
)  # fmt: skip
FRAME = (REQUEST | REPLY).map(lambda doc: json.dumps(doc).encode()) | st.binary(max_size=12)
FACTS = st.dictionaries(
    st.sampled_from(["id", "name", "recovery", "ok", "what", "scope", "obligation", "conn", "p999_ms"]),
    st.sampled_from([True, False, None, "x", "T-ACK", "run", "OPS-001.a", 3, [], {}]), max_size=5,
)  # fmt: skip
KINDS = st.sampled_from(
    ["case.start", "case.end", "bench.error", "environment", "fault.start", "fault.end", "prompt", "prompt.answer",
     "segment", "stimulus", "stimulus.done", "wait", "wait.end", "conn.close", "device.exit", "tls.failed", "bench.lag",
     "bench.starved", "run.start", "plan", "http.request", "http.response"]
)  # fmt: skip
STEP = st.tuples(st.floats(0, 1), st.sampled_from(["", "a", "b"])) .flatmap(
    lambda when: st.one_of(
        st.tuples(st.just(when), st.just("frame"), st.sampled_from(["iut", "bench"]), FRAME),
        st.tuples(st.just(when), KINDS, st.sampled_from(["iut", "bench", "-"]), FACTS),
    )
)  # fmt: skip


def played(steps: list[Any]) -> Transcript:
    tape = Tape(make_spec(*pack()))
    for (wait, case), kind, sender, content in steps:
        tape.at(tape.now + wait).current = case
        if kind == "frame":
            tape.frame(sender, content)
        else:
            tape.observe(kind, dir_=sender, **content)
    return tape.transcript


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=25))
def test_the_judge_never_raises_and_says_the_same_twice(steps: list[Any]) -> None:
    transcript = played(steps)
    result = judge_run(transcript, transcript.spec)
    assert result == judge_run(transcript, transcript.spec)
    assert result.exit_code in (0, 1, 2, 3, 4)
    assert len(result.clauses) == len(transcript.spec.clauses)
    for case in transcript.cases():
        judge_case(Hearing(transcript, transcript.spec), case)


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, max_size=25))
def test_a_rule_of_the_catalogue_never_errs_on_what_a_device_sends(steps: list[Any]) -> None:
    transcript = played([step for step in steps if step[1] in ("frame", "case.start", "case.end", "conn.close")])
    for result in judge_run(transcript, transcript.spec).clauses:
        assert result.verdict is not Verdict.ERROR, result


def test_a_long_run_is_judged_fast() -> None:
    clauses = [clause(obligation(f"CHN-{i:03}.a", RULES[i % len(RULES)])) for i in range(250)]
    tape = Tape(make_spec(*clauses))
    for number in range(80):
        tape.start(f"case-{number}")
        for index in range(10):
            command = tape.at(tape.now + 0.05).call("bench", "command", command_id=f"{number}-{index}")
            tape.at(tape.now + 0.02).answer(command)
            report = tape.call("iut", "report", id=f"{number}-{index}", value=4, command_id=f"{number}-{index}")
            tape.answer(report)
        tape.end()
    began = time.process_time()
    judge_run(tape.transcript, tape.transcript.spec)
    # 250 rules that all meet every message, far denser than a pack: 1 s on one busy core; the bound is against the quadratic
    assert time.process_time() - began < 4
