"""One run at a time on one device, whatever process starts it."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from pathlib import Path

import psutil


class DeviceBusy(Exception):
    """Another run holds the device."""


class DeviceLock:
    """A file named by the device id's digest that holds the owner's process id and start, since ids come round again. A dead
    owner's lock is taken over."""

    def __init__(self, remote_device_id: str) -> None:
        name = hashlib.sha256(remote_device_id.encode()).hexdigest()[:16]
        self._path = Path(tempfile.gettempdir()) / f"rvw-device-{name}.lock"
        self._take(remote_device_id)

    def _take(self, remote_device_id: str) -> None:
        for _ in range(2):
            try:
                handle = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            except FileExistsError:
                owner = self._owner()
                if owner is not None and _started(owner[0]) == owner[1]:
                    told = f"process {owner[0]} is running tests on the device {remote_device_id}; one run at a time"
                    raise DeviceBusy(told) from None
                if owner is None and self._is_fresh():
                    raise DeviceBusy(f"another run on the device {remote_device_id} is just beginning") from None
                self._path.unlink(missing_ok=True)
                continue
            os.write(handle, f"{os.getpid()} {_started(os.getpid())}".encode())
            os.close(handle)
            return
        raise DeviceBusy(f"the lock of the device {remote_device_id} cannot be taken: {self._path}")

    def _is_fresh(self) -> bool:
        """Whether the file is so new that its owner may not have written its name yet."""
        try:
            return time.time() - self._path.stat().st_mtime < 5.0
        except OSError:
            return False

    def _owner(self) -> tuple[int, str] | None:
        try:
            number, _, start = self._path.read_text("ascii").partition(" ")
            return int(number), start
        except (OSError, ValueError):
            return None

    def release(self) -> None:
        """Let others have it."""
        owner = self._owner()
        if owner is not None and owner[0] == os.getpid():
            self._path.unlink(missing_ok=True)


def _started(pid: int) -> str:
    """When a process began, "" for one that is gone."""
    try:
        return f"{psutil.Process(pid).create_time():.0f}"
    except psutil.Error:
        return ""
