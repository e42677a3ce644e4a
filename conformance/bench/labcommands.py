"""`rvw lab init`: makes the lab and says what to do at both ends."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from conformance.bench.errors import UsageProblem
from conformance.bench.lab import LabError, init_lab, own_address
from conformance.bench.place import EVERYWHERE, Place, PlaceError, place_of
from conformance.iut.device_file import DeviceFileError, load_device
from conformance.spec.loader import load
from conformance.spec.model import Text
from conformance.spec.problems import PackError, lines_of
from reports.words import Lang, say


def make_lab(
    directory: Path, *, advertise: str, listen: str, ports: Sequence[int], trust: str, certificate: Path | None, key: Path | None,
    root: Path | None, devices: Sequence[Path], pack: str = "", lang: Lang = "both",
) -> list[str]:  # fmt: skip
    """Make it, with the keys of these devices; returns what to print. Raises UsageProblem."""
    if trust not in ("ca", "vendor", "pinned"):
        raise UsageProblem([Text(
            f"--trust 只能是 ca、vendor 或 pinned，不能是 {trust!r}", f"--trust takes ca, vendor or pinned, not {trust!r}"
        )])  # fmt: skip
    if not all(0 < port < 65536 for port in ports) or ports[0] == ports[1]:
        raise UsageProblem([Text(
            f"--ports 须为两个不同的端口，不能是 {ports[0]} {ports[1]}",
            f"--ports takes two different ports, not {ports[0]} {ports[1]}",
        )])  # fmt: skip
    name = advertise or (own_address() if listen in EVERYWHERE else listen)
    try:
        Place(listen=listen, advertise=name)  # before anything is written
        files = [load_device(path) for path in devices]
        init_lab(
            directory, advertise=name, listen=listen, ports=ports, trust=trust,  # type: ignore[arg-type]
            certificate=certificate, key=key, root=root,
        )  # fmt: skip
        docking = (load(pack) if pack else load()).docking.path
        lines = [say(Text(
            f"实验室: {directory}（密钥只有所有者可读）", f"lab: {directory} (keys readable for their owner only)"
        ), lang)]  # fmt: skip
        for device in files:
            place = place_of(device, directory)
            place.identity(device.remote_device_id, "")
            lines += place.instructions(device, docking, lang)
        if not files:
            lines += place_of(None, directory).instructions(None, docking, lang)
    except (LabError, PlaceError, DeviceFileError, PackError) as error:
        raise UsageProblem(lines_of(error)) from error
    named = f" --pack {shlex.quote(pack)}" if pack else ""
    command = f"rvw run --lab {shlex.quote(str(directory))}{named} --device DEVICE.toml"
    return [*lines, f"{say(Text('运行', 'run'), lang)}: {command}"]
