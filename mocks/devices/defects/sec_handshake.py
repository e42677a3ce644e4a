"""Faults in the opening of a connection: whose challenge is answered, with what, and when."""

from __future__ import annotations

from typing import Any

from mocks.devices.reference.channel import Channel
from mocks.devices.reference.handshake import Handshake
from mocks.devices.reference.link import Link
from mocks.devices.reference.transport import WsConn
from mocks.devices.registry import defect


@defect(
    id="SEC-015-answer-for-another-interface",
    breaks=["SEC-015"],
    may_break=["REG-006", "REG-013", "REG-014"],
    about={"zh": "信令鉴权应答用错接口", "en": "answers the signaling's challenge for another interface"},
)
class AnswerForAnotherInterface(Link):
    def handshake(self) -> Handshake:
        return _Mixed(self)


class _Mixed(Handshake):
    def iface(self) -> str:
        return "I2"


@defect(
    id="SEC-016-one-answer-for-all",
    breaks=["SEC-016"],
    may_break=["CHN-014", "CHN-015", "REG-014", "ROB-008", "SEC-015", "SIG-017"],
    about={"zh": "重复使用鉴权应答", "en": "answers every challenge with the first answer"},
)
class OneAnswerForAll(Link):
    proof = ""

    def handshake(self) -> Handshake:
        return _Parrot(self)


class _Parrot(Handshake):
    def answer(self, challenge: dict[str, Any]) -> dict[str, Any]:
        answer = super().answer(challenge)
        if isinstance(self.link, OneAnswerForAll):
            self.link.proof = answer["signature"] = self.link.proof or answer["signature"]
        return answer


@defect(
    id="SEC-015-wrong-first-answer",
    breaks=["SEC-015"],
    may_break=["REG-013"],  # turned away, it is online only after another registration
    about={"zh": "上电后首次鉴权应答错误", "en": "the first answer to a challenge after power-on is wrong"},
)
class WrongFirstAnswer(Channel):
    answered = False

    def handshake(self) -> Handshake:
        first, self.answered = not self.answered, True
        return _ForI3(self) if first else super().handshake()


class _ForI3(Handshake):
    def iface(self) -> str:
        return "I3"


@defect(
    id="SEC-015-attaches-before-it-is-asked",
    breaks=["SEC-015"],
    may_break=["REG-013"],  # turned away, it is online only later
    about={"zh": "不等质询就请求恢复通道", "en": "asks to resume before it has answered who it is"},
)
class AttachesBeforeItIsAsked(Channel):
    hasty = True  # once: the acceptance system may close on it

    def handshake(self) -> Handshake:
        hasty, self.hasty = self.hasty, False
        return _Hasty(self) if hasty else super().handshake()


class _Hasty(Handshake):
    async def attach(self, conn: WsConn) -> None:
        self.link.start_epoch(self.link.d.registration.epoch)
        await self.ask(conn, self.link.next_id())
        await super().attach(conn)
