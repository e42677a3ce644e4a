"""`--baseline`: what changed against another run, clause by clause. It is told and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from conformance.bench.errors import UsageProblem
from conformance.spec.model import Text
from conformance.verdict.model import RunResult, Verdict
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


@dataclass(frozen=True, slots=True)
class Changes:
    """What is another than before."""

    rows: tuple[str, ...]  # one line for each clause whose verdict is another
    left_out: int = 0  # clauses that had a verdict before and that a narrowed run left out: no news of the device


def changes(before: Mapping[str, str], now: RunResult, lang: Lang) -> Changes:
    """Clause by clause; what a narrowed run left out on purpose is only counted."""
    known = {verdict.value: text for verdict, text in words.VERDICT.items()}
    after = {clause.id: clause.verdict.value for clause in now.clauses}
    names = [*after, *(name for name in before if name not in after)]
    other = [(name, old, new) for name in names if (old := before.get(name, "")) != (new := after.get(name, ""))]
    left_out = [name for name, _, new in other if new == Verdict.NOT_SELECTED and now.head.get("partial")]
    rows = tuple(
        f"{name}: {words.say(known.get(old, _ABSENT), lang)} -> {words.say(known.get(new, _ABSENT), lang)}"
        for name, old, new in other
        if name not in left_out
    )
    return Changes(rows, len(left_out))


def compared(against: Path | None, found: Changes, lang: Lang) -> list[str]:
    """The lines for the terminal."""
    count, left = len(found.rows), found.left_out
    out = Text(f"；另有 {left} 个条款不在本次运行的范围内", f"; {left} more are not in the scope of this run")
    out = out if left else Text("", "")
    head = Text(f"与 {against} 相比：{count} 个条款有变化{out.zh}", f"against {against}: {count or 'no'} clauses changed{out.en}")
    return [words.say(head, lang), *(f"  {row}" for row in found.rows)]
