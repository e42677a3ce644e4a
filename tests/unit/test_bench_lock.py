"""One run at a time on one device: the lock tells a living owner from a dead one and from another process of the same id."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.bench.lock import DeviceBusy, DeviceLock

DEVICE = f"RVW-LOCK-{os.getpid()}"


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_the_second_has_to_wait_until_the_first_lets_go() -> None:
    first = DeviceLock(DEVICE)
    with pytest.raises(DeviceBusy, match=str(os.getpid())):
        DeviceLock(DEVICE)
    DeviceLock(f"{DEVICE}-other").release()
    first.release()
    DeviceLock(DEVICE).release()


def test_a_dead_owner_s_lock_is_taken_over(tmp_path: Path) -> None:
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True)
    DeviceLock(DEVICE)
    (file,) = tmp_path.glob("rvw-device-*.lock")
    file.write_text(f"{dead.stdout.strip()} 1", encoding="ascii")
    DeviceLock(DEVICE).release()


def test_a_process_id_that_came_round_again_is_another_process(tmp_path: Path) -> None:
    DeviceLock(DEVICE)
    (file,) = tmp_path.glob("rvw-device-*.lock")
    file.write_text(f"{os.getppid()} 1", encoding="ascii")
    DeviceLock(DEVICE).release()


def test_a_file_without_a_name_yet_belongs_to_who_is_just_beginning(tmp_path: Path) -> None:
    DeviceLock(DEVICE)
    (file,) = tmp_path.glob("rvw-device-*.lock")
    file.write_text("", encoding="ascii")
    with pytest.raises(DeviceBusy, match="just beginning"):
        DeviceLock(DEVICE)
    os.utime(file, (1, 1))
    DeviceLock(DEVICE).release()
