"""A city with one attached device and no sockets: what a message costs between the frame and the answer."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from conformance.bench.head import timer_values
from conformance.spec.loader import load
from conformance.spec.model import Spec
from conformance.trace.clock import SystemClock
from conformance.trace.journal import JournalWriter
from conformance.trace.masking import Masker
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Transcript
from mocks.acceptance.registry import DeviceIdentity
from mocks.city import City
from mocks.signaling.paper_clerk import PaperClerk

BOOT = "boot-0001"
CONN = "ws-1"
UPGRADE = b"GET /channel/v1 HTTP/1.1\r\nhost: bench.test\r\nsec-websocket-protocol: rvw.channel.v1\r\n\r\n"


class Wire:
    """The city's port: keeps the newest frame."""

    def __init__(self) -> None:
        self.last = b""

    def send(self, opcode: int, payload: bytes, fin: bool = True, rsv1: bool = False) -> None:
        """One frame of the city: a text, whole and unextended."""
        assert (opcode, fin, rsv1) == (1, True, False)
        self.last = payload

    def close(self, code: int, reason: str = "") -> None:
        """The city closes."""
        raise AssertionError(f"closed with {code}: {reason}")

    def abort(self) -> None:
        """The city cuts."""
        raise AssertionError("cut")


class AttachedDevice:
    """A device that is past the handshake; `exchange` brings the next report and returns the answer."""

    def __init__(self, journal: Path, *, keep: int | None) -> None:
        self.spec: Spec = load()
        clock = SystemClock()
        self.writer = JournalWriter(journal)
        self.recorder = Recorder(Transcript(self.spec, keep=keep), clock, self.writer, Masker())
        timers = {**timer_values(self.spec, self.spec.profiles["core"]), "T-TOKEN": 3_600_000.0}
        self.city = City(self.spec, self.recorder, clock, timers_ms=timers, seed=0, clerk=PaperClerk())
        self.wire = Wire()
        self.report = dict(self.spec.examples["peripheral.report/request"])
        self._attach(clock)
        self._messages = self._reports()

    def _attach(self, clock: SystemClock) -> None:
        identity = DeviceIdentity.fresh("RVW-310106-0001", "https://device.test/device/v1")
        self.city.enrol(identity)
        registered = {"remote_device_id": identity.remote_device_id, "boot_id": BOOT}
        _, token, _ = self.city.world.registry.register(registered, "", clock.wall())
        self.city.ws_started(CONN, self.city.ws_open(CONN, UPGRADE), self.wire)
        challenge = orjson.loads(self.wire.last)
        keyid, key = next(iter(identity.device_keys.items()))
        text = "\n".join(["rvw-auth", "I2", challenge["params"]["nonce"], identity.remote_device_id, BOOT])
        signature = base64.b64encode(hmac.digest(key, text.encode(), "sha256")).decode()
        self.bring({"id": challenge["id"], "result": {**registered, "keyid": keyid, "alg": "hmac-sha256",
                                                      "signature": signature}})  # fmt: skip
        self.bring({"id": "a", "method": "channel.resume", "params": {"epoch": 1, "last_seq": 0, "token": token}})

    def bring(self, message: dict[str, Any], seq: int = 0) -> None:
        """One message of the device."""
        meta = {"seq": seq, "seen": max(seq - 1, 0), "boot_id": BOOT, "epoch": 1}
        self._frame(orjson.dumps({"jsonrpc": "2.0", **message, "meta": meta}))

    def _frame(self, payload: bytes) -> None:
        self.city.ws_frame(CONN, 1, True, False, payload, {"header_hex": "81"})

    def _reports(self) -> Iterator[bytes]:
        seq = 0
        while True:
            seq += 1
            body = {**self.report, "id": f"e-{seq:08d}"}
            meta = {"seq": seq, "seen": seq - 1, "boot_id": BOOT, "epoch": 1}
            yield orjson.dumps(
                {"jsonrpc": "2.0", "id": f"h-{seq}", "method": "peripheral.report", "params": body, "meta": meta}
            )

    def exchange(self) -> bytes:
        """The whole path of one report: frame, mask, decode, validate, state, journal, answer, journal."""
        self._frame(next(self._messages))
        return self.wire.last

    def close(self) -> None:
        """Close the journal."""
        self.writer.close()


def on_a_loop(runner: asyncio.Runner, made: Any) -> AttachedDevice:
    """Build one where a loop runs, as the city needs."""

    async def build() -> AttachedDevice:
        device: AttachedDevice = made()
        return device

    return runner.run(build())
