"""The device's own log beside a case that did not pass: lines put on the run's clock, masked by the recorder (decision 26)."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import re
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from conformance.iut.process import expand, kill_family
from conformance.protocol.pointer import MISSING
from conformance.trace.clock import Clock
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Entry

MAX_LINES: Final = 200
LINE_CHARS: Final = 2000  # kept of each
COMMAND_LIMIT_S: Final = 10.0
READ_BYTES: Final = 1 << 16
LOG_BYTES: Final = 4 << 20  # of what a command prints, the last
MARGIN_S: Final = 1.0  # a device's clock is read only to its own precision
_STAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)

Line = tuple[float, str]  # second on the run's clock, text


class DeviceLog(Protocol):
    """Where lines come from."""

    async def between(self, start: float, end: float) -> list[Line]:
        """Lines between two seconds of the run's clock; those that were told already may be left out."""
        ...


class StderrLog:
    """What a device that the bench started wrote on its stderr, stamped as it came."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: deque[Line] = deque(maxlen=2000)
        self._told = -1.0

    def add(self, line: str) -> None:
        """One line came."""
        self._lines.append((round(self._clock.monotonic(), 3), line))

    async def between(self, start: float, end: float) -> list[Line]:
        found = [(t, line) for t, line in self._lines if max(start, self._told) < t <= end]
        self._told = end
        return found[-MAX_LINES:]


class CommandLog:
    """A command that prints the device's log (`[iut.logs]`). It is told the stretch asked for in RVW_SINCE and RVW_UNTIL
    (UTC, ISO 8601); lines that begin with a time of their own are put on the run's clock, others go with the line before."""

    def __init__(self, command: Sequence[str], directory: Path, clock: Clock, recorder: Recorder) -> None:
        self._command = expand(command)
        self._directory = directory
        self._clock = clock
        self._recorder = recorder

    async def between(self, start: float, end: float) -> list[Line]:
        began = self._clock.wall() - self._clock.monotonic()  # epoch second at which the run's clock was zero
        ahead = _ahead_s(self._recorder.transcript, began)
        environment = {
            **os.environ, "RVW_SINCE": _iso(began + start + ahead), "RVW_UNTIL": _iso(began + end + ahead),
        }  # fmt: skip
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, cwd=self._directory, env=environment, stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
        except OSError as error:
            return [(end, f"(the log command {self._command[0]!r} cannot be started: {error.strerror or error})")]
        output = bytearray()
        try:
            await asyncio.wait_for(_hear(process, output), COMMAND_LIMIT_S)
        except TimeoutError:
            if not output:
                return [(end, f"(the log command gave nothing within {COMMAND_LIMIT_S:.0f} s)")]
        finally:
            kill_family(process.pid)
            await process.wait()
        lines = output.decode("utf-8", "replace").splitlines()
        return _aligned(lines, began + ahead, start, end)[-MAX_LINES:]


async def _hear(process: asyncio.subprocess.Process, output: bytearray) -> None:
    """Read to the end what it says and keep the last of it, in whole lines: a log grows at its end, and may be larger than our
    memory, and a mask finds no half of a secret."""
    assert process.stdout is not None
    cut = False
    try:
        while chunk := await process.stdout.read(READ_BYTES):
            output += chunk
            if len(output) > 2 * LOG_BYTES:
                cut = True
                del output[:-LOG_BYTES]
    finally:
        if cut:
            del output[: output.find(b"\n") + 1 or None]


def _aligned(lines: Sequence[str], zero: float, start: float, end: float) -> list[Line]:
    """Lines of the stretch. A log without any times is taken as it is: the command was told what to print."""
    found: list[Line] = []
    t: float | None = None
    for line in lines:
        stamp = _epoch(line)
        t = stamp - zero if stamp is not None else t
        if t is None or start - MARGIN_S <= t <= end + MARGIN_S:
            found.append((round(end if t is None else t, 3), line))
    return found


def _epoch(line: str) -> float | None:
    match = _STAMP.match(line.lstrip(" ["))
    if match is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(match.group().replace(",", "."))
    except ValueError:
        return None
    return moment.timestamp()  # a time without a zone is read in the zone of this machine


def _ahead_s(entries: Sequence[Entry], began: float) -> float:
    """How far the device's clock is ahead, from the last message in which it told its time."""
    for entry in reversed(entries):
        told = entry.get("device_time") if entry.dir == "iut" and entry.kind == "request" else MISSING
        if isinstance(told, str):
            stamp = _epoch(told)
            return 0.0 if stamp is None else stamp - (began + entry.t)
    return 0.0


def _iso(epoch: float) -> str:
    return dt.datetime.fromtimestamp(epoch, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def report(recorder: Recorder, log: DeviceLog, case: str, start: float) -> None:
    """Put the lines of a case on record; nothing where the device wrote none."""
    lines = await log.between(start, recorder.clock.monotonic())
    if not lines:
        return
    before, recorder.case = recorder.case, case
    facts = {"lines": [text for _, text in lines], "times": [t for t, _ in lines]}
    recorder.observe("", "iut", "device.log", facts=facts, cut=LINE_CHARS)
    recorder.case = before
