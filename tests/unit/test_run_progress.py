"""What a run tells on the terminal while it goes on and when it is stopped."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conformance import plugin
from conformance.bench.memorylab import MemoryLab, broken_clauses
from conformance.bench.plan import Selection
from conformance.bench.prepare import Options, Prepared, prepare
from conformance.iut.device_file import load_device
from conformance.plugin import PytestRun, run_session
from conformance.verdict import exitcode
from conformance.verdict.model import Verdict

REFERENCE = Path(__file__).resolve().parents[2] / "devices" / "reference.toml"


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return prepare(Options(device=REFERENCE, seed=1))


def test_a_failing_case_names_the_clauses_that_failed_in_it(prepared: Prepared, capsys: pytest.CaptureFixture[str]) -> None:
    lab, name = MemoryLab(), "svc.list-sizes"
    result = lab.run(load_device(REFERENCE), defect="SVC-002-thirty-items-at-most", selection=Selection(cases=frozenset({name})))
    case = next(c for c in result.cases if c.id == name)
    assert case.verdict is Verdict.FAIL
    assert set(case.decisive) <= set(broken_clauses(result))
    assert "SVC-002" in case.decisive
    assert set(case.clauses) > set(case.decisive), "others had findings in it, too"
    PytestRun(prepared, lang="en")._tell(prepared.cases[name], case)
    assert capsys.readouterr().err.split(name)[1].split() == list(case.decisive)


def test_a_second_ctrl_c_still_says_how_to_go_on(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped_twice(_: list[str], plugins: list[Any]) -> int:
        plugins[0]._run.live = SimpleNamespace(out=Path("rvw-out/here"))  # the run has begun
        raise KeyboardInterrupt

    monkeypatch.setattr(plugin, "start", stopped_twice)
    run = run_session(prepared, lang="en")
    assert run.code == exitcode.INCONCLUSIVE
    assert capsys.readouterr().err == "rvw: stopped; go on with: rvw resume rvw-out/here\n"


def test_what_is_stopped_before_it_began_has_nothing_to_go_on_with(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(_: list[str], __: list[Any]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(plugin, "start", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_session(prepared)
