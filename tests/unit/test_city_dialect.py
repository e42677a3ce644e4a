"""Another dialect is data (decision 19): `cmd`/`seq`/`data` with `code`/`msg`, a concatenated sign, a login from the device,
no registration, no challenge, no sequence numbers. The same city serves it without a line of Python."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from city_bench import RESIDENT, bench_errors, in_virtual_time, make_city

from conformance.protocol.signature import sign_document
from conformance.spec.loader import examine
from conformance.spec.model import Spec
from mocks.acceptance.registry import DeviceIdentity
from mocks.city import City
from mocks.memory import MemoryNetwork, MemoryWs

TITLE = {"zh": "样", "en": "sample"}
SIGN = {
    "scheme": "concat", "place": "body", "parts": ["/appId", "/timestamp", "/nonce"], "sort": True, "form": "name=value",
    "join": "&", "algorithm": "sha256-suffix", "keyid": "/appId", "created": "/timestamp", "created_unit": "ms",
    "nonce": "/nonce",
    "sign": "/sign",
}  # fmt: skip
PACK: dict[str, Any] = {
    "pack": "plain", "version": "1.0", "title": TITLE, "notice": TITLE, "sources": {"S0": "none"},
    "interfaces": {
        "I1": {"title": TITLE, "transport": "http", "server": "bench", "envelope": "plain", "path": "/api"},
        "I2": {"title": TITLE, "transport": "websocket", "server": "bench", "envelope": "plain", "path": "/ws"},
    },
    "envelopes": {
        "plain": {
            "kinds": {
                "request": {"has": ["/cmd", "/seq"], "lacks": ["/code"]},
                "error": {"has": ["/code", "/msg"], "lacks": ["/data"]},
                "result": {"has": ["/code", "/data"]},
            },
            "name": "/cmd", "id": "/seq", "body": {"request": "/data", "result": "/data"}, "code": "/code", "text": "/msg",
            "success": 0,
        }
    },
    "signatures": {"sign": SIGN}, "families": {"REG": TITLE},
    "city": {"errors": {"unauthorized": {"code": 1001, "status": 200}, "bad-signature": {"code": 1002, "status": 200},
                        "invalid": {"code": 2001, "status": 200}, "unknown-method": {"code": 2002}}},
}  # fmt: skip
MESSAGES: list[dict[str, Any]] = [
    {"name": "login", "interface": "I2", "from": "iut", "role": "channel.login", "title": TITLE, "signed": "sign",
     "sequenced": False, "schemas": {},
     "fields": {"request": {"remote_device_id": "/deviceId"}, "result": {"server_time": "/now"}}},
    {"name": "beat", "interface": "I2", "from": "iut", "role": "heartbeat", "title": TITLE, "schemas": {},
     "fields": {"request": {"state": "/st"}, "result": {"server_time": "/now"}}},
    {"name": "ticket.shout", "wire": "callTicket", "interface": "I2", "from": "bench", "role": "ticket.call",
     "title": TITLE, "schemas": {},
     "fields": {"request": {"ticket_id": "/id", "number": "/no", "window_no": "/win"}}},
    {"name": "weather", "interface": "I2", "from": "iut", "title": TITLE, "schemas": {}, "fields": {}},
    {"name": "ticket.take", "interface": "I1", "from": "iut", "role": "ticket.issue", "title": TITLE, "signed": "sign",
     "http": {"method": "POST", "path": "/ticket"}, "schemas": {"request": "take.json"},
     "fields": {"request": {"request_id": "/rid", "id_number": "/idNo"},
                "result": {"ticket_id": "/id", "number": "/no", "ahead": "/ahead"}}},
]  # fmt: skip
EXAMPLES = {
    "login.request": {"deviceId": "D1"}, "login.result": {"now": "2026-01-01T00:00:00Z", "hello": "你好"},
    "beat.request": {"st": "idle"}, "beat.result": {"now": "2026-01-01T00:00:00Z"},
    "ticket.shout.request": {"id": "T9", "no": "B009", "win": 3}, "ticket.shout.result": {},
    "weather.request": {}, "weather.result": {"sky": "blue"},
    "ticket.take.request": {"rid": "r", "idNo": RESIDENT}, "ticket.take.result": {"id": "T001", "no": "B001", "ahead": "0"},
}  # fmt: skip


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    (tmp_path / "messages").mkdir()
    (tmp_path / "examples" / "valid").mkdir(parents=True)
    (tmp_path / "pack.yaml").write_text(yaml.safe_dump(PACK, allow_unicode=True), "utf-8")
    (tmp_path / "messages.yaml").write_text(yaml.safe_dump(MESSAGES, allow_unicode=True), "utf-8")
    schema = {"type": "object", "required": ["rid", "idNo"], "properties": {"rid": {"type": "string", "maxLength": 64}}}
    (tmp_path / "messages" / "take.json").write_text(json.dumps({"$id": "take.json", **schema}), "utf-8")
    for name, body in EXAMPLES.items():
        (tmp_path / "examples" / "valid" / f"{name}.json").write_text(json.dumps(body, ensure_ascii=False), "utf-8")
    found, problems = examine(tmp_path)
    assert found is not None, problems
    assert set(found.messages) == {m["name"] for m in MESSAGES}
    return found


class PlainDevice:
    """The vendor's side of the dialect."""

    def __init__(self, spec: Spec) -> None:
        self.city: City = make_city(spec)
        self.network = MemoryNetwork(self.city)
        self.identity = DeviceIdentity.fresh("D1")
        self.city.enrol(self.identity)
        self.count = 0

    def signed(self, document: dict[str, Any], secret: bytes | None = None) -> dict[str, Any]:
        self.count += 1
        keyid, key = next(iter(self.identity.device_keys.items()))
        return sign_document(SIGN, document, secret or key, keyid, self.city.office.clock.wall(), f"n{self.count}")

    async def login(self, secret: bytes | None = None) -> tuple[MemoryWs, dict[str, Any]]:
        ws = await self.network.transport().websocket(self.city.world.endpoints.urls["I2"], "")
        message = self.signed({"cmd": "login", "seq": 1, "data": {"deviceId": "D1"}}, secret)
        await ws.send(json.dumps(message))
        return ws, json.loads(await ws.recv())


def test_a_device_of_another_dialect_logs_in_takes_a_ticket_and_is_called(spec: Spec) -> None:
    async def story() -> None:
        device = PlainDevice(spec)
        ws, welcome = await device.login()
        assert (welcome["seq"], welcome["code"], welcome["data"]["hello"]) == (1, 0, "你好")
        assert not device.city.missing()
        await ws.send(json.dumps({"cmd": "beat", "seq": 2, "data": {"st": "idle"}}))
        assert json.loads(await ws.recv())["data"]["now"] != EXAMPLES["beat.result"]["now"]
        await ws.send(json.dumps({"cmd": "weather", "seq": 3, "data": {}}))
        assert json.loads(await ws.recv())["data"] == {"sky": "blue"}  # no role: served from its example
        body = json.dumps(device.signed({"cmd": "t", "seq": 1, "data": {"rid": "r1", "idNo": RESIDENT}})).encode()
        reply = await device.network.transport().http("POST", device.network.docking_url + "/ticket", [], body)
        answer = json.loads(reply.body)
        assert (answer["code"], answer["data"]) == (0, {"id": "T1", "no": "B001", "ahead": "0"})
        ticket, called = device.city.call_next("12")
        told = json.loads(await ws.recv())
        assert (told["cmd"], told["data"]) == ("callTicket", {"id": ticket.id, "no": ticket.number, "win": 12})
        await ws.send(json.dumps({"seq": told["seq"], "code": 0, "data": {}}))
        assert (await called).kind == "result"
        assert bench_errors(device.city) == []

    in_virtual_time(story)


def test_refusals_are_spelt_in_the_dialect(spec: Spec) -> None:
    async def story() -> None:
        device = PlainDevice(spec)
        ws, refused = await device.login(secret=b"wrong")
        assert refused["code"] == 1001
        with pytest.raises(ConnectionError):
            await ws.recv()
        http = device.network.transport().http
        url = device.network.docking_url + "/ticket"
        unsigned = json.dumps({"cmd": "t", "seq": 1, "data": {"rid": "r1", "idNo": RESIDENT}}).encode()
        bad = json.dumps(device.signed({"cmd": "t", "seq": 1, "data": {"rid": 7}})).encode()
        replies = [await http("POST", url, [], body) for body in (unsigned, bad)]
        assert [(r.status, json.loads(r.body)["code"]) for r in replies] == [(200, 1002), (200, 2001)]
        ws, _ = await device.login()
        await ws.send(json.dumps({"cmd": "nope", "seq": 9, "data": {}}))
        assert json.loads(await ws.recv())["code"] == 2002
        await asyncio.sleep(0)
        assert bench_errors(device.city) == []

    in_virtual_time(story)
