"""What an installed wheel finds: every file of the packages goes into it, and the commands work from an empty directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from conformance.iut.device_file import SHIPPED, find_device, load_device, shipped

ROOT = Path(__file__).parents[2]
CACHES = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]


def _rooms() -> list[str]:
    """The directories that the wheel takes."""
    return [pattern.removesuffix("*") for pattern in SETTINGS["packages"]["find"]["include"]]


def _packed(room: str) -> list[Path]:
    """The files of a room that the wheel takes."""
    told = SETTINGS["package-data"]
    every = [f for f in (ROOT / room).rglob("*") if f.is_file() and CACHES.isdisjoint(f.parts)]
    patterns = ["*"] if told.get(room) == ["**/*"] else told["*"]
    return [f for f in every if f.suffix == ".py" or any(fnmatch(f.name, p) for p in patterns)]


def test_every_file_of_the_packages_goes_into_the_wheel() -> None:
    rooms = _rooms()
    assert set(rooms) == {"conformance", "mocks", "reports", "loadtests", "specs", "devices"}
    files = [f for room in rooms for f in (ROOT / room).rglob("*") if f.is_file() and CACHES.isdisjoint(f.parts)]
    assert len(files) > 300
    packed = {f for room in rooms for f in _packed(room)}
    assert [str(f.relative_to(ROOT)) for f in files if f not in packed] == []


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages as a wheel lays them down, away from the source tree."""
    site = tmp_path_factory.mktemp("site")
    for file in (file for room in _rooms() for file in _packed(room)):
        target = site / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return site


def _rvw(installed: Path, here: Path, *words: str) -> tuple[int, str]:
    """`rvw` as it is installed there, in an empty directory."""
    done = subprocess.run(
        [sys.executable, "-m", "conformance", *words], cwd=here, env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_defects_are_run_from_an_installed_wheel(installed: Path, tmp_path: Path) -> None:
    code, text = _rvw(installed, tmp_path, "defects", "--only", "HBT-001-too-fast")
    assert (code, "caught 1 of 1" in text) == (0, True), text
    assert (tmp_path / "rvw-out" / "defects" / "kill-matrix.json").is_file()


@pytest.mark.sockets
@pytest.mark.parametrize("device", ["reference", "devices/reference.toml"])
def test_a_shipped_device_is_run_from_an_installed_wheel(installed: Path, tmp_path: Path, device: str) -> None:
    code, text = _rvw(installed, tmp_path, "run", "--device", device, "-k", "que.swipe-ticket", "--out", "run", "--lang", "en")
    assert "PASS" in text, text
    assert "que.swipe-ticket" in text
    assert code in (0, 3), text


def test_a_shipped_device_is_found_by_name_and_a_file_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert set(shipped()) == {"reference", "web-kiosk"}
    assert find_device("reference") == find_device("devices/reference.toml") == SHIPPED / "reference.toml"
    assert find_device("other/reference.toml") == Path("other/reference.toml")
    (tmp_path / "devices").mkdir()
    own = tmp_path / "devices" / "reference.toml"
    own.write_text((SHIPPED / "reference.toml").read_text("utf-8").replace("RVW-REF-0001", "OWN-1"), encoding="utf-8")
    assert load_device("devices/reference.toml").remote_device_id == "OWN-1"
    assert load_device("reference").remote_device_id == "RVW-REF-0001"
