"""Proof that checks can fail: every defect device is run, and must be caught by what it breaks and by nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conformance.bench.case import Case, load_cases
from conformance.bench.errors import RunAborted, UsageProblem, unwritable
from conformance.bench.generated import generated_cases
from conformance.bench.head import run_head, timer_values
from conformance.bench.loop import VirtualTimeLoop
from conformance.bench.memory import memory_world
from conformance.bench.outputs import JOURNAL
from conformance.bench.plan import Means, Selection, make_plan
from conformance.bench.run import RunSession, run_all
from conformance.iut.device_file import DeviceFile, load_device
from conformance.iut.review import declared
from conformance.spec.loader import load
from conformance.spec.model import Level, Obligation, Spec, Text, TimerSet, Verification
from conformance.spec.problems import suggestion
from conformance.verdict import exitcode
from conformance.verdict.model import RunResult, Verdict

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


def broken_clauses(result: RunResult) -> tuple[str, ...]:
    """Clauses with an untainted violation, SHOULD included."""
    return tuple(c.id for c in result.clauses if c.verdict is Verdict.FAIL or c.remark)


def broken_obligations(result: RunResult) -> tuple[str, ...]:
    """Obligations with an untainted violation, those of SHOULD clauses included."""
    return tuple(o.id for c in result.clauses for o in c.obligations if o.verdict is Verdict.FAIL)


class MemoryLab:
    """Runs devices in memory and in virtual time, with one pack loaded once; with another timer set than the profile's where
    one is named."""

    def __init__(self, spec: Spec | None = None, profile: str = "core", timer_set: TimerSet | None = None) -> None:
        self.spec = spec or load()
        asked = self.spec.profiles[profile]
        self.profile = replace(asked, timer_set=timer_set or asked.timer_set)
        self.timers_ms = timer_values(self.spec, self.profile)
        self.cases: Mapping[str, Case] = {**load_cases(), **generated_cases(self.spec)}

    def run(
        self, device: DeviceFile, *, defect: str | None = None, seed: int = 1, journal: Path | None = None,
        selection: Selection | None = None,
    ) -> RunResult:  # fmt: skip
        """One whole run. Deterministic for one seed."""
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(self._run(device, defect, seed, journal, selection or Selection()))

    async def _run(
        self, device: DeviceFile, defect: str | None, seed: int, journal: Path | None, selection: Selection
    ) -> RunResult:
        pics = declared(device, self.spec).pics
        means = Means(frozenset(device.upper_tester.verbs), power=True, sockets=False, media=self.profile.media)
        plan = make_plan(
            self.spec, self.profile, pics, self.cases, means, seed=seed, selection=selection, declarations=device.declarations
        )
        world = await memory_world(
            self.spec, device, timers_ms=self.timers_ms, pics=pics, seed=seed, defect=defect, journal=journal,
            timer_set=self.profile.timer_set,
        )
        head = run_head(
            self.spec, device, self.profile, pics, self.timers_ms, seed=seed, transport="memory", selection=selection
        )
        try:
            return await run_all(RunSession(world, plan, seed, head))
        finally:
            await world.close()


def defect_files(only: str = "") -> list[DeviceFile]:
    """All defect devices, by id."""
    files = [load_device(path) for path in sorted(DEFECTS.glob("*.toml"))]
    return [f for f in files if f.defect is not None and only in f.defect.id]


def try_in_memory(lab: MemoryLab, device: DeviceFile) -> Caught:
    """Run one defect in memory."""
    assert device.defect is not None
    return _caught(device, lab.run(device, defect=device.defect.id))


def _caught(device: DeviceFile, result: RunResult) -> Caught:
    assert device.defect is not None
    d = device.defect
    return Caught(d.id, d.needs, d.breaks, d.may_break, broken_clauses(result), result.exit_code, broken_obligations(result))


def needs_sockets(device: DeviceFile) -> bool:
    """Whether memory cannot show this defect."""
    assert device.defect is not None
    return any(need != "memory" for need in device.defect.needs)


def run_defects(
    *, only: str, out: Path, sockets: bool, say: Callable[[str], None], timer_set: TimerSet | None = None
) -> int:
    """Run them all, write the matrix, say `caught N of N`. Returns 0 when every defect is caught cleanly, 1 when one was not,
    4 when the bench itself was in the way. Raises UsageProblem where nothing is left to run.
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
    lab = MemoryLab(timer_set=timer_set)
    rows: list[Caught] = []
    for device in chosen:
        row = try_on_sockets(device, out) if needs_sockets(device) else try_in_memory(lab, device)
        rows.append(row)
        say(_line(row))
    write_matrix(rows, lab.spec, out)
    if left:
        say(f"left out: {left} defects that need sockets")
    if not only:
        for what, alive in (("clauses", survivors(rows, lab.spec)), ("obligations", unbroken(rows, lab.spec))):
            if alive:
                say(f"{what} that no defect kills: {' '.join(alive)}")
    caught = sum(1 for row in rows if row.ok)
    say(f"caught {caught} of {len(rows)}")
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
        return _caught(device, live.finish())
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
    caught = sum(r.ok for r in rows)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Kill matrix</title><style>{style}</style>'
        f"<h1>Kill matrix: caught {caught} of {len(rows)}</h1>"
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
