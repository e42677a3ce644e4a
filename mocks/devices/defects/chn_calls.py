"""Faults in how calls on the device channel are taken: batches, sizes, parameters, repeats."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from mocks.devices.reference.channel import Channel
from mocks.devices.reference.commands import Commands
from mocks.devices.reference.handshake import Handshake
from mocks.devices.reference.link import Answer, Link
from mocks.devices.reference.wire import INTERNAL, NO_METHOD, TOO_LARGE, BadJson, RpcError
from mocks.devices.registry import defect


@defect(
    id="CHN-012-batch-swallowed",
    breaks=["CHN-012"],
    about={"zh": "对批量消息不作应答", "en": "swallows a batch without a word"},
)
class BatchSwallowed(Link):
    def on_batch(self) -> None:
        self.d.log("batch")


class _Batches(Link):
    """What a batch holds, for those who look into it."""

    async def receive(self, text: str) -> None:
        try:
            document = self.d.codec.loads(text)
        except BadJson:
            document = None
        self.calls_of_batch = [c for c in document if isinstance(c, dict)] if isinstance(document, list) else []
        await super().receive(text)


@defect(
    id="CHN-012-error-for-each-call",
    breaks=["CHN-012"],
    about={"zh": "对批量消息中每个请求各答一个错误", "en": "answers a batch with an error for each of its calls"},
)
class ErrorForEachCall(_Batches):
    def on_batch(self) -> None:
        for _ in self.calls_of_batch:
            super().on_batch()


@defect(
    id="CHN-012-refused-and-done",
    breaks=["CHN-012"],
    about={"zh": "批量消息已拒绝却仍执行", "en": "refuses a batch and carries it out all the same"},
)
class BatchRefusedAndDone(_Batches):
    async def receive(self, text: str) -> None:
        await super().receive(text)
        for call in self.calls_of_batch:
            with suppress(RpcError):
                await self.handle(str(call.get("method")), call.get("params"))


@defect(
    id="CHN-013-no-size-limit",
    breaks=["CHN-013"],
    about={"zh": "超长消息照常处理", "en": "acts on messages above the limit"},
)
class NoSizeLimit(Link):
    def size_limit(self) -> int:
        return 1 << 30


@defect(
    id="CHN-010-refused-and-done",
    breaks=["CHN-010"],
    may_break=["PER-004"],  # it carries out a command that nobody waits for
    about={"zh": "参数错误已拒绝却仍执行", "en": "refuses bad parameters and does the work all the same"},
)
class RefusedAndDone(Commands):
    def take(self, params: dict[str, Any]) -> dict[str, Any]:
        try:
            return super().take(params)
        except RpcError as error:
            if error.data == {"member": "timeout_ms"} and params.get("action") == "show":
                super().take({**params, "timeout_ms": None})
            raise


@defect(
    id="CHN-013-limit-too-low",
    breaks=["CHN-013"],
    may_break=["HBT-009"],  # the large message is a status query
    about={"zh": "拒收未超限的消息", "en": "refuses messages below the limit"},
)
class LimitTooLow(Link):
    def size_limit(self) -> int:
        return 64 * 1024


@defect(
    id="CHN-013-limit-in-characters",
    breaks=["CHN-013"],
    about={"zh": "长度上限按字符数而不是字节数计算", "en": "the limit of a message is counted in characters and not in octets"},
)
class LimitInCharacters(Link):
    async def receive(self, text: str) -> None:
        self.characters = len(text)
        await super().receive(text)

    async def dispatch(self, document: dict[str, Any], _size: int) -> None:
        await super().dispatch(document, self.characters)


@defect(
    id="CHN-013-jams-after-a-large-message",
    breaks=["CHN-013", "HBT-009"],  # what is not answered is a status query
    about={"zh": "超长消息之后不再应答", "en": "answers nothing after a message above the limit"},
)
class JamsAfterLarge(Channel):
    jammed = False

    def refuse(self, message_id: Any, error: RpcError) -> None:
        self.jammed = self.jammed or error.code == TOO_LARGE
        super().refuse(message_id, error)

    async def handle(self, method: str, params: Any) -> Answer:
        if self.jammed:
            raise RpcError(INTERNAL, "internal error")
        return await super().handle(method, params)


@defect(
    id="CHN-016-command-done-twice",
    breaks=["CHN-016"],
    may_break=["CHN-002", "PER-004"],  # it answers and reports twice, too
    about={"zh": "重复收到的指令执行两次", "en": "a command that arrives twice is done twice"},
)
class CommandDoneTwice(Channel):
    def processed_before(self, _seq: int) -> bool:
        return False

    async def handle(self, method: str, params: Any) -> Answer:
        if method == "peripheral.command" and isinstance(params, dict):
            await self.forget(str(params.get("command_id", "")))
        return await super().handle(method, params)

    async def forget(self, command_id: str) -> None:
        commands = self.d.commands
        if command_id in commands.running:
            await asyncio.wait([commands.running[command_id][1]])
        commands.ended.pop(command_id, None)


@defect(
    id="CHN-016-commands-alone-known-again",
    breaks=["CHN-016"],
    may_break=["CHN-002"],  # what is no command is answered twice
    about={"zh": "只对指令去重，其他重复调用再次应答", "en": "knows commands again and answers other calls once more"},
)
class CommandsAloneKnownAgain(Channel):
    commanded: frozenset[int] = frozenset()

    def processed_before(self, seq: int) -> bool:
        return super().processed_before(seq) and seq in self.commanded

    async def dispatch(self, document: dict[str, Any], size: int) -> None:
        if document.get("method") == "peripheral.command":
            self.commanded |= {document["meta"]["seq"]}
        await super().dispatch(document, size)


@defect(
    id="CHN-009-unknown-method-closes",
    breaks=["CHN-009"],
    about={"zh": "应答未知方法后断开连接", "en": "closes the connection after an unknown method"},
)
class UnknownMethodCloses(Channel):
    def refuse(self, message_id: Any, error: RpcError) -> None:
        super().refuse(message_id, error)
        if error.code == NO_METHOD and self.conn is not None:
            self.d.spawn(self.close(self.conn, 1011), "close")


@defect(
    id="CHN-006-seen-always-nought",
    breaks=["CHN-006"],
    about={"zh": "已处理序号总是0", "en": "never tells that it has processed anything"},
)
class SeenAlwaysNought(Link):
    def meta(self, seq: int) -> dict[str, Any]:
        return {**super().meta(seq), "seen": 0}


@defect(
    id="CHN-006-seen-one-behind",
    breaks=["CHN-006"],
    about={"zh": "已处理序号总是落后一个", "en": "what it has processed is always told one too low"},
)
class SeenOneBehind(Link):
    def meta(self, seq: int) -> dict[str, Any]:
        meta = super().meta(seq)
        return {**meta, "seen": max(0, meta["seen"] - 1)}


@defect(
    id="CHN-014-resumes-one-back",
    breaks=["CHN-014"],
    about={"zh": "恢复时last_seq比已告知的少一", "en": "resumes one number below what it has told as processed"},
)
class ResumesOneBack(Channel):
    def handshake(self) -> Handshake:
        return _OneBack(self)


class _OneBack(Handshake):
    def attach_params(self) -> dict[str, Any]:
        params = super().attach_params()
        return {**params, "last_seq": max(1, params["last_seq"] - 1) if params["last_seq"] else 0}
