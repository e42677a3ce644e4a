"""Checks can fail: every defect device is caught by what it breaks and by nothing outside what it may break."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conformance.bench.killmatrix import (
    Caught,
    MemoryLab,
    defect_files,
    needs_sockets,
    survivors,
    try_in_memory,
    write_matrix,
)
from conformance.iut.device_file import DeviceFile
from conformance.spec.model import Level

DEFECTS = defect_files()
IN_MEMORY = [device for device in DEFECTS if not needs_sockets(device)]

_rows: dict[str, Caught] = {}


@pytest.fixture(scope="module")
def lab() -> MemoryLab:
    return MemoryLab()


def identifier(device: DeviceFile) -> str:
    assert device.defect is not None
    return device.defect.id


@pytest.mark.parametrize("device", IN_MEMORY, ids=identifier)
def test_caught_by_what_it_breaks_and_by_nothing_else(lab: MemoryLab, device: DeviceFile) -> None:
    row = try_in_memory(lab, device)
    _rows[row.id] = row
    # A SHOULD that is broken is a remark in the report; it keeps no device out.
    binding = any(lab.spec.clauses[c].level is Level.MUST for c in (*row.breaks, *row.failed))
    assert row.exit_code == (1 if binding else 0)
    assert row.missed == ()
    assert row.stray == ()


def test_the_catalogue_is_large_and_covers_every_family_of_the_visit(lab: MemoryLab) -> None:
    assert len(DEFECTS) >= 60
    broken = {clause.split("-")[0] for device in DEFECTS if device.defect for clause in device.defect.breaks}
    assert set(lab.profile.families) <= broken
    unknown = {c for device in DEFECTS if device.defect for c in (*device.defect.breaks, *device.defect.may_break)}
    assert unknown <= set(lab.spec.clauses)


def test_every_machine_verified_must_is_killed(lab: MemoryLab) -> None:
    on_sockets = {c for device in DEFECTS if needs_sockets(device) and device.defect for c in device.defect.breaks}
    if len(_rows) < len(IN_MEMORY):
        pytest.skip("only a selection of the defects was run")
    assert set(survivors(_rows.values(), lab.spec)) <= on_sockets


def test_the_matrix_is_written(lab: MemoryLab, tmp_path: Path) -> None:
    rows = [
        Caught("A", ("memory",), ("REG-001",), (), ("REG-001",), 1), Caught("B", ("memory",), ("REG-002",), (), ("CHN-001",), 1),
    ]  # fmt: skip
    write_matrix(rows, lab.spec, tmp_path)
    matrix = json.loads((tmp_path / "kill-matrix.json").read_text(encoding="utf-8"))
    assert (matrix["caught"], matrix["of"]) == (1, 2)
    assert "REG-001" not in matrix["survivors"]
    assert matrix["defects"][1]["missed"] == ["REG-002"]
    assert matrix["defects"][1]["stray"] == ["CHN-001"]
    assert "caught 1 of 2" in (tmp_path / "kill-matrix.html").read_text(encoding="utf-8")
