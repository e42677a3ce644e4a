"""The rules about time: each decides, doubts at the guard band, and excuses what an injected fault explains."""

from __future__ import annotations

import pytest
from verdict_helpers import Tape, ns

from conformance.verdict.predicates import RuleError

ACK = {"after": {"message": "command", "kind": "request"}, "expect": {"kind": "result"}, "timer": "T-ACK", "reply": True}
BEAT = {"of": {"message": "heartbeat", "kind": "request"}, "timer": "T-BEAT"}


def answered_after(seconds: float) -> Tape:
    tape = Tape()
    command = tape.call("bench", "command", command_id="k1")
    tape.at(seconds).answer(command)
    tape.at(3).observe("case.end")
    return tape


@pytest.mark.parametrize(
    ("seconds", "held", "violated", "doubts"),
    [
        (0.1, [1], [], []),
        (0.495, [1], [], []),
        (0.4951, [], [], [(1, "thin")]),
        (0.505, [], [], [(1, "thin")]),
        (0.506, [], [1], []),
    ],
)
def test_within_decides_outside_the_guard_band_only(
    seconds: float, held: list[int], violated: list[int], doubts: list[tuple[int, str]]
) -> None:
    assert ns(answered_after(seconds).judge("within", **ACK)) == (held, violated, doubts)


def test_within_without_an_answer_is_violated_only_when_the_time_was_up() -> None:
    tape = Tape()
    tape.call("bench", "command", command_id="k1")
    tape.at(0.4).observe("case.end")
    assert ns(tape.judge("within", **ACK)) == ([], [], [(0, "trace-ended")])
    tape.at(0.6).observe("case.end")
    outcome = tape.judge("within", **ACK)
    assert ns(outcome) == ([], [0], [])
    assert outcome.violated[0].seen == "absent"
    assert outcome.violated[0].around == (1,)  # decided when the time was up


def test_within_takes_a_wrong_answer_as_a_violation() -> None:
    tape = Tape()
    command = tape.call("bench", "command", command_id="k1")
    tape.at(0.1).answer(command, error=-32601)
    outcome = tape.judge("within", **ACK)
    assert ns(outcome) == ([], [1], [])
    assert outcome.violated[0].seen == "command:error -32601"


def test_within_is_suspended_by_a_fault_and_its_recovery() -> None:
    tape = Tape()
    tape.observe("fault.start", name="cut", recovery="T-RECOVER")
    tape.at(1).observe("fault.end", name="cut")
    tape.at(2.9).call("bench", "command", command_id="k1")
    tape.at(3.1).call("bench", "command", command_id="k2")
    tape.at(9).observe("case.end")
    assert ns(tape.judge("within", **ACK)) == ([], [3], [])
    assert ns(tape.judge("within", **ACK, under_fault=True)) == ([], [2, 3], [])


def test_within_joins_by_field_and_may_be_cancelled() -> None:
    tape = Tape()
    tape.call("bench", "command", command_id="k1")
    tape.call("bench", "command", command_id="k2")
    tape.at(0.2).call("iut", "report", command_id="k2")
    tape.at(0.3).observe("conn.close", conn="c1")
    tape.at(5).observe("case.end")
    params = {
        "after": {"message": "command"}, "expect": {"message": "report"}, "timer": "T-ACK",
        "join": {"command_id": "command_id"},
    }  # fmt: skip
    assert ns(tape.judge("within", **params)) == ([2], [0], [])
    assert ns(tape.judge("within", **params, until={"observation": "conn.close"})) == ([2], [], [])


def test_within_blames_nobody_for_what_the_bench_did_not_ask() -> None:
    params = {
        "after": {"message": "command"}, "expect": {"message": "report"}, "timer": "T-ACK", "needs": {"message": "status.query"},
    }  # fmt: skip
    tape = Tape()
    tape.call("bench", "command", command_id="k1")
    tape.at(5).observe("case.end")
    assert ns(tape.judge("within", **params)) == ([], [], [(0, "trace-ended")])
    tape = Tape()
    tape.call("bench", "command", command_id="k1")
    tape.at(0.1).call("bench", "status.query")
    tape.at(5).observe("case.end")
    assert ns(tape.judge("within", **params)) == ([], [0], [])


def test_a_limit_that_still_runs_says_until_when() -> None:
    tape = Tape()
    tape.call("bench", "command", command_id="k1")
    tape.at(0.1).observe("case.end")
    doubt = tape.judge("within", after={"message": "command"}, expect={"message": "report"}, timer="T-ACK").undecidable[0]
    assert doubt.reason == "trace-ended"
    assert doubt.until == pytest.approx(0.5, abs=0.01)


def test_within_knows_a_lower_bound() -> None:
    params = ACK | {"timer": "T-BEAT", "at_least": "T-ACK"}
    assert ns(answered_after(0.2).judge("within", **params)) == ([], [1], [])
    assert ns(answered_after(0.5).judge("within", **params)) == ([], [], [(1, "thin")])
    assert ns(answered_after(0.7).judge("within", **params)) == ([1], [], [])


def beats(*times: float, end: float | None = None) -> Tape:
    tape = Tape()
    for t in times:
        tape.at(t).call("iut", "heartbeat", state="idle")
    tape.at(times[-1] if end is None else end).observe("case.end")
    return tape


def test_within_takes_a_lower_bound_from_the_message() -> None:
    params = ACK | {"timer": "T-BEAT", "not_before": "/params/wait_s"}
    for seconds, held, violated in ((0.31, [1], []), (0.29, [], [1])):
        for field in ("wait_s", "wait_ms"):
            tape = Tape()
            command = tape.call("bench", "command", command_id="k1", wait_s=0.3, wait_ms=300)
            tape.at(seconds).answer(command)
            assert ns(tape.judge("within", **{**params, "not_before": f"/params/{field}"})) == (held, violated, [])
    tape = Tape()
    tape.at(0.1).answer(tape.call("bench", "command", command_id="k1", wait_s="soon"))
    with pytest.raises(RuleError, match="tells no time: 'soon'"):
        tape.judge("within", **params)


def test_interval_bounds_gaps_on_both_sides() -> None:
    assert ns(beats(0, 1.0, 2.05).judge("interval", **BEAT)) == ([1, 2], [], [])
    assert ns(beats(0, 1.2).judge("interval", **BEAT)) == ([], [1], [])
    assert ns(beats(0, 0.5).judge("interval", **BEAT)) == ([], [1], [])
    assert ns(beats(0, 1.1).judge("interval", **BEAT)) == ([], [], [(1, "thin")])


def test_interval_notices_that_it_stopped() -> None:
    assert ns(beats(0, 1, end=2).judge("interval", **BEAT)) == ([1], [], [])
    assert ns(beats(0, 1, end=3).judge("interval", **BEAT)) == ([1], [1], [])


def test_interval_begins_anew_after_a_reset_and_on_another_connection() -> None:
    tape = beats(0, 1.0)
    tape.at(1.2).observe("conn.close", conn="c1")
    tape.at(4).call("iut", "heartbeat", state="idle", facts={"conn": "c2"})
    assert ns(tape.judge("interval", **BEAT, reset_by={"observation": "conn.close"})) == ([1], [], [])
    assert ns(tape.judge("interval", **BEAT)) == ([1], [], [])


def test_our_own_cut_never_breaks_a_heartbeat() -> None:
    tape = beats(0, 1.0)
    tape.at(1.1).observe("fault.start", name="cut", recovery="T-RECOVER")
    tape.at(3).observe("fault.end", name="cut")
    tape.at(4.5).call("iut", "heartbeat", state="idle")
    tape.at(5.2).observe("case.end")
    assert ns(tape.judge("interval", **BEAT)) == ([1], [], [])


GROW = {"of": {"message": "heartbeat"}, "floor": "T-FLOOR", "cap": "T-CAP", "reset_by": {"message": "command"}}


def test_growing_accepts_a_back_off_and_refuses_a_hammer() -> None:
    assert ns(beats(0, 0.1, 0.3, 0.7, 1.5, 2.3).judge("growing", **GROW)) == ([1, 2, 3, 4, 5], [], [])
    hammer = beats(0, 0.1, 0.2, 0.3, 0.4, 0.5).judge("growing", **GROW)
    assert ns(hammer)[1] == [3, 4, 5]  # 100 ms against bases of 225 ms and more, halved for jitter
    assert ns(beats(0, 1.3).judge("growing", **GROW)) == ([], [1], [])
    assert ns(beats(0, 0.05).judge("growing", **GROW)) == ([], [], [(1, "thin")])


def test_growing_begins_anew_after_a_reset() -> None:
    tape = beats(0, 0.1, 0.3, 0.7)
    tape.call("bench", "command", command_id="k")
    tape.at(0.9).call("iut", "heartbeat", state="idle")
    tape.at(1.0).call("iut", "heartbeat", state="idle")
    assert ns(tape.judge("growing", **GROW))[1] == []
