"""Faults of the device API that show at one of its resources, or in one of its checks, alone."""

from __future__ import annotations

from typing import Any

from mocks.devices.reference.deviceapi import DeviceApi
from mocks.devices.reference.signing import HttpMessage, ParsedSignature
from mocks.devices.reference.transport import HttpAnswer
from mocks.devices.registry import defect


class _Resource(DeviceApi):
    """Knows which resource is asked for."""

    asked = ""

    def refusal(self, message: HttpMessage, body: bytes) -> str:
        self.asked = message.url.rpartition("/")[2]
        return super().refusal(message, body)


@defect(
    id="SEC-017-digest-not-checked",
    breaks=["SEC-017"],
    about={"zh": "不核对设备接口调用的正文摘要", "en": "does not hold the body of a call against its digest"},
)
class DigestNotChecked(DeviceApi):
    def wrong_digest(self, *_: object) -> str:
        return ""


@defect(
    id="SEC-017-any-signature-for-health",
    breaks=["SEC-017"],
    about={"zh": "健康检查只看有无签名", "en": "the health page asks for a signature and does not check it"},
)
class AnySignatureForHealth(_Resource):
    def wrong_mac(self, signature: ParsedSignature, message: HttpMessage) -> str:
        return "" if self.asked == "health" else super().wrong_mac(signature, message)


@defect(
    id="SEC-018-wake-replayed",
    breaks=["SEC-018"],
    about={"zh": "唤醒接口接受重放", "en": "wakes up at a replayed call"},
)
class WakeReplayed(_Resource):
    def replayed(self, signature: ParsedSignature) -> str:
        return "" if self.asked == "wake" else super().replayed(signature)


@defect(
    id="SEC-019-stale-wake",
    breaks=["SEC-019"],
    about={"zh": "唤醒接口不检查签名时间", "en": "wakes up at a call with a stale signature"},
)
class StaleWake(_Resource):
    def wrong_age(self, signature: ParsedSignature) -> str:
        return "" if self.asked == "wake" else super().wrong_age(signature)


@defect(
    id="SEC-017-health-open-to-all",
    breaks=["SEC-017"],
    may_break=["SEC-018", "SEC-019"],  # to replayed and stale calls as well
    about={"zh": "健康检查不验签", "en": "the health page is open to everybody"},
)
class HealthOpenToAll(DeviceApi):
    async def handle(self, method: str, path: str, headers: Any, body: bytes) -> HttpAnswer:
        if path.partition("?")[0].endswith("/health"):
            return self.answer(200, self.health())
        return await super().handle(method, path, headers, body)
