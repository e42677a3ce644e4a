"""What is wrong with what an operator gave is told in the language asked: nobody has to read the other one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conformance.bench.lock import DeviceBusy, DeviceLock
from conformance.bench.memorylab import MemoryLab
from conformance.bench.outputs import JOURNAL
from conformance.bench.plan import Selection
from conformance.cli import app
from conformance.iut.device_file import load_device
from tests.selftest.command import REFERENCE, ROOT, device_file, rvw

USAGE, INCONCLUSIVE = 2, 3
SIGNED = "reason = 'r'\nowner = 'o'\n"


def told(*words: str | Path) -> tuple[str, str, str]:
    """What `rvw` says of wrong words: in Chinese, in English, in both."""
    said = []
    for lang in ("zh", "en", "both"):
        done = CliRunner().invoke(app, [*(str(word) for word in words), "--lang", lang])
        assert done.exit_code == USAGE, done.output
        said.append(done.output)
    return said[0], said[1], said[2]


RUN = ("run", "--device", REFERENCE)


@pytest.mark.parametrize(
    ("words", "zh", "en"),
    [
        (("run", "--device", "gone.toml"), "找不到设备文件", "there is no such device file"),
        (("plan", "--device", "gone.toml"), "找不到设备文件", "there is no such device file"),
        (("bench", "--device", "gone.toml"), "找不到设备文件", "there is no such device file"),
        (("doctor", "--device", "gone.toml"), "找不到设备文件", "there is no such device file"),
        ((*RUN, "--profile", "cor"), "规范包没有档位 'cor'", "unknown profile 'cor'"),
        (("bench", "--profile", "cor"), "规范包没有档位 'cor'", "unknown profile 'cor'"),
        ((*RUN, "--clause", "QUE-099"), "没有条款 'QUE-099'；是否应为", "unknown clause 'QUE-099'; did you mean"),
        ((*RUN, "--until", "QUX"), "没有条款类别 'QUX'", "unknown family 'QUX'"),
        ((*RUN, "--timer", "T-AKC=500"), "没有时限 'T-AKC'；是否应为 'T-ACK'？", "unknown timer 'T-AKC'; did you mean 'T-ACK'?"),
        ((*RUN, "--timer", "T-ACK"), "--timer 的写法是", "--timer takes"),
        ((*RUN, "--lab", "gone"), "请用 rvw lab init gone 建立实验室", "make a lab with `rvw lab init gone`"),
        ((*RUN, "--only", "rest"), "--only 只能是", "--only takes"),
        ((*RUN, "--only", "remaining"), "--only 须与 --campaign", "--only needs --campaign"),
        ((*RUN, "--campaign", ROOT), "不是测试活动的目录", "holds no campaign"),
        ((*RUN, "--campaign", "c", "--out", "o"), "不能同时使用", "exclude each other"),
        ((*RUN, "--baseline", "gone"), "请指定一次已完成的运行的目录", "name the directory of a finished run"),
        (("resume", "gone"), "请指定一次运行的目录", "name the directory of a run"),
        (("rejudge", "gone"), "请指定一次运行的目录", "name the directory of a run"),
        (("lab", "init", ROOT), "实验室的身份从不覆盖", "never overwritten"),
        (("lab", "init", "new", "--trust", "none"), "--trust 只能是", "--trust takes"),
    ],
)  # fmt: skip
def test_wrong_words_are_told_in_the_language_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str | Path, ...], zh: str, en: str
) -> None:
    monkeypatch.chdir(tmp_path)
    chinese, english, both = told(*words)
    assert (zh in chinese, en in chinese) == (True, False), chinese
    assert (zh in english, en in english) == (False, True), english
    assert (zh in both, en in both) == (True, True), both
    assert list(tmp_path.iterdir()) == [], "nothing was begun"


def test_the_language_may_be_asked_with_an_equals_sign() -> None:
    done = CliRunner().invoke(app, ["resume", "gone", "--lang=zh"])
    assert ("不存在" in done.output, "does not exist" in done.output) == (True, False), done.output


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("[[waiver", "不是 TOML 文件", "not TOML"),
        ("[waiver]\n", "请写成 [[waiver]] 表", "write [[waiver]] tables"),
        ("[[waiver]]\nclause = 'QUE-001'\n", "第 1 项豁免：缺少 reason", "waiver 1: reason is missing"),
        (f"[[waiver]]\nclause = 'QUE-001'\n{SIGNED}expires = 2020-01-31\n", "已于 2020-01-31 到期", "expired on"),
        (f"[[waiver]]\ncase = 'que.swip'\n{SIGNED}expires = 2099-01-31\n", "没有用例 'que.swip'", "unknown case"),
    ],
)
def test_a_list_of_known_failures_is_told_in_the_language_asked(tmp_path: Path, text: str, zh: str, en: str) -> None:
    known = tmp_path / "known.toml"
    known.write_text(text, encoding="utf-8")
    chinese, english, _ = told(*RUN, "--profile", "ci", "--known-failures", known)
    assert (zh in chinese, en in chinese) == (True, False), chinese
    assert (zh in english, en in english) == (False, True), english


def test_known_failures_are_refused_for_certification_in_the_language_asked(tmp_path: Path) -> None:
    known = tmp_path / "known.toml"
    known.write_text(f"[[waiver]]\nclause = 'QUE-001'\n{SIGNED}expires = 2099-01-31\n", encoding="utf-8")
    chinese, english, _ = told(*RUN, "--profile", "integrated_terminal", "--known-failures", known)
    assert "不接受豁免清单" in chinese
    assert "known failures are refused" in english


def _recorded(out: Path) -> None:
    chosen = Selection(cases=frozenset({"que.swipe-ticket"}))
    MemoryLab().run(load_device(REFERENCE), selection=chosen, journal=out / JOURNAL)


def test_a_run_that_cannot_go_on_is_told_in_the_language_asked(tmp_path: Path) -> None:
    _recorded(tmp_path)
    lines = (tmp_path / JOURNAL).read_bytes().splitlines(keepends=True)
    (tmp_path / JOURNAL).write_bytes(b"".join([*lines[:3], *lines[4:]]))
    chinese, english, _ = told("resume", tmp_path)
    assert "日志不完整（第 4 行：与上一行不衔接）" in chinese
    assert "is broken (line 4: does not follow from the line before)" in english
    done = CliRunner().invoke(app, ["rejudge", str(tmp_path), "--lang", "zh"])
    assert "rvw: 日志第 4 行：与上一行不衔接" in done.output


@pytest.mark.sockets
def test_a_port_in_use_is_told_in_the_language_asked(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        device = device_file(tmp_path, "zh-port", f"[bench]\nports = [{taken.getsockname()[1]}, 0]\n")
        code, text = rvw("run", "--device", device, "--out", tmp_path / "run", "--lang", "zh")
    assert (code, "有被占用的" in text, "is in use" in text) == (USAGE, True, False), text


@pytest.mark.sockets
def test_a_device_that_does_not_start_is_told_in_the_language_asked(tmp_path: Path) -> None:
    device = device_file(tmp_path, "zh-gone", f"[driver]\ncommand = {json.dumps(['rvw-no-such-command'])}\n")
    code, text = rvw(
        "run", "--device", device, "--out", tmp_path / "run", "--lang", "zh", "-k", "reg.first", "--expect-firmware", "1"
    )
    assert (code, "设备命令 'rvw-no-such-command' 无法在" in text) == (INCONCLUSIVE, True), text
    assert "cannot be started" not in text


def test_a_device_that_is_taken_says_by_whom_in_both_languages() -> None:
    name = f"RVW-TAKEN-{os.getpid()}"
    held = DeviceLock(name)
    try:
        code = f"from conformance.bench.lock import DeviceLock\nDeviceLock({name!r})"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
        assert f"process {os.getpid()} is running tests on the device {name}" in done.stderr
        with pytest.raises(DeviceBusy) as caught:
            DeviceLock(name)
        line = caught.value.lines[0]
        assert not isinstance(line, str)
        assert f"进程 {os.getpid()} 正在测试设备 {name}" in line.zh
    finally:
        held.release()
