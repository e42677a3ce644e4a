"""`--baseline`: what changed against another run, clause by clause. It is told and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from conformance.bench.errors import UsageProblem
from conformance.spec.model import Text
from conformance.verdict.model import RunResult
from reports import words
from reports.words import Lang

_ABSENT: Final = Text("没有", "absent")


def load_baseline(run: Path) -> Mapping[str, str]:
    """Clause -> verdict of another run (a run directory or its result.json). Raises UsageProblem."""
    file = run / "result.json" if run.is_dir() else run
    try:
        rows = json.loads(file.read_text("utf-8"))["clauses"]
        return {str(row["clause"]): str(row["verdict"]) for row in rows}
    except OSError as error:
        why = error.strerror or error
        raise UsageProblem([Text(
            f"--baseline {file}: {why}；请指定一次已完成的运行的目录",
            f"--baseline {file}: {why}; name the directory of a finished run",
        )]) from error  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        why = f"{type(error).__name__}: {error}"
        raise UsageProblem([Text(
            f"--baseline {file}: 不是运行结果（{why}）", f"--baseline {file}: no result of a run ({why})"
        )]) from error  # fmt: skip


def changes(before: Mapping[str, str], now: RunResult, lang: Lang) -> list[str]:
    """One line for each clause whose verdict is another."""
    known = {verdict.value: text for verdict, text in words.VERDICT.items()}
    after = {clause.id: clause.verdict.value for clause in now.clauses}
    names = [*after, *(name for name in before if name not in after)]
    rows = [(name, before.get(name, ""), after.get(name, "")) for name in names]
    return [
        f"{name}: {words.say(known.get(old, _ABSENT), lang)} -> {words.say(known.get(new, _ABSENT), lang)}"
        for name, old, new in rows
        if old != new
    ]
