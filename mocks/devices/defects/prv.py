"""Faults of privacy."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import Any

from mocks.devices.reference.actions import Actions
from mocks.devices.reference.calls import Calls
from mocks.devices.reference.device import Device
from mocks.devices.reference.docking import Docking, Request
from mocks.devices.reference.heartbeat import Heartbeat
from mocks.devices.reference.screens import Screens
from mocks.devices.reference.sessions import Vault
from mocks.devices.reference.tickets import Card, Tickets
from mocks.devices.reference.wire import Codec
from mocks.devices.registry import defect


@defect(
    id="PRV-001-number-in-url",
    breaks=["PRV-001"],
    about={"zh": "证件号写进URL", "en": "puts the ID number into a URL"},
)
class NumberInUrl(Tickets):
    async def deliver(self, body: dict[str, Any]) -> dict[str, Any]:
        answer = await super().deliver(body)
        await self.d.docking.send(Request("GET", f"/service-items?holder={body['holder']['id_number']}", media_type=""))
        return answer


@defect(
    id="PRV-001-number-in-a-header",
    breaks=["PRV-001"],
    about={"zh": "证件号写进请求头", "en": "puts the ID number into a header"},
)
class NumberInHeader(Docking):
    holder = ""

    def json_request(self, method: str, path: str, body: dict[str, Any] | None, authorised: bool = True) -> Request:
        self.holder = str((body or {}).get("holder", {}).get("id_number", ""))
        return super().json_request(method, path, body, authorised)

    def arranged(self, fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [*fields, ("x-holder", self.holder)] if self.holder else fields


@defect(
    id="PRV-002-number-in-heartbeats",
    breaks=["PRV-002"],
    about={"zh": "心跳夹带证件号", "en": "heartbeats carry the last ID number"},
)
class NumberInHeartbeats(Heartbeat):
    def body(self) -> dict[str, Any]:
        held = [v for v in self.d.vault.items.values() if isinstance(v, str)]
        return {**super().body(), **({"x_last_user": held[0]} if held else {})}


@defect(
    id="PRV-003-number-on-screen",
    breaks=["PRV-003"],
    about={"zh": "屏幕显示完整证件号", "en": "shows ID numbers unmasked"},
)
class NumberOnScreen(Screens):
    def id_text(self, id_number: str) -> str:
        return id_number


@defect(
    id="PRV-004-memory-not-wiped",
    breaks=["PRV-004"],
    about={"zh": "会话结束后内存未清除", "en": "memory keeps the resident's data after the session"},
)
class MemoryNotWiped(Vault):
    def wipe(self) -> None:
        self.d.log("wiped")


@defect(
    id="PRV-004-spool-not-wiped",
    breaks=["PRV-004"],
    about={"zh": "会话数据缓存在磁盘且未清除", "en": "session data are cached on disk and stay there"},
)
class SpoolNotWiped(Actions):
    def card_result(self, card: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
        result = super().card_result(card, fields)
        self.d.storage.write(f"spool-{len(self.d.commands.ended)}.json", self.d.codec.dumps(result))
        return result


@defect(
    id="PRV-004-name-stays-in-a-cache",
    breaks=["PRV-004"],
    about={"zh": "证件号已清除，姓名与住址留在缓存", "en": "the number is wiped, name and address stay in a cache"},
)
class NameStays(Actions):
    def card_result(self, card: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
        result = super().card_result(card, fields)
        kept = {name: result[name] for name in ("name", "address") if name in result}
        self.d.storage.write("greeting.json", self.d.codec.dumps(kept))
        return result


@defect(
    id="PRV-005-number-in-the-log",
    breaks=["PRV-005"],
    about={"zh": "日志含完整证件号", "en": "the log has ID numbers"},
)
class NumberInTheLog(Tickets):
    def holder(self, card: Card) -> dict[str, Any]:
        device: Device = self.d
        device.lines.append(f"swipe {card.get('id_number', '')}")
        return super().holder(card)


@defect(
    id="PRV-005-key-in-the-log",
    breaks=["PRV-005"],
    about={"zh": "日志含设备密钥", "en": "the log has the device's key"},
)
class KeyInTheLog(Tickets):
    def holder(self, card: Card) -> dict[str, Any]:
        self.d.log(f"signed with {b64encode(self.d.settings.device_key.secret).decode()}")
        return super().holder(card)


@defect(
    id="PRV-005-token-in-the-log",
    breaks=["PRV-005"],
    about={"zh": "日志含令牌", "en": "the log has the token"},
)
class TokenInTheLog(Tickets):
    def holder(self, card: Card) -> dict[str, Any]:
        self.d.log(f"authorization: Bearer {self.d.docking.token}")
        return super().holder(card)


@defect(
    id="PRV-006-resident-survives-power-loss",
    breaks=["PRV-006"],
    may_break=["PRV-004"],
    about={"zh": "断电后磁盘留有居民信息", "en": "the disk keeps the resident over a power loss"},
)
class SurvivesPowerLoss(Tickets):
    def holder(self, card: Card) -> dict[str, Any]:
        holder = super().holder(card)
        self.d.storage.write("last.json", self.d.codec.dumps(holder))
        return holder

    def restore(self, rows: list[list[Any]]) -> None:
        super().restore(rows)
        kept = self.d.storage.read("last.json")
        if kept:  # written again after the good device has cleared its disk
            asyncio.get_running_loop().call_soon(self.d.storage.write, "last.json", kept)


@defect(
    id="PRV-002-number-in-the-signaling",
    breaks=["PRV-002"],
    about={"zh": "信令夹带证件号", "en": "the signaling carries the last ID number"},
)
class NumberInTheSignaling(Calls):
    def post(self, method: str, params: dict[str, Any]) -> asyncio.Future[dict[str, Any]]:
        held = [v for v in self.d.vault.items.values() if isinstance(v, str)]
        return super().post(method, {**params, **({"x_last_user": held[0]} if held else {})})


@defect(
    id="PRV-002-number-in-ratings",
    breaks=["PRV-002"],
    about={"zh": "评价结果夹带证件号", "en": "ratings carry the ID number of the ticket's holder"},
)
class NumberInRatings(Docking):
    holder = ""

    def json_request(self, method: str, path: str, body: dict[str, Any] | None, authorised: bool = True) -> Request:
        self.holder = str((body or {}).get("holder", {}).get("id_number", self.holder))
        told = {**(body or {}), "x_holder": self.holder} if path == "/ratings" else body
        return super().json_request(method, path, told, authorised)


@defect(
    id="PRV-002-number-in-answers-of-the-device-api",
    breaks=["PRV-002"],
    about={"zh": "设备接口的健康答复夹带证件号", "en": "the device API tells the last ID number with its health"},
)
class NumberInHealth(Codec):
    holder = ""

    def dumps(self, document: Any) -> str:
        if isinstance(document, dict) and "holder" in document:
            self.holder = str(document["holder"].get("id_number", ""))
        health = isinstance(document, dict) and set(document) == {"status", "peripherals"}
        return super().dumps({**document, "x_last_user": self.holder} if health and self.holder else document)
