"""How many defect devices are caught, and which clauses nothing has been seen to kill."""

from __future__ import annotations

import json
import time

from conformance.bench.killmatrix import machine_verified
from conformance.spec.loader import load
from measure import CannotMeasure, Figure
from measure.desk import Desk

TITLE = "Kill matrix"
AIM = "every defect is caught by what it breaks and by nothing else; every MUST clause that a machine verifies is killed"


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
    escaped = [row["id"] for row in rows if not row["ok"]]
    clauses = len(machine_verified(load()))
    alive = matrix["survivors"]
    return [
        Figure("defects caught cleanly", f"{matrix['caught']} of {matrix['of']}",
               bool(rows) and not escaped, " ".join(escaped[:12])),
        Figure("MUST clauses killed", f"{clauses - len(alive)} of {clauses}", not alive, " ".join(alive[:12])),
        Figure("time for all", f"{seconds:.0f} s"),
    ]
