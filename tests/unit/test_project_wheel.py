"""What an installed wheel finds: every file of the packages is named as package data."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHES = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}


def test_every_file_of_the_packages_goes_into_the_wheel() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]["*"]
    rooms = [ROOT / name for name in ("conformance", "mocks", "reports", "loadtests")]
    files = [f for room in rooms for f in room.rglob("*") if f.is_file() and CACHES.isdisjoint(f.parts)]
    assert len(files) > 300
    left_out = [str(f.relative_to(ROOT)) for f in files if f.suffix != ".py" and not any(fnmatch(f.name, t) for t in told)]
    assert left_out == []
