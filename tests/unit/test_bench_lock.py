"""One run at a time on one device: the lock ends with its owner, and whatever stands in its way is told with its place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.bench.lock import DeviceBusy, DeviceLock

DEVICE = f"RVW-LOCK-{os.getpid()}"
HOLDS = """
import sys, tempfile
from conformance.bench.lock import DeviceLock
tempfile.tempdir = sys.argv[1]
lock = DeviceLock(sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_the_second_has_to_wait_until_the_first_lets_go() -> None:
    first = DeviceLock(DEVICE)
    with pytest.raises(DeviceBusy, match=f"process {os.getpid()} is running tests"):
        DeviceLock(DEVICE)
    DeviceLock(f"{DEVICE}-other").release()
    first.release()
    DeviceLock(DEVICE).release()


def test_a_killed_owner_s_lock_is_free_and_its_file_stays(tmp_path: Path) -> None:
    words = [sys.executable, "-c", HOLDS, str(tmp_path), DEVICE]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        with pytest.raises(DeviceBusy, match=f"process {owner.pid} is running tests"):
            DeviceLock(DEVICE)
        owner.kill()
        owner.wait()
        (file,) = tmp_path.glob("rvw-device-*.lock")
        left = file.stat().st_ino
        DeviceLock(DEVICE).release()
        assert file.stat().st_ino == left, "who deletes the file of a dead owner can delete a living one's"


def test_a_file_that_names_nobody_is_no_lock(tmp_path: Path) -> None:
    DeviceLock(DEVICE).release()
    (file,) = tmp_path.glob("rvw-device-*.lock")
    file.write_text(f"{os.getppid()} 1", encoding="ascii")
    DeviceLock(DEVICE).release()


def test_a_lock_that_cannot_be_opened_is_told_with_its_file(tmp_path: Path) -> None:
    DeviceLock(DEVICE).release()
    (file,) = tmp_path.glob("rvw-device-*.lock")
    file.unlink()
    file.mkdir()
    with pytest.raises(DeviceBusy, match=file.name):
        DeviceLock(DEVICE)


def test_another_user_s_file_can_be_locked_without_writing_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked = os.open, []

    def another_user_s(path: object, flags: int, mode: int = 0o777) -> int:
        asked.append(flags)
        if flags & os.O_RDWR:
            raise PermissionError(13, "Permission denied")
        return real(str(path), flags, mode)

    DeviceLock(DEVICE).release()
    monkeypatch.setattr("conformance.bench.lock.os.open", another_user_s)
    lock = DeviceLock(DEVICE)
    with pytest.raises(DeviceBusy, match="another process is running tests"):
        DeviceLock(DEVICE)
    lock.release()
    assert len(asked) == 4
