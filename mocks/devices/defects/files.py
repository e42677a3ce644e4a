"""Device files of the defects: one small TOML each, kept in step with the registry.

`python -m mocks.devices.defects.files` writes them anew.
"""

from __future__ import annotations

import json
from pathlib import Path

from mocks.devices.defects import DEFECTS
from mocks.devices.registry import Defect

__all__ = ["DIRECTORY", "text_of", "write_all"]

DIRECTORY = Path(__file__).parent


def text_of(defect: Defect) -> str:
    """The device file of a defect."""
    return "\n".join(
        (
            f"# {defect.about['zh']}",
            f"# {defect.about['en']}",
            'extends = "../../../devices/reference.toml"',
            "",
            "[defect]",
            f"id = {json.dumps(defect.id)}",
            f"breaks = {json.dumps(list(defect.breaks))}",
            f"may_break = {json.dumps(list(defect.may_break))}",
            f"needs = {json.dumps(defect.needs)}",
            *_declared(defect),
            "",
        )
    )


def _declared(defect: Defect) -> list[str]:
    """The table of declarations that differ. Texts, numbers, truth values and lists are written alike in JSON and TOML."""
    rows = [f"{json.dumps(item)} = {json.dumps(value)}" for item, value in defect.declares.items()]
    return ["", "[pics]", *rows] if rows else []


def write_all(directory: Path = DIRECTORY) -> list[str]:
    """Write every file and remove those of defects that are gone. Returns the ids."""
    for old in directory.glob("*.toml"):
        if old.stem not in DEFECTS:
            old.unlink()
    for defect in DEFECTS.values():
        (directory / f"{defect.id}.toml").write_text(text_of(defect), encoding="utf-8")
    return list(DEFECTS)


if __name__ == "__main__":
    write_all()
