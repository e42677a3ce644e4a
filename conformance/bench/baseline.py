"""`--baseline`: what changed against another run, clause by clause. It is told and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from conformance.bench.prepare import UsageProblem
from conformance.verdict.model import RunResult


def load_baseline(run: Path) -> Mapping[str, str]:
    """Clause -> verdict of another run (a run directory or its result.json). Raises UsageProblem."""
    file = run / "result.json" if run.is_dir() else run
    try:
        rows = json.loads(file.read_text("utf-8"))["clauses"]
        return {str(row["clause"]): str(row["verdict"]) for row in rows}
    except OSError as error:
        raise UsageProblem([f"--baseline {file}: {error.strerror or error}; name the directory of a finished run"]) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageProblem([f"--baseline {file}: no result of a run ({type(error).__name__}: {error})"]) from error


def changes(before: Mapping[str, str], now: RunResult) -> list[str]:
    """One line for each clause whose verdict is another."""
    after = {clause.id: clause.verdict.value for clause in now.clauses}
    names = [*after, *(name for name in before if name not in after)]
    rows = [(name, before.get(name, "absent"), after.get(name, "absent")) for name in names]
    return [f"{name}: {old} -> {new}" for name, old, new in rows if old != new]
