"""Where the bench listens, how devices reach it, and what they trust: the run's own on loopback, a lab's on a network.

The device file's `[bench]` refines the lab's; without either everything is made for the run and stays on loopback.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.bench.identity import Identity
from conformance.bench.lab import Lab, LabError, load_lab, read_leaf, read_root
from conformance.iut.device_file import DeviceFile
from conformance.iut.review import Declared
from conformance.spec.model import Text
from conformance.spec.problems import Spoken
from mocks.pki import Leaf, RunCa, fingerprint
from mocks.servers.listeners import authority_of
from reports.words import Lang, say

NOTHING: Final = Declared()
LOOPBACK: Final = "127.0.0.1"
EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  named to be told apart, not bound
_HOST: Final = re.compile(r"[A-Za-z0-9_*:%-]{1,63}(\.[A-Za-z0-9_*:%-]{1,63})*\.?")  # a name, a pattern of names or an address


class PlaceError(Spoken):
    """The bench cannot be set up as the lab or the device file says; the text says what, where and what to do."""


@dataclass(frozen=True)
class Place:
    """Addresses, certificates and keys of one run."""

    listen: str = LOOPBACK  # address that the bench binds
    advertise: str = LOOPBACK  # name or address that devices use for it
    ports: tuple[int, int] = (0, 0)  # HTTP, WebSocket; 0 takes a free one
    names: tuple[str, ...] = ("localhost",)  # further names in the certificate
    device_host: str = LOOPBACK  # where a device that the bench starts listens
    ca: RunCa | None = None
    good: Leaf | None = None  # shown instead of a certificate made for the run
    root_pem: str = ""  # what a device has to trust where that is not the run's CA
    device_ca_pem: str = ""  # whom the bench trusts for the device's own API, beside its own CA
    lab: Lab | None = None

    def __post_init__(self) -> None:
        """Raises PlaceError where a name is none that sockets and certificates take."""
        named = {"listen": self.listen, "advertise": self.advertise, "device_host": self.device_host}
        for key, name in [*named.items(), *(("names", name) for name in self.names)]:
            if len(name) > 253 or not _HOST.fullmatch(name):
                raise PlaceError(_no_host(key, name))

    def identity(self, remote_device_id: str, url: str) -> Identity:
        """Keys of a device: the lab's lasting ones, else fresh ones. Raises LabError."""
        if self.lab is not None:
            return Identity(self.lab.identity(remote_device_id, url))
        return Identity.fresh(remote_device_id, url)

    def instructions(self, device: DeviceFile | None, docking_path: str, lang: Lang, own: Declared = NOTHING) -> list[str]:
        """What a person has to open and to set so that this device reaches this bench; `own` are keys that it has already."""
        http, ws = self.ports
        base = f"https://{authority_of(self.advertise)}:{http}"
        netsh = 'netsh advfirewall firewall add rule name="rvw" dir=in action=allow'
        rows: list[tuple[Text, str | Text]] = [
            (Text("防火墙", "firewall"), Text(
                f"放行 TCP {http}、{ws}，UDP {http}（设备自查页面），以及设备发来的其他 UDP（音视频，端口不固定）",
                f"let TCP {http} and {ws} in, UDP {http} (device page), and other UDP from the device (media, on any port)",
            )),
            (Text("  Linux", "  Linux"), f"ufw allow proto tcp to any port {http},{ws}"),
            (Text("  Linux", "  Linux"), f"ufw allow proto udp to any port {http}"),
            (Text("  Windows", "  Windows"), f"{netsh} protocol=TCP localport={http},{ws}"),
            (Text("  Windows", "  Windows"), f"{netsh} protocol=UDP localport={http}"),
            (Text("对接地址", "docking URL"), f"{base}{docking_path}"),
            (Text("WebSocket 地址", "WebSockets"), Text(
                f"wss://{authority_of(self.advertise)}:{ws}（设备注册时得知路径）",
                f"wss://{authority_of(self.advertise)}:{ws} (the device learns the paths when it registers)",
            )),
            (Text("设备自查页面", "device page"), Text(
                f"{base}/doctor （在设备上打开，显示能否连通）", f"{base}/doctor (opened on the device, it shows what is reached)"
            )),
        ]  # fmt: skip
        if device is not None:
            rows.append((Text("远程设备ID", "device id"), device.remote_device_id))
        if device is not None and (own.device_key or own.city_key):
            used = Text("使用 [pixit] 中声明的密钥", "those of [pixit] are used as they are")
            rows.append((Text("设备密钥", "device keys"), used))
        if device is not None and self.lab is not None:
            keys = f"{self.lab.key_file(device.remote_device_id)} (keyid, key_b64; city_keyid, city_key_b64)"
            rows.append((Text("设备密钥", "device keys"), keys))
        if self.lab is not None:
            rows.append((Text("信任", "trust"), _trust(self.lab)))
        return [f"{say(name, lang)}: {value if isinstance(value, str) else say(value, lang)}" for name, value in rows]


def place_of(device: DeviceFile | None, lab_directory: Path | None) -> Place:
    """The place of a run. Raises PlaceError."""
    try:
        lab = load_lab(lab_directory) if lab_directory is not None else None
        table: dict[str, Any] = {**(lab.bench if lab else {}), **(device.bench if device else {})}
        base = device.path.parent if device is not None else Path()
        listen = _text(table, "listen", LOOPBACK)
        advertise = _text(table, "advertise", listen)
        if advertise in EVERYWHERE:
            raise PlaceError(Text(
                f"[bench] listen = {listen!r} 时还须写 advertise：设备使用的名称或地址",
                f"[bench] listen = {listen!r} needs advertise = the name or address that the device uses",
            ))  # fmt: skip
        own = device.bench if device is not None else {}
        good = read_leaf(base, own) if "certificate" in own else (lab.good if lab else None)
        root = read_root(base / _text(own, "root", "")) if "root" in own else (lab.root_pem if lab else "")
        device_ca = read_root(base / _text(own, "device_ca", "")) if "device_ca" in own else ""
        return Place(
            listen, advertise, _ports(table), tuple(table.get("names", ("localhost",))), _text(table, "device_host", LOOPBACK),
            lab.ca if lab else None, good, root, device_ca, lab,
        )  # fmt: skip
    except LabError as error:
        raise PlaceError(*error.lines) from error


def _ports(table: Mapping[str, Any]) -> tuple[int, int]:
    ports = table.get("ports", (0, 0))
    numbers = [p for p in ports if isinstance(p, int) and not isinstance(p, bool) and 0 <= p < 65536]
    if len(numbers) != 2 or len(ports) != 2 or (numbers[0] and numbers[0] == numbers[1]):
        raise PlaceError(Text(
            f"[bench] ports 应为两个不同的数，HTTP 和 WebSocket，如 [8443, 8444]；不能是 {ports!r}",
            f"[bench] ports are two different numbers, HTTP and WebSocket, such as [8443, 8444]; not {ports!r}",
        ))  # fmt: skip
    return numbers[0], numbers[1]


def _no_host(key: str, name: str) -> Text:
    shown = name if len(name) <= 60 else f"{name[:60]}..."
    return Text(
        f"{key}：{shown!r} 不能作为主机名；请写 IP 地址，或只含英文字母、数字、连字符和点的名称（中文域名写成 xn-- 形式）",
        f"{key}: {shown!r} is no host name; write an IP address, or a name of letters, digits, hyphens and dots "
        "(other scripts in their xn-- form)",
    )


def _text(table: Mapping[str, Any], key: str, default: str) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise PlaceError(Text(f"[bench] {key} 应为文本，不能是 {value!r}", f"[bench] {key} is a text, not {value!r}"))
    return value


def _trust(lab: Lab) -> Text:
    shown = fingerprint(lab.good.chain) if lab.good is not None else ""
    if lab.trust == "pinned" and shown:
        return Text(f"在设备中固定此证书，SHA-256 {shown}", f"pin this certificate, SHA-256 {shown}")
    if lab.trust == "vendor" and shown:
        return Text(f"出示的是厂商自己的证书，SHA-256 {shown}", f"your own certificate is shown, SHA-256 {shown}")
    root = lab.directory / "ca.pem"
    return Text(f"在设备中安装根证书 {root}", f"install the root certificate {root}")
