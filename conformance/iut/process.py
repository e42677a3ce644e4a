"""A device that is a command (spawn contract `rvw-spawn/1`): one JSON document in, one ready line out, the end at EOF."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from conformance.iut import documents
from conformance.iut.device_file import Driver

CONTRACT = "rvw-spawn/1"
READY_LIMIT_S = 30.0  # a browser on a slow machine needs its time; readiness is no clause
STOP_LIMIT_S = 5.0
WORDS_LONG = 1000  # characters of a line that is quoted
WORDS_KEPT = 5  # lines quoted from the beginning, and as many from the end: some runtimes tell the cause first, then a long stack


class DeviceAbsent(Exception):
    """The device could not be started or reached: blame environment (exit 3)."""


def expand(command: Sequence[str]) -> list[str]:
    """A command of a device file: `{python}` stands for the interpreter that runs the bench."""
    return [sys.executable if part == "{python}" else part for part in command]


class DeviceProcess:
    """One life of a device process. `on_exit` is told when it ends by itself, `on_line` every line of its stderr.

    What an error quotes of its output goes through `mask` first: it holds the device's keys, and a log may show them.
    """

    def __init__(
        self, command: Sequence[str], directory: Path, on_exit: Callable[[int], None], *,
        on_line: Callable[[str], None] = lambda _: None, mask: Callable[[str], str] = str,
        env: Mapping[str, str] | None = None, ready_limit_s: float | None = None,
    ) -> None:  # fmt: skip
        self._command = expand(command)
        self._directory = directory
        self._on_exit = on_exit
        self._on_line = on_line
        self._mask = mask
        self._env = {**os.environ, **(env or {})}
        self._ready_limit_s = ready_limit_s or READY_LIMIT_S
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._lives = False  # it said that it is ready: from now on its end is an observation
        self._stopping = False
        self._killed = False  # it did not end by itself: its exit code is ours
        self.log: deque[str] = deque(maxlen=2000)
        self._first: list[str] = []  # its first lines, which a long log would push out
        self._lines = 0

    @classmethod
    def of(
        cls, driver: Driver, directory: Path, on_exit: Callable[[int], None], *,
        on_line: Callable[[str], None] = lambda _: None, mask: Callable[[str], str] = str,
    ) -> DeviceProcess:  # fmt: skip
        """The process of a device file's driver."""
        return cls(
            driver.command, directory, on_exit, on_line=on_line, mask=mask, env=driver.env,
            ready_limit_s=driver.ready_timeout_s,
        )

    async def start(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Start and wait for the ready line. Raises DeviceAbsent with what the device said last."""
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=self._directory, env=self._env, limit=1 << 22,
                # Ctrl-C in the bench's terminal is for the bench: the device must not die of it.
                start_new_session=True, creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
        except OSError as error:
            reason = f"the device command {self._command[0]!r} cannot be started in {self._directory}: {error.strerror or error}"
            raise DeviceAbsent(f"{reason}; see [driver] command of the device file") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(RuntimeError):  # it may have ended by now: its ready line is missing then
            self._process.stdin.write(json.dumps(document).encode() + b"\n")
        self._watch = asyncio.create_task(self._drain())
        try:
            ready = _ready(await asyncio.wait_for(self._process.stdout.readline(), self._ready_limit_s))
        except (TimeoutError, ValueError) as error:
            await self.stop()
            code = None if isinstance(error, TimeoutError) or self._killed else self._process.returncode
            reason = str(error) or f"no ready line within {self._ready_limit_s:.0f} s"
            ended = "" if code is None else f" (exit code {code})"
            told = self._mask(f"{reason}{ended}; its last words: {self._words()}")
            raise DeviceAbsent(f"the device did not become ready: {told}") from error
        self._lives = True
        if self._process.returncode is not None:  # it ended in the moment between
            self._on_exit(self._process.returncode)
        return ready

    def _words(self) -> str:
        """What it said, on one line: all of it, or its beginning and its end with the number of lines between them."""
        between = self._lines - 2 * WORDS_KEPT
        if between <= 0:
            return " | ".join(map(self._quoted, self.log)) or "nothing"
        first, last = map(self._quoted, self._first), map(self._quoted, list(self.log)[-WORDS_KEPT:])
        return " | ".join([*first, f"… (+{between})", *last])

    def _quoted(self, line: str) -> str:
        """A line, masked before it is cut: no half of a key slips past the mask."""
        line = self._mask(line)
        return line if len(line) <= WORDS_LONG else f"{line[:WORDS_LONG]}… (+{len(line) - WORDS_LONG})"

    def _heard(self, line: str) -> None:
        self._lines += 1
        self.log.append(line)
        if len(self._first) < WORDS_KEPT:
            self._first.append(line)

    async def _drain(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        while True:
            try:
                line = await self._process.stderr.readline()
            except ValueError:  # what is not read would fill the pipe, and the device would hang on its own log
                self._heard("(a log line over 4 MiB was dropped)")
                continue
            if not line:
                break
            text = line.decode("utf-8", "replace").rstrip()
            self._heard(text)
            self._on_line(text)
        code = await self._process.wait()
        if self._lives and not self._stopping:
            self._on_exit(code)

    @property
    def pid(self) -> int | None:
        """Process id while it lives."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def stop(self, *, power_cut: bool = False) -> None:
        """End it by EOF, then by force; `power_cut` kills at once, without a word."""
        if self._process is None:
            return
        self._stopping = True
        if self._process.returncode is None:
            family = _family(self._process.pid)
            assert self._process.stdin is not None
            self._process.stdin.close()
            if power_cut:
                _kill(family)
            try:
                await asyncio.wait_for(self._process.wait(), STOP_LIMIT_S)
            except TimeoutError:
                self._killed = True
                _kill(family)
                await self._process.wait()
            _kill(family[1:])
        if self._watch is not None:
            await asyncio.wait({self._watch}, timeout=STOP_LIMIT_S)


def _ready(line: bytes) -> Mapping[str, Any]:
    if not line:
        raise ValueError("it ended before its ready line")
    try:
        ready = documents.read(line)
    except documents.Unusable as error:
        raise ValueError(f"its ready line cannot be used: {error}") from error
    except ValueError:
        ready = None
    if not (isinstance(ready, dict) and ready.get("ready") is True and ready.get("contract") == CONTRACT):
        # Whole or not at all: a mask finds no half of a secret.
        said = repr(line.decode("utf-8", "replace")) if len(line) <= 200 else f"{len(line)} bytes"
        raise ValueError(f"its first line is no ready line of {CONTRACT}: {said}")
    return ready


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill_family(pid: int) -> None:
    """Kill a process and all that it started. One that is gone already is no mistake."""
    _kill(_family(pid))


def _kill(family: list[psutil.Process]) -> None:
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
