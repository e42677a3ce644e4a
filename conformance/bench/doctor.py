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
from conformance.spec.model import Text
from conformance.spec.problems import lines_of
from reports.words import Lang, say


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `needed` is false where only some devices or cases wait for it."""

    what: Text
    ok: bool
    told: str | Text
    remedy: Text | None = None
    needed: bool = True

    def line(self, lang: Lang) -> str:
        """As printed."""
        mark = "ok  " if self.ok else ("FAIL" if self.needed else "miss")
        told = self.told if isinstance(self.told, str) else say(self.told, lang)
        remedy = f"\n      -> {say(self.remedy, lang)}" if not self.ok and self.remedy is not None else ""
        return f"{mark}  {say(self.what, lang)}: {told}{remedy}"


def examine(device: Path | None = None) -> list[Finding]:
    """Look at everything."""
    rows = [_python(), _loopback(), _clock(), _memory(), _stack(), _browser(), _certutil(), _fonts(), _namespaces()]
    return [*rows, _device(device)] if device is not None else rows


def _python() -> Finding:
    return Finding(
        Text("Python", "Python"), sys.version_info >= (3, 11), sys.version.split()[0],
        Text("需要 Python 3.11 或更新版本", "Python 3.11 or later"),
    )  # fmt: skip


def _loopback() -> Finding:
    what = Text("本机回环 TCP", "loopback TCP")
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            with socket.create_connection(("127.0.0.1", port), timeout=2):
                return Finding(what, True, Text(f"端口 {port} 可以打开和连接", f"port {port} opened and reached"))
    except OSError as error:
        return Finding(what, False, str(error), Text("请允许 127.0.0.1 上的本机连接", "allow local connections on 127.0.0.1"))


def _clock() -> Finding:
    resolution = time.get_clock_info("monotonic").resolution
    sane = time.time() > 1_700_000_000
    return Finding(
        Text("时钟", "clock"), sane and resolution <= 0.02, time.strftime("%Y-%m-%d %H:%M:%S %z"),
        Text("请校准本机时钟", "set the machine's clock"),
    )  # fmt: skip


def _memory() -> Finding:
    free = psutil.virtual_memory().available / 2**30
    cores = psutil.cpu_count()
    told = Text(f"空闲 {free:.1f} GiB，{cores} 个处理器核", f"{free:.1f} GiB free, {cores} cores")
    return Finding(Text("内存", "memory"), free > 0.5, told, Text("请关闭其他程序", "close other programs"))


def _stack() -> Finding:
    found = importlib.util.find_spec("wrtc") is not None
    told = Text("参考设备使用 libwebrtc", "libwebrtc for the reference device") if found else Text(
        "参考设备将与坐席使用同一个实现", "the reference device will use the clerk's own stack"
    )  # fmt: skip
    command = "pip install 'rvw-conformance[libwebrtc]' (Linux, CPython 3.11)"
    return Finding(Text("第二个 WebRTC 实现", "second WebRTC stack"), found, told, Text(command, command), needed=False)


def _browser() -> Finding:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    what = Text("浏览器", "browser")
    if path is None:
        remedy = Text(
            "Debian: apt install chromium；devices/web-kiosk.toml 需要它",
            "Debian: apt install chromium; devices/web-kiosk.toml waits for it",
        )
        return Finding(what, False, Text("没有 Chromium", "no Chromium"), remedy, needed=False)
    answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False)
    return Finding(what, True, answer.stdout.strip()[:60] or path, needed=False)


def _certutil() -> Finding:
    path = shutil.which("certutil")
    remedy = Text(
        "Debian: apt install libnss3-tools；网页终端安装证书需要它",
        "Debian: apt install libnss3-tools; the web kiosk's trust waits for it",
    )
    return Finding(Text("certutil", "certutil"), path is not None, path or Text("没有", "missing"), remedy, needed=False)


def _fonts() -> Finding:
    what = Text("中文字体", "Chinese font")
    if shutil.which("fc-list") is None:
        absent = Text("没有安装 fontconfig", "fontconfig is not installed")
        return Finding(what, False, absent, Text("只有页面截图需要", "only pictures of pages need it"), needed=False)
    listed = subprocess.run(["fc-list", ":lang=zh", "family"], capture_output=True, text=True, timeout=20, check=False).stdout
    first = listed.splitlines()[0] if listed else ""
    return Finding(
        what, bool(first), first or Text("没有", "none"),
        Text("Debian: apt install fonts-noto-cjk", "Debian: apt install fonts-noto-cjk"), needed=False,
    )  # fmt: skip


def _namespaces() -> Finding:
    path = shutil.which("ip")
    told = path or Text(
        "没有 iproute2：不测其他（模拟）机器上的设备", "no iproute2: devices on other (simulated) machines are not tried"
    )
    remedy = Text("Debian: apt install iproute2", "Debian: apt install iproute2")
    return Finding(Text("网络命名空间", "network namespaces"), path is not None, told, remedy, needed=False)


def _device(path: Path) -> Finding:
    what = Text("设备文件", "device file")
    try:
        device = load_device(path)
    except DeviceFileError as error:
        told = [line if isinstance(line, Text) else Text(line, line) for line in lines_of(error)]
        both = Text("\n".join(line.zh for line in told), "\n".join(line.en for line in told))
        return Finding(what, False, both, Text("请改正此文件", "mend the file"))
    if device.driver.kind == "spawn" and device.driver.command[0] != "{python}" and not shutil.which(device.driver.command[0]):
        absent = Text(f"找不到 {device.driver.command[0]!r}", f"{device.driver.command[0]!r} is not found")
        return Finding(what, False, absent, Text("请填写已安装的命令", "name an installed command"))
    return Finding(what, True, f"{device.name}, {device.remote_device_id}")
