"""The operator as upper tester: prompts in the terminal, closed by a key or by what the device does; scripted here."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from conformance.bench.device import DeviceHandle
from conformance.bench.prompts import terminal_prompts
from conformance.iut.operator import OperatorUpperTester
from conformance.iut.prompt import Answer, NotAvailable, prompt_for
from conformance.spec.loader import load
from conformance.trace.clock import SystemClock
from conformance.trace.masking import Masker
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Transcript
from tests.selftest.command import begin, cases_of, device_file, free_ports, running_reference, rvw


def _asked(script: str, verb: str, **args: Any) -> tuple[Answer, str, list[str]]:
    """Ask a scripted operator; the answer, what was shown, and what was recorded."""

    async def ask() -> tuple[Answer, str, list[str]]:
        shown = io.StringIO()
        tester = OperatorUpperTester(terminal_prompts(lambda text: void(shown.write(text)), "both"), io.StringIO(script))
        recorder = Recorder(Transcript(load()), SystemClock(), None, Masker())
        answer = await DeviceHandle(recorder, lambda: tester, None).do(verb, **args)
        return answer, shown.getvalue(), [entry.obs for entry in recorder.transcript]

    return asyncio.run(ask())


def void(_: object) -> None:
    """Takes a value and drops it."""


def test_enter_closes_a_prompt_that_both_languages_show() -> None:
    answer, shown, recorded = _asked("\n", "press", button="help")
    assert answer.ok
    assert "请在设备上按下：help" in shown
    assert "Press on the device: help" in shown
    assert recorded == ["stimulus", "prompt", "prompt.answer", "stimulus.done"]


def test_typed_lines_end_with_an_empty_one() -> None:
    answer, _, recorded = _asked("A012\n前方 3 人\n\n", "screen")
    assert answer.result == {"text": ["A012", "前方 3 人"]}
    assert "device.claim" in recorded


@pytest.mark.parametrize(("script", "told"), [("n\n", "cannot be done"), ("", "terminal was closed")])
def test_who_cannot_or_is_not_there_blames_nobody_else(script: str, told: str) -> None:
    with pytest.raises(NotAvailable, match=told):
        _asked(script, "press", button="help")


def test_nobody_is_waited_for_without_end() -> None:
    async def ask() -> None:
        read, write = os.pipe()
        with os.fdopen(read, encoding="utf-8") as silent:
            tester = OperatorUpperTester(lambda _: None, silent, patience_s=0.2)
            with pytest.raises(NotAvailable, match=r"within 0 s"):
                await tester.ask(prompt_for("s1", "card", {}))
            os.close(write)

    asyncio.run(ask())


def test_no_prompts_asks_nobody() -> None:
    async def ask() -> None:
        tester = OperatorUpperTester(lambda _: None, io.StringIO("\n"), allowed=False)
        assert await tester.verbs() == frozenset()
        with pytest.raises(NotAvailable):
            await tester.ask(prompt_for("s1", "card", {}))

    asyncio.run(ask())


@pytest.mark.sockets
def test_a_person_s_run_with_prompts_closed_by_the_device_and_by_keys(tmp_path: Path) -> None:
    http, ws, tester, api = free_ports(4)
    lab, out = tmp_path / "lab", tmp_path / "run"
    assert rvw("lab", "init", lab, "--listen", "127.0.0.1", "--ports", http, ws)[0] == 0
    url = f"https://127.0.0.1:{api}/device/v1"
    device = device_file(
        tmp_path, "person", '[driver]\nkind = "running"\nready_timeout_s = 30\n[upper_tester]\nkind = "operator"\n',
        f'remote_device_url = "{url}"\n',
    )  # fmt: skip
    words = ("--device", device, "--profile", "integrated_terminal", "--seed", "1", "--lang", "en")
    child = running_reference(lab, f"RVW-person-{os.getpid()}", url, (http, tester, api), tmp_path, "production")
    base = f"http://127.0.0.1:{tester}/upper-tester"
    try:
        process = begin("run", *words, "--lab", lab, "--out", out, "-k", "que.swipe", stdin=subprocess.PIPE)
        told = _play(process, out, base)
        assert cases_of(out) == {"que.swipe-ticket": "pass"}, told
        closed = [row["facts"]["closed_by"] for row in _journal(out) if row["kind"] == "prompt.answer"]
        assert closed == ["observed", "key"]
        assert "physical actions 2" in told
    finally:
        child.communicate(timeout=10)
    _, told = rvw("plan", *words, "--no-prompts")
    assert "nobody can give the stimulus card" in told


def _play(process: subprocess.Popen[str], out: Path, base: str) -> str:
    """The person: puts the card that is asked for on the reader, and types what the screen shows."""
    told = ""
    assert process.stdout is not None
    assert process.stdin is not None
    for line in process.stdout:
        told += line
        if ">>> Put the test card" in line:
            _ask_device(base, "card", {"card": _last_stimulus(out)["card"]})
        elif ">>> Type what the screens show" in line:
            screen = _ask_device(base, "screen", {})
            process.stdin.write("".join(f"{text}\n" for text in [*screen["main"], *screen["second"]] if text) + "\n")
            process.stdin.flush()
    process.communicate(timeout=30)
    return told


def _ask_device(base: str, verb: str, args: Mapping[str, Any]) -> dict[str, Any]:
    reply: dict[str, Any] = httpx.post(base, json={"id": "p", "verb": verb, "args": args}, timeout=10, trust_env=False).json()
    assert reply["ok"], reply
    result: dict[str, Any] = reply.get("result") or {}
    return result


def _last_stimulus(out: Path) -> dict[str, Any]:
    """What was asked last; the journal is on the disk within 50 ms, on a busy machine a little later."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        rows = [row for row in _journal(out) if row["kind"] == "stimulus" and row["facts"].get("verb") == "card"]
        if rows:
            found: dict[str, Any] = rows[-1]["facts"]["args"]
            return found
    raise AssertionError("the stimulus was never recorded")


def _journal(out: Path) -> list[dict[str, Any]]:
    text = (out / "journal.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
