"""What the bench asks a device before any case."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from conformance.bench.hooks import ask_firmware
from conformance.bench.sockets import free_ports
from conformance.iut.device_file import load_device
from tests.selftest.command import device_file

CHECKS_ITS_CERTIFICATE = """
import json, sys
from cryptography import x509
document = json.loads(sys.stdin.readline())
root = x509.load_pem_x509_certificate(document["ca_pem"].encode())
own = x509.load_pem_x509_certificate(document["device_api"]["cert_pem"].encode())
own.verify_directly_issued_by(root)
print(json.dumps({"contract": "rvw-spawn/1", "ready": True, "firmware": "3.1"}), flush=True)
sys.stdin.read()
"""


def test_a_device_that_is_only_asked_for_its_build_gets_a_certificate_under_its_root(tmp_path: Path) -> None:
    script = tmp_path / "careful.py"
    script.write_text(CHECKS_ITS_CERTIFICATE, encoding="utf-8")
    file = device_file(tmp_path, "careful", f"[driver]\ncommand = {json.dumps(['{python}', str(script)])}\n")
    assert asyncio.run(ask_firmware(load_device(file), free_ports(2), "127.0.0.1")) == "3.1"
