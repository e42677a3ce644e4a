"""Faults of signaling."""

from __future__ import annotations

import asyncio
from typing import Any

from mocks.devices.reference.calls import Call, Calls
from mocks.devices.reference.link import Answer
from mocks.devices.reference.wire import BAD_PARAMS, UNKNOWN, WRONG_STATE, RpcError, wanted
from mocks.devices.registry import defect


@defect(
    id="SIG-002-rings-late",
    breaks=["SIG-002"],
    may_break=["CHN-004", "SIG-005", "SIG-012"],
    about={"zh": "振铃应答过晚", "en": "says too late that it rings"},
)
class RingsLate(Calls):
    async def handle(self, method: str, params: Any) -> Answer:
        if method == "call.invite":
            await asyncio.sleep(self.d.timers.s("T-RING") * 1.1)
        return await super().handle(method, params)


@defect(
    id="SIG-003-answers-late",
    breaks=["SIG-003"],
    may_break=["SIG-004"],
    about={"zh": "接听过晚", "en": "picks up too late"},
)
class AnswersLate(Calls):
    def ring_time(self) -> float:
        return self.d.timers.s("T-ANSWER") * 1.1


@defect(
    id="SIG-004-rejects-and-answers",
    breaks=["SIG-004", "SIG-016"],
    about={"zh": "拒绝后又接听", "en": "rejects a call and answers it all the same"},
)
class RejectsAndAnswers(Calls):
    async def reject(self, call: Call) -> None:
        await super().reject(call)
        self.post("call.answer", {"call_id": call.call_id})


@defect(
    id="SIG-005-second-call-taken",
    breaks=["SIG-005"],
    may_break=["SIG-015"],
    about={"zh": "通话中再接第二个来电", "en": "takes a second call during a call"},
)
class SecondCallTaken(Calls):
    def busy(self) -> bool:
        return self.policy == "busy"


@defect(
    id="SIG-006-answers-a-cancelled-call",
    breaks=["SIG-006"],
    may_break=["SIG-016"],
    about={"zh": "已取消的来电仍接听", "en": "answers a call that was cancelled"},
)
class AnswersCancelled(Calls):
    async def cancelled(self, params: dict[str, Any]) -> dict[str, Any]:
        answer = await super().cancelled(params)
        asyncio.get_running_loop().call_later(0.2, self.post, "call.answer", {"call_id": params["call_id"]})
        return answer


@defect(
    id="SIG-002-stays-busy-after-timeout",
    breaks=["SIG-002", "SIG-007"],
    about={"zh": "振铃超时后一直占线", "en": "stays busy after ringing timed out"},
)
class StaysBusy(Calls):
    stuck = False

    def give_up_ringing(self, call: Call) -> None:
        super().give_up_ringing(call)
        self.stuck = True

    def busy(self) -> bool:
        return self.stuck or super().busy()


@defect(
    id="SIG-008-offers-late",
    breaks=["SIG-008"],
    about={"zh": "接听后媒体要约过晚", "en": "the media offer comes too late"},
)
class OffersLate(Calls):
    async def send_offer(self, call: Call) -> None:
        await asyncio.sleep(self.d.timers.s("T-OFFER") * 1.1)
        await super().send_offer(call)


@defect(
    id="SIG-009-no-way-back",
    breaks=["SIG-009"],
    about={"zh": "冲突时不让步", "en": "does not give way when both offer at once"},
)
class NoWayBack(Calls):
    async def offer(self, params: dict[str, Any]) -> dict[str, Any]:
        return await super().offer(params) if self.find(params).state == "ringing" else {}


@defect(
    id="SIG-010-stale-call-accepted",
    breaks=["SIG-010"],
    may_break=["ROB-003", "SIG-001", "SIG-012", "SIG-016"],
    about={"zh": "已结束的呼叫标识照常应答", "en": "answers messages for a call that is over as if it lived"},
)
class StaleCallAccepted(Calls):
    async def handle(self, method: str, params: Any) -> Answer:
        try:
            return await super().handle(method, params)
        except RpcError as error:
            if error.code == UNKNOWN:
                return {}
            raise


@defect(
    id="SIG-010-ended-call-offered-anew",
    breaks=["SIG-010", "ROB-003"],
    about={"zh": "已结束的呼叫仍接受媒体要约", "en": "takes an offer for a call that is over"},
)
class EndedCallOfferedAnew(Calls):
    async def offer(self, params: dict[str, Any]) -> dict[str, Any]:
        wanted(params, "call_id:str sdp:str labels?:obj")
        return {} if params["call_id"] in self.ended else await super().offer(params)


@defect(
    id="SIG-010-second-goodbye-confirmed",
    breaks=["SIG-010", "ROB-003"],
    about={"zh": "已结束的呼叫再次挂断仍答成功", "en": "confirms a goodbye of a call that is over"},
)
class SecondGoodbyeConfirmed(Calls):
    async def bye(self, params: dict[str, Any]) -> dict[str, Any]:
        wanted(params, "call_id:str reason?:str")
        return {} if params["call_id"] in self.ended else await super().bye(params)


@defect(
    id="SIG-010-ended-call-in-a-wrong-state",
    breaks=["SIG-010"],
    about={"zh": "已结束的呼叫答状态不符而非未知", "en": "says wrong state of a call that is over, and not that it is unknown"},
)
class EndedCallInAWrongState(Calls):
    def find(self, params: dict[str, Any]) -> Call:
        if params["call_id"] in self.ended:
            raise RpcError(WRONG_STATE, "the call is over")
        return super().find(params)


@defect(
    id="SIG-011-invite-twice-answered-twice",
    breaks=["SIG-011"],
    may_break=["SIG-016"],
    about={"zh": "重复邀请接听两次", "en": "a repeated invite is answered twice"},
)
class AnsweredTwice(Calls):
    def invite(self, params: dict[str, Any]) -> dict[str, Any]:
        known = self.call
        answer = super().invite(params)
        if known is not None and known is self.call:
            self.post("call.answer", {"call_id": known.call_id})
        return answer


@defect(
    id="SIG-012-bad-params-accepted",
    breaks=["SIG-012"],
    may_break=["SIG-001", "SIG-016"],
    about={"zh": "信令参数错误也答成功", "en": "answers bad parameters on the signaling with success"},
)
class BadParamsAccepted(Calls):
    async def handle(self, method: str, params: Any) -> Answer:
        try:
            return await super().handle(method, params)
        except RpcError as error:
            if error.code == BAD_PARAMS:
                return {}
            raise


@defect(
    id="SIG-013-candidates-first",
    breaks=["SIG-013"],
    may_break=["SIG-016"],
    about={"zh": "候选地址先于要约发出", "en": "candidates go out before the offer"},
)
class CandidatesFirst(Calls):
    def on_candidate(self, call: Call, candidate: dict[str, Any] | None) -> None:
        self.post("media.candidate", {"call_id": call.call_id, "candidate": candidate})


@defect(
    id="SIG-014-hangs-up-in-silence",
    breaks=["SIG-014"],
    about={"zh": "居民挂断不通知对端", "en": "the resident's hang-up is not told"},
)
class HangsUpInSilence(Calls):
    async def hang_up(self, call: Call, reason: str) -> None:
        if reason != "resident":
            await super().hang_up(call, reason)
        elif self.current(call):
            self.forget(call, "bye")
            await self.release(call)


@defect(
    id="SIG-015-talks-after-bye",
    breaks=["SIG-015"],
    may_break=["SIG-013", "SIG-016"],
    about={"zh": "挂断后继续发信令", "en": "goes on signaling after the hang-up"},
)
class TalksAfterBye(Calls):
    async def bye(self, params: dict[str, Any]) -> dict[str, Any]:
        answer = await super().bye(params)
        message = {"call_id": params["call_id"], "candidate": None}
        asyncio.get_running_loop().call_later(0.1, self.post, "media.candidate", message)
        return answer


@defect(
    id="SIG-017-cut-ends-the-call",
    breaks=["SIG-017"],
    about={"zh": "信令断线即挂断通话", "en": "a cut of the signaling ends the call"},
)
class CutEndsTheCall(Calls):
    def on_cut(self, code: int) -> None:
        super().on_cut(code)
        if self.call is not None:
            self.d.spawn(self.hang_up(self.call, "signaling-lost"), "hang up")


@defect(
    id="SIG-018-media-state-untold",
    breaks=["SIG-018"],
    about={"zh": "不上报媒体连通", "en": "does not tell that media is connected"},
)
class MediaStateUntold(Calls):
    def tell_state(self, call: Call, state: str) -> None:
        if state != "connected":
            super().tell_state(call, state)


@defect(
    id="SIG-001-error-without-message",
    breaks=["SIG-001"],
    about={"zh": "信令错误应答缺少文字", "en": "errors on the signaling carry no message"},
)
class SignalingErrorWithoutMessage(Calls):
    def refuse(self, message_id: Any, error: RpcError) -> None:
        document = self.d.codec.error(message_id, error, {})
        del document["error"]["message"]
        self.number(document)


@defect(
    id="SIG-007-picks-up-for-nobody",
    breaks=["SIG-007"],
    may_break=["SIG-002"],
    about={"zh": "无人接听也自行接通", "en": "picks up although nobody did"},
)
class PicksUpForNobody(Calls):
    async def ring(self, call: Call) -> bool:
        if self.policy == "ignore":
            asyncio.get_running_loop().call_later(0.05, call.picked_up.set)
        return await super().ring(call)


@defect(
    id="SIG-018-connected-too-soon",
    breaks=["SIG-018"],
    about={"zh": "媒体未协商即报连通", "en": "tells connected before the media were negotiated"},
)
class ConnectedTooSoon(Calls):
    async def send_offer(self, call: Call) -> None:
        self.tell_state(call, "connected")
        await super().send_offer(call)


@defect(
    id="SIG-004-no-reason-given",
    breaks=["SIG-004"],
    may_break=["SIG-001"],  # the schema asks for one, too
    about={"zh": "拒接不说明原因", "en": "rejects without a reason"},
)
class NoReasonGiven(Calls):
    async def reject(self, call: Call) -> None:
        self.forget(call, "rejected")
        await self.post("call.reject", {"call_id": call.call_id, "reason": ""})


@defect(
    id="SIG-005-second-call-ends-the-first",
    breaks=["SIG-005"],
    about={"zh": "第二个来电挂断当前通话", "en": "a second call ends the one that stands"},
)
class SecondCallEndsTheFirst(Calls):
    def busy(self) -> bool:
        if self.call is not None:
            self.d.spawn(self.hang_up(self.call, "another-call"), "hang up")
        return super().busy()


@defect(
    id="SIG-006-cancel-refused",
    breaks=["SIG-006"],
    about={"zh": "振铃中不接受取消", "en": "refuses that a ringing call is cancelled"},
)
class CancelRefused(Calls):
    async def cancelled(self, params: dict[str, Any]) -> dict[str, Any]:
        await super().cancelled(params)
        raise RpcError(WRONG_STATE, "not now")


@defect(
    id="SIG-015-bye-refused",
    breaks=["SIG-015"],
    may_break=["SIG-010", "SIG-017"],  # a clerk who hangs up is how it is seen that a call still stands
    about={"zh": "坐席挂断得到错误应答", "en": "the clerk's hang-up is answered with an error"},
)
class ByeRefused(Calls):
    async def bye(self, params: dict[str, Any]) -> dict[str, Any]:
        await super().bye(params)
        raise RpcError(WRONG_STATE, "not now")


@defect(
    id="SIG-017-comes-back-late",
    breaks=["SIG-017"],
    about={"zh": "信令断线后迟迟不恢复", "en": "comes back to the signaling long after a cut"},
)
class SignalingComesBackLate(Calls):
    async def pause(self, _delay_s: float) -> None:
        await asyncio.sleep(self.d.timers.s("T-RECONNECT") * 1.1)


@defect(
    id="SIG-007-picks-up-with-the-next-call",
    breaks=["SIG-007"],
    may_break=["SIG-008"],  # no offer follows for a call that is over
    about={"zh": "下一来电时接听已超时的来电", "en": "picks a call up that timed out when the next one comes"},
)
class PicksUpWithTheNextCall(Calls):
    given_up = ""

    def give_up_ringing(self, call: Call) -> None:
        super().give_up_ringing(call)
        self.given_up = call.call_id

    async def connect(self, call: Call) -> None:
        late, self.given_up = self.given_up, ""
        if late:
            self.post("call.answer", {"call_id": late})
        await super().connect(call)
