"""Four devices at the same time on this machine, each with a bench of its own."""

from __future__ import annotations

import time

from measure import Figure
from measure.desk import REFERENCE, Desk, Run, device_file

TITLE = "Four devices at once"
AIM = "each ends as it does alone, in at most 1.2 times the time"
COUNT = 4


def measure(desk: Desk) -> list[Figure]:
    """Four core runs side by side against the one that ran alone."""
    alone = desk.core_run
    names = [f"RVW-PROVE-{n + 1}" for n in range(COUNT)]
    files = [device_file(desk, REFERENCE, name) for name in names]
    begin = time.perf_counter()
    processes = [desk.start_run(file, name, "--profile", "core", "--seed", "1") for file, name in zip(files, names, strict=True)]
    ended = [desk.ended(process) for process in processes]
    seconds = time.perf_counter() - begin
    runs = [Run(desk.scratch / name, seconds, code, tail) for name, (code, tail) in zip(names, ended, strict=True)]
    codes = [run.code for run in runs]
    failed = sorted({c["clause"] for run in runs for c in run.result["clauses"] if c["verdict"] == "fail"})
    before = sorted(c["clause"] for c in alone.result["clauses"] if c["verdict"] == "fail")
    return [
        Figure("exit codes", f"{codes}; alone {alone.code}", all(code == alone.code for code in codes)),
        Figure("time for four", f"{seconds:.1f} s; one alone {alone.seconds:.1f} s", seconds <= 1.2 * alone.seconds),
        Figure("clauses failed by company alone", str(len(set(failed) - set(before))), not set(failed) - set(before),
               " ".join(sorted(set(failed) - set(before))[:8])),
    ]  # fmt: skip
