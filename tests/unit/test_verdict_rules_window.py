"""The rules `never`, `count` and `preceded`."""

from __future__ import annotations

import pytest
from verdict_helpers import Tape, ns

REPORT = {"message": "report", "kind": "request"}
COMMAND = {"message": "command", "kind": "request"}
QUIET = {"forbid": REPORT, "after": COMMAND, "for": "T-QUIET"}


def test_never_in_a_window_decides_outside_the_guard_band() -> None:
    for seconds, expected in (
        (0.1, ([], [1], [])),
        (0.3, ([], [], [(0, "thin")])),
        (0.4, ([0], [], [])),
    ):
        tape = Tape()
        tape.call("bench", "command", command_id="k")
        tape.at(seconds).call("iut", "report", id="e")
        tape.at(1).observe("case.end")
        assert ns(tape.judge("never", **QUIET)) == expected, seconds


def test_never_doubts_a_window_that_was_not_watched_to_its_end() -> None:
    tape = Tape()
    tape.call("bench", "command", command_id="k")
    tape.at(0.2).observe("case.end")
    assert ns(tape.judge("never", **QUIET)) == ([], [], [(0, "trace-ended")])


def test_never_ends_with_until_and_is_suspended_by_a_fault() -> None:
    tape = Tape()
    tape.call("bench", "command", command_id="k")
    tape.at(0.1).observe("conn.close", conn="c1")
    tape.at(0.2).call("iut", "report", id="e")
    assert ns(tape.judge("never", **QUIET, until={"observation": "conn.close"})) == ([0], [], [])
    tape.observe("fault.start", name="cut")
    assert ns(tape.judge("never", **QUIET)) == ([], [], [])
    assert ns(tape.judge("never", **QUIET, under_fault=True)) == ([], [2], [])


def test_never_at_all_counts_occasions() -> None:
    tape = Tape()
    tape.call("iut", "heartbeat", state="idle")
    forbid = {"observation": "device.exit"}
    assert ns(tape.judge("never", forbid=forbid)) == ([0], [], [])
    assert ns(tape.judge("never", forbid=forbid, counts=REPORT)) == ([], [], [])
    tape.observe("device.exit", code=1)
    assert ns(tape.judge("never", forbid=forbid)) == ([], [1], [])


def test_count_in_groups() -> None:
    tape = Tape()
    for event in ("a", "b", "a"):
        tape.call("iut", "report", id=event)
    assert ns(tape.judge("count", of=REPORT, per=["event_id"], max=1)) == ([1], [2], [])
    assert ns(tape.judge("count", of=REPORT, min=4)) == ([], [2], [])
    assert ns(tape.judge("count", of=REPORT, min=3, max=3)) == ([2], [], [])
    assert not tape.judge("count", of=COMMAND, min=1).triggered


def test_count_in_windows() -> None:
    tape = Tape()
    tape.call("bench", "command", command_id="k")
    tape.at(0.1).call("iut", "report", command_id="k")
    tape.at(0.3).call("iut", "report", command_id="k")
    tape.at(0.31).call("iut", "report", command_id="other")
    tape.at(0.4).observe("case.end")
    once = {"of": REPORT, "after": COMMAND, "join": {"command_id": "command_id"}, "max": 1, "min": 1}
    assert ns(tape.judge("count", **once)) == ([], [2], [])
    assert ns(tape.judge("count", **once, for_="T-QUIET")) == ([], [], [(0, "thin")])
    assert ns(tape.judge("count", **(once | {"max": 2}))) == ([0], [], [])
    assert ns(tape.judge("count", **(once | {"min": 3, "max": 3}))) == ([], [0], [])
    assert ns(tape.judge("count", **(once | {"min": 3, "max": 3}), for_="T-BEAT")) == ([], [], [(0, "trace-ended")])


def test_a_busy_machine_makes_nothing_that_came_too_few_and_late_ones_none_too_many() -> None:
    busy = ((0.0, 0.2, 900.0),)  # T-QUIET is 300 ms
    once = {"of": REPORT, "after": COMMAND, "join": {"command_id": "command_id"}, "max": 1, "min": 1, "for_": "T-QUIET"}
    tape = Tape()
    tape.call("bench", "command", command_id="k")
    tape.at(0.6).observe("ended")
    assert ns(tape.judge("count", **once)) == ([], [0], [])
    excused = tape.judge("count", **once, starved=busy)
    assert ns(excused) == ([], [], [(0, "trace-ended")])
    assert excused.undecidable[0].until == pytest.approx(0.3 + 0.9 + 0.005)
    again = Tape()
    again.call("bench", "command", command_id="k")
    again.at(0.1).call("iut", "report", command_id="k")
    again.at(0.29).observe("not yet")
    assert ns(again.judge("count", **once, starved=busy)) == ([], [], [(0, "trace-ended")])
    again.at(0.4).observe("now")
    assert ns(again.judge("count", **once, starved=((0.2, 0.4, 900.0),))) == ([0], [], [])


def test_what_is_held_up_while_a_late_one_is_awaited_moves_the_end_of_the_wait() -> None:
    tape = Tape()
    tape.call("bench", "command", command_id="k")
    tape.at(0.5).observe("still waiting")
    within = {"after": COMMAND, "expect": REPORT, "timer": "T-QUIET"}
    doubt = tape.judge("within", **within, starved=((0.1, 0.3, 200.0), (0.4, 0.5, 100.0))).undecidable[0]
    assert doubt.until == pytest.approx(0.3 + 0.2 + 0.1 + 0.005)


def test_count_blames_nobody_for_what_a_broken_off_case_lacks() -> None:
    for ended, expected in (("not-home", ([], [], [(0, "trace-ended")])), ("not-observed", ([], [0], []))):
        tape = Tape()
        tape.start("a")
        tape.end(ended=ended)
        assert ns(tape.judge("count", of=REPORT, after={"observation": "case.start"}, min=1)) == expected


def test_count_is_suspended_by_a_fault() -> None:
    tape = Tape()
    tape.observe("fault.start", name="loss")
    tape.call("iut", "report", id="a")
    tape.call("iut", "report", id="a")
    assert not tape.judge("count", of=REPORT, per="event_id", max=1).triggered
    assert ns(tape.judge("count", of=REPORT, per="event_id", max=1, under_fault=True)) == ([], [2], [])


def test_preceded() -> None:
    rule = {"each": REPORT, "by": COMMAND, "join": {"command_id": "command_id"}}
    tape = Tape()
    tape.call("bench", "command", command_id="k")
    tape.call("iut", "report", command_id="k")
    tape.call("iut", "report", command_id="other")
    assert ns(tape.judge("preceded", **rule)) == ([1], [2], [])
    tape.observe("conn.close", conn="c1")
    tape.call("iut", "report", command_id="k")
    outcome = tape.judge("preceded", **rule, not_since={"observation": "conn.close"})
    assert ns(outcome) == ([1], [2, 4], [])
    assert outcome.violated[1].seen == "conn.close since"


def test_preceded_doubts_what_a_crash_of_the_bench_may_have_swallowed() -> None:
    tape = Tape()
    tape.observe("segment")
    tape.call("iut", "report", command_id="k")
    assert ns(tape.judge("preceded", each=REPORT, by=COMMAND)) == ([], [], [(1, "trace-ended")])
