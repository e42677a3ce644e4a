"""One run at a time on one device, whatever process starts it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from conformance.spec.model import Text
from conformance.spec.problems import Spoken

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_AT: Final = 4096  # the byte that Windows locks: past the text, which others have to read


class DeviceBusy(Spoken):
    """Another run holds the device, or its lock cannot be had."""


class DeviceLock:
    """A lock of the operating system on a file named by the device id's digest. It ends with its owner, however that ends.

    The file holds the owner's process id for the message and is never deleted: whoever deleted it could delete another's.
    """

    def __init__(self, remote_device_id: str) -> None:
        name = hashlib.sha256(remote_device_id.encode()).hexdigest()[:16]
        self._path = Path(tempfile.gettempdir()) / f"rvw-device-{name}.lock"
        self._handle = self._taken(remote_device_id)

    def _taken(self, remote_device_id: str) -> int | None:
        try:
            handle = _opened(self._path)
        except OSError as error:
            why = f"{self._path}: {error.strerror or error}"
            raise DeviceBusy(Text(
                f"设备 {remote_device_id} 的锁文件无法打开：{why}",
                f"the lock of the device {remote_device_id} cannot be opened: {why}",
            )) from error  # fmt: skip
        try:
            _lock(handle)
        except OSError as error:
            owner = self._owner()
            os.close(handle)
            if isinstance(error, BlockingIOError | PermissionError):
                told = Text(
                    f"{owner.zh}正在测试设备 {remote_device_id}；同一时间只能有一次运行（{self._path}）",
                    f"{owner.en} is running tests on the device {remote_device_id}; one run at a time ({self._path})",
                )
            else:
                why = f"{self._path}: {error.strerror or error}"
                told = Text(
                    f"设备 {remote_device_id} 的锁无法取得：{why}",
                    f"the lock of the device {remote_device_id} cannot be taken: {why}",
                )
            raise DeviceBusy(told) from error
        with contextlib.suppress(OSError):  # another user's file, or a full disk: the lock holds without the name, too
            os.ftruncate(handle, 0)
            os.write(handle, str(os.getpid()).encode())
        return handle

    def _owner(self) -> Text:
        try:
            number = int(self._path.read_text("ascii"))
            return Text(f"进程 {number} ", f"process {number}")
        except (OSError, ValueError):
            return Text("另一个进程", "another process")

    def release(self) -> None:
        """Let others have it."""
        if self._handle is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None


def _opened(path: Path) -> int:
    """The file, open for writing where it is ours and for reading where another user left it. Never through a link."""
    no_link = getattr(os, "O_NOFOLLOW", 0)
    try:
        return os.open(path, os.O_CREAT | os.O_RDWR | no_link, 0o644)
    except PermissionError:
        return os.open(path, os.O_RDONLY | no_link)


def _lock(handle: int) -> None:
    """Raises BlockingIOError (PermissionError on Windows) where another holds it."""
    if sys.platform == "win32":
        os.lseek(handle, _AT, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)
    else:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
