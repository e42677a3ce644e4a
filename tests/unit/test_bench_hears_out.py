"""A procedure that is at its end does not close the ears of the bench: limits of its own obligations that run are awaited."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from conformance.bench.case import Procedure
from conformance.bench.errors import NotObserved
from conformance.bench.lag import LagMeter
from conformance.bench.memorylab import MemoryLab
from conformance.bench.plan import Selection
from conformance.bench.stage import CONNECTS, Stage
from conformance.iut.device_file import load_device
from conformance.suites import steps
from conformance.verdict.model import Verdict

REFERENCE = load_device(Path(__file__).resolve().parents[2] / "devices" / "reference.toml")
CASE = "chn.resume-after-cut"


async def gives_up(stage: Stage) -> None:
    """Cut the channel, and do not even look whether the device comes back."""
    async with stage.fault("cut.channel"):
        pass
    raise NotObserved("anything", "T-QUIET")


async def takes_it_as_done(stage: Stage) -> None:
    """Cut the channel and be content, as where another message is taken for the one that was meant."""
    async with stage.fault("cut.channel"):
        pass


@pytest.mark.parametrize("procedure", [gives_up, takes_it_as_done])
def test_what_comes_within_its_limit_counts_although_the_procedure_has_ended(procedure: Procedure) -> None:
    lab = MemoryLab()
    lab.cases = {**lab.cases, CASE: replace(lab.cases[CASE], procedure=procedure)}
    result = lab.run(REFERENCE, selection=Selection(cases=frozenset({CASE})))
    obligations = {o.id: o for clause in result.clauses for o in clause.obligations}
    assert obligations["CHN-014.a"].verdict is Verdict.PASS
    assert obligations["CHN-014.a"].held == 1


def test_a_lag_that_is_told_only_after_the_wait_leaves_no_limit_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(self: LagMeter) -> float:
        loop_s = asyncio.get_running_loop().time()
        self._recorder.observe("", "-", "bench.lag", facts={"p999_ms": 60.0, "loop_s": loop_s})
        return 60.0

    monkeypatch.setattr(LagMeter, "report", late)
    result = MemoryLab().run(REFERENCE, selection=Selection(cases=frozenset({"que.cancel"})))
    once = next(o for clause in result.clauses for o in clause.obligations if o.id == "QUE-010.a")
    assert (once.verdict, once.held) == (Verdict.PASS, 1)


async def refused_a_ticket(stage: Stage) -> None:
    """Nobody serves at this hour, and the story cannot go on without a ticket."""
    stage.city.set_hours([])
    try:
        await steps.take_ticket(stage)
    finally:
        stage.city.set_hours(None)


def test_a_ticket_that_is_refused_is_no_mistake_of_the_bench() -> None:
    lab = MemoryLab()
    lab.cases = {**lab.cases, CASE: replace(lab.cases[CASE], procedure=refused_a_ticket)}
    result = lab.run(REFERENCE, selection=Selection(cases=frozenset({CASE})))
    case = next(case for case in result.cases if case.id == CASE)
    assert (case.verdict, "not-observed: the ticket" in case.reason) == (Verdict.INCONCLUSIVE, True)


def test_a_device_that_comes_and_goes_for_ever_is_not_waited_for_for_ever() -> None:
    waits: list[str] = []

    async def came_and_went(*_: object, timer: str, **__: object) -> None:
        waits.append(timer)

    stage = SimpleNamespace(
        spec=SimpleNamespace(by_role=lambda _: [SimpleNamespace(interface="I2")]),
        city=SimpleNamespace(missing=lambda: {"I2"}), now=lambda: 0, wait=came_and_went,
    )  # fmt: skip
    with pytest.raises(NotObserved, match="the device's connection, T-RECONNECT"):
        asyncio.run(Stage.connected(cast("Stage", stage), "status.query"))
    assert waits == ["T-RECONNECT"] * CONNECTS
