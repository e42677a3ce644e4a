"""The report says what the run found: nothing lost, nothing greener than it was."""

from __future__ import annotations

import shlex
from dataclasses import replace

from reports_sample import sample, sample_run
from verdict_helpers import Tape

from conformance.trace.transcript import Transcript
from conformance.verdict.model import CaseResult, Verdict
from reports import words
from reports.build import build, worst
from reports.messages import is_telling


def test_every_clause_and_case_of_the_result_is_in_the_report() -> None:
    result, transcript, spec = sample_run()
    report = build(result, transcript, spec)
    assert [row.id for row in report.clauses] == [clause.id for clause in result.clauses]
    assert [row.verdict for row in report.clauses] == [clause.verdict for clause in result.clauses]
    assert [row.id for row in report.cases] == [*(case.id for case in result.cases), "rly.turn.tcp"]
    assert report.cover.verdict is result.verdict
    assert report.cover.exit_code == result.exit_code


def test_same_journal_gives_the_same_report() -> None:
    assert sample() == sample()


def test_cover_says_what_the_report_is_not() -> None:
    cover = sample().cover
    text = cover.title.zh + cover.title.en + "".join(line.zh + line.en for line in cover.disclaimer)
    assert cover.title.zh == "对接一致性测试报告"
    assert "认证" not in text
    assert "合格证" not in text
    assert "项目公司" in text
    assert "未公开" in text
    assert "不是对接入申请的决定" in text


def test_cover_counts_every_verdict_with_remarks_apart() -> None:
    cover = sample().cover
    assert set(cover.clause_counts) == {verdict.value for verdict in Verdict}
    assert cover.clause_counts["fail"] == 2
    assert cover.remarks == 1
    assert sum(cover.clause_counts.values()) + cover.remarks == 11
    assert cover.partial


def test_cover_counts_hands_simulations_and_declarations() -> None:
    stimuli = sample().cover.stimuli
    assert (stimuli.physical, stimuli.simulated, stimuli.declarations) == (1, 2, 1)


def test_every_altered_limit_is_on_the_cover_with_its_direction() -> None:
    altered = {row.id: row.status for row in sample().cover.altered_timers}
    assert altered == {"T-ACK": "accelerated", "T-TICKET": "accelerated", "T-QUIET": "accelerated", "T-WIPE": "loosened"}


def test_shorter_limit_that_favours_the_device_is_loosened() -> None:
    result, transcript, spec = sample_run()
    head = {**result.head, "timers": {"T-QUIET": 100, "T-ACK": 300}}
    rows = {row.id: row.status for row in build(replace(result, head=head), transcript, spec).timers}
    assert rows["T-QUIET"] == "loosened"
    assert rows["T-ACK"] == "tightened"


def test_collateral_is_folded_into_the_primary_card() -> None:
    cards = sample().failures
    assert [card.clause for card in cards] == ["CHN-007", "PER-014"]
    assert [folded.clause for folded in cards[0].folded] == ["CHN-008"]
    assert cards[0].blocks == ("per.reader.timeout",)
    assert cards[1].remark


def test_a_ring_of_primaries_still_gives_cards() -> None:
    result, transcript, spec = sample_run()
    clauses = tuple(
        replace(clause, primary={"CHN-007": "CHN-008", "CHN-008": "CHN-007"}.get(clause.id, "")) for clause in result.clauses
    )
    cards = build(replace(result, clauses=clauses), transcript, spec).failures
    shown = {card.clause for card in cards} | {folded.clause for card in cards for folded in card.folded}
    assert shown == {"CHN-007", "CHN-008", "PER-014"}


def test_card_shows_the_offending_message_among_its_neighbours() -> None:
    card = sample().failures[0]
    messages = card.scenes[0].messages
    offending = [message for message in messages if message.offending]
    assert [message.n for message in offending] == [card.scenes[0].n]
    assert "peripheral.report request" in offending[0].headline
    before = [message for message in messages if message.n < offending[0].n and not message.mentioned]
    assert len(before) == 3
    assert [message.n for message in messages] == sorted(message.n for message in messages)
    assert any(message.mentioned and message.name == "peripheral.command" for message in messages)


def test_card_gives_commands_that_repeat_the_failure() -> None:
    rerun = sample().failures[0].rerun
    same = "rvw run --device devices/vendor-x.toml --timer T-WIPE=5000"
    assert rerun[0] == f"{same} --clause CHN-007 --seed 42"
    assert rerun[1] == f"{same} -k 'chn.resume.after-cut[seed and 3]' --seed 42"


def test_card_names_the_profile_where_it_is_not_the_usual_one() -> None:
    result, transcript, spec = sample_run()
    head = {**result.head, "profile": "site", "device": {"file": "my device.toml"}}
    rerun = build(replace(result, head=head), transcript, spec).failures[0].rerun
    assert rerun[0] == "rvw run --device 'my device.toml' --profile site --timer T-WIPE=5000 --clause CHN-007 --seed 42"


def test_commands_for_a_device_on_a_table_name_its_lab_and_the_limits_of_the_run() -> None:
    result, transcript, spec = sample_run()
    timers = {timer.id: timer.lab_ms for timer in spec.timers.values()} | {"T-ACK": 500.0}
    head = {**result.head, "timer_set": "lab", "timers": timers, "lab": "labs/room 3; rm -rf ~"}
    report = build(replace(result, head=head), transcript, spec)
    words = shlex.split(report.failures[0].rerun[0])
    assert words[words.index("--lab") + 1] == "labs/room 3; rm -rf ~"
    assert [words[i + 1] for i, word in enumerate(words) if word == "--timer"] == ["T-ACK=500"]
    assert all("--lab" in point.rerun for point in report.open_points)


def test_card_quotes_the_devices_own_log_of_its_case_only() -> None:
    first, second = sample().failures
    assert "INFO resumed, outbox 0" in first.device_log
    assert second.device_log == ()


def test_a_violation_that_the_journal_lost_still_has_a_card() -> None:
    result, _, spec = sample_run()
    report = build(result, Transcript.from_observations([], spec), spec)
    assert report.failures[0].scenes[0].messages == ()
    assert report.timelines == ()
    assert report.diagrams == ()


def test_open_points_group_by_reason() -> None:
    result, transcript, spec = sample_run()
    absent = [
        replace(clause, verdict=Verdict.INCONCLUSIVE, reason=f"not-exercised: {clause.id}.a", findings=())
        for clause in result.clauses
    ]
    points = build(replace(result, clauses=tuple(absent), cases=()), transcript, spec).open_points
    reasons = {(point.reason, point.blame): len(point.clauses) for point in points}
    assert sum(reasons.values()) == 11
    assert {reason for reason, _ in reasons} == {"not-exercised"}


def test_many_failing_cases_draw_a_bounded_number_of_diagrams() -> None:
    result, transcript, spec = sample_run()
    failing = next(case for case in result.cases if case.verdict is Verdict.FAIL)
    report = build(replace(result, cases=(failing,) * 50), transcript, spec)
    assert len(report.diagrams) == 40
    assert report.diagrams_left_out == 10


def test_visit_is_found_and_has_its_phases() -> None:
    run, visit = sample().timelines
    assert run.id == "run"
    assert "visit.core.full" in visit.title.zh
    lanes = {lane.id: [mark.label for mark in lane.marks] for lane in visit.lanes}
    assert set(lanes) == {"queue", "call", "work", "peripheral", "rating"}
    assert lanes["queue"][0].startswith("等候")


def test_nothing_tested_is_not_selected_and_never_a_pass() -> None:
    assert worst([]) is Verdict.NOT_SELECTED
    assert worst([Verdict.PASS, Verdict.INCONCLUSIVE]) is Verdict.INCONCLUSIVE
    assert worst([Verdict.NOT_SELECTED, Verdict.NOT_APPLICABLE]) is Verdict.NOT_SELECTED


def test_family_is_weighed_by_its_musts() -> None:
    families = {family.id: family for family in sample().families}
    assert families["CHN"].verdict is Verdict.FAIL
    assert families["PER"].verdict is Verdict.INCONCLUSIVE
    assert families["PER"].remarks == 1
    assert families["LOD"].verdict is Verdict.NOT_SELECTED


def test_every_verdict_and_blame_has_words() -> None:
    assert set(words.VERDICT) == set(words.VERDICT_MEANING) == set(words.GLYPH) == set(words.ASCII_GLYPH) == set(Verdict)


def test_a_case_that_the_plan_left_out_is_shown_as_not_tested() -> None:
    row = sample().cases[-1]
    assert row.verdict is Verdict.NOT_SELECTED
    assert (row.reason_text.zh, row.reason_text.en) == ("需要中继", "needs a relay")
    assert row.attempts == 0


def test_a_case_that_never_started_has_no_time() -> None:
    result, transcript, spec = sample_run()
    never = CaseResult("x.never", Verdict.INCONCLUSIVE, ())
    row = build(replace(result, cases=(never,)), transcript, spec).cases[0]
    assert row.started_s is None
    assert row.title is None


def test_an_answer_that_the_bench_lost_stands_on_the_card_and_other_ends_of_requests_do_not() -> None:
    tape, spec = Tape(), sample_run()[2]
    done, lost = (tape.observe("conn.close", iface="I1", conn="c1", by="bench", reason=reason) for reason in ("done", "fault"))
    assert not is_telling(done, spec)
    assert is_telling(lost, spec)
