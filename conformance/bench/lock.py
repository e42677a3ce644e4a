"""One run at a time on one device, whatever process starts it."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import psutil


class DeviceBusy(Exception):
    """Another run holds the device."""


class DeviceLock:
    """A file named by the device id's digest that holds the owner's process id. A dead owner's lock is taken over."""

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
                if owner is not None and psutil.pid_exists(owner):
                    raise DeviceBusy(f"process {owner} is running tests on the device {remote_device_id}") from None
                self._path.unlink(missing_ok=True)
                continue
            os.write(handle, str(os.getpid()).encode())
            os.close(handle)
            return
        raise DeviceBusy(f"the lock of the device {remote_device_id} cannot be taken: {self._path}")

    def _owner(self) -> int | None:
        try:
            return int(self._path.read_text())
        except (OSError, ValueError):
            return None

    def release(self) -> None:
        """Let others have it."""
        if self._owner() == os.getpid():
            self._path.unlink(missing_ok=True)
