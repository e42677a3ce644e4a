"""Proof that checks can fail: every defect device is run, and must be caught by what it breaks and by nothing else."""

from __future__ import annotations

import contextlib
import html
import json
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.bench.errors import RunAborted, UsageProblem, unwritable
from conformance.bench.memorylab import MemoryWorkers, broken_clauses, broken_obligations
from conformance.bench.outputs import JOURNAL
from conformance.iut.device_file import DeviceFile, load_device
from conformance.spec.loader import load
from conformance.spec.model import Level, Obligation, Spec, Text, TimerSet, Verification
from conformance.spec.problems import suggestion
from conformance.verdict import exitcode
from conformance.verdict.model import RunResult

DEFECTS = Path(__file__).resolve().parents[2] / "mocks" / "devices" / "defects"


@dataclass(frozen=True, slots=True)
class Caught:
    """One defect and what became of it. `failed` are clauses with verdict fail (a violated SHOULD counts), `violated` those
    of their obligations that said so.
    """

    id: str
    needs: tuple[str, ...]
    breaks: tuple[str, ...]
    may_break: tuple[str, ...]
    failed: tuple[str, ...]
    exit_code: int
    violated: tuple[str, ...] = ()

    @property
    def missed(self) -> tuple[str, ...]:
        """Clauses that it breaks and that did not say so."""
        return tuple(c for c in self.breaks if c not in self.failed)

    @property
    def stray(self) -> tuple[str, ...]:
        """Clauses that failed and have nothing to do with it."""
        return tuple(c for c in self.failed if c not in self.breaks and c not in self.may_break)

    @property
    def ok(self) -> bool:
        """Caught by everything that it breaks, and by nothing outside what it may break."""
        return not self.missed and not self.stray


def defect_files(only: str = "") -> list[DeviceFile]:
    """All defect devices, by id."""
    files = [load_device(path) for path in sorted(DEFECTS.glob("*.toml"))]
    return [f for f in files if f.defect is not None and only in f.defect.id]


def ask_in_memory(workers: MemoryWorkers, device: DeviceFile) -> Future[RunResult]:
    """Have one defect run in memory."""
    assert device.defect is not None
    return workers.run(device.path, defect=device.defect.id)


def caught(device: DeviceFile, result: RunResult) -> Caught:
    """What became of a defect in a run."""
    assert device.defect is not None
    d = device.defect
    return Caught(d.id, d.needs, d.breaks, d.may_break, broken_clauses(result), result.exit_code, broken_obligations(result))


def needs_sockets(device: DeviceFile) -> bool:
    """Whether memory cannot show this defect."""
    assert device.defect is not None
    return any(need != "memory" for need in device.defect.needs)


def run_defects(
    *, only: str, out: Path, sockets: bool, say: Callable[[str], None], timer_set: TimerSet | None = None, jobs: int | None = None
) -> int:
    """Run them all, write the matrix, say `caught N of N`; in memory `jobs` at once (cores), then one by one on sockets. Returns
    0 when every defect is caught cleanly, 1 when one was not, 4 when the bench itself was in the way. Raises UsageProblem where
    nothing is left to run.
    """
    matching = defect_files(only)
    chosen = [device for device in matching if sockets or not needs_sockets(device)]
    left = len(matching) - len(chosen)
    if not chosen:
        raise UsageProblem([_nothing_to_run(only, left)])
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(error, out) from error
    rows: list[Caught] = []
    with MemoryWorkers(timer_set, jobs) as workers:
        asked = [(device, ask_in_memory(workers, device)) for device in chosen if not needs_sockets(device)]
        for device, run in asked:
            rows.append(caught(device, run.result()))
            say(_line(rows[-1]))
    for device in filter(needs_sockets, chosen):
        rows.append(try_on_sockets(device, out))
        say(_line(rows[-1]))
    rows.sort(key=lambda row: row.id)
    spec = load()
    write_matrix(rows, spec, out)
    if left:
        say(f"left out: {left} defects that need sockets")
    if not only:
        for what, alive in (("clauses", survivors(rows, spec)), ("obligations", unbroken(rows, spec))):
            if alive:
                say(f"{what} that no defect kills: {' '.join(alive)}")
    say(f"caught {sum(row.ok for row in rows)} of {len(rows)}")
    return exitcode.worst(exitcode.PASS if row.ok else _escape_code(row) for row in rows)


def _nothing_to_run(only: str, left: int) -> Text:
    if left:
        return Text(
            f"--only {only!r} 选中的缺陷都需要真实网络；请去掉 --no-sockets",
            f"every defect that --only {only!r} matches needs sockets; leave out --no-sockets",
        )
    near = suggestion(only, [device.defect.id for device in defect_files() if device.defect is not None])
    return Text(f"--only {only!r} 没有选中任何缺陷；{near.zh}", f"--only {only!r} matches no defect; {near.en}")


def _escape_code(row: Caught) -> int:
    """A defect that nothing failed in a run that was an error says nothing of the checks: the bench was in the way."""
    return exitcode.BENCH if row.exit_code == exitcode.BENCH else exitcode.FAIL


def try_on_sockets(device: DeviceFile, out: Path, *, whole: bool = True) -> Caught:
    """Run one defect in real time; not `whole`: only what exercises the clauses that it breaks, which takes seconds."""
    from conformance.bench.live import LiveRun, Options, prepare  # the whole socket world: only where a defect needs it

    assert device.defect is not None
    run = out / "runs" / device.defect.id
    if (run / JOURNAL).exists():  # of the last time; anything else there is not ours, and the run refuses it
        shutil.rmtree(run)
    clauses = () if whole else device.defect.breaks
    prepared = prepare(Options(device=device.path, out=run, seed=1, prompts=False, clauses=clauses))
    plan, selection = prepared.plan()
    live = LiveRun(prepared, plan, selection)
    try:
        live.begin()
        with contextlib.suppress(RunAborted):  # what was recorded is judged, as in any run
            for case in plan.cases:
                live.execute(case)
        return caught(device, live.finish())
    finally:
        live.close()


def _line(row: Caught) -> str:
    if row.ok:
        return f"caught   {row.id:<44} {' '.join(row.failed)}"
    missed = f" missed {' '.join(row.missed)}" if row.missed else ""
    stray = f" stray {' '.join(row.stray)}" if row.stray else ""
    return f"ESCAPED  {row.id:<44}{missed}{stray}"


def machine_verified_obligations(spec: Spec) -> list[str]:
    """Obligations of MUST clauses that a machine can verify."""
    return [o.id for o in _by_machine(spec)]


def machine_verified(spec: Spec) -> list[str]:
    """MUST clauses that a machine can verify."""
    return list(dict.fromkeys(o.clause for o in _by_machine(spec)))


def _by_machine(spec: Spec) -> list[Obligation]:
    kinds = (Verification.MONITOR, Verification.PROCEDURE)
    musts = [clause for clause in spec.clauses.values() if clause.level is Level.MUST]
    return [o for clause in musts for o in clause.obligations if o.verification in kinds and o.rule]


def survivors(rows: Iterable[Caught], spec: Spec) -> list[str]:
    """Machine-verified MUST clauses that no defect in the rows was caught by."""
    killed = {clause for row in rows for clause in row.failed if clause in row.breaks}
    return [clause for clause in machine_verified(spec) if clause not in killed]


def unbroken(rows: Iterable[Caught], spec: Spec) -> list[str]:
    """Machine-verified obligations of MUST clauses that no defect in the rows violates, aimed at or along with another."""
    broken = {o for row in rows for o in row.violated}
    return [o for o in machine_verified_obligations(spec) if o not in broken]


def write_matrix(rows: list[Caught], spec: Spec, out: Path) -> None:
    """kill-matrix.json and a page."""
    document: dict[str, Any] = {
        "pack": spec.id, "pack_version": spec.version, "caught": sum(row.ok for row in rows), "of": len(rows),
        "survivors": survivors(rows, spec), "unbroken": unbroken(rows, spec),
        "defects": [
            {"id": r.id, "needs": r.needs, "breaks": r.breaks, "may_break": r.may_break, "failed": r.failed,
             "violated": r.violated, "missed": r.missed, "stray": r.stray, "exit_code": r.exit_code, "ok": r.ok} for r in rows
        ],
    }  # fmt: skip
    (out / "kill-matrix.json").write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
    (out / "kill-matrix.html").write_text(_page(rows, spec), encoding="utf-8")


def _page(rows: list[Caught], spec: Spec) -> str:
    clauses = [c for c in spec.clauses if any(c in row.failed or c in row.breaks for row in rows)]
    head = "".join(f"<th><span>{html.escape(c)}</span></th>" for c in clauses)
    body = "".join(f"<tr><th>{html.escape(r.id)}</th>{''.join(_cell(r, c) for c in clauses)}</tr>" for r in rows)
    style = (
        "body{font:13px sans-serif}table{border-collapse:collapse}"
        "td{border:1px solid #ddd;width:14px;height:14px;text-align:center}"
        "th{text-align:left;font-weight:normal;white-space:nowrap}thead span{writing-mode:vertical-rl}"
        ".k{background:#2a7}.m{background:#c33}.s{background:#e90}.y{background:#9cd}"
    )
    clean = sum(r.ok for r in rows)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Kill matrix</title><style>{style}</style>'
        f"<h1>Kill matrix: caught {clean} of {len(rows)}</h1>"
        "<p>green: broken and caught; red: broken and not caught; blue: may break and did; orange: failed without reason; "
        "a cell names the obligations when the pointer rests on it</p>"
        f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table></html>"
    )


def _cell(row: Caught, clause: str) -> str:
    if clause not in row.failed:
        return '<td class="m">!</td>' if clause in row.breaks else "<td></td>"
    kind, sign = ("k", "x") if clause in row.breaks else ("y", "o") if clause in row.may_break else ("s", "?")
    told = " ".join(o for o in row.violated if o.startswith(f"{clause}."))
    return f'<td class="{kind}" title="{html.escape(told)}">{sign}</td>'
