"""A city on a loop in virtual time and a hand-made device client for the tests of the simulator."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import random
import secrets
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from conformance.bench.loop import VirtualTimeLoop
from conformance.protocol.httpwire import HttpRequest
from conformance.protocol.signature import content_digest, sign
from conformance.spec.loader import examine
from conformance.spec.model import Spec
from conformance.trace.clock import LoopClock
from conformance.trace.masking import Masker
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Entry, Transcript
from mocks.acceptance.registry import DeviceIdentity
from mocks.city import City
from mocks.memory import MemoryNetwork, MemoryReply, MemoryWs
from mocks.signaling.paper_clerk import PaperClerk

T = TypeVar("T")
PACK = Path(__file__).parents[2] / "specs" / "shanghai-rvw" / "1.0"
DEVICE_URL = "https://device.test/device/v1"
RESIDENT = "310101188001010019"  # one of the pack's invented residents


@cache
def reference_spec() -> Spec:
    """The reference pack, as far as it can be built."""
    spec, _ = examine(PACK)
    assert spec is not None
    return spec


def in_virtual_time(story: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a story on a loop whose time jumps."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(story())


def make_city(spec: Spec | None = None, **options: Any) -> City:
    """A city on the running loop, with lab timers and nothing enrolled."""
    spec = spec or reference_spec()
    clock = LoopClock(asyncio.get_running_loop())
    recorder = Recorder(Transcript(spec), clock, None, Masker())
    timers = {t.id: t.lab_ms for t in spec.timers.values()}
    return City(spec, recorder, clock, timers_ms=timers, seed=7, **options)


def bench_errors(city: City) -> list[Mapping[str, Any]]:
    """What the bench itself did wrong."""
    return [entry.facts for entry in city.recorder.transcript if entry.obs == "bench.error"]


def frames(city: City, name: str, kind: str = "request") -> list[Entry]:
    """Recorded messages of a type."""
    return [e for e in city.recorder.transcript if e.name == name and e.kind == kind]


@dataclass
class Client:
    """A device in a few lines: signs, registers, attaches, answers every call with an empty result."""

    city: City
    identity: DeviceIdentity
    http: Callable[[str, str, list[tuple[str, str]], bytes], Awaitable[MemoryReply]]
    docking: str
    boot_id: str = "boot-0001"
    token: str = ""
    welcome: dict[str, Any] = field(default_factory=dict)
    seq: dict[str, int] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    got: list[dict[str, Any]] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, bytes]:
        return next(iter(self.identity.device_keys.items()))

    async def ask(self, method: str, path: str, body: Any = None, **change: Any) -> MemoryReply:
        """A signed request; `change` may bend `secret`, `nonce`, `created`, `token`, `raw`, `media_type`."""
        raw = change.get("raw", b"" if body is None else json.dumps(body).encode())
        headers = []
        if raw:
            headers = [("content-type", change.get("media_type", "application/json")), ("content-digest", content_digest(raw))]
        if change.get("token", self.token):
            headers.append(("authorization", f"Bearer {change.get('token', self.token)}"))
        url = self.docking + path
        target = "/" + url.split("/", 3)[3]
        keyid, secret = self.key
        scheme = self.city.spec.signatures["device-request"]
        headers += sign(
            scheme, HttpRequest(method, target, tuple(headers), raw), url, change.get("secret", secret), keyid,
            change.get("created", self.city.office.clock.wall()), change.get("nonce", secrets.token_urlsafe(12)),
        )  # fmt: skip
        return await self.http(method, url, headers, raw)

    async def register(self, **change: Any) -> MemoryReply:
        body = {**self.city.office.dialect.example(self.city.spec.messages["device.register"], "request")}
        body |= {"remote_device_id": self.identity.remote_device_id, "boot_id": self.boot_id, "remote_device_url": DEVICE_URL}
        reply = await self.ask("POST", "/devices", {**body, **change}, token="")
        if reply.status == 201:
            self.welcome = json.loads(reply.body)
            self.token = self.welcome["token"]
        return reply

    async def attach(self, ws: MemoryWs, iface: str, method: str, last_seq: int | None = None) -> dict[str, Any]:
        """Answer the challenge and resume; returns the resume's reply and keeps reading in a task."""
        challenge = json.loads(await ws.recv())
        keyid, secret = self.key
        text = "\n".join(["rvw-auth", iface, challenge["params"]["nonce"], self.identity.remote_device_id, self.boot_id])
        mac = base64.b64encode(hmac.digest(secret, text.encode(), "sha256")).decode()
        answer = {"remote_device_id": self.identity.remote_device_id, "boot_id": self.boot_id, "keyid": keyid,
                  "alg": "hmac-sha256", "signature": mac}  # fmt: skip
        await self.tell(ws, iface, {"id": challenge["id"], "result": answer}, seq=0)
        last = self.seen.get(iface, 0) if last_seq is None else last_seq
        params = {"epoch": self.welcome["epoch"], "last_seq": last, "token": self.token}
        await self.tell(ws, iface, {"id": "attach", "method": method, "params": params}, seq=0)
        reply: dict[str, Any] = json.loads(await ws.recv())
        self.tasks.append(asyncio.get_running_loop().create_task(self._read(ws, iface)))
        return reply

    async def tell(self, ws: MemoryWs, iface: str, message: Mapping[str, Any], seq: int | None = None) -> None:
        """One numbered message."""
        if seq is None:
            seq = self.seq[iface] = self.seq.get(iface, 0) + 1
        meta = {"seq": seq, "seen": self.seen.get(iface, 0), "boot_id": self.boot_id, "epoch": self.welcome["epoch"]}
        await ws.send(json.dumps({"jsonrpc": "2.0", **message, "meta": meta}))

    async def _read(self, ws: MemoryWs, iface: str) -> None:
        while True:
            try:
                message = json.loads(await ws.recv())
            except ConnectionError:
                return
            self.got.append(message)
            if message["meta"]["seq"] <= self.seen.get(iface, 0):
                continue
            self.seen[iface] = message["meta"]["seq"]
            if "method" in message:
                await self.tell(ws, iface, {"id": message["id"], "result": self.result(message["method"])})

    def result(self, method: str) -> dict[str, Any]:
        """The example of the pack."""
        example = self.city.spec.examples.get(f"{method}/result")
        return dict(example) if example is not None else {}


@dataclass
class Rig:
    """City, network and one enrolled client in memory."""

    city: City
    network: MemoryNetwork
    client: Client
    ws: dict[str, MemoryWs] = field(default_factory=dict)

    @classmethod
    def make(cls, spec: Spec | None = None) -> Rig:
        city = make_city(spec, clerk=PaperClerk())
        network = MemoryNetwork(city)
        identity = DeviceIdentity.fresh("RVW-TEST-1", DEVICE_URL)
        city.enrol(identity)
        return cls(city, network, Client(city, identity, network.transport().http, network.docking_url))

    async def open(self, iface: str) -> MemoryWs:
        interface = self.city.spec.interfaces[iface]
        url = self.city.world.endpoints.urls[iface]
        self.ws[iface] = await self.network.transport().websocket(url, interface.subprotocol or "")
        return self.ws[iface]

    async def online(self) -> Rig:
        assert (await self.client.register()).status == 201
        for iface, method in (("I2", "channel.resume"), ("I3", "signaling.attach")):
            assert "result" in await self.client.attach(await self.open(iface), iface, method)
        return self

    async def ticket(self, id_number: str = RESIDENT) -> dict[str, Any]:
        """A swipe."""
        body = dict(self.city.office.dialect.example(self.city.spec.messages["ticket.issue"], "request"))
        body["request_id"] = str(uuid.UUID(int=random.getrandbits(128), version=4))
        body["holder"] = {**body["holder"], "id_number": id_number}
        body.pop("agent", None)
        body.pop("item_code", None)
        reply = await self.client.ask("POST", "/tickets", body)
        return {"status": reply.status, **json.loads(reply.body)}
