"""Starts Chromium for the kiosk, with a profile and a certificate store of its own, and ends its whole process tree.

The run's CA goes into the store that the browser reads under its HOME; no flag that ignores certificates is ever given, so
the kiosk refuses a bad certificate as any browser does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

NAMES = ("chromium", "chromium-browser", "google-chrome")
STOP_LIMIT = 3.0
PREFIX = "browser-"
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--no-default-browser-check", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-domain-reliability", "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows", "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream=device-count=4,fps=20",
    "--allow-loopback-in-peer-connection", "--mute-audio", "--window-size=1600,900", "--lang=zh-CN",
)


class BrowserMissing(RuntimeError):
    """A program that the kiosk needs is not installed."""


class Browser:
    """One browser with one page. Its profile lives in `directory`, where a profile that a power cut left is removed first."""

    def __init__(self, directory: Path | None = None) -> None:
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            for left in directory.glob(f"{PREFIX}*"):
                _remove(left)
        self.home = Path(tempfile.mkdtemp(prefix=PREFIX, dir=directory))
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, url: str, ca_pem: str, hosts: Sequence[str], extra: Sequence[str] = ()) -> None:
        """Open the page. Only `hosts` are resolved; every other name is unknown to this browser. Raises BrowserMissing."""
        await self._trust(ca_pem)
        excluded = " , ".join(f"EXCLUDE {host}" for host in dict.fromkeys(hosts))
        self._process = await asyncio.create_subprocess_exec(
            _program(NAMES), *FLAGS, f"--host-resolver-rules=MAP * ~NOTFOUND , {excluded}",
            f"--user-data-dir={self.home / 'profile'}", *extra, url,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "HOME": str(self.home), "PULSE_RUNTIME_PATH": str(self.home / "sound")}, start_new_session=True,
        )

    async def ended(self) -> int:
        """Wait for the browser's end, whatever ends it."""
        return await self._process.wait() if self._process is not None else 0

    def resident_kb(self) -> int:
        """Memory of all its processes."""
        total = 0
        for process in self._tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss // 1024
        return total

    async def stop(self) -> None:
        """End every process of the browser and remove its profile."""
        tree = self._tree()
        for process in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if self._process is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), STOP_LIMIT)
        await asyncio.to_thread(psutil.wait_procs, tree, STOP_LIMIT)
        await asyncio.to_thread(_remove, self.home)

    def _tree(self) -> list[psutil.Process]:
        if self._process is None:
            return []
        try:
            root = psutil.Process(self._process.pid)
            return [*root.children(recursive=True), root]
        except psutil.NoSuchProcess:
            return []

    async def _trust(self, ca_pem: str) -> None:
        store = self.home / ".pki" / "nssdb"
        authority = self.home / "ca.pem"
        await asyncio.to_thread(store.mkdir, parents=True)
        await asyncio.to_thread(authority.write_text, ca_pem, encoding="ascii")
        tool = _program(("certutil",))
        await _run(tool, "-d", f"sql:{store}", "-N", "--empty-password")
        await _run(tool, "-d", f"sql:{store}", "-A", "-t", "C,,", "-n", "authority", "-i", str(authority))


def _remove(home: Path) -> None:
    """Remove a browser's home and the folder of its socket, which Chromium puts beside it and which a killed one leaves."""
    with contextlib.suppress(OSError):
        folder = (home / "profile" / "SingletonSocket").readlink().parent
        for name in ("SingletonSocket", "SingletonCookie"):
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()
    shutil.rmtree(home, ignore_errors=True)


def _program(names: Sequence[str]) -> str:
    for name in names:
        if (found := shutil.which(name)) is not None:
            return found
    raise BrowserMissing(f"{' or '.join(names)} is not installed")


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed: {errors.decode(errors='replace').strip()}")
