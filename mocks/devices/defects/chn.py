"""Faults of the device channel."""

from __future__ import annotations

import asyncio
from typing import Any

from mocks.devices.reference.channel import Channel
from mocks.devices.reference.handshake import Handshake
from mocks.devices.reference.link import Answer, Link, Sent
from mocks.devices.reference.reports import Reports
from mocks.devices.reference.transport import WsConn
from mocks.devices.reference.trust import Trust
from mocks.devices.reference.wire import BAD_PARAMS, Codec, RpcError
from mocks.devices.registry import defect


@defect(
    id="CHN-001-error-without-message",
    breaks=["CHN-001"],
    may_break=["SIG-001"],
    about={"zh": "错误应答缺少文字", "en": "errors carry no message"},
)
class ErrorWithoutMessage(Codec):
    def error(self, message_id: Any, error: RpcError, meta: dict[str, Any]) -> dict[str, Any]:
        document = super().error(message_id, error, meta)
        del document["error"]["message"]
        return document


@defect(
    id="CHN-002-answers-twice",
    breaks=["CHN-002"],
    may_break=["CHN-016"],  # a call that arrives again is answered again, too
    about={"zh": "同一调用应答两次", "en": "answers a call twice"},
)
class AnswersTwice(Channel):
    def reply(self, message_id: Any, result: Answer) -> None:
        super().reply(message_id, result)
        super().reply(message_id, result)


@defect(
    id="CHN-003-ids-used-again",
    breaks=["CHN-003"],
    about={"zh": "调用标识重复使用", "en": "uses ids of calls again"},
)
class IdsUsedAgain(Codec):
    def message_id(self, prefix: str, number: int) -> Any:
        return super().message_id(prefix, number % 20)


@defect(
    id="CHN-004-slow-answers",
    breaks=["CHN-004"],
    may_break=["CHN-010", "CHN-011", "HBT-009", "ROB-005"],
    about={"zh": "应答超时", "en": "answers too late"},
)
class SlowAnswers(Channel):
    async def handle(self, method: str, params: Any) -> Answer:
        if method == "status.query":
            await asyncio.sleep(self.d.timers.s("T-ACK") * 1.1)
        return await super().handle(method, params)


@defect(
    id="CHN-005-number-left-out",
    breaks=["CHN-005"],
    about={"zh": "序号不连续", "en": "leaves sequence numbers out"},
)
class NumberLeftOut(Link):
    def next_seq(self) -> int:
        super().next_seq()
        if self.seq % 7 == 0:
            self.seq += 1
        return self.seq


@defect(
    id="CHN-006-seen-ahead",
    breaks=["CHN-006"],
    may_break=["CHN-014"],  # it resumes with the true number, which is below what it told
    about={"zh": "声称已处理尚未收到的消息", "en": "claims to have processed what has not arrived"},
)
class SeenAhead(Link):
    def meta(self, seq: int) -> dict[str, Any]:
        meta = super().meta(seq)
        return {**meta, "seen": meta["seen"] + 5} if seq else meta


@defect(
    id="CHN-008-attach-late",
    breaks=["CHN-008"],
    may_break=["SIG-001"],
    about={"zh": "鉴权后迟迟不恢复通道", "en": "waits long after the challenge before it resumes"},
)
class AttachLate(Link):
    def handshake(self) -> Handshake:
        return _Late(self)


class _Late(Handshake):
    async def ask(self, conn: WsConn, message_id: object) -> None:
        await self.link.pause(self.link.d.timers.s("T-ACK") * 1.1)
        await super().ask(conn, message_id)


@defect(
    id="CHN-009-unknown-method-accepted",
    breaks=["CHN-009"],
    about={"zh": "未知方法也答成功", "en": "answers an unknown method with success"},
)
class UnknownMethodAccepted(Link):
    async def handle(self, method: str, params: Any) -> Answer:
        return await super().handle(method, params) if method in self.handlers else {}


@defect(
    id="CHN-010-bad-params-accepted",
    breaks=["CHN-010"],
    may_break=["CHN-001", "HBT-009", "PER-003", "PER-004", "ROB-002"],
    about={"zh": "参数错误也答成功", "en": "answers bad parameters with success"},
)
class BadParamsAccepted(Channel):
    async def handle(self, method: str, params: Any) -> Answer:
        try:
            return await super().handle(method, params)
        except RpcError as error:
            if error.code == BAD_PARAMS:
                return {}
            raise


@defect(
    id="CHN-011-unknown-member-refused",
    breaks=["CHN-011"],
    may_break=["HBT-009"],
    about={"zh": "拒绝带未知成员的消息", "en": "refuses a message with an unknown member"},
)
class UnknownMemberRefused(Link):
    async def handle(self, method: str, params: Any) -> Answer:
        if isinstance(params, dict) and any(name.startswith("x_later") for name in params):
            raise RpcError(BAD_PARAMS, "unknown member")
        return await super().handle(method, params)


@defect(
    id="CHN-014-comes-back-late",
    breaks=["CHN-014"],
    may_break=["CHN-015", "CHN-018", "ROB-008"],
    about={"zh": "断线后迟迟不恢复", "en": "comes back long after a cut"},
)
class ComesBackLate(Channel):
    async def pause(self, _delay_s: float) -> None:
        await asyncio.sleep(self.d.timers.s("T-RECONNECT") * 1.5)  # counted from the cut; the limit begins with its end


@defect(
    id="CHN-015-unsent-events-lost",
    breaks=["CHN-015"],
    about={"zh": "断线期间的事件丢失", "en": "events of the time without a connection are lost"},
)
class UnsentEventsLost(Reports):
    async def deliver(self, event_type: str, subject: str, data: dict[str, Any]) -> None:
        if self.d.channel.ready.is_set() or not self.d.reported_all:
            await super().deliver(event_type, subject, data)


@defect(
    id="CHN-015-first-event-only",
    breaks=["CHN-015"],
    about={"zh": "断线期间只保留第一个事件", "en": "keeps the first event of a cut only"},
)
class FirstEventOnly(Reports):
    kept = False

    async def deliver(self, event_type: str, subject: str, data: dict[str, Any]) -> None:
        offline = self.d.reported_all and not self.d.channel.ready.is_set()
        if not (offline and self.kept):
            await super().deliver(event_type, subject, data)
        self.kept = offline


@defect(
    id="CHN-015-does-not-send-again",
    breaks=["CHN-015"],
    may_break=["CHN-005"],
    about={"zh": "恢复后不补发未确认的消息", "en": "does not send again what was not confirmed"},
)
class DoesNotSendAgain(Link):
    def unconfirmed(self) -> list[Sent]:
        return []


@defect(
    id="CHN-016-events-doubled",
    breaks=["CHN-016"],
    may_break=["PER-002", "PER-004", "PER-020"],
    about={"zh": "同一事件上报两次", "en": "reports an event twice"},
)
class EventsDoubled(Reports):
    def post(self, event: dict[str, Any]) -> asyncio.Future[dict[str, Any]]:
        super().post(event)
        return super().post(event)


@defect(
    id="CHN-018-fights-back",
    breaks=["CHN-018"],
    about={"zh": "被替换后立即抢回连接", "en": "fights for a connection that was replaced"},
)
class FightsBack(Channel):
    replaced = False

    def on_cut(self, code: int) -> None:
        super().on_cut(code)
        self.replaced = code == 4001

    async def pause(self, delay_s: float) -> None:
        await super().pause(0.005 if self.replaced else delay_s)


@defect(
    id="CHN-019-epoch-of-its-own",
    breaks=["CHN-019"],
    may_break=["CHN-005", "CHN-006", "CHN-007", "REG-006"],
    about={"zh": "自行编造纪元", "en": "makes up an epoch of its own"},
)
class EpochOfItsOwn(Channel):
    def meta(self, seq: int) -> dict[str, Any]:
        meta = super().meta(seq)
        return {**meta, "epoch": meta["epoch"] + seq % 2}


@defect(
    id="CHN-017-no-pong",
    breaks=["CHN-017"],
    needs="sockets",
    about={"zh": "不应答 ping", "en": "does not answer pings"},
)
class NoPong(Trust):
    def pongs(self) -> bool:
        return False


@defect(
    id="CHN-020-fixed-interval",
    breaks=["CHN-020"],
    about={"zh": "按固定间隔重连", "en": "reconnects at a fixed interval"},
)
class FixedReconnect(Channel):
    async def pause(self, delay_s: float) -> None:
        await super().pause(min(delay_s, self.d.backoff.delay(0)))


@defect(
    id="CHN-001-keep-alive-of-its-own",
    breaks=["CHN-001"],
    about={"zh": "自行发送非JSON的保活文本", "en": "sends keep-alive texts that are no JSON"},
)
class KeepAliveOfItsOwn(Link):
    async def transmit(self, conn: WsConn, text: str) -> None:
        if '"heartbeat"' in text:
            await conn.send("PING")
        await super().transmit(conn, text)


@defect(
    id="CHN-001-binary-keep-alive",
    breaks=["CHN-001"],
    about={"zh": "以二进制帧保活", "en": "sends binary frames to keep the line alive"},
)
class BinaryKeepAlive(Link):
    async def transmit(self, conn: WsConn, text: str) -> None:
        if '"heartbeat"' in text:
            await conn.send_frame(2, b"\x00")
        await super().transmit(conn, text)


@defect(
    id="CHN-002-answers-what-nobody-asked",
    breaks=["CHN-002"],
    about={"zh": "应答没有发出过的调用", "en": "answers calls that nobody made"},
)
class AnswersWhatNobodyAsked(Channel):
    def reply(self, message_id: Any, result: Answer) -> None:
        super().reply(message_id, result)
        super().reply(f"x-{message_id}", result)


@defect(
    id="CHN-006-seen-goes-back",
    breaks=["CHN-006"],
    about={"zh": "已处理序号倒退", "en": "what it has processed goes back"},
)
class SeenGoesBack(Link):
    def meta(self, seq: int) -> dict[str, Any]:
        meta = super().meta(seq)
        return {**meta, "seen": 0} if seq and seq % 5 == 0 else meta


@defect(
    id="CHN-008-speaks-before-it-is-attached",
    breaks=["CHN-008"],
    may_break=["CHN-005", "HBT-001"],  # what comes too soon is a heartbeat, and has no number yet
    about={"zh": "通道恢复前就发业务消息", "en": "sends a call before the channel is resumed"},
)
class SpeaksTooSoon(Channel):
    spoke = False

    def handshake(self) -> Handshake:
        spoke, self.spoke = self.spoke, True  # once: the acceptance system may close on it
        return super().handshake() if spoke else _TooSoon(self)


class _TooSoon(Handshake):
    async def ask(self, conn: WsConn, message_id: object) -> None:
        link, codec = self.link, self.link.d.codec
        await conn.send(codec.dumps(codec.call(link.next_id(), "heartbeat", link.d.heartbeat.body(), link.meta(0))))
        await super().ask(conn, message_id)


@defect(
    id="CHN-014-resumes-from-the-future",
    breaks=["CHN-014"],
    about={"zh": "恢复时声称收到了没有收到的消息", "en": "resumes after a message that it never got"},
)
class ResumesFromTheFuture(Link):
    def handshake(self) -> Handshake:
        return _FromTheFuture(self)


class _FromTheFuture(Handshake):
    def attach_params(self) -> dict[str, Any]:
        params = super().attach_params()
        return {**params, "last_seq": params["last_seq"] + 5} if params["last_seq"] else params


@defect(
    id="CHN-019-epoch-of-tomorrow",
    breaks=["CHN-019"],
    about={"zh": "以注册未给出的纪元恢复", "en": "resumes with an epoch that no registration gave"},
)
class EpochOfTomorrow(Channel):
    asked = False

    def handshake(self) -> Handshake:
        asked, self.asked = self.asked, True
        return super().handshake() if asked else _Tomorrow(self)


class _Tomorrow(Handshake):
    def attach_params(self) -> dict[str, Any]:
        params = super().attach_params()
        return {**params, "epoch": params["epoch"] + 1}


@defect(
    id="CHN-001-seen-only-when-new",
    breaks=["CHN-001"],
    about={"zh": "没有新消息时省略seen", "en": "leaves seen out while nothing new has come"},
)
class SeenOnlyWhenNew(Channel):
    told = -1

    def meta(self, seq: int) -> dict[str, Any]:
        meta = super().meta(seq)
        told, self.told = self.told, meta["seen"]
        return meta if told != self.told else {name: value for name, value in meta.items() if name != "seen"}


@defect(
    id="CHN-005-handshake-numbered",
    breaks=["CHN-005"],
    about={"zh": "握手消息也占用序号", "en": "numbers the messages of the handshake, too"},
)
class HandshakeNumbered(Channel):
    def meta(self, seq: int) -> dict[str, Any]:
        return super().meta(seq or self.next_seq())


@defect(
    id="CHN-014-resumes-from-nothing",
    breaks=["CHN-014"],
    about={"zh": "恢复时last_seq总是0", "en": "resumes as if it had processed nothing"},
)
class ResumesFromNothing(Channel):
    def handshake(self) -> Handshake:
        return _FromNothing(self)


class _FromNothing(Handshake):
    def attach_params(self) -> dict[str, Any]:
        return {**super().attach_params(), "last_seq": 0}
