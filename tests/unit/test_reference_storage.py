"""The reference device's disk: no file takes another's place, and a power loss leaves the old text or the new one."""

from __future__ import annotations

from pathlib import Path

import pytest

from mocks.devices.reference.storage import DirStorage


class PowerLossError(Exception):
    """The power is gone now."""


@pytest.fixture
def renames(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each rename, whether something stood where it went."""
    rename, taken = Path.rename, []

    def watched(self: Path, target: Path) -> Path:
        taken.append(target.exists())
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", watched)
    monkeypatch.setattr(Path, "replace", lambda *_: pytest.fail("replaces"))
    return taken


def test_no_file_is_renamed_over_another(tmp_path: Path, renames: list[bool]) -> None:
    disk = DirStorage(tmp_path)
    for text in ("0", "1", "2"):
        disk.write("state.json", text)
        assert (disk.read("state.json"), disk.names()) == (text, ["state.json"])
    assert renames == [False] * 5


def test_nor_over_what_a_power_loss_left_and_what_is_removed_does_not_come_back(tmp_path: Path, renames: list[bool]) -> None:
    disk = DirStorage(tmp_path)
    disk.write("state.json", "new")
    (tmp_path / "state.json.old").write_text("old")
    disk.write("state.json", "newer")
    assert (renames, disk.read("state.json"), disk.names()) == ([False] * 3, "newer", ["state.json"])
    (tmp_path / "state.json.old").write_text("old")
    disk.remove("state.json")
    assert (disk.read("state.json"), disk.names()) == (None, [])


@pytest.mark.parametrize("step", range(4))
def test_a_power_loss_leaves_the_old_text_or_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    DirStorage(tmp_path).write("state.json", "old")
    steps = iter(range(4))

    def last(name: str) -> None:
        done = getattr(Path, name)

        def cut(self: Path, *words: object, **more: object) -> object:
            if next(steps) == step:
                raise PowerLossError
            return done(self, *words, **more)

        monkeypatch.setattr(Path, name, cut)

    last("rename")
    last("unlink")
    with pytest.raises(PowerLossError):
        DirStorage(tmp_path).write("state.json", "new")
    monkeypatch.undo()
    disk = DirStorage(tmp_path)
    assert disk.read("state.json") == ("new" if step == 3 else "old")
    disk.write("state.json", "next")
    assert disk.read("state.json") == "next"


def test_what_others_left_on_the_disk_is_seen_too(tmp_path: Path) -> None:
    (tmp_path / "left").mkdir()
    (tmp_path / "left" / "card.json").write_bytes(b"\xff{}")
    disk = DirStorage(tmp_path)
    assert (disk.names(), disk.read("left/card.json"), disk.read("nothing")) == (["left/card.json"], "\ufffd{}", None)
    disk.remove("left/card.json")
    assert (disk.names(), list(tmp_path.rglob("*.json"))) == ([], [])
