"""The reference device's disk: nobody waits for it, nothing is lost on the way, and what is read is what was written last."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mocks.devices.reference.storage import DirStorage


@contextmanager
def stalled(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A disk that puts no file in the place of another until it is let go; yields what is set when it is first asked to."""
    asked, go_on, replace = threading.Event(), threading.Event(), Path.replace

    def late(self: Path, target: Path) -> Path:
        asked.set()
        assert go_on.wait(10)
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", late)
        try:
            yield asked
        finally:
            go_on.set()


def test_who_writes_does_not_wait_for_the_disk_and_reads_what_was_written_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = DirStorage(tmp_path)
    disk.write("state.json", "0")
    disk.settle()
    with stalled(monkeypatch) as asked:
        disk.write("state.json", "1")
        assert asked.wait(10)
        disk.write("spool/page", "p")
        disk.write("state.json", "2")
        disk.remove("spool/page")
        assert (disk.read("state.json"), disk.read("spool/page"), disk.names()) == ("2", None, ["state.json"])
        assert (tmp_path / "state.json").read_text() == "0"  # a power loss now leaves the old one, whole
    disk.settle()
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["state.json"]
    assert ((tmp_path / "state.json").read_text(), disk.read("state.json"), disk.names()) == ("2", "2", ["state.json"])


def test_what_others_left_on_the_disk_is_seen_too(tmp_path: Path) -> None:
    (tmp_path / "left").mkdir()
    (tmp_path / "left" / "card.json").write_bytes(b"\xff{}")
    disk = DirStorage(tmp_path)
    assert (disk.names(), disk.read("left/card.json"), disk.read("nothing")) == (["left/card.json"], "\ufffd{}", None)
    disk.remove("left/card.json")
    disk.settle()
    assert (disk.names(), list(tmp_path.rglob("*.json"))) == ([], [])


def test_a_disk_that_takes_nothing_is_told_and_the_text_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    disk = DirStorage(tmp_path)
    (tmp_path / "state.json").mkdir()
    disk.write("state.json", "1")
    disk.settle()
    assert disk.read("state.json") == "1"
    assert capsys.readouterr().err.startswith("disk: state.json: ")
