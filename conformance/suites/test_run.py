"""The run as pytest items: one for each case of the plan, one for each family at the end. The plugin fills both in."""

from __future__ import annotations

from conformance.bench.case import Case
from conformance.bench.pytestrun import Runner


def test_case(rvw_run: Runner, rvw_case: Case) -> None:
    """One case: run, judged on its slice when it closes."""
    rvw_run.run_case(rvw_case)


def test_family(rvw_run: Runner, rvw_family: str) -> None:
    """One family of clauses, judged on the whole trace."""
    rvw_run.judge_family(rvw_family)
