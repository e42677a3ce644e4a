"""What a card tells a vendor to run again: a good device gets a 0 from every case and every clause alone, and a device that still
has its defect fails again by a command of its card."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conformance.bench.killmatrix import defect_files
from conformance.bench.memorylab import MemoryLab, broken_clauses
from conformance.bench.outputs import JOURNAL
from conformance.bench.plan import Selection
from conformance.bench.rejudge import rejudge
from conformance.cli import app
from conformance.iut.device_file import load_device
from conformance.verdict import exitcode
from conformance.verdict.clauses import IN_PART
from conformance.verdict.model import Verdict
from reports.build import build
from tests.selftest.command import REFERENCE


def test_a_good_device_gets_a_pass_from_every_case_alone() -> None:
    lab, device = MemoryLab(), load_device(REFERENCE)
    open_ones = {}
    ran = 0
    for case in lab.cases:
        result = lab.run(device, selection=Selection(cases=frozenset({case})))
        ran += bool(result.cases)
        if result.cases and result.exit_code:
            open_ones[case] = [(c.id, c.verdict.value, c.reason) for c in result.clauses if c.verdict is not Verdict.PASS]
    assert open_ones == {}
    assert ran > 140, "nearly every case has a place in memory"


def test_a_good_device_gets_a_pass_from_every_clause_alone() -> None:
    lab, device = MemoryLab(), load_device(REFERENCE)
    open_ones = {}
    for clause in lab.spec.clauses:
        result = lab.run(device, selection=Selection(clauses=(clause,)))
        own = next(c for c in result.clauses if c.id == clause)
        if result.cases and (result.exit_code or own.verdict is not Verdict.PASS):
            open_ones[clause] = (result.exit_code, own.verdict.value, own.reason)
    assert open_ones == {}


def test_too_few_of_its_cases_is_told_and_no_pass() -> None:
    lab = MemoryLab()
    result = lab.run(load_device(REFERENCE), selection=Selection(cases=frozenset({"gen.wrong-state.call.none.call.bye"})))
    usable = next(c for c in result.clauses if c.id == "ROB-005")
    assert (usable.verdict, usable.reason) == (Verdict.NOT_SELECTED, f"{IN_PART}: 1/3")
    assert result.exit_code == exitcode.PASS


@pytest.mark.parametrize(
    "defect",
    [
        "CHN-003-ids-used-again", "CHN-013-jams-after-a-large-message", "HBT-004-heartbeat-lies", "HBT-007-uptime-jumps-back",
        "MED-004-answers-undecided", "REG-004-id-of-the-boot", "ROB-003-candidates-while-ringing",
        "ROB-005-stays-in-its-error-state", "SEC-008-digest-of-another-body", "SEC-016-one-answer-for-all",
    ],
)  # fmt: skip
def test_a_device_that_is_not_mended_fails_again_by_a_command_of_its_card(defect: str, tmp_path: Path) -> None:
    lab = MemoryLab()
    device = defect_files(defect)[0]
    lab.run(device, defect=defect, journal=tmp_path / JOURNAL)
    recorded = rejudge(tmp_path)
    report = build(recorded.result, recorded.transcript, lab.spec)
    assert report.failures
    assert device.defect is not None
    for card in report.failures:
        again = [card.clause in broken_clauses(lab.run(device, defect=defect, selection=_selection(command, lab)))
                 for command in card.rerun]  # fmt: skip
        assert any(again), (card.clause, card.rerun)
        assert again[0] or card.clause not in device.defect.breaks, "the surest command comes first"


def _selection(command: str, lab: MemoryLab) -> Selection:
    """What `rvw run` makes of a card's command."""
    words = shlex.split(command)
    if "--clause" in words:
        return Selection(clauses=(words[words.index("--clause") + 1],))
    asked = words[words.index("-k") + 1].split(" and ")
    return Selection(cases=frozenset(case for case in lab.cases if all(word in case for word in asked)))


def test_a_clause_that_is_out_of_scope_says_why_nothing_is_left_to_run(tmp_path: Path) -> None:
    told = CliRunner().invoke(
        app, ["run", "--device", str(REFERENCE), "--clause", "MED-013", "--out", str(tmp_path / "out"), "--lang", "en"]
    )
    assert told.exit_code == exitcode.USAGE
    assert "MED-013.a: its condition is not declared" in told.output
