"""Helpers of the command tests: `rvw` as a child process, device files that refine the reference device."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.bench.lab import load_lab

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "devices" / "reference.toml"


def device_file(directory: Path, name: str, tables: str = "", device: str = "") -> Path:
    """A device file over the reference device, with an id of its own: the lock of a device is per id.

    `device` are further lines of its [device] table, `tables` whole tables.
    """
    path = directory / f"{name}.toml"
    base = json.dumps(os.path.relpath(REFERENCE, directory).replace("\\", "/"))
    head = f'extends = {base}\n[device]\nremote_device_id = "RVW-{name}-{os.getpid()}"\n{device}\n'
    path.write_text(head + tables, encoding="utf-8")
    return path


def begin(*words: str | Path | int, **more: Any) -> subprocess.Popen[str]:
    """Start `rvw`; what it prints comes in one stream."""
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "conformance", *map(str, words)], cwd=ROOT, text=True, encoding="utf-8",
        stdin=more.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more,
    )  # fmt: skip


def rvw(*words: str | Path | int, limit_s: float = 90.0, **more: Any) -> tuple[int, str]:
    """Run `rvw` to its end: exit code and everything printed."""
    process = begin(*words, **more)
    try:
        told, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        told, _ = process.communicate()
        raise AssertionError(f"no end within {limit_s} s: {told}") from None
    return process.returncode, told


def cases_of(out: Path) -> Mapping[str, str]:
    """Case -> verdict of everything that was tried."""
    rows: Sequence[Mapping[str, Any]] = json.loads((out / "result.json").read_text("utf-8"))["cases"]
    return {row["case"]: row["verdict"] for row in rows if row["attempts"]}


def wait_for_line(process: subprocess.Popen[str], part: str) -> str:
    """Read until a line holds `part`; everything read. Fails where the process ends before."""
    told = ""
    assert process.stdout is not None
    for line in process.stdout:
        told += line
        if part in line:
            return told
    raise AssertionError(f"{part!r} never came: {told}")


def running_reference(
    lab_directory: Path, device_id: str, url: str, ports: tuple[int, int, int], state: Path, timers: str = "lab"
) -> subprocess.Popen[str]:
    """The reference device as its owner would run it: started by hand, with what `rvw lab init` told."""
    http, tester, api = ports
    lab = load_lab(lab_directory)
    lab.identity(device_id, url)
    keys = json.loads(lab.key_file(device_id).read_text("utf-8"))
    leaf = lab.ca.leaf(["127.0.0.1"])
    document = {
        "contract": "rvw-spawn/1", "seed": 1, "endpoints": {"docking": f"https://127.0.0.1:{http}/docking/v1"},
        "ca_pem": lab.root_pem, "remote_device_id": device_id, "remote_device_url": url,
        "keys": {
            "device": {"keyid": keys["keyid"], "secret_b64": keys["key_b64"]},
            "city": {"keyid": keys["city_keyid"], "secret_b64": keys["city_key_b64"]},
        },
        "device_api": {"host": "127.0.0.1", "port": api, "cert_pem": leaf.chain.decode(), "key_pem": leaf.key.decode()},
        "upper_tester": {"host": "127.0.0.1", "port": tester}, "timers": timers,
        "state_dir": str(state / "state"), "defect": None,
    }  # fmt: skip
    child = subprocess.Popen(
        [sys.executable, "-m", "mocks.devices.reference"], cwd=ROOT, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(json.dumps(document) + "\n")
    child.stdin.flush()
    assert json.loads(child.stdout.readline())["ready"] is True
    return child


def free_ports(count: int) -> list[int]:
    """Ports that nobody has now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
