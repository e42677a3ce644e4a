"""Every device file of the repository can be read and agrees with the newest pack."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.iut.device_file import load_device
from conformance.iut.review import review
from conformance.spec.loader import load

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "devices").glob("*.toml"), *(ROOT / "mocks" / "devices").rglob("*.toml")])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_device_file_agrees_with_the_pack(file: Path) -> None:
    spec = load()
    device = load_device(file)
    assert [str(problem) for problem in review(device, spec)] == []
    if device.defect is not None:
        named = {*device.defect.breaks, *device.defect.may_break}
        assert named <= spec.clauses.keys()
