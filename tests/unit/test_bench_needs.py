"""A case is planned only where the pack has the timers that its procedure waits by; they are read from its code."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from conformance.bench.case import load_cases
from conformance.bench.home import bring_home
from conformance.bench.needs import timers_of

CASES = load_cases()


@pytest.mark.parametrize(
    ("case", "timers"),
    [
        ("hbt.steady", {"T-HEARTBEAT"}),  # a constant of its own
        ("hbt.status-query", {"T-ACK"}),  # the default of a method of the stage
        ("que.on-behalf", {"T-TICKET"}),
        ("que.swipe-ticket", {"T-TICKET", "T-ACK", "T-SHOW", "T-QUIET"}),  # through steps that call steps
        ("reg.reregister-after-restart", {"T-HEARTBEAT", "T-BOOT"}),
    ],
)
def test_of_stories(case: str, timers: set[str]) -> None:
    assert timers <= set(timers_of(CASES[case].procedure))
    assert not {"T-MEDIA", "T-RATING"} & set(timers_of(CASES[case].procedure))


def test_a_method_of_the_same_name_on_another_object_does_not_count() -> None:
    """`stage.city.call_ticket` is no `steps.call_ticket`."""
    assert "T-BOOT" not in timers_of(CASES["chn.oversize"].procedure)


def test_the_way_home_is_everybodys() -> None:
    assert {"T-ACK", "T-BOOT", "T-RECONNECT"} <= set(timers_of(bring_home))


def test_what_is_no_function_of_the_harness_is_left_alone() -> None:
    def foreign(stage: Any) -> AbstractAsyncContextManager[None]:
        fault: AbstractAsyncContextManager[None] = stage.fault("x", recovery="T-RECOVER")
        return fault

    assert timers_of(foreign) == ()
