"""Bench and device on two hosts: two network namespaces with a cable between them, nothing on loopback (decision 21)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCH_IP, DEVICE_IP = "10.77.31.1", "10.77.31.2"


def _missing() -> str:
    if sys.platform != "linux":
        return "network namespaces are Linux"
    if shutil.which("ip") is None:
        return "no iproute2: apt install iproute2"
    if os.geteuid() != 0:
        return "network namespaces need root"
    probe = subprocess.run(["ip", "netns", "add", f"rvw-probe-{os.getpid()}"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        return f"this machine gives no network namespace: {probe.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", f"rvw-probe-{os.getpid()}"], check=True)
    return ""


@dataclass(frozen=True)
class Cable:
    """Two namespaces and the addresses at both ends."""

    bench: str
    device: str


@pytest.fixture
def cable() -> Iterator[Cable]:
    """Two hosts that see each other and nobody else."""
    if reason := _missing():
        pytest.skip(reason)
    pid = os.getpid()
    names = Cable(f"rvwb{pid}", f"rvwd{pid}")
    ends = (f"vb{pid}"[:15], f"vd{pid}"[:15])

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    try:
        for name in (names.bench, names.device):
            ip("netns", "add", name)
        ip("link", "add", ends[0], "netns", names.bench, "type", "veth", "peer", "name", ends[1], "netns", names.device)
        for name, end, address in ((names.bench, ends[0], BENCH_IP), (names.device, ends[1], DEVICE_IP)):
            ip("-n", name, "addr", "add", f"{address}/24", "dev", end)
            ip("-n", name, "link", "set", end, "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield names
    finally:
        for name in (names.bench, names.device):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


@pytest.mark.netns
@pytest.mark.sockets
def test_a_device_on_another_host_is_reached_and_judged(cable: Cable, tmp_path: Path) -> None:
    device = tmp_path / "other-host.toml"
    command = ["ip", "netns", "exec", cable.device, "{python}", "-m", "mocks.devices.reference"]
    device.write_text(
        f"extends = {json.dumps(os.path.relpath(ROOT / 'devices' / 'reference.toml', tmp_path))}\n"
        f"[device]\nremote_device_id = \"RVW-NETNS-{os.getpid()}\"\n"
        f"[driver]\ncommand = {json.dumps(command)}\n"
        f"[bench]\nlisten = \"{BENCH_IP}\"\nports = [8443, 8444]\ndevice_host = \"{DEVICE_IP}\"\n",
        encoding="utf-8",
    )
    out = tmp_path / "run"
    done = subprocess.run(
        ["ip", "netns", "exec", cable.bench, sys.executable, "-m", "conformance", "run", "--device", str(device),
         "--out", str(out), "--seed", "1", "--lang", "en", "-k", "que.swipe or reg.first or sec.i4"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    told = done.stdout + done.stderr
    assert (out / "result.json").is_file(), told
    result = json.loads((out / "result.json").read_text("utf-8"))
    ran = {case["case"]: case["verdict"] for case in result["cases"] if case["attempts"]}
    assert ran["que.swipe-ticket"] == "pass", told
    assert ran["reg.first-registration"] == "pass", told
    assert result["verdict"] != "fail", told
    peers = {_host(line["facts"]["peer"]) for line in _lines(out) if line["kind"] == "conn.open" and line["facts"].get("peer")}
    assert peers == {DEVICE_IP}, "every connection came over the cable"


def _lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "journal.jsonl").read_text("utf-8").splitlines()]


def _host(peer: str) -> str:
    return peer.rsplit(":", 1)[0]
