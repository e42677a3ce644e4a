"""A device process that does not start: what it said is quoted so that the cause is in it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from conformance.iut.process import DeviceAbsent, DeviceProcess
from reports.details import in_chinese


def last_words(tmp_path: Path, *lines: str) -> str:
    """What is told of a device that prints these lines and ends."""
    program = tmp_path / "device.py"
    program.write_text(f"import sys; sys.exit({chr(10).join(lines)!r})", encoding="utf-8")
    process = DeviceProcess(["{python}", str(program)], tmp_path, lambda _: None)
    with pytest.raises(DeviceAbsent) as told:
        asyncio.run(process.start({}))
    return str(told.value).partition("its last words: ")[2]


def test_the_cause_before_a_long_stack_is_quoted_with_the_end_of_the_stack(tmp_path: Path) -> None:
    stack = [f"    at step {number}" for number in range(30)]
    words = last_words(tmp_path, "Error: boom: cannot open /dev/ttyUSB0", *stack).split(" | ")
    assert words[0] == "Error: boom: cannot open /dev/ttyUSB0"
    assert words[5] == "… (+21)"
    assert words[6:] == stack[-5:]


def test_few_lines_are_quoted_as_they_are(tmp_path: Path) -> None:
    lines = [str(number) for number in range(10)]
    assert last_words(tmp_path, *lines) == " | ".join(lines)


def test_the_first_lines_stay_however_long_the_log_is(tmp_path: Path) -> None:
    words = last_words(tmp_path, "the cause", *["noise"] * 3000)
    assert words.startswith("the cause | noise")
    assert "… (+2991)" in words


def test_a_line_beyond_all_bounds_does_not_stop_the_reading(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(
        "import sys; sys.stderr.write('x' * (5 << 20) + chr(10)); sys.stderr.write('y' * 2000 + chr(10) + 'the end')", "utf-8"
    )
    with pytest.raises(DeviceAbsent) as told:
        asyncio.run(DeviceProcess(["{python}", "loud.py"], tmp_path, lambda _: None).start({}))
    words = str(told.value).partition("its last words: ")[2].split(" | ")
    assert words[0] == "(a log line over 4 MiB was dropped)"
    assert words[-2:] == [f"{'y' * 1000}… (+1000)", "the end"]


def test_a_device_that_says_nothing_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "quiet.py").write_text("", encoding="utf-8")
    with pytest.raises(DeviceAbsent, match="its last words: nothing"):
        asyncio.run(DeviceProcess(["{python}", "quiet.py"], tmp_path, lambda _: None).start({}))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("'[' * 100_000 + ']' * 100_000", "it is nested deeper than 64 levels"),
        ("'\"2.4.1' + chr(92) + 'ud800\"'", "it holds a text that is no Unicode, or a number of more than 64 bits"),
    ],
    ids=["very deep", "half a character"],
)
def test_a_ready_line_that_cannot_be_recorded_is_the_device_s_trouble(tmp_path: Path, value: str, why: str) -> None:
    line = """'{"ready": true, "contract": "rvw-spawn/1", "firmware": '"""
    (tmp_path / "device.py").write_text(f"print({line} + {value} + '}}', flush=True); input(); input()", encoding="utf-8")
    with pytest.raises(DeviceAbsent) as told:
        asyncio.run(DeviceProcess(["{python}", "device.py"], tmp_path, lambda _: None).start({}))
    said = str(told.value)
    assert said.startswith(f"the device did not become ready: its ready line cannot be used: {why}")
    assert in_chinese(said).startswith("设备没有进入就绪状态：它的就绪行不可用：")


class Gone:
    """What uvloop makes of a child that ended before anything was written to it."""

    async def __call__(self, *words: str, **options: Any) -> asyncio.subprocess.Process:
        process = await self._begin(*words, **options)
        await process.wait()
        assert process.stdin is not None
        process.stdin.write = self._refused  # type: ignore[method-assign]
        return process

    def __init__(self) -> None:
        self._begin = asyncio.create_subprocess_exec

    @staticmethod
    def _refused(_: bytes) -> None:
        raise RuntimeError("unable to perform operation on <WriteUnixTransport closed=True>; the handler is closed")


def test_a_device_that_ends_before_it_is_told_anything_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "create_subprocess_exec", Gone())
    with pytest.raises(DeviceAbsent) as told:
        asyncio.run(DeviceProcess(["{python}", "-c", "raise SystemExit(3)"], tmp_path, lambda _: None).start({}))
    assert str(told.value).endswith("it ended before its ready line (exit code 3); its last words: nothing")
    assert in_chinese(str(told.value)) == "设备没有进入就绪状态：设备在输出就绪行之前已退出（退出码 3）；此前没有任何输出"


def test_the_exit_code_of_a_device_that_the_bench_had_to_kill_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.iut.process.STOP_LIMIT_S", 0.2)
    program = "import time; print('早上好', flush=True); time.sleep(60)"
    with pytest.raises(DeviceAbsent) as told:
        asyncio.run(DeviceProcess(["{python}", "-X", "utf8", "-c", program], tmp_path, lambda _: None).start({}))
    assert str(told.value).partition("rvw-spawn/1: ")[2] == "'早上好\\n'; its last words: nothing"
