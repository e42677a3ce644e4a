"""What a run tells on the terminal while it goes on and when it is stopped."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conformance import plugin
from conformance.bench.loop import VirtualTimeLoop
from conformance.bench.memorylab import MemoryLab, broken_clauses
from conformance.bench.patience import BEGUN_S, LONG_S, told
from conformance.bench.plan import Selection
from conformance.bench.prepare import Options, Prepared, prepare
from conformance.iut.device_file import load_device
from conformance.plugin import PytestRun, run_session
from conformance.verdict import exitcode
from conformance.verdict.model import Verdict

REFERENCE = Path(__file__).resolve().parents[2] / "devices" / "reference.toml"
Wait = tuple[str, str, float]


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


def waits(*limits_and_lengths: tuple[float, float]) -> list[Wait]:
    """What is told of waits with these limits that take so long."""
    heard: list[Wait] = []

    async def story() -> None:
        for limit_s, length_s in limits_and_lengths:
            with told(lambda *wait: heard.append(wait), "a.case", "the ticket", limit_s):
                await asyncio.sleep(length_s)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(story())
    return heard


def test_a_wait_with_a_long_limit_is_told_once_and_only_if_it_is_not_over_at_once() -> None:
    assert waits((3600.0, 2500.0)) == [("a.case", "the ticket", 3600.0)]
    assert waits((LONG_S, LONG_S)) == []
    assert waits((3600.0, BEGUN_S / 2)) == []
    assert len(waits((60.0, 50.0), (60.0, 50.0))) == 2


def test_the_long_waits_of_a_run_are_told() -> None:
    heard: list[Wait] = []
    chosen = Selection(cases=frozenset({"sec.token-refresh"}))
    lab = MemoryLab(timer_set="production")
    lab.run(load_device(REFERENCE), selection=chosen, waiting=lambda *wait: heard.append(wait))
    assert [(case, what, round(limit_s)) for case, what, limit_s in heard] == [
        ("sec.token-refresh", "registration.refresh request", 4860),
    ]  # fmt: skip


def test_a_long_wait_reads_in_both_languages(prepared: Prepared, capsys: pytest.CaptureFixture[str]) -> None:
    PytestRun(prepared, lang="en")._tell_wait("sec.token-refresh", "registration.refresh request", 4860.0)
    PytestRun(prepared, lang="zh")._tell_wait("chn.x", "limits that still run", 30.0)
    PytestRun(prepared, lang="zh")._tell_wait("que.x", "the end of a time in which nothing may happen", 12.0)
    assert capsys.readouterr().err.splitlines() == [
        "[  1/0] sec.token-refresh waits for registration.refresh request, up to 81 min",
        "[  1/0] chn.x 正在等待：尚未到期的时限到期，最多 30 秒",
        "[  1/0] que.x 正在等待：“不得发生”的观察时间结束，最多 12 秒",
    ]
