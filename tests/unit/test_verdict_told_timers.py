"""The limit that counts is the one that the device was last told; before it was told any, the run's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from verdict_helpers import CALL, TIMERS, Tape, make_spec, message, ns, rule

from conformance.spec.model import HttpBinding, Message, Spec
from conformance.trace.entry import Entry
from conformance.verdict.context import Context
from conformance.verdict.model import Outcome
from conformance.verdict.rules import RULES
from conformance.verdict.settings import sets_terms, settings_of

WELCOME = replace(
    message("enrol", "iut", {}), interface="I1", role="registration.register", http=HttpBinding("POST", "/enrol"),
    fields={"request": {"boot_id": "/boot"}, "result": {"timers": "/limits"}},
)  # fmt: skip
BEAT = {"of": {"message": "heartbeat", "kind": "request"}, "timer": "T-BEAT"}


def spec() -> Spec:
    beat: Message = message("heartbeat", "iut", {"state": "/state"})
    timers = {t.id: replace(t, told=t.id == "T-BEAT") for t in TIMERS}
    return replace(make_spec(messages=(beat, WELCOME)), timers=timers, lifecycles={"call": CALL})


def asked(tape: Tape, boot: str) -> Entry:
    """A registration."""
    body = b'{"boot": "%s"}' % boot.encode()
    line = b"POST /docking/v1/enrol HTTP/1.1\r\nhost: x\r\n"
    head = line + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    return tape.observe("http.request", iface="I1", dir_="iut", raw=head + body, conn="h")


def welcomed(tape: Tape, limits: str, boot: str = "b1") -> None:
    """A registration and its answer."""
    request = asked(tape, boot)
    body = b'{"limits": %s}' % limits.encode()
    head = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    tape.observe("http.response", iface="I1", dir_="bench", raw=head + body, conn="h", to=request.n)


def judged(tape: Tape) -> Outcome:
    terms = [entry for entry in tape.transcript if sets_terms(entry)]
    settings = settings_of(tape.transcript.spec, tape.transcript.head, terms)
    return RULES["interval"](rule("interval", **BEAT).params, Context(tape.transcript.entries, settings))


def beats(tape: Tape, *seconds: float, conn: str) -> list[int]:
    return [tape.at(t).call("iut", "heartbeat", state="idle", facts={"conn": conn}).n for t in seconds]


def test_each_boot_is_held_to_what_it_was_told() -> None:
    tape = Tape(spec())
    welcomed(tape, '{"T-BEAT": 1000}')
    first = beats(tape, 0.1, 1.1, 1.7, conn="a")
    welcomed(tape.at(2.0), '{"T-BEAT": 600}', "b2")
    second = beats(tape, 2.1, 2.7, 3.7, conn="b")
    outcome = judged(tape)
    assert ns(outcome) == ([first[1], second[1]], [first[2], second[2]], [])
    assert [v.expected for v in outcome.violated] == ["gap 900 ms..1100 ms", "gap 540 ms..660 ms (T-BEAT told as 600 ms)"]


def test_what_was_told_later_does_not_reach_back_and_nothing_told_is_the_limit_of_the_run() -> None:
    tape = Tape(spec())
    before = beats(tape, 0.0, 1.0, conn="a")
    welcomed(tape.at(1.5), '{"T-BEAT": 600}')
    assert ns(judged(tape)) == ([before[1]], [], [])


@pytest.mark.parametrize(("boot", "held"), [("b1", False), ("b2", True)])
def test_a_boot_that_was_not_welcomed_yet_is_held_to_the_limits_of_the_run(boot: str, held: bool) -> None:
    tape = Tape(spec())
    welcomed(tape, '{"T-BEAT": 600}')
    asked(tape.at(1.0), boot)
    found = beats(tape, 1.1, 2.1, conn="a")
    assert ns(judged(tape)) == (([found[1]], [], []) if held else ([], [found[1]], []))


@pytest.mark.parametrize("limits", ["null", "[]", '{"T-BEAT": "fast"}', '{"T-BEAT": -5}', '{"T-ELSE": 7}', '{"T-QUIET": 9}'])
def test_only_numbers_of_timers_that_are_told_count(limits: str) -> None:
    tape = Tape(spec())
    welcomed(tape, limits)
    found = beats(tape, 0.1, 1.1, conn="a")
    assert ns(judged(tape)) == ([found[1]], [], [])
