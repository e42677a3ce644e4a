"""The device's own log beside a case: lines on the run's clock, whatever the device's clock says."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sys
from pathlib import Path

import pytest

from conformance.bench import devicelog
from conformance.bench.devicelog import LINE_CHARS, CommandLog, StderrLog, report
from conformance.spec.loader import load
from conformance.trace.masking import Masker
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Transcript

HERE = Path(__file__).parent
ZERO = 1_780_279_200.0  # epoch second at which the run's clock is zero


class StillClock:
    """A clock that stands where a test puts it."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return ZERO + self.now


def _iso(second: float) -> str:
    return dt.datetime.fromtimestamp(ZERO + second, dt.UTC).isoformat(timespec="milliseconds")


def _recorder(clock: StillClock) -> Recorder:
    return Recorder(Transcript(load()), clock, None, Masker())


def test_stderr_lines_are_told_once_with_their_second() -> None:
    clock = StillClock()
    log = StderrLog(clock)
    for clock.now, line in ((1.0, "boot"), (5.0, "swipe"), (6.0, "jam")):
        log.add(line)
    assert asyncio.run(log.between(4.0, 5.5)) == [(5.0, "swipe")]
    assert asyncio.run(log.between(4.0, 9.0)) == [(6.0, "jam")]


def test_a_command_s_lines_are_cut_to_the_case_and_go_with_the_line_before() -> None:
    clock = StillClock()
    lines = [f"{_iso(2)} too early", f"{_iso(11)} swipe", "  detail without a time", f"{_iso(30)} too late"]
    command = [sys.executable, "-c", f"print({chr(10).join(lines)!r})"]
    found = asyncio.run(CommandLog(command, HERE, clock, _recorder(clock)).between(10.0, 12.0))
    assert found == [(11.0, f"{_iso(11)} swipe"), (11.0, "  detail without a time")]


def test_a_clock_that_is_ahead_is_allowed_for() -> None:
    clock = StillClock()
    recorder = _recorder(clock)
    clock.now = 8.0
    frame = {
        "jsonrpc": "2.0", "id": 1, "method": "heartbeat", "params": {"device_time": _iso(8 + 3600)},
        "meta": {"seq": 1, "seen": 0},
    }  # fmt: skip
    recorder.observe("I2", "iut", "ws.frame", json.dumps(frame).encode(), {"conn": "c", "opcode": 1, "fin": True})
    command = [sys.executable, "-c", f"import os; print('{_iso(3611)}', os.environ['RVW_SINCE'])"]
    found = asyncio.run(CommandLog(command, HERE, clock, recorder).between(10.0, 12.0))
    assert [t for t, _ in found] == [11.0]
    assert found[0][1].endswith(_iso(3610).replace("+00:00", "Z"))


def test_a_command_is_started_where_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "device.log").write_text("swipe", encoding="ascii")
    clock = StillClock()
    command = [sys.executable, "-c", "print(open('device.log').read())"]
    assert asyncio.run(CommandLog(command, tmp_path, clock, _recorder(clock)).between(0.0, 1.0)) == [(1.0, "swipe")]


def test_a_command_that_is_not_there_says_so_in_the_log() -> None:
    clock = StillClock()
    found = asyncio.run(CommandLog(["rvw-no-such-command"], HERE, clock, _recorder(clock)).between(0.0, 1.0))
    assert "cannot be started" in found[0][1]


def test_of_a_log_larger_than_memory_the_last_whole_lines_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devicelog, "LOG_BYTES", 1 << 16)
    clock = StillClock()
    command = [sys.executable, "-c", "for n in range(100_000): print(f'line {n:06}')"]
    found = asyncio.run(CommandLog(command, HERE, clock, _recorder(clock)).between(0.0, 1.0))
    assert [line for _, line in found] == [f"line {n:06}" for n in range(100_000 - devicelog.MAX_LINES, 100_000)]


def test_one_line_without_an_end_is_not_kept_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devicelog, "LOG_BYTES", 1 << 16)
    clock = StillClock()
    command = [sys.executable, "-c", "print('x' * 1_000_000); print('after')"]
    found = asyncio.run(CommandLog(command, HERE, clock, _recorder(clock)).between(0.0, 1.0))
    assert found == [(1.0, "after")]


def test_a_log_that_goes_on_is_told_as_far_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devicelog, "COMMAND_LIMIT_S", 1.0)
    clock = StillClock()
    command = [sys.executable, "-c", "import signal; print('swipe', flush=True); signal.pause()"]
    found = asyncio.run(CommandLog(command, HERE, clock, _recorder(clock)).between(0.0, 1.0))
    assert found == [(1.0, "swipe")]


def test_a_long_line_is_masked_before_it_is_cut() -> None:
    clock = StillClock()
    recorder = _recorder(clock)
    recorder.add_secret("a-very-secret-token")
    log = StderrLog(clock)
    clock.now = 1.0
    log.add("x" * (LINE_CHARS - 10) + "a-very-secret-token refused")
    asyncio.run(report(recorder, log, "que.swipe-ticket", 0.5))
    (line,) = recorder.transcript[-1].facts["lines"]
    assert (len(line), "a-very" in line) == (LINE_CHARS, False)


def test_what_is_reported_belongs_to_the_case_and_is_masked() -> None:
    clock = StillClock()
    recorder = _recorder(clock)
    recorder.add_secret("a-very-secret-token")
    log = StderrLog(clock)
    clock.now = 1.0
    log.add("token a-very-secret-token refused")
    clock.now = 2.0
    asyncio.run(report(recorder, log, "que.swipe-ticket", 0.5))
    entry = recorder.transcript[-1]
    assert (entry.obs, entry.case, entry.facts["times"]) == ("device.log", "que.swipe-ticket", [1.0])
    assert "a-very-secret-token" not in json.dumps(dict(entry.facts))
    asyncio.run(report(recorder, log, "que.swipe-ticket", 2.0))
    assert recorder.last == entry.n, "no lines, no observation"
