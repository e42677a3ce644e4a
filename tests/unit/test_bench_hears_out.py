"""A procedure that gives up does not close the ears of the bench: limits of its own obligations that still run are awaited."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from conformance.bench.errors import NotObserved
from conformance.bench.killmatrix import MemoryLab
from conformance.bench.plan import Selection
from conformance.bench.stage import Stage
from conformance.iut.device_file import load_device
from conformance.verdict.model import Verdict

REFERENCE = load_device(Path(__file__).resolve().parents[2] / "devices" / "reference.toml")
CASE = "chn.resume-after-cut"


async def gives_up(stage: Stage) -> None:
    """Cut the channel, and do not even look whether the device comes back."""
    async with stage.fault("cut.channel"):
        pass
    raise NotObserved("anything", "T-QUIET")


def test_what_comes_within_its_limit_counts_although_the_procedure_has_given_up() -> None:
    lab = MemoryLab()
    lab.cases = {**lab.cases, CASE: replace(lab.cases[CASE], procedure=gives_up)}
    result = lab.run(REFERENCE, selection=Selection(cases=frozenset({CASE})))
    obligations = {o.id: o for clause in result.clauses for o in clause.obligations}
    assert obligations["CHN-014.a"].verdict is Verdict.PASS
    assert obligations["CHN-014.a"].held == 1
