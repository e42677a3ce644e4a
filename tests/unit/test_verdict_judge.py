"""The judge, one test for each decision that it keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from verdict_helpers import Tape, clause, make_spec, obligation, rule

from conformance.spec.model import Clause, Grade, Level, RuleDef, Verification
from conformance.verdict.judge import Hearing, judge_case, judge_run
from conformance.verdict.model import Blame, ClauseResult, RunResult, Verdict

ACK = rule("within", after={"message": "command", "kind": "request"}, expect={"kind": "result"}, timer="T-ACK", reply=True)
READY = rule("each", of={"message": "report", "kind": "request"}, that={"value": "ready"})


def tape_of(*clauses: Clause, plan: dict[str, Any] | None = None, **head: Any) -> Tape:
    tape = Tape(make_spec(*clauses), started_at="2030-01-10T08:00:00+00:00", **({"profile": "ci"} | head))
    facts: dict[str, Any] = {"selected": [o.id for c in clauses for o in c.obligations], "cases": [{"id": "chn.ack"}]}
    tape.observe("plan", **(facts | (plan or {})))
    return tape


def run(tape: Tape) -> RunResult:
    return judge_run(tape.transcript, tape.transcript.spec)


def only(tape: Tape) -> ClauseResult:
    return run(tape).clauses[0]


def acked(tape: Tape, seconds: float = 0.1, case: str = "chn.ack") -> Tape:
    tape.start(case)
    command = tape.call("bench", "command", command_id="k")
    tape.at(tape.now + seconds).answer(command)
    tape.at(tape.now + 1).end()
    return tape


def reported(tape: Tape, *values: str, case: str = "chn.ack") -> Tape:
    tape.start(case)
    for value in values:
        tape.call("iut", "report", id="e", value=value)
    tape.end()
    return tape


def chn(level: Level = Level.MUST, rule_def: RuleDef | None = ACK, cid: str = "CHN-001", **more: Any) -> Clause:
    return clause(obligation(f"{cid}.a", rule_def, **more), level=level)


def test_pass() -> None:
    result = run(acked(tape_of(chn())))
    assert (result.verdict, result.gate, result.exit_code) == (Verdict.PASS, Verdict.PASS, 0)
    assert result.clauses[0].obligations[0].held == 1
    assert result.cases[0].verdict is Verdict.PASS
    assert result.cases[0].seconds == pytest.approx(1.1)


def test_fail() -> None:
    result = run(acked(tape_of(chn()), seconds=0.9))
    assert (result.verdict, result.exit_code) == (Verdict.FAIL, 1)
    assert result.clauses[0].blame is Blame.DEVICE
    assert (result.cases[0].verdict, result.cases[0].reason) == (Verdict.FAIL, "CHN-001.a")
    assert result.cases[0].clauses == ("CHN-001",)


def test_never_exercised_is_inconclusive() -> None:
    result = run(reported(tape_of(chn()), "ready"))
    assert (result.verdict, result.exit_code) == (Verdict.INCONCLUSIVE, 3)
    assert result.clauses[0].reason == "not-exercised"


def test_too_few_occasions_are_inconclusive() -> None:
    assert only(acked(tape_of(chn(occasions=2)))).reason == "too-few: 1/2"
    assert only(acked(acked(tape_of(chn(occasions=2))), case="chn.more")).verdict is Verdict.PASS


def test_not_selected_is_neither_green_nor_inconclusive() -> None:
    chosen, left = chn(), chn(cid="CHN-002")
    tape = tape_of(chosen, left, plan={"selected": ["CHN-001.a"], "not_selected": [{"id": "CHN-002.a", "reason": "no"}]})
    result = run(acked(tape))
    assert result.verdict is Verdict.PASS
    assert (result.clauses[1].verdict, result.clauses[1].reason) == (Verdict.NOT_SELECTED, "no")
    nothing = tape_of(left, plan={"selected": [], "not_selected": ["CHN-002"], "cases": []})
    nothing.call("iut", "heartbeat", state="idle")
    assert run(nothing).exit_code == 3


def test_not_applicable() -> None:
    tape = tape_of(chn(), plan={"selected": [], "not_applicable": [{"id": "CHN-001.a", "reason": "no printer"}]})
    assert only(reported(tape, "ready")).verdict is Verdict.NOT_APPLICABLE


def test_a_violated_should_is_a_remark() -> None:
    result = run(acked(acked(tape_of(chn(level=Level.SHOULD), chn(cid="CHN-002", rule_def=READY))), seconds=0.9))
    assert (result.clauses[0].verdict, result.clauses[0].remark) == (Verdict.FAIL, True)
    assert result.cases[0].verdict is Verdict.PASS
    assert result.verdict is Verdict.INCONCLUSIVE  # CHN-002 was never exercised; the remark weighs nothing


def test_a_bench_error_taints_only_what_comes_after_it_in_its_case() -> None:
    tape = tape_of(chn())
    tape.call("iut", "heartbeat", state="idle")
    tape.start("chn.ack")
    tape.call("bench", "command", command_id="k")
    tape.at(0.1).observe("bench.error", where="relay", what="broken")
    tape.at(2).end()
    result = run(acked(tape, case="chn.more"))
    assert (result.verdict, result.exit_code) == (Verdict.ERROR, 4)
    assert (result.clauses[0].verdict, result.clauses[0].blame) == (Verdict.ERROR, Blame.BENCH)
    assert result.clauses[0].findings[0].taint_reason == "relay: broken"
    assert [c.verdict for c in result.cases] == [Verdict.ERROR, Verdict.PASS]


def test_a_fail_before_the_bench_error_stands() -> None:
    tape = acked(tape_of(chn()), seconds=0.9)
    tape.start("chn.more")
    tape.observe("bench.error", where="relay", what="broken")
    tape.end()
    result = run(tape)
    assert (result.verdict, result.exit_code) == (Verdict.FAIL, 1)


def test_a_bench_error_on_another_connection_taints_nothing() -> None:
    tape = tape_of(chn())
    tape.call("iut", "heartbeat", state="idle")
    tape.start("chn.ack")
    tape.observe("bench.error", conn="other", what="broken")
    tape.call("bench", "command", command_id="k")
    tape.at(2).end()
    assert only(tape).verdict is Verdict.FAIL


def test_a_trouble_of_the_whole_run_reaches_every_case() -> None:
    tape = tape_of(chn())
    tape.observe("bench.error", scope="run", what="no network")
    result = run(acked(tape, seconds=0.9))
    assert (result.clauses[0].verdict, result.clauses[0].blame) == (Verdict.ERROR, Blame.BENCH)


def test_a_rule_that_raises_is_the_bench_error_and_nobody_fails() -> None:
    result = run(acked(tape_of(chn(rule_def=rule("each", of={"message": "command"}, that={"x": {"near": 1}})))))
    assert (result.clauses[0].verdict, result.clauses[0].blame) == (Verdict.ERROR, Blame.BENCH)
    assert result.exit_code == 4
    assert only(acked(tape_of(chn(rule_def=rule("no-such-rule"))))).verdict is Verdict.ERROR


def test_an_absent_device_fails_nothing() -> None:
    tape = tape_of(chn())
    tape.start("chn.ack")
    tape.call("bench", "command", command_id="k")
    tape.at(2).end()
    result = run(tape)
    assert (result.verdict, result.exit_code) == (Verdict.INCONCLUSIVE, 3)
    assert (result.clauses[0].blame, result.cases[0].blame) == (Blame.ENVIRONMENT, Blame.ENVIRONMENT)


def test_a_device_that_refuses_our_certificates_is_a_matter_of_configuration() -> None:
    tape = tape_of(chn())
    tape.start("chn.ack")
    tape.observe("tls.failed", presented="good", reason="unknown ca")
    tape.end()
    assert run(tape).cases[0].blame is Blame.CONFIGURATION


def test_a_device_that_dies_fails() -> None:
    tape = tape_of(chn(rule_def=rule("never", forbid={"observation": "device.exit"})))
    tape.start("chn.ack")
    tape.observe("device.exit", code=1)
    tape.end()
    assert run(tape).exit_code == 1


def test_thin_occasions_are_settled_by_five_more_and_no_more() -> None:
    tape = tape_of(chn())
    assert only(acked(tape, seconds=0.5)).reason.startswith("thin: ")
    assert only(acked(tape, seconds=0.1)).verdict is Verdict.PASS
    for number in range(6):
        acked(tape, seconds=0.5, case=f"chn.again-{number}")
    thin = only(acked(tape, seconds=0.1, case="chn.more"))
    assert (thin.verdict, thin.blame) == (Verdict.INCONCLUSIVE, Blame.BENCH)


def test_the_measured_lag_widens_the_guard_band() -> None:
    tape = acked(tape_of(chn()), seconds=0.6)
    assert only(tape).verdict is Verdict.FAIL
    tape.observe("bench.lag", p999_ms=150)
    assert only(tape).verdict is Verdict.INCONCLUSIVE


def test_what_the_machine_held_up_is_not_the_devices_lateness() -> None:
    tape = acked(tape_of(chn()), seconds=0.6)
    tape.observe("bench.starved", ms=150, since=0.0)
    late = only(tape)
    assert (late.verdict, late.blame) == (Verdict.INCONCLUSIVE, Blame.BENCH)
    assert late.reason == "thin-busy: 600 ms against 500 ms"


def test_a_busy_machine_puts_no_good_measurement_in_doubt() -> None:
    tape = acked(tape_of(chn()), seconds=0.4)
    tape.observe("bench.starved", ms=150, since=0.0)
    assert only(tape).verdict is Verdict.PASS


def test_another_attempt_settles_an_error_and_never_erases_a_fail() -> None:
    tape = tape_of(chn())
    tape.start("chn.ack")
    tape.observe("bench.error", what="broken")
    tape.end()
    assert run(tape).verdict is Verdict.ERROR
    result = run(acked(tape))
    assert (result.verdict, result.cases[0].attempts) == (Verdict.PASS, 2)
    result = run(acked(acked(tape, seconds=0.9)))
    assert (result.verdict, result.cases[0].verdict, result.cases[0].attempts) == (Verdict.FAIL, Verdict.FAIL, 4)


def claimed(asked: Grade, profile: str) -> ClauseResult:
    wiped = rule("each", of={"observation": "device.claim"}, that={"facts.files": {"length": {"max": 0}}})
    tape = tape_of(chn(rule_def=wiped, grade=asked), profile=profile)
    tape.start("chn.ack")
    tape.call("iut", "heartbeat", state="idle")
    tape.observe("device.claim", iface="I6", verb="residue", files=[])
    tape.end()
    return only(tape)


def test_claims_alone_are_told_and_do_not_certify_where_more_was_asked() -> None:
    assert (claimed(Grade.SENSOR, "ci").verdict, claimed(Grade.SENSOR, "ci").claims_only) == (Verdict.PASS, True)
    assert claimed(Grade.SENSOR, "core").reason == "claims-only: sensor asked"
    assert (claimed(Grade.CLAIM, "core").verdict, claimed(Grade.CLAIM, "core").claims_only) == (Verdict.PASS, True)


def test_documents_are_met_by_declaration() -> None:
    paper = chn(rule_def=None, verification=Verification.DOCUMENT)
    declared = [{"id": "CHN-001.a", "statement": "manual 3.2"}]
    tape = tape_of(paper, chn(cid="CHN-002"), plan={"selected": ["CHN-002.a"], "declared": declared})
    result = run(acked(tape))
    assert (result.clauses[0].verdict, result.clauses[0].obligations[0].grade) == (Verdict.PASS, "declaration")
    assert {"kind": "declaration", "obligation": "CHN-001.a", "text": "manual 3.2"} in result.notes


def test_a_person_answers_what_no_rule_can_judge() -> None:
    for answer, verdict in ((True, Verdict.PASS), (False, Verdict.FAIL), (None, Verdict.INCONCLUSIVE)):
        tape = tape_of(chn(rule_def=None, verification=Verification.OPERATOR, grade=Grade.PERSON))
        tape.start("chn.ack")
        tape.call("iut", "heartbeat", state="idle")
        tape.observe("prompt", id="p1", verb="look", obligation="CHN-001.a")
        if answer is not None:
            tape.observe("prompt.answer", id="p1", ok=answer)
        tape.end()
        result = run(tape)
        assert result.clauses[0].verdict is verdict
        if answer is None:
            assert result.cases[0].verdict is Verdict.PASS
            assert result.clauses[0].blame is Blame.OPERATOR


def test_collateral_names_its_primary() -> None:
    first, second = chn(), replace(chn(cid="CHN-002", rule_def=READY), follows_from=("CHN-001",))
    third = replace(chn(cid="CHN-003", rule_def=READY), follows_from=("CHN-002", "CHN-003"))
    tape = tape_of(first, second, third)
    result = run(acked(reported(tape, "broken", case="chn.more"), seconds=0.9))
    assert [c.primary for c in result.clauses] == ["", "CHN-001", "CHN-001"]


def test_a_cycle_of_collaterals_ends() -> None:
    first = replace(chn(rule_def=READY), follows_from=("CHN-002",))
    second = replace(chn(cid="CHN-002", rule_def=READY), follows_from=("CHN-001",))
    assert [c.primary for c in run(reported(tape_of(first, second), "broken")).clauses] == ["CHN-002", "CHN-001"]


def test_a_device_that_cannot_be_brought_home_is_told_against_the_case_that_left_it_so() -> None:
    tape = acked(tape_of(chn()), seconds=0.9)
    for case, before in (("chn.b", "chn.ack"), ("chn.c", "chn.b")):
        tape.start(case)
        tape.observe("home", rung="none", ok=False, before=before)
        tape.end(ended="not-home", reason="busy")
    result = run(tape)
    assert [c.blocked_by for c in result.cases] == ["", "chn.ack", "chn.ack"]
    assert {"kind": "home", "case": "chn.b", "text": "home-none: chn.ack"} in result.notes


@pytest.mark.parametrize(
    ("kind", "facts", "blame"),
    [
        ("prompt", {"id": "p", "verb": "card"}, Blame.OPERATOR),
        ("stimulus", {"id": "s", "verb": "card", "by": "http"}, Blame.CONFIGURATION),
        ("stimulus", {"id": "s", "verb": "card", "by": "operator"}, Blame.OPERATOR),
        ("stimulus.done", {"id": "s", "ok": False, "error": "no verb"}, Blame.CONFIGURATION),
        ("stimulus", {"id": "s", "verb": "power", "by": "process"}, Blame.BENCH),
        ("wait.end", {"what": "report", "ok": False}, Blame.DEVICE),
    ],
)
def test_an_unproven_case_says_whose_fault_it_is(kind: str, facts: dict[str, Any], blame: Blame) -> None:
    own = chn(rule_def=READY, stimulus="chn.ack")
    tape = tape_of(own, plan={"cases": [{"id": "chn.ack", "obligations": ["CHN-001.a"]}]})
    tape.start("chn.ack")
    tape.call("iut", "heartbeat", state="idle")
    tape.observe(kind, **facts)
    tape.end()
    result = run(tape)
    assert (result.cases[0].verdict, result.cases[0].blame) == (Verdict.INCONCLUSIVE, blame)
    assert (result.clauses[0].verdict, result.clauses[0].blame) == (Verdict.INCONCLUSIVE, blame)


def test_a_procedure_is_judged_where_its_stimulus_is_given() -> None:
    own = chn(rule_def=READY, verification=Verification.PROCEDURE, stimulus="chn.ready*")
    assert only(reported(tape_of(own), "broken")).verdict is Verdict.INCONCLUSIVE
    assert only(reported(tape_of(own), "broken", case="chn.ready-1")).verdict is Verdict.FAIL


def test_session_rules_see_the_whole_run_but_not_across_a_crash() -> None:
    distinct = rule("distinct", scope="session", of={"message": "report", "kind": "request"}, field="event_id")
    tape = reported(reported(tape_of(chn(rule_def=distinct)), "ready"), "ready", case="chn.more")
    assert only(tape).verdict is Verdict.FAIL
    tape = reported(tape_of(chn(rule_def=distinct)), "ready")
    tape.observe("segment")
    assert only(reported(tape, "ready", case="chn.more")).verdict is Verdict.PASS


def test_single_messages_between_cases_are_judged_too() -> None:
    tape = reported(tape_of(chn(rule_def=READY)), "ready")
    tape.call("iut", "report", id="e", value="broken")
    result = run(tape)
    assert result.clauses[0].verdict is Verdict.FAIL
    assert result.cases[0].verdict is Verdict.PASS


def test_a_case_that_never_ended_is_inconclusive() -> None:
    tape = tape_of(chn())
    tape.start("chn.ack")
    tape.call("iut", "heartbeat", state="idle")
    assert run(tape).cases[0].reason == "never-ended"


@pytest.mark.parametrize("what", ["device-absent", "device-unreachable"])
def test_a_case_that_the_want_of_a_device_broke_off_is_the_environment_s(what: str) -> None:
    tape = tape_of(chn())
    tape.start("chn.ack")
    tape.call("bench", "command", command_id="k")
    tape.observe("environment", what=what, reason="it ended")
    tape.observe("case.cut", reason="environment")
    result = run(tape)
    assert (result.cases[0].blame, result.cases[0].reason) == (Blame.ENVIRONMENT, f"{what}: it ended")
    assert result.clauses[0].blame is Blame.ENVIRONMENT
    assert result.exit_code == 3


def test_a_limit_that_a_dead_upper_tester_cut_short_is_no_fault_of_the_bench() -> None:
    tape = tape_of(chn())
    tape.start("chn.ack")
    tape.call("bench", "command", command_id="k")
    tape.call("iut", "heartbeat", state="idle")
    tape.observe("case.end", ended="device-unreachable", reason="it ended")
    result = run(tape)
    clause_row = result.clauses[0]
    assert (clause_row.verdict, clause_row.obligations[0].undecidable) == (Verdict.INCONCLUSIVE, 1)
    assert (clause_row.blame, clause_row.reason) == (Blame.ENVIRONMENT, "chn.ack: device-unreachable: it ended")
    assert result.exit_code == 3


def test_a_limit_that_the_end_of_a_whole_case_cut_short_stays_the_bench_s() -> None:
    tape = tape_of(chn())
    tape.start("chn.ack")
    tape.call("bench", "command", command_id="k")
    tape.call("iut", "heartbeat", state="idle")
    tape.end()
    assert (only(tape).blame, only(tape).reason.split(":")[0]) == (Blame.BENCH, "trace-ended")


def test_loosened_limits_are_told_and_refused_for_certification() -> None:
    result = run(acked(tape_of(chn(), timers={"T-ACK": 5000.0}), seconds=0.9))
    assert result.exit_code == 0
    assert {"kind": "loosened", "text": "T-ACK 500 ms -> 5000 ms"} in result.notes
    assert run(acked(tape_of(chn(), profile="core", timers={"T-ACK": 5000.0}))).exit_code == 2


def test_the_case_alone_and_the_run_say_the_same() -> None:
    tape = acked(acked(tape_of(chn())), seconds=0.9, case="chn.more")
    for case in run(tape).cases:
        alone, findings = judge_case(Hearing(tape.transcript, tape.transcript.spec), case.id)
        assert alone == case
        assert {f.obligation for f in findings} == {"CHN-001.a"}


def test_without_a_plan_everything_that_applies_is_selected() -> None:
    tape = Tape(make_spec(chn(), replace(chn(cid="CHN-002"), condition="RVW.X")), profile="ci")
    result = run(acked(tape))
    assert [c.verdict for c in result.clauses] == [Verdict.PASS, Verdict.NOT_APPLICABLE]


def test_a_run_that_the_bench_broke_off_is_an_error_and_a_fail_before_it_stands() -> None:
    broken_off = acked(tape_of(chn()))
    broken_off.observe("run.end", reason="bench")
    assert run(broken_off).exit_code == 4
    failed = acked(tape_of(chn()), seconds=0.9)
    failed.observe("run.end", reason="bench")
    assert run(failed).exit_code == 1


@pytest.mark.parametrize(
    ("ended", "verdict", "blame"),
    [
        ("not-observed", Verdict.INCONCLUSIVE, Blame.DEVICE),
        ("not-home", Verdict.INCONCLUSIVE, Blame.ENVIRONMENT),
        ("no-stimulus", Verdict.INCONCLUSIVE, Blame.CONFIGURATION),
        ("bench-error", Verdict.ERROR, Blame.BENCH),
        ("in a way that nobody knows", Verdict.ERROR, Blame.BENCH),
    ],
)
def test_how_a_procedure_ended_settles_a_case_without_violations(ended: str, verdict: Verdict, blame: Blame) -> None:
    tape = tape_of(chn())
    tape.start("chn.ack")
    tape.call("iut", "heartbeat", state="idle")
    tape.end(ended=ended, reason="why")
    case = run(tape).cases[0]
    assert (case.verdict, case.blame, case.reason) == (verdict, blame, f"{ended}: why")


@pytest.mark.parametrize(("home", "verdict"), [(False, Verdict.INCONCLUSIVE), (True, Verdict.FAIL)])
def test_a_device_that_is_home_again_needs_no_more_time_to_recover(home: bool, verdict: Verdict) -> None:
    tape = tape_of(chn())
    tape.start("chn.cut")
    tape.call("iut", "heartbeat", state="idle")
    tape.observe("fault.start", name="cut", recovery="T-RECOVER")
    tape.observe("fault.end", name="cut")
    tape.end()
    tape.at(0.1).observe("home", ok=home)
    tape.at(0.2)
    assert only(acked(tape, seconds=0.9)).verdict is verdict
