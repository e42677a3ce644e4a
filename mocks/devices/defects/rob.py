"""Faults of robustness."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from mocks.devices.reference.calls import Calls
from mocks.devices.reference.docking import Docking, Problem
from mocks.devices.reference.link import Answer, Link
from mocks.devices.reference.tickets import Tickets
from mocks.devices.reference.wire import BAD_PARAMS, INTERNAL, Codec, RpcError
from mocks.devices.registry import defect


@defect(
    id="ROB-001-malformed-swallowed",
    breaks=["ROB-001"],
    about={"zh": "对非JSON文本不作应答", "en": "swallows text that is no JSON"},
)
class MalformedSwallowed(Link):
    def on_unreadable(self) -> None:
        self.d.log("unreadable")


@defect(
    id="ROB-001-malformed-kills-the-reader",
    breaks=["ROB-001"],
    may_break=["CHN-004", "HBT-009"],  # what is asked afterwards is not heard
    about={"zh": "收到非JSON文本后通道不再处理消息", "en": "text that is no JSON ends all processing"},
)
class MalformedKillsTheReader(Link):
    dead = False

    def on_unreadable(self) -> None:
        self.dead = True

    async def receive(self, text: str) -> None:
        if not self.dead:
            await super().receive(text)


@defect(
    id="ROB-002-types-coerced",
    breaks=["ROB-002"],
    about={"zh": "类型错误被强制转换", "en": "a value of the wrong type is coerced"},
)
class TypesCoerced(Link):
    async def handle(self, method: str, params: Any) -> Answer:
        if isinstance(params, dict):
            params = {k: int(v) if isinstance(v, str) and v.isdigit() and k == "ahead" else v for k, v in params.items()}
        return await super().handle(method, params)


@defect(
    id="ROB-003-wrong-state-accepted",
    breaks=["ROB-003"],
    may_break=["CHN-001", "CHN-010", "SIG-010", "SIG-012", "SIG-016"],
    about={"zh": "状态不符的消息照常应答", "en": "answers a message of a wrong state with success"},
)
class WrongStateAccepted(Link):
    async def handle(self, method: str, params: Any) -> Answer:
        if method in {"call.cancel", "call.bye", "media.answer", "media.candidate", "ticket.called", "peripheral.cancel"}:
            try:
                return await super().handle(method, params)
            except Exception as error:
                self.d.log(f"{method}: {error}")
                return {}
        return await super().handle(method, params)


@defect(
    id="ROB-003-candidates-while-ringing",
    breaks=["ROB-003", "SIG-016"],
    about={"zh": "振铃时即接受对方候选地址", "en": "takes candidates while it still rings"},
)
class CandidatesWhileRinging(Calls):
    async def candidate(self, params: dict[str, Any]) -> dict[str, Any]:
        call = self.call
        if call is not None and call.state == "ringing" and call.call_id == params.get("call_id"):
            return {}  # kept for later, as many libraries do
        return await super().candidate(params)


@defect(
    id="ROB-004-deep-documents-accepted",
    breaks=["ROB-004"],
    about={"zh": "过深嵌套照常处理", "en": "acts on documents nested too deeply"},
)
class DeepAccepted(Codec):
    def too_deep(self, _value: Any) -> bool:
        return False


@defect(
    id="ROB-005-stays-in-its-error-state",
    breaks=["HBT-009", "ROB-005"],  # the question that is not answered is a status query
    about={"zh": "拒绝一次错误参数后不再正常应答", "en": "after bad parameters every question is answered with an error"},
)
class StaysInErrorState(Link):
    upset = False

    def refuse(self, message_id: Any, error: RpcError) -> None:
        self.upset = self.upset or error.code == BAD_PARAMS
        super().refuse(message_id, error)

    async def handle(self, method: str, params: Any) -> Answer:
        if self.upset and method == "status.query":
            raise RpcError(INTERNAL, "internal error")
        return await super().handle(method, params)


@defect(
    id="ROB-006-hammers-after-a-surprise",
    breaks=["ROB-006"],
    may_break=["QUE-004", "QUE-012", "SEC-022"],  # it knows no error but an answer
    about={"zh": "遇到意外答复后密集重试", "en": "hammers the server after an unforeseen answer"},
)
class HammersAfterSurprise(Tickets):
    async def deliver(self, body: dict[str, Any]) -> dict[str, Any]:
        for _ in range(12):
            reply = await self.d.transport.http("POST", *self.signed(body))
            if reply.status < 400:
                break
        answer: dict[str, Any] = self.d.docking.decoded(reply)
        return answer

    def signed(self, body: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
        docking = self.d.docking
        request = docking.json_request("POST", "/tickets", body)
        url = docking.url(request)
        return url, docking.headers(request, url), request.body


@defect(
    id="ROB-008-restart-not-survived",
    breaks=["ROB-008"],
    may_break=["CHN-014", "CHN-015"],
    about={"zh": "受理系统重启后不再连接", "en": "does not come back after the acceptance system restarted"},
)
class RestartNotSurvived(Link):
    refusals = 0

    def on_cut(self, code: int) -> None:
        self.refusals = 0 if self.was_ready() else self.refusals + 1
        super().on_cut(code)

    async def pause(self, delay_s: float) -> None:
        await super().pause(delay_s if self.refusals < 2 else 3600.0)


@defect(
    id="QUE-012-problem-hidden",
    breaks=["QUE-012"],
    may_break=["QUE-003", "QUE-014"],
    about={"zh": "被拒绝取号后反复提交同一请求", "en": "sends a refused ticket request again and again"},
)
class ProblemHidden(Docking):
    def worth_retrying(self, problem: Problem, attempt: int) -> bool:
        return problem.status == 403 or super().worth_retrying(problem, attempt)


@defect(
    id="ROB-007-dies-of-bad-text",
    breaks=["ROB-007"],
    may_break=["ROB-001"],
    needs="sockets",
    about={"zh": "收到非JSON文本即崩溃", "en": "text that is no JSON ends the program"},
)
class DiesOfBadText(Link):
    def on_unreadable(self) -> None:
        os._exit(70)  # as a crash does: nothing above may catch it


@defect(
    id="ROB-004-depth-kills-the-reader",
    breaks=["ROB-004"],
    may_break=["CHN-004", "HBT-009"],  # what is asked afterwards is not heard
    about={"zh": "收到过深嵌套后通道不再处理消息", "en": "a document nested too deeply ends all processing"},
)
class DepthKillsTheReader(Link):
    dead = False

    async def dispatch(self, document: dict[str, Any], size: int) -> None:
        self.dead = self.dead or self.d.codec.too_deep(document)
        if not self.dead:
            await super().dispatch(document, size)


@defect(
    id="ROB-006-stuck-on-the-error-page",
    breaks=["ROB-006"],
    about={"zh": "意外答复后停在错误页面", "en": "an unforeseen answer leaves it on an error page until a reset"},
)
class StuckOnTheErrorPage(Tickets):
    def refused(self, problem: Problem) -> None:
        super().refused(problem)
        if not problem.slug:
            self.d.channel.handlers["status.query"] = self.stuck

    def stuck(self, _params: dict[str, Any]) -> Answer:
        raise RpcError(INTERNAL, "internal error")

    def reset(self) -> None:
        super().reset()
        self.d.channel.handlers["status.query"] = self.d.channel.status


@defect(
    id="ROB-008-deaf-after-the-restart",
    breaks=["ROB-008"],
    about={"zh": "受理系统重启后连上却不应答", "en": "comes back after a restart of the acceptance system and answers nothing"},
)
class DeafAfterTheRestart(Link):
    refused = False

    def on_cut(self, code: int) -> None:
        self.refused = self.refused or not self.was_ready()
        super().on_cut(code)

    async def handle(self, method: str, params: Any) -> Answer:
        if self.refused:
            await asyncio.sleep(3600)
        return await super().handle(method, params)
