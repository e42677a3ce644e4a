"""The rule `lifecycle`: wrong messages are found, crossing ones are not blamed."""

from __future__ import annotations

from verdict_helpers import Tape, ns


def judge(tape: Tape) -> tuple[list[int], list[int], list[tuple[int, str]]]:
    return ns(tape.judge("lifecycle", lifecycle="call"))


def test_a_lawful_call() -> None:
    tape = Tape()
    tape.answer(tape.call("bench", "call.invite", call_id="c"))
    tape.call("iut", "call.answer", call_id="c")
    tape.call("iut", "call.bye", call_id="c")
    assert judge(tape) == ([2, 3], [], [])


def test_an_answer_to_no_call() -> None:
    tape = Tape()
    tape.call("iut", "call.answer", call_id="c")
    outcome = tape.judge("lifecycle", lifecycle="call")
    assert ns(outcome) == ([], [0], [])
    assert outcome.violated[0].expected == "call.answer:request only in ringing"
    assert outcome.violated[0].seen == "call.answer:request in none"


def test_instances_are_apart() -> None:
    tape = Tape()
    tape.call("bench", "call.invite", call_id="c1")
    tape.call("iut", "call.answer", call_id="c2")
    assert judge(tape) == ([], [1], [])


def test_an_answer_that_crosses_our_cancel_is_lawful() -> None:
    tape = Tape()
    tape.answer(tape.call("bench", "call.invite", call_id="c"))
    tape.call("bench", "call.cancel", call_id="c")
    tape.call("iut", "call.answer", seen=1, call_id="c")  # has seen the invite, not the cancel
    assert judge(tape) == ([3], [], [])


def test_an_answer_after_the_cancel_was_seen_is_not() -> None:
    tape = Tape()
    tape.answer(tape.call("bench", "call.invite", call_id="c"))
    tape.call("bench", "call.cancel", call_id="c")
    tape.call("iut", "call.answer", seen=2, call_id="c")
    assert judge(tape) == ([], [3], [])


def test_a_request_that_was_answered_with_an_error_did_not_happen() -> None:
    tape = Tape()
    tape.answer(tape.call("bench", "call.invite", call_id="c"), error=-32010)
    tape.call("iut", "call.answer", call_id="c")
    assert judge(tape) == ([], [2], [])


def test_a_bad_message_of_ours_moves_nothing_unless_the_device_takes_it() -> None:
    for taken, expected in ((False, ([], [2], [])), (True, ([2], [], []))):
        tape = Tape()
        bad = tape.call("bench", "call.invite", call_id="c", facts={"intended": {"stimulus": "wrong-state"}})
        tape.answer(bad, error=None if taken else -32602)
        tape.call("iut", "call.answer", call_id="c")
        assert judge(tape) == expected


def test_after_a_crash_of_the_bench_any_state_is_possible() -> None:
    tape = Tape()
    tape.observe("segment")
    tape.call("iut", "call.answer", call_id="c")
    tape.call("iut", "call.answer", call_id="c")
    assert judge(tape) == ([1], [2], [])


def test_a_repeat_is_no_second_event() -> None:
    tape = Tape()
    tape.call("bench", "call.invite", call_id="c")
    answer = tape.call("iut", "call.answer", call_id="c")
    tape.observe("ws.frame", dir_="iut", raw=answer.raw, conn="c2", opcode=1, fin=True)
    assert judge(tape) == ([1], [], [])


def test_without_sequence_numbers_an_unanswered_message_of_ours_may_be_unseen() -> None:
    for answered, expected in ((False, ([2], [], [])), (True, ([], [3], []))):
        tape = Tape()
        tape.call("bench", "call.invite", call_id="c")
        cancel = tape.call("bench", "call.cancel", call_id="c")
        if answered:
            tape.answer(cancel)
        tape.frame("iut", {"jsonrpc": "2.0", "id": "x", "method": "call.answer", "params": {"call_id": "c"}})
        assert judge(tape) == expected
