"""Faults of signaling while a call stands."""

from __future__ import annotations

from typing import Any

from mocks.devices.reference.calls import Call, Calls
from mocks.devices.registry import defect


@defect(
    id="SIG-010-any-goodbye-is-mine",
    breaks=["SIG-010"],
    may_break=["SIG-015", "SIG-016"],  # the goodbye that was meant comes too late
    about={"zh": "通话中任何挂断都作用于当前通话", "en": "a goodbye of whichever call ends the one that stands"},
)
class AnyGoodbyeIsMine(Calls):
    def find(self, params: dict[str, Any]) -> Call:
        return self.call if self.call is not None else super().find(params)


@defect(
    id="SIG-010-stranger-ends-the-call",
    breaks=["SIG-010"],
    may_break=["SIG-015"],
    about={"zh": "未知通话的挂断应答有误但仍结束当前通话", "en": "refuses a goodbye of an unknown call and ends its own"},
)
class StrangerEndsTheCall(Calls):
    async def bye(self, params: dict[str, Any]) -> dict[str, Any]:
        known, standing = {*self.ended, self.call.call_id if self.call else ""}, self.call
        try:
            return await super().bye(params)
        finally:
            if standing is not None and params.get("call_id") not in known:
                await self.hang_up(standing, "ended")


@defect(
    id="SIG-011-answered-again-in-the-call",
    breaks=["SIG-011"],
    may_break=["SIG-016"],
    about={"zh": "通话中重复邀请再次接听", "en": "answers again where the invite comes again in the call"},
)
class AnsweredAgainInTheCall(Calls):
    def invite(self, params: dict[str, Any]) -> dict[str, Any]:
        answer = super().invite(params)
        if self.call is not None and self.call.state == "connected":
            self.post("call.answer", {"call_id": self.call.call_id})
        return answer


@defect(
    id="SIG-017-call-forgotten-in-a-cut",
    breaks=["SIG-017"],
    may_break=["SIG-015"],
    about={"zh": "信令断线即忘掉通话", "en": "a cut of the signaling makes it forget the call, without a word"},
)
class CallForgottenInACut(Calls):
    def on_cut(self, code: int) -> None:
        super().on_cut(code)
        if self.call is not None:
            lost = self.call
            self.forget(lost, "lost")
            self.d.spawn(self.release(lost), "release")
