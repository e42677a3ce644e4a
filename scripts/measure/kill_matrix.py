"""How many defect devices are caught, and which clauses and obligations nothing has been seen to break."""

from __future__ import annotations

import json
import time
from typing import Any

from conformance.bench.killmatrix import machine_verified, machine_verified_obligations
from conformance.spec.loader import load
from measure import CannotMeasure, Figure
from measure.desk import Desk

TITLE = "Kill matrix"
AIM = (
    "every defect is caught by what it breaks and by nothing else; every MUST clause that a machine verifies is killed, in each "
    "of its obligations"
)


def measure(desk: Desk) -> list[Figure]:
    """`rvw defects`, whole."""
    out = desk.scratch / "defects"
    begin = time.perf_counter()
    code, tail = desk.ended(desk.command("defects", "--out", str(out)), limit_s=3600)
    seconds = time.perf_counter() - begin
    file = out / "kill-matrix.json"
    if not file.is_file():
        raise CannotMeasure(f"`rvw defects` ended with exit code {code}: {tail}")
    matrix = json.loads(file.read_text(encoding="utf-8"))
    rows = matrix["defects"]
    escaped = [_escaped(row) for row in rows if not row["ok"]]
    if escaped:
        desk.keep(out)
    spec = load()
    clauses, obligations = len(machine_verified(spec)), len(machine_verified_obligations(spec))
    alive, whole = matrix["survivors"], matrix["unbroken"]
    slow = desk.scratch / "defects-production"
    _, told = desk.ended(desk.command("defects", "--no-sockets", "--production-timers", "--out", str(slow)), limit_s=3600)
    everyday = json.loads((slow / "kill-matrix.json").read_text(encoding="utf-8"))
    return [
        Figure("defects caught cleanly", f"{matrix['caught']} of {matrix['of']}",
               bool(rows) and not escaped, " ".join(escaped[:12])),
        Figure("MUST clauses killed", f"{clauses - len(alive)} of {clauses}", not alive, " ".join(alive[:12])),
        Figure("of their obligations, violated", f"{obligations - len(whole)} of {obligations}", not whole, " ".join(whole[:12])),
        Figure("those in memory once more, with the timers of everyday operation", f"{everyday['caught']} of {everyday['of']}",
               everyday["caught"] == everyday["of"], "" if everyday["caught"] == everyday["of"] else told),
        Figure("time for all, those once more left out", f"{seconds:.0f} s"),
    ]


def _escaped(row: dict[str, Any]) -> str:
    """A defect that was not caught cleanly: what it did not break, and what broke besides."""
    return " ".join((row["id"], *(f"not:{clause}" for clause in row["missed"]), *(f"also:{clause}" for clause in row["stray"])))
