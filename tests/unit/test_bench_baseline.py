"""`--baseline`: what became another is a line each; what a narrowed run left out on purpose is one count."""

from __future__ import annotations

from pathlib import Path

from conformance.bench.baseline import changes, compared
from conformance.verdict.model import ClauseResult, RunResult, Verdict

BEFORE = {"A-001": "pass", "A-002": "fail", "A-003": "pass", "A-004": "pass", "A-005": "not_selected"}


def now(*, partial: bool) -> RunResult:
    verdicts = {
        "A-001": Verdict.FAIL, "A-002": Verdict.NOT_SELECTED, "A-003": Verdict.NOT_SELECTED, "A-004": Verdict.PASS,
        "A-005": Verdict.NOT_SELECTED,
    }  # fmt: skip
    clauses = tuple(ClauseResult(cid, "MUST", verdict, (), ()) for cid, verdict in verdicts.items())
    return RunResult(Verdict.FAIL, Verdict.FAIL, 1, clauses, (), {"partial": partial})


def test_what_a_narrowed_run_left_out_is_one_count() -> None:
    found = changes(BEFORE, now(partial=True), "en")
    assert (found.rows, found.left_out) == (("A-001: pass -> fail",), 2)
    assert compared(Path("old"), found, "en") == [
        "against old: 1 clauses changed; 2 more are not in the scope of this run", "  A-001: pass -> fail",
    ]  # fmt: skip
    assert compared(Path("old"), found, "zh")[0] == "与 old 相比：1 个条款有变化；另有 2 个条款不在本次运行的范围内"


def test_what_a_whole_run_lost_is_told_by_name() -> None:
    found = changes(BEFORE, now(partial=False), "en")
    assert found.left_out == 0
    assert [row.split(":")[0] for row in found.rows] == ["A-001", "A-002", "A-003"]
    assert compared(Path("old"), found, "en")[0] == "against old: 3 clauses changed"
