"""Checks can fail: every defect device is caught by what it breaks and by nothing outside what it may break."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conformance.bench import killmatrix
from conformance.bench.errors import RunAborted
from conformance.bench.killmatrix import (
    Caught,
    ask_in_memory,
    caught,
    defect_files,
    needs_sockets,
    run_defects,
    survivors,
    try_on_sockets,
    unbroken,
    write_matrix,
)
from conformance.bench.memorylab import MemoryLab, MemoryWorkers
from conformance.bench.outputs import JOURNAL
from conformance.bench.prepare import Prepared
from conformance.cli import app
from conformance.iut.device_file import DeviceFile
from conformance.spec.model import Level
from conformance.verdict import exitcode
from conformance.verdict.model import RunResult, Verdict

DEFECTS = defect_files()
IN_MEMORY = [device for device in DEFECTS if not needs_sockets(device)]

_rows: dict[str, Caught] = {}


@pytest.fixture(scope="module")
def lab() -> MemoryLab:
    """With the timers of everyday operation, for which nobody would wait; what needs sockets has those of the lab."""
    return MemoryLab(timer_set="production")


def identifier(device: DeviceFile) -> str:
    assert device.defect is not None
    return device.defect.id


@pytest.fixture(scope="module")
def in_memory(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[RunResult]]]:
    """The runs of those that were selected, on all cores."""
    chosen = [d for d in IN_MEMORY if any(item.name.endswith(f"[{identifier(d)}]") for item in request.session.items)]
    with MemoryWorkers("production") as workers:
        yield {identifier(device): ask_in_memory(workers, device) for device in chosen}


@pytest.mark.parametrize("device", IN_MEMORY, ids=identifier)
def test_caught_by_what_it_breaks_and_by_nothing_else(
    lab: MemoryLab, in_memory: dict[str, Future[RunResult]], device: DeviceFile
) -> None:
    row = caught(device, in_memory[identifier(device)].result())
    _rows[row.id] = row
    # A SHOULD that is broken is a remark in the report; it keeps no device out.
    binding = any(lab.spec.clauses[c].level is Level.MUST for c in (*row.breaks, *row.failed))
    assert row.exit_code == (1 if binding else 0)
    assert row.missed == ()
    assert row.stray == ()


@pytest.mark.sockets
@pytest.mark.parametrize("device", [device for device in DEFECTS if needs_sockets(device)], ids=identifier)
def test_what_only_sockets_can_show_is_caught_there(device: DeviceFile, tmp_path: Path) -> None:
    row = try_on_sockets(device, tmp_path, whole=False)
    _rows[row.id] = row
    assert (row.exit_code, row.missed, row.stray) == (exitcode.FAIL, (), ())


def test_the_catalogue_is_large_and_covers_every_family_of_the_visit(lab: MemoryLab) -> None:
    assert len(DEFECTS) >= 60
    broken = {clause.split("-")[0] for device in DEFECTS if device.defect for clause in device.defect.breaks}
    assert set(lab.profile.families) <= broken
    unknown = {c for device in DEFECTS if device.defect for c in (*device.defect.breaks, *device.defect.may_break)}
    assert unknown <= set(lab.spec.clauses)


def test_every_machine_verified_must_is_killed(lab: MemoryLab) -> None:
    if len(_rows) < len(DEFECTS):
        pytest.skip("only a selection of the defects was run")
    assert survivors(_rows.values(), lab.spec) == []


# Obligations that no defect violates, each with its reason. There is none, and a new one needs a good reason.
NEVER_BROKEN: dict[str, str] = {}


def test_every_machine_verified_obligation_of_a_must_is_violated(lab: MemoryLab) -> None:
    """Not the clause alone: a rule that never fails must not hide behind its siblings."""
    left_out = [device for device in DEFECTS if identifier(device) not in _rows]
    if not all(map(needs_sockets, left_out)):
        pytest.skip("only a selection of the defects was run")
    # Where those on sockets are left out, so is what they alone can show.
    on_sockets = {clause for device in left_out if device.defect is not None for clause in device.defect.breaks}
    alive = [o for o in unbroken(_rows.values(), lab.spec) if lab.spec.obligation(o).clause not in on_sockets]
    assert sorted(alive) == sorted(NEVER_BROKEN)


def test_a_defect_whose_device_is_missing_is_said_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bent = tmp_path / "a" / "b" / "c"
    bent.mkdir(parents=True)
    (bent / "X.toml").write_text('extends = "../../../devices/reference.toml"\n', encoding="utf-8")
    monkeypatch.setattr(killmatrix, "DEFECTS", bent)
    done = CliRunner().invoke(app, ["defects", "--out", str(tmp_path / "out")])
    assert done.exit_code == exitcode.USAGE
    assert "X.toml:1: extends: '../../../devices/reference.toml' does not exist" in done.output


@pytest.mark.parametrize(
    ("words", "told"),
    [(("--only", "NOSUCH"), "matches no defect"), (("--only", "CHN-017-no-pong", "--no-sockets"), "needs sockets")],
)
def test_nothing_to_run_is_no_success(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    done = CliRunner().invoke(app, ["defects", *words, "--out", str(tmp_path / "out")])
    assert (done.exit_code, told in done.output, (tmp_path / "out").exists()) == (2, True, False), done.output


def test_a_second_time_is_as_good_as_the_first_and_trouble_of_the_bench_is_no_escape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullDisk:
        """A run whose disk is full after its first line."""

        def __init__(self, prepared: Prepared, *_: object) -> None:
            assert prepared.options.out is not None
            self.out = prepared.options.out

        def begin(self) -> None:
            self.out.mkdir(parents=True)
            (self.out / JOURNAL).touch(exist_ok=False)

        def execute(self, *_: object) -> None:
            raise RunAborted("no room", "bench")

        def finish(self) -> RunResult:
            return RunResult(Verdict.ERROR, Verdict.ERROR, exitcode.BENCH, (), ())

        def close(self) -> None:
            return

    monkeypatch.setattr("conformance.bench.live.LiveRun", FullDisk)
    told: list[str] = []
    for _ in range(2):
        assert run_defects(only="CHN-017-no-pong", out=tmp_path, sockets=True, say=told.append) == exitcode.BENCH, told


def test_the_matrix_is_written(lab: MemoryLab, tmp_path: Path) -> None:
    rows = [
        Caught("A", ("memory",), ("REG-001",), (), ("REG-001",), 1, ("REG-001.a",)),
        Caught("B", ("memory",), ("REG-002",), (), ("CHN-001",), 1, ("CHN-001.b",)),
    ]
    write_matrix(rows, lab.spec, tmp_path)
    matrix = json.loads((tmp_path / "kill-matrix.json").read_text(encoding="utf-8"))
    assert (matrix["caught"], matrix["of"]) == (1, 2)
    assert "REG-001" not in matrix["survivors"]
    assert {"REG-001.a", "CHN-001.b"} & {*matrix["unbroken"]} == set()
    assert {"REG-002.a", "CHN-001.a"} <= {*matrix["unbroken"]}
    assert matrix["defects"][0]["violated"] == ["REG-001.a"]
    assert matrix["defects"][1]["missed"] == ["REG-002"]
    assert matrix["defects"][1]["stray"] == ["CHN-001"]
    page = (tmp_path / "kill-matrix.html").read_text(encoding="utf-8")
    assert "caught 1 of 2" in page
    assert 'title="REG-001.a"' in page
