"""Every good device again and again: none of them may ever be failed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from conformance.bench.memorylab import MemoryWorkers, broken_clauses
from conformance.spec.model import TimerSet
from measure import Figure
from measure.desk import REFERENCE, ROOT, Desk, Run, device_file
from mocks.devices import variants

TITLE = "Good devices, run after run"
AIM = "no clause fails in any run, whatever the order; on a busy machine at most 1 % of the verdicts are open"


def measure(desk: Desk) -> list[Figure]:
    """In virtual time each with its own seed; in real time fewer, because each takes as long as it takes."""
    return [*_in_memory(desk), *_on_sockets(desk)]


def _in_memory(desk: Desk) -> Iterator[Figure]:
    label = "in virtual time, the timers of the lab and of everyday operation in turn"
    yield _again(f"reference device, {label}", [(None, seed) for seed in range(1, desk.runs + 1)])
    many = [(name, seed) for name in variants.VARIANTS for seed in range(1, desk.variant_runs + 1)]
    yield _again(f"{len(variants.VARIANTS)} lawful variants of it, {label}", many)


def _again(label: str, runs: Sequence[tuple[str | None, int]]) -> Figure:
    failed: Counter[str] = Counter()
    codes: Counter[int] = Counter()
    sets: tuple[TimerSet, TimerSet] = ("production", "lab")  # by even and by odd seeds
    for parity, timer_set in enumerate(sets):
        with MemoryWorkers(timer_set) as workers:
            asked = [(name, workers.run(REFERENCE, defect=name, seed=seed)) for name, seed in runs if seed % 2 == parity]
            for name, coming in asked:
                result = coming.result()
                codes[result.exit_code] += 1
                failed.update(f"{clause} ({name or 'reference'})" for clause in broken_clauses(result))
    told = ", ".join(f"exit {code}: {count}" for code, count in sorted(codes.items()))
    return Figure(label, f"{len(runs)} runs, {sum(failed.values())} failures", not failed, f"{told} {_worst(failed)}".strip())


def _on_sockets(desk: Desk) -> Iterator[Figure]:
    """All good devices side by side, in rounds: every second one has every core of the machine kept busy besides; the order of
    cases is shuffled by the round's seed."""
    files = {file.stem: _own_name(desk, file) for file in sorted((ROOT / "devices").glob("*.toml"))}
    tallies = {(name, busy): _Tally() for name in files for busy in (False, True)}
    for number in range(1, desk.socket_runs + 1):
        busy = number % 2 == 0
        with _every_core_busy() if busy else nullcontext():
            outs = {name: f"again-{name}-{number}" for name in files}
            begin = time.perf_counter()
            words = ("--profile", "core", "--seed", str(number))
            started = {name: desk.start_run(files[name], outs[name], *words) for name in files}
            for name, process in started.items():
                code, tail = desk.ended(process)
                run = Run(desk.scratch / outs[name], time.perf_counter() - begin, code, tail)
                tallies[name, busy].add(run)
                if code != 0:
                    desk.keep(run.out)
                how = "busy" if busy else "quiet"
                print(f"round {number} of {desk.socket_runs}, {how}: {name} exit {code}, {run.seconds:.0f} s", flush=True)
    for (name, busy), tally in tallies.items():
        if tally.codes:
            yield tally.figure(f"{name}.toml", "every core busy besides" if busy else "the good devices side by side")


@dataclass
class _Tally:
    """What came of runs of one good device."""

    codes: Counter[int] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    open: Counter[str] = field(default_factory=Counter)
    judged: int = 0

    def add(self, run: Run) -> None:
        """Count one run."""
        self.codes[run.code] += 1
        if (run.out / "result.json").is_file():
            verdicts = [(c["clause"], c["verdict"]) for c in run.result["clauses"]]
            self.failed.update(clause for clause, verdict in verdicts if verdict == "fail")
            self.open.update(clause for clause, verdict in verdicts if verdict in ("inconclusive", "error"))
            self.judged += sum(verdict not in ("not_applicable", "not_selected") for _, verdict in verdicts)

    def figure(self, name: str, how: str) -> Figure:
        """At most 1 % of the verdicts may be open; a failure of a good device never is right."""
        told = ", ".join(f"exit {code}: {count}" for code, count in sorted(self.codes.items()))
        share = self.open.total() / self.judged if self.judged else 1.0
        fine = not self.failed and set(self.codes) <= {0, 3} and share <= 0.01
        text = f"{self.codes.total()} runs, {sum(self.failed.values())} failures, {100 * share:.2f} % of verdicts open"
        return Figure(f"{name}, on sockets, {how}", text, fine, f"{told} {_worst(self.failed + self.open)}".strip())


@contextmanager
def _every_core_busy() -> Iterator[None]:
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def _own_name(desk: Desk, file: Path) -> Path:
    return device_file(desk, file, f"RVW-AGAIN-{file.stem.upper()}")


def _worst(failed: Counter[str]) -> str:
    return " ".join(f"{name} x{count}" for name, count in failed.most_common(6))
