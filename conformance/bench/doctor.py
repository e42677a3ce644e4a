"""Is this machine fit for a run? What is missing is said with what waits for it and how to get it."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from conformance.iut.device_file import DeviceFileError, load_device


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `needed` is false where only some devices or cases wait for it."""

    what: str
    ok: bool
    told: str
    remedy: str = ""
    needed: bool = True

    def line(self) -> str:
        """As printed."""
        mark = "ok  " if self.ok else ("FAIL" if self.needed else "miss")
        return f"{mark}  {self.what:<22} {self.told}" + (f"\n      -> {self.remedy}" if not self.ok and self.remedy else "")


def examine(device: Path | None = None) -> list[Finding]:
    """Look at everything."""
    rows = [_python(), _loopback(), _clock(), _memory(), _stack(), _browser(), _certutil(), _fonts(), _namespaces()]
    return [*rows, _device(device)] if device is not None else rows


def _python() -> Finding:
    return Finding("Python", sys.version_info >= (3, 11), sys.version.split()[0], "Python 3.11 or later")


def _loopback() -> Finding:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            with socket.create_connection(("127.0.0.1", port), timeout=2):
                return Finding("loopback TCP", True, f"port {port} opened and reached")
    except OSError as error:
        return Finding("loopback TCP", False, str(error), "allow local connections on 127.0.0.1")


def _clock() -> Finding:
    resolution = time.get_clock_info("monotonic").resolution
    sane = time.time() > 1_700_000_000
    return Finding("clock", sane and resolution <= 0.02, time.strftime("%Y-%m-%d %H:%M:%S %z"), "set the machine's clock")


def _memory() -> Finding:
    free = psutil.virtual_memory().available / 2**30
    return Finding("memory", free > 0.5, f"{free:.1f} GiB free, {psutil.cpu_count()} cores", "close other programs")


def _stack() -> Finding:
    found = importlib.util.find_spec("wrtc") is not None
    told = "libwebrtc for the reference device" if found else "the reference device will use the clerk's own stack"
    remedy = "pip install 'rvw-conformance[libwebrtc]' (Linux, CPython 3.11)"
    return Finding("second WebRTC stack", found, told, remedy, needed=False)


def _browser() -> Finding:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        remedy = "Debian: apt install chromium; devices/web-kiosk.toml waits for it"
        return Finding("browser", False, "no Chromium", remedy, needed=False)
    answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False)
    return Finding("browser", True, answer.stdout.strip()[:60] or path, needed=False)


def _certutil() -> Finding:
    path = shutil.which("certutil")
    return Finding(
        "certutil", path is not None, path or "missing", "Debian: apt install libnss3-tools; the web kiosk's trust waits for it",
        needed=False,
    )  # fmt: skip


def _fonts() -> Finding:
    if shutil.which("fc-list") is None:
        return Finding("Chinese font", False, "fontconfig is not installed", "only pictures of pages need it", needed=False)
    listed = subprocess.run(["fc-list", ":lang=zh", "family"], capture_output=True, text=True, timeout=20, check=False).stdout
    first = listed.splitlines()[0] if listed else ""
    return Finding("Chinese font", bool(first), first or "none", "Debian: apt install fonts-noto-cjk", needed=False)


def _namespaces() -> Finding:
    path = shutil.which("ip")
    told = path or "no iproute2: devices on other (simulated) machines are not tried"
    return Finding("network namespaces", path is not None, told, "Debian: apt install iproute2", needed=False)


def _device(path: Path) -> Finding:
    try:
        device = load_device(path)
    except DeviceFileError as error:
        return Finding("device file", False, str(error), "mend the file")
    if device.driver.kind == "spawn" and device.driver.command[0] != "{python}" and not shutil.which(device.driver.command[0]):
        return Finding("device file", False, f"{device.driver.command[0]!r} is not found", "name an installed command")
    return Finding("device file", True, f"{device.name}, {device.remote_device_id}")
