"""Where the bench listens, how devices reach it, and what they trust: the run's own on loopback, a lab's on a network.

The device file's `[bench]` refines the lab's; without either everything is made for the run and stays on loopback.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from conformance.bench.identity import Identity
from conformance.bench.lab import Lab, LabError, load_lab, read_leaf, read_root
from conformance.iut.device_file import DeviceFile
from mocks.pki import Leaf, RunCa, fingerprint
from mocks.servers.listeners import authority_of

LOOPBACK: Final = "127.0.0.1"
EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  named to be told apart, not bound


class PlaceError(Exception):
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

    def identity(self, remote_device_id: str, url: str) -> Identity:
        """Keys of a device: the lab's lasting ones, else fresh ones. Raises LabError."""
        if self.lab is not None:
            return Identity(self.lab.identity(remote_device_id, url))
        return Identity.fresh(remote_device_id, url)

    def instructions(self, device: DeviceFile | None, docking_path: str) -> list[str]:
        """What a person has to open and to set so that this device reaches this bench."""
        http, ws = self.ports
        base = f"https://{authority_of(self.advertise)}:{http}"
        lines = [
            f"firewall     let TCP {http} and {ws} in, and UDP from the device (media)",
            f"  Linux      ufw allow proto tcp to any port {http},{ws}",
            f'  Windows    netsh advfirewall firewall add rule name="rvw" dir=in action=allow protocol=TCP localport={http},{ws}',
            f"docking URL  {base}{docking_path}",
            f"WebSockets   wss://{authority_of(self.advertise)}:{ws} (the device learns the paths when it registers)",
            f"device page  {base}/doctor   opened on the device, it shows what is reached",
        ]
        if device is not None:
            lines.append(f"device id    {device.remote_device_id}")
        if device is not None and self.lab is not None:
            lines.append(f"device keys  {self.lab.key_file(device.remote_device_id)} (keyid, key_b64; city_keyid, city_key_b64)")
        if self.lab is not None:
            lines.append(f"trust        {_trust(self.lab)}")
        return lines


def place_of(device: DeviceFile | None, lab_directory: Path | None) -> Place:
    """The place of a run. Raises PlaceError."""
    try:
        lab = load_lab(lab_directory) if lab_directory is not None else None
        table: dict[str, Any] = {**(lab.bench if lab else {}), **(device.bench if device else {})}
        base = device.path.parent if device is not None else Path()
        listen = _text(table, "listen", LOOPBACK)
        advertise = _text(table, "advertise", listen)
        if advertise in EVERYWHERE:
            raise PlaceError(f"[bench] listen = {listen!r} needs advertise = the name or address that the device uses")
        own = device.bench if device is not None else {}
        good = read_leaf(base, own) if "certificate" in own else (lab.good if lab else None)
        root = read_root(base / _text(own, "root", "")) if "root" in own else (lab.root_pem if lab else "")
        device_ca = read_root(base / _text(own, "device_ca", "")) if "device_ca" in own else ""
        return Place(
            listen, advertise, _ports(table), tuple(table.get("names", ("localhost",))), _text(table, "device_host", LOOPBACK),
            lab.ca if lab else None, good, root, device_ca, lab,
        )  # fmt: skip
    except LabError as error:
        raise PlaceError(str(error)) from error


def _ports(table: Mapping[str, Any]) -> tuple[int, int]:
    ports = table.get("ports", (0, 0))
    numbers = [p for p in ports if isinstance(p, int) and not isinstance(p, bool) and 0 <= p < 65536]
    if len(numbers) != 2 or len(ports) != 2 or (numbers[0] and numbers[0] == numbers[1]):
        raise PlaceError(f"[bench] ports are two different numbers, HTTP and WebSocket, such as [8443, 8444]; not {ports!r}")
    return numbers[0], numbers[1]


def _text(table: Mapping[str, Any], key: str, default: str) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise PlaceError(f"[bench] {key} is a text, not {value!r}")
    return value


def _trust(lab: Lab) -> str:
    if lab.trust == "pinned" and lab.good is not None:
        return f"pin this certificate, SHA-256 {fingerprint(lab.good.chain)}"
    if lab.trust == "vendor" and lab.good is not None:
        return f"your own certificate is shown, SHA-256 {fingerprint(lab.good.chain)}"
    return f"install the root certificate {lab.directory / 'ca.pem'}"
