"""What measurements share: a scratch directory, children, and one core run on sockets that several of them look at."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from measure import CannotMeasure

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "devices" / "reference.toml"
RUN_LIMIT_S = 900.0


@dataclass(frozen=True, slots=True)
class Run:
    """One run as a command. `seconds` is wall time from start to exit, start of Python included."""

    out: Path
    seconds: float
    code: int
    tail: str

    @property
    def result(self) -> dict[str, Any]:
        """The run's result.json. Raises CannotMeasure where the run wrote none."""
        file = self.out / "result.json"
        if not file.is_file():
            raise CannotMeasure(f"the run ended with exit code {self.code} and no result.json: {self.tail}")
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return document


@dataclass
class Desk:
    """Where measurements work. `runs` is how often the reference device is run in virtual time, `variant_runs` each variant,
    `socket_runs` each good device in real time."""

    scratch: Path
    runs: int = 40
    variant_runs: int = 2
    socket_runs: int = 3

    def command(self, *words: str) -> subprocess.Popen[bytes]:
        """Start the bench's command line; its output goes to a log in the scratch directory."""
        log = self.scratch / f"log-{len(list(self.scratch.glob('log-*')))}.txt"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "conformance", *words], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )
        self._logs[process.pid] = log
        return process

    @cached_property
    def _logs(self) -> dict[int, Path]:
        return {}

    def ended(self, process: subprocess.Popen[bytes], limit_s: float = RUN_LIMIT_S) -> tuple[int, str]:
        """Wait for a command; its exit code and its last line. Raises CannotMeasure at the limit."""
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait(30)
            raise CannotMeasure(f"not ended after {limit_s:.0f} s") from None
        lines = self._logs[process.pid].read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return code, lines[-1].strip() if lines else ""

    def run(self, device: Path, out: str, *more: str) -> Run:
        """A run in real time on sockets, waited for."""
        begin = time.perf_counter()
        process = self.start_run(device, out, *more)
        code, tail = self.ended(process)
        return Run(self.scratch / out, time.perf_counter() - begin, code, tail)

    def start_run(self, device: Path, out: str, *more: str) -> subprocess.Popen[bytes]:
        """A run in real time, not waited for."""
        target = str(self.scratch / out)
        return self.command("run", "--device", str(device), "--no-prompts", "--lang", "en", "--out", target, *more)

    def keep(self, out: Path) -> None:
        """Copy what a command wrote to rvw-out/prove: scratch goes, and who asks why a run failed needs its record."""
        if out.is_dir():
            shutil.copytree(out, ROOT / "rvw-out" / "prove" / out.name, dirs_exist_ok=True)

    @cached_property
    def core_run(self) -> Run:
        """One whole core run of the reference device, made when the first measurement asks."""
        return self.run(device_file(self, REFERENCE, "RVW-PROVE-0"), "core", "--profile", "core", "--seed", "1")


def device_file(desk: Desk, base: Path, device_id: str) -> Path:
    """A copy of a device under another identity."""
    target = desk.scratch / f"{device_id}.toml"
    target.write_text(f'extends = {json.dumps(str(base))}\n\n[device]\nremote_device_id = "{device_id}"\n', encoding="utf-8")
    return target


def median(values: Sequence[float]) -> float:
    """The middle one."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
