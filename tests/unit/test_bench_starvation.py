"""What the kernel tells of waiting processes, and how it comes into the trace."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.bench import lag, starvation
from conformance.bench.lag import LagMeter
from conformance.bench.starvation import Starvation
from conformance.spec.loader import load
from conformance.trace.clock import SystemClock
from conformance.trace.masking import Masker
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Transcript

MS = 1_000_000  # nanoseconds


def waits(proc: Path, pid: int, **threads: int) -> None:
    """What the kernel says of a process: nanoseconds waited by thread."""
    for thread, waited in threads.items():
        place = proc / str(pid) / "task" / thread
        place.mkdir(parents=True, exist_ok=True)
        (place / "schedstat").write_text(f"12345 {waited} 67\n", encoding="ascii")


def stalls(proc: Path, some_us: int) -> None:
    """What the kernel says of the disk: microseconds since the start in which something waited for it."""
    place = proc / "pressure" / "io"
    place.parent.mkdir(exist_ok=True)
    some = f"some avg10=0.00 avg60=0.63 avg300=0.70 total={some_us}\n"
    place.write_text(f"{some}full avg10=0.00 avg60=0.48 avg300=0.56 total={some_us // 3}\n", encoding="ascii")


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Starvation:
    monkeypatch.setattr(starvation, "_PROC", tmp_path)
    meter = Starvation()
    meter._children = [1, 2, 3]
    return meter


def test_of_each_process_the_thread_that_waited_longest_counts(processes: Starvation, tmp_path: Path) -> None:
    waits(tmp_path, 1, a=10 * MS, b=30 * MS)
    waits(tmp_path, 2, c=5 * MS)
    assert processes.since_last() == pytest.approx(35.0)  # process 3 is gone
    waits(tmp_path, 1, a=50 * MS, b=31 * MS)
    assert processes.since_last() == pytest.approx(40.0)
    assert processes.since_last() == 0.0


def test_what_cannot_be_read_excuses_nothing(processes: Starvation, tmp_path: Path) -> None:
    (tmp_path / "1" / "task" / "a").mkdir(parents=True)
    (tmp_path / "1" / "task" / "a" / "schedstat").write_text("nothing\n", encoding="ascii")
    assert processes.since_last() == 0.0


def test_a_disk_holds_every_process_of_the_machine_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starvation, "_PROC", tmp_path)
    stalls(tmp_path, 7_000_000)
    meter = Starvation()
    meter._children = [1]
    waits(tmp_path, 1, a=0)
    assert meter.since_last() == 0.0  # what was before is not ours
    stalls(tmp_path, 7_250_000)
    waits(tmp_path, 1, a=10 * MS)
    assert meter.since_last() == pytest.approx(260.0)
    assert meter.since_last() == 0.0


def test_a_disk_excuses_nobody_where_no_process_is_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starvation, "_PROC", tmp_path)
    stalls(tmp_path, 0)
    meter = Starvation()
    stalls(tmp_path, 900_000)
    assert meter.since_last() == 0.0
    meter._children = [1]
    assert meter.since_last() == 0.0  # nor is it kept for a process that comes later


@pytest.mark.parametrize("text", ["", "full avg10=0.00 total=5\n", "some avg10=0.00\n", "some total=much\n"])
def test_a_kernel_that_tells_nothing_of_its_disk_excuses_nothing(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starvation, "_PROC", tmp_path)
    stalls(tmp_path, 0)
    meter = Starvation()
    meter._children = [1]
    (tmp_path / "pressure" / "io").write_text(text, encoding="ascii")
    assert meter.since_last() == 0.0


def test_children_are_found_and_forgotten() -> None:
    meter = Starvation()
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        meter.look_around()
        assert child.pid in meter._children
        assert os.getpid() not in meter._children
    finally:
        child.communicate()
    meter.look_around()
    assert child.pid not in meter._children


class Waited(Starvation):
    """Processes that waited this long since the last look."""

    ms = 0.0

    def look_around(self) -> None:
        """There are none."""

    def since_last(self) -> float:
        """As told."""
        return self.ms


def test_a_wait_that_is_worth_telling_is_on_the_record_with_its_span() -> None:
    async def scenario() -> Recorder:
        recorder = Recorder(Transcript(load()), SystemClock(), None, Masker())
        processes = Waited()
        meter = LagMeter(recorder, processes)
        meter.start()
        meter.report()
        processes.ms = lag.WORTH_MS + 1
        meter.report()
        meter.stop()
        return recorder

    told = [(entry.obs, entry.facts.get("ms")) for entry in asyncio.run(scenario()).transcript]
    assert told == [("bench.lag", None), ("bench.starved", lag.WORTH_MS + 1), ("bench.lag", None)]


class Clockwork(asyncio.SelectorEventLoop):
    """A loop whose clock goes on by what somebody takes, without anybody waiting for it."""

    taken_s = 0.0

    def time(self) -> float:
        """Seconds, with what was taken."""
        return super().time() + self.taken_s


class SlowToLook(Waited):
    """The machine takes its time over the look itself."""

    def __init__(self, loop: Clockwork, takes_s: float) -> None:
        super().__init__()
        self.loop, self.takes_s = loop, takes_s
        self.looked = asyncio.Event()

    def look_around(self) -> None:
        """Time goes by."""
        self.loop.taken_s += self.takes_s
        self.looked.set()


def lags(recorder: Recorder) -> list[float]:
    return [float(str(entry.facts["p999_ms"])) for entry in recorder.transcript if entry.obs == "bench.lag"]


def test_what_looking_takes_is_lateness_of_ours() -> None:
    loop = Clockwork()

    async def scenario() -> list[float]:
        recorder = Recorder(Transcript(load()), SystemClock(), None, Masker())
        processes = SlowToLook(loop, 5.0)
        meter = LagMeter(recorder, processes)
        meter.start()
        await processes.looked.wait()
        meter.report()
        meter.stop()
        return lags(recorder)

    with contextlib.closing(loop):
        assert max(loop.run_until_complete(scenario())) >= 4900.0


def test_a_tick_that_is_still_held_up_is_in_the_report() -> None:
    loop = Clockwork()

    async def scenario() -> list[float]:
        recorder = Recorder(Transcript(load()), SystemClock(), None, Masker())
        meter = LagMeter(recorder, Waited())
        meter.start()
        await asyncio.sleep(0)  # the tick is set
        loop.taken_s += 5.0
        meter.report()
        meter.stop()
        return lags(recorder)

    with contextlib.closing(loop):
        assert loop.run_until_complete(scenario())[0] >= 4900.0
