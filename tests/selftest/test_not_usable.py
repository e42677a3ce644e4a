"""A device that registers and never becomes usable: the run says so and ends, where it could wait before every case."""

from __future__ import annotations

from conformance.bench.killmatrix import defect_files
from conformance.bench.memorylab import MemoryLab, broken_clauses
from conformance.bench.run import LOST
from conformance.verdict import exitcode
from conformance.verdict.model import Verdict
from reports.details import in_chinese


def test_a_run_without_a_usable_device_ends_early_with_what_it_found() -> None:
    device = defect_files("SEC-015-answer-for-another-interface")[0]
    result = MemoryLab().run(device, defect="SEC-015-answer-for-another-interface")
    tried = [case for case in result.cases if case.verdict is Verdict.INCONCLUSIVE and case.reason.startswith("not-home")]
    left = [case for case in result.cases if case.reason.startswith("not-run")]
    assert (len(tried), len(left) > 100) == (LOST, True)
    assert "SEC-015" in broken_clauses(result)
    assert result.exit_code == exitcode.FAIL
    told = next(str(note["text"]) for note in result.notes if note["kind"] == "aborted")
    assert told.startswith(f"before {LOST} cases in a row the device was not usable")
    assert in_chinese(told) != told
