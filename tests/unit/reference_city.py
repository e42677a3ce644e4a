"""A very small acceptance system for tests of the reference device alone: it answers, keeps books and judges nothing."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import selectors
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from mocks.devices.media import PaperMedia
from mocks.devices.reference.assembly import assemble, patches_of
from mocks.devices.reference.device import Device
from mocks.devices.reference.part import Part
from mocks.devices.reference.settings import Settings
from mocks.devices.reference.signing import content_digest
from mocks.devices.reference.storage import MemoryStorage
from mocks.devices.reference.transport import ConnectionClosed, HttpReply

CARD = {
    "card_type": "id_card", "id_number": "310101199001011237", "name": "张三", "sex": "男", "ethnicity": "汉",
    "birth_date": "1990-01-01", "address": "上海市黄浦区示范路1号", "issuing_authority": "上海市公安局黄浦分局",
    "valid_from": "2020-01-01", "valid_until": "2040-01-01",
}  # fmt: skip
PDF = b"%PDF-1.4\n1 0 obj <</Type /Pages>>\n2 0 obj <</Type /Page>>\n3 0 obj <</Type/Page>>\n%%EOF"
EPOCH = 1_800_000_000.0


class JumpingLoop(asyncio.SelectorEventLoop):
    """Time jumps to the next timer when nothing is ready."""

    def __init__(self) -> None:
        self._now = 0.0
        loop = self

        class Selector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
            def select(self, timeout: float | None = None) -> Any:
                if timeout:
                    loop._now += timeout
                return super().select(0)

        super().__init__(Selector())

    def time(self) -> float:
        return self._now


class Clock:
    def wall(self) -> float:
        return EPOCH + asyncio.get_running_loop().time() - 5000  # a battery clock that is wrong


class Socket:
    """The city's side of one WebSocket; the device's side is made of the same queues."""

    def __init__(self) -> None:
        self.to_device: asyncio.Queue[str | None] = asyncio.Queue()
        self.to_city: asyncio.Queue[str | None] = asyncio.Queue()
        self.code = 1006
        self.parts = b""

    async def send(self, text: str) -> None:
        if self.code != 1006 or self.to_device is None:
            raise ConnectionClosed(self.code)
        self.to_city.put_nowait(text)

    async def send_frame(self, _opcode: int, payload: bytes, fin: bool = True) -> None:
        self.parts += payload
        if fin:
            text, self.parts = self.parts.decode(), b""
            await self.send(text)

    async def recv(self) -> str:
        text = await self.to_device.get()
        if text is None:
            self.to_device.put_nowait(None)
            raise ConnectionClosed(self.code)
        return text

    async def close(self, code: int = 1000) -> None:
        self.code = code
        self.to_city.put_nowait(None)
        self.to_device.put_nowait(None)


class Side:
    """Books of one link."""

    def __init__(self) -> None:
        self.seq = self.seen = 0
        self.socket: Socket | None = None
        self.kept: list[tuple[int, str]] = []
        self.pending: dict[str, asyncio.Future[Any]] = {}
        self.received: list[dict[str, Any]] = []
        self.texts: list[str] = []
        self.last_seqs: list[int] = []


class FakeCity:
    def __init__(self) -> None:
        self.sides = {"I2": Side(), "I3": Side()}
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.answers: dict[str, Callable[[Any], tuple[int, Any]]] = {}
        self.epoch, self.tickets = 0, 0
        self.serving: set[asyncio.Task[None]] = set()
        self.token_life = 6

    # ---- Transport of the device

    async def http(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> HttpReply:
        await asyncio.sleep(0.01)
        path = url.split("/docking/v1", 1)[1]
        fields = {k.lower(): v for k, v in headers}
        document = json.loads(body) if fields.get("content-type") == "application/json" else body
        self.requests.append((method, path, fields, document))
        status, answer = self.answer(f"{method} {path}", document)
        if isinstance(answer, bytes):
            return HttpReply(status, {"content-digest": content_digest(answer)}, answer)
        return HttpReply(status, {}, json.dumps(answer).encode())

    def answer(self, what: str, body: Any) -> tuple[int, Any]:
        for start, work in self.answers.items():
            if what.startswith(start):
                return work(body)
        token = {"token": f"t{len(self.requests)}", "token_expires_in": self.token_life, "server_time": self.now()}
        if what == "POST /devices":
            self.epoch += 1
            self.sides = {"I2": Side(), "I3": Side()}
            return 201, {
                **token, "epoch": self.epoch, "endpoints": {"channel": "wss://city/I2", "signaling": "wss://city/I3"},
                "timers": {}, "ice_servers": [], "counter": {"state": "active", "name": "示范中心", "service_hours": []},
            }  # fmt: skip
        if what == "POST /tokens":
            return 201, token
        if what == "GET /time":
            return 200, {"server_time": self.now()}
        if what == "GET /service-items":
            return 200, {"version": "v1", "items": [{"item_code": "A1", "name": "居住证办理"}]}
        if what == "POST /tickets":
            self.tickets += 1
            ticket = {"ticket_id": f"k{self.tickets}", "number": f"Y00{self.tickets}", "state": "waiting", "ahead": 2,
                      "channel": "remote"}  # fmt: skip
            return 201, {"ticket": ticket}
        if what.startswith("PUT /sessions/"):
            return 201, {"material_id": what.rsplit("/", 1)[1], "digest": content_digest(body), "size": len(body)}
        if what.startswith("GET /print-jobs/"):
            return 200, PDF
        return 200, {"accepted": True, "ticket": {}}

    async def websocket(self, url: str, subprotocol: str) -> Socket:
        assert subprotocol.startswith("rvw.")
        await asyncio.sleep(0.01)
        socket = Socket()
        iface = url[-2:]
        task = asyncio.ensure_future(self.serve(iface, socket))
        self.serving.add(task)
        return socket

    def now(self) -> str:
        return datetime.fromtimestamp(EPOCH + asyncio.get_running_loop().time(), UTC).isoformat()

    # ---- links

    async def serve(self, iface: str, socket: Socket) -> None:
        side = self.sides[iface]
        meta = {"seq": 0, "seen": 0, "boot_id": "x", "epoch": self.epoch}
        challenge = {"jsonrpc": "2.0", "id": "c", "method": "auth.challenge", "meta": meta,
                     "params": {"nonce": "n", "server_time": self.now()}}  # fmt: skip
        socket.to_device.put_nowait(json.dumps(challenge))
        await socket.to_city.get()
        resume = json.loads(await socket.to_city.get() or "{}")
        side.last_seqs.append(resume["params"]["last_seq"])
        result = {"resumed": True, "last_seq": side.seen, "server_time": self.now()}
        socket.to_device.put_nowait(
            json.dumps({"jsonrpc": "2.0", "id": resume["id"], "result": result, "meta": {**meta, "seen": side.seen}})
        )
        for seq, text in side.kept:
            if seq > resume["params"]["last_seq"]:
                socket.to_device.put_nowait(text)
        side.socket = socket
        while (text := await socket.to_city.get()) is not None:
            self.take(side, text)
        if side.socket is socket:
            side.socket = None

    def take(self, side: Side, text: str) -> None:
        side.texts.append(text)
        document = json.loads(text)
        if document["meta"]["seq"] <= side.seen:
            return
        side.seen = document["meta"]["seq"]
        side.received.append(document)
        if "method" in document:
            self.post(side, {"jsonrpc": "2.0", "id": document["id"], "result": {"server_time": self.now()}})
        elif document.get("id") in side.pending:
            side.pending.pop(document["id"]).set_result(document)

    def post(self, side: Side, document: dict[str, Any]) -> None:
        side.seq += 1
        document["meta"] = {"seq": side.seq, "seen": side.seen, "boot_id": "x", "epoch": self.epoch}
        text = json.dumps(document)
        side.kept.append((side.seq, text))
        if side.socket is not None:
            side.socket.to_device.put_nowait(text)

    async def call(self, iface: str, method: str, **params: Any) -> dict[str, Any]:
        side = self.sides[iface]
        name = f"call-{side.seq}"
        side.pending[name] = asyncio.get_running_loop().create_future()
        self.post(side, {"jsonrpc": "2.0", "id": name, "method": method, "params": params})
        answer: dict[str, Any] = await asyncio.wait_for(side.pending[name], 20)
        return answer

    async def raw(self, iface: str, text: str) -> None:
        socket = self.sides[iface].socket
        assert socket is not None
        socket.to_device.put_nowait(text)
        await asyncio.sleep(0.05)

    async def cut(self, iface: str) -> None:
        socket = self.sides[iface].socket
        assert socket is not None
        socket.to_device.put_nowait(None)
        socket.to_city.put_nowait(None)
        await asyncio.sleep(0)

    def got(self, iface: str, method: str) -> list[dict[str, Any]]:
        return [d["params"] for d in self.sides[iface].received if d.get("method") == method]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [e for e in self.got("I2", "peripheral.report") if e["type"] == f"cn.rvw.{kind}"]

    def sent(self, what: str) -> list[Any]:
        return [body for method, path, _, body in self.requests if f"{method} {path}".startswith(what)]

    async def until(self, condition: Callable[[], Any], limit: float = 20.0) -> Any:
        loop = asyncio.get_running_loop()
        ends = loop.time() + limit
        while not (value := condition()):
            assert loop.time() < ends, "did not happen in time"
            await asyncio.sleep(0.01)
        return value

    async def ready(self) -> None:
        await self.until(lambda: self.sides["I2"].socket and self.sides["I3"].socket)
        await asyncio.sleep(0.1)


SPAWN = {
    "contract": "rvw-spawn/1", "seed": 7, "endpoints": {"docking": "https://city/docking/v1"}, "ca_pem": "",
    "remote_device_id": "RVW-TEST-1", "remote_device_url": "https://device:9/device/v1", "timers": "lab",
    "keys": {"device": {"keyid": "dev-1", "secret_b64": base64.b64encode(b"d" * 32).decode()},
             "city": {"keyid": "city-1", "secret_b64": base64.b64encode(b"c" * 32).decode()}},
}  # fmt: skip


def device_for(
    city: FakeCity, storage: MemoryStorage | None = None, defect: str | None = None, patches: tuple[type[Part], ...] = ()
) -> Device:
    settings = Settings.of({**SPAWN, "defect": defect})
    chosen = patches or patches_of(defect)
    return assemble(settings, city, Clock(), PaperMedia, random.Random(7), storage or MemoryStorage(), chosen)


def story(work: Callable[[FakeCity, Device], Awaitable[None]], **kwargs: Any) -> Device:
    """Run a story with a fresh device on virtual time; the stopped device."""
    city = FakeCity()

    async def run() -> Device:
        device = device_for(city, **kwargs)
        await device.start()
        try:
            await city.ready()
            await work(city, device)
        finally:
            await device.stop()
            for task in city.serving:
                task.cancel()
            await asyncio.gather(*city.serving, return_exceptions=True)
        return device

    loop = JumpingLoop()
    try:
        return loop.run_until_complete(run())
    finally:
        loop.close()
