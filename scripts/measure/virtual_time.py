"""How much faster than its own clock a whole run in memory is."""

from __future__ import annotations

import time

from conformance.bench.memorylab import MemoryLab
from conformance.iut.device_file import load_device
from conformance.trace.journal import lines
from measure import CannotMeasure, Figure
from measure.desk import REFERENCE, Desk

TITLE = "Virtual time"
AIM = "at least 100 times faster than the time that passes in it; the same verdicts as on sockets"


def measure(desk: Desk) -> list[Figure]:
    """One core run in memory, its verdicts held against those of the run on sockets."""
    lab = MemoryLab()
    journal = desk.scratch / "memory.jsonl"
    begin = time.perf_counter()
    result = lab.run(load_device(REFERENCE), journal=journal)
    seconds = time.perf_counter() - begin
    passed_s = max(line["t"] for line in lines(journal))
    figures = [
        Figure("virtual time that passed", f"{passed_s:.0f} s"),
        Figure("real time that it took", f"{seconds:.1f} s", None, "judging live and files included"),
        Figure("speed-up", f"{passed_s / seconds:.0f}", passed_s / seconds >= 100),
        *_in_production(desk),
    ]
    try:
        live = {row["clause"]: row["verdict"] for row in desk.core_run.result["clauses"]}
    except CannotMeasure as error:
        return [*figures, Figure("clauses judged otherwise than on sockets", "not known", None, str(error))]
    decided = ("pass", "fail")
    memory = {clause.id: str(clause.verdict) for clause in result.clauses}
    both = [name for name in live if live[name] in decided and memory.get(name) in decided]
    differ = [name for name in both if live[name] != memory[name]]
    return [
        *figures,
        Figure(f"clauses judged otherwise than on sockets, of {len(both)} decided in both", str(len(differ)), not differ,
               " ".join(differ[:8])),
    ]  # fmt: skip


def _in_production(desk: Desk) -> list[Figure]:
    """The same run with the timers of everyday operation, which nobody would wait for."""
    lab = MemoryLab(timer_set="production")
    journal = desk.scratch / "memory-production.jsonl"
    begin = time.perf_counter()
    result = lab.run(load_device(REFERENCE), journal=journal)
    seconds = time.perf_counter() - begin
    passed_s = max(line["t"] for line in lines(journal))
    return [
        Figure("with the production timers: virtual time that passed", f"{passed_s:.0f} s", None, f"verdict {result.verdict}"),
        Figure("speed-up with the production timers", f"{passed_s / seconds:.0f}", passed_s / seconds >= 100),
    ]
