"""What lies inside the guard band is settled by others, or leaves the case open so that it is taken again."""

from __future__ import annotations

import pytest
from verdict_helpers import Tape, clause, make_spec, obligation, rule

from conformance.spec.model import Verification
from conformance.verdict.judge import judge_run
from conformance.verdict.model import RunResult, Verdict

ACK = rule("within", after={"message": "command", "kind": "request"}, expect={"kind": "result"}, timer="T-ACK", reply=True)


def judged(seconds: list[float], *, occasions: int, own: bool = False) -> RunResult:
    """One case with commands that are answered after these seconds; the limit is 0.5 s."""
    more = {"verification": Verification.PROCEDURE, "stimulus": "chn.ack"} if own else {}
    only = clause(obligation("CHN-001.a", ACK, occasions=occasions, **more))
    tape = Tape(make_spec(only), started_at="2030-01-10T08:00:00+00:00", profile="ci")
    tape.observe("plan", selected=["CHN-001.a"], cases=[{"id": "chn.ack", "obligations": ["CHN-001.a"]}])
    tape.start("chn.ack")
    for number, wait in enumerate(seconds):
        command = tape.call("bench", "command", command_id=f"k{number}")
        tape.at(tape.now + wait).answer(command)
    tape.at(tape.now + 1).end()
    return judge_run(tape.transcript, tape.transcript.spec)


@pytest.mark.parametrize(
    ("held", "thin", "verdict"),
    [(1, 5, Verdict.PASS), (1, 6, Verdict.INCONCLUSIVE), (11, 6, Verdict.INCONCLUSIVE), (12, 6, Verdict.PASS),
     (13, 7, Verdict.INCONCLUSIVE), (14, 7, Verdict.PASS)],
)  # fmt: skip
def test_one_thin_measurement_needs_two_that_held(held: int, thin: int, verdict: Verdict) -> None:
    result = judged([0.1] * held + [0.5] * thin, occasions=1)
    assert result.clauses[0].verdict is verdict
    assert result.clauses[0].reason.startswith("thin") is (verdict is not Verdict.PASS)


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [([0.1, 0.5], Verdict.INCONCLUSIVE), ([0.1, 0.5, 0.1], Verdict.PASS), ([0.1], Verdict.PASS),
     ([0.5, 0.5], Verdict.INCONCLUSIVE)],
)
def test_a_case_is_open_where_a_thin_measurement_leaves_too_few_of_its_own(seconds: list[float], verdict: Verdict) -> None:
    case = judged(seconds, occasions=2, own=True).cases[0]
    assert case.verdict is verdict
    assert case.reason.startswith("thin") is (verdict is not Verdict.PASS)


@pytest.mark.parametrize(("starved_ms", "verdict", "thin"), [(0, Verdict.FAIL, 0), (300, Verdict.PASS, 2)])
def test_a_beat_that_the_machine_held_up_excuses_the_short_gap_after_it(starved_ms: float, verdict: Verdict, thin: int) -> None:
    beat = rule("interval", "session", of={"message": "heartbeat", "kind": "request"}, timer="T-BEAT")
    spec = make_spec(clause(obligation("CHN-001.a", beat, occasions=1)))
    tape = Tape(spec, started_at="2030-01-10T08:00:00+00:00", profile="ci")
    tape.observe("plan", selected=["CHN-001.a"], cases=[])
    for second in (0.0, 1.0):
        tape.at(second).call("iut", "heartbeat", state="idle")
    if starved_ms:
        tape.at(2.2).observe("bench.starved", ms=starved_ms, since=1.5)
    tape.at(2.3).call("iut", "heartbeat", state="idle")  # due at 2.0
    tape.at(3.0).call("iut", "heartbeat", state="idle")  # by plan, 0.7 s after the late one
    tape.observe("run.end", reason="complete")
    found = judge_run(tape.transcript, tape.transcript.spec).clauses[0]
    assert (found.verdict, found.obligations[0].undecidable) == (verdict, thin)
