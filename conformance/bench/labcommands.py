"""`rvw lab init`: makes the lab and says what to do at both ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from conformance.bench.lab import LabError, init_lab, own_address
from conformance.bench.place import EVERYWHERE, PlaceError, place_of
from conformance.bench.prepare import UsageProblem
from conformance.iut.device_file import DeviceFileError, load_device
from conformance.spec.loader import load


def docking_path() -> str:
    """Path of the docking interface of the default pack, for the URL that a device is given."""
    return next(i.path for i in load().interfaces.values() if i.transport == "http" and i.server == "bench")


def make_lab(
    directory: Path, *, advertise: str, listen: str, ports: Sequence[int], trust: str, certificate: Path | None, key: Path | None,
    root: Path | None, devices: Sequence[Path],
) -> list[str]:  # fmt: skip
    """Make it, with the keys of these devices; returns what to print. Raises UsageProblem."""
    if trust not in ("ca", "vendor", "pinned"):
        raise UsageProblem([f"--trust takes ca, vendor or pinned, not {trust!r}"])
    if not all(0 < port < 65536 for port in ports) or ports[0] == ports[1]:
        raise UsageProblem([f"--ports takes two different ports, not {ports[0]} {ports[1]}"])
    name = advertise or (own_address() if listen in EVERYWHERE else listen)
    try:
        files = [load_device(path) for path in devices]
        init_lab(
            directory, advertise=name, listen=listen, ports=ports, trust=trust,  # type: ignore[arg-type]
            certificate=certificate, key=key, root=root,
        )  # fmt: skip
        lines = [f"lab          {directory} (keys readable for their owner only)"]
        for device in files:
            place = place_of(device, directory)
            place.identity(device.remote_device_id, "")
            lines += place.instructions(device, docking_path())
        if not files:
            lines += place_of(None, directory).instructions(None, docking_path())
    except (LabError, PlaceError, DeviceFileError) as error:
        raise UsageProblem(str(error).splitlines()) from error
    return [*lines, f"run          rvw run --lab {directory} --device DEVICE.toml"]
