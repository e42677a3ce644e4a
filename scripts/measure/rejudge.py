"""How long it takes to judge a recorded core run again."""

from __future__ import annotations

import time

from conformance.bench.rejudge import rejudge
from measure import Figure
from measure.desk import Desk, median

TITLE = "Re-judging a recorded core run"
AIM = "the same verdicts, in less than 2 s"


def measure(desk: Desk) -> list[Figure]:
    """Three times in this process, once as a command."""
    run = desk.core_run
    first = run.result
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        again = rejudge(run.out)
        times.append(time.perf_counter() - begin)
    live = {row["clause"]: row["verdict"] for row in first["clauses"]}
    later = {clause.id: str(clause.verdict) for clause in again.result.clauses}
    differ = sorted(name for name in live.keys() | later.keys() if live.get(name) != later.get(name))
    begin = time.perf_counter()
    code, _ = desk.ended(desk.command("rejudge", str(run.out), "--out", str(desk.scratch / "rejudged")))
    command_s = time.perf_counter() - begin
    count = len(again.read.observations)
    return [
        Figure(f"judging {count} observations", f"{median(times):.2f} s", median(times) < 2),
        Figure("`rvw rejudge` with all files written", f"{command_s:.2f} s"),
        Figure("exit code of `rvw rejudge`", f"{code}; the run's {run.code}", code == run.code),
        Figure("clauses judged otherwise than live", str(len(differ)), not differ, " ".join(differ[:8])),
    ]
