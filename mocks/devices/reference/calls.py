"""I3: calls. One at a time; the device rings, answers by itself and offers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mocks.devices.reference.link import Handler, Link
from mocks.devices.reference.mediaport import MediaEnd
from mocks.devices.reference.wire import BAD_PARAMS, BUSY, NOT_SUPPORTED, UNKNOWN, WRONG_STATE, RpcError, wanted

__all__ = ["Call", "Calls"]


@dataclass
class Call:
    """One call, from invite to end."""

    call_id: str
    session_id: str
    ticket_id: str
    ring_timeout_s: float
    state: str = "ringing"
    media: MediaEnd | None = None
    early: list[dict[str, Any] | None] = field(default_factory=list)
    picked_up: asyncio.Event = field(default_factory=asyncio.Event)
    connected: asyncio.Event = field(default_factory=asyncio.Event)


class Calls(Link):
    """The signaling link and the call on it."""

    iface: ClassVar[str] = "I3"
    subprotocol: ClassVar[str] = "rvw.signaling.v1"
    endpoint: ClassVar[str] = "signaling"
    attach_method: ClassVar[str] = "signaling.attach"
    arrangement: ClassVar[str] = "two_sections"

    def __init__(self, device: Any) -> None:
        super().__init__(device)
        self.call: Call | None = None
        self.ended: dict[str, str] = {}
        self.policy = "auto"

    def methods(self) -> dict[str, Handler]:
        return {
            "call.invite": self.invite,
            "call.cancel": self.cancelled,
            "call.bye": self.bye,
            "media.offer": self.offer,
            "media.answer": self.answer,
            "media.candidate": self.candidate,
        }

    # ---- ringing

    def invite(self, params: dict[str, Any]) -> dict[str, Any]:
        """`call.invite`. The same invite twice is answered the same and rings once."""
        wanted(params, "call_id:str session_id:str ticket_id:str ring_timeout_ms:num clerk?:obj ice_servers?:list")
        call_id = params["call_id"]
        if self.call is not None and self.call.call_id == call_id:
            return {"state": "ringing"}
        self.check_invite(params)
        if self.busy():
            raise RpcError(BUSY, "busy")
        self.call = Call(call_id, params["session_id"], params["ticket_id"], params["ring_timeout_ms"] / 1000)
        self.d.screens.show("窗口来电，即将接通视频")
        self.d.spawn(self.serve(self.call), "call")
        return {"state": "ringing"}

    def check_invite(self, params: dict[str, Any]) -> None:
        """A call of the past, for a closed session or a ticket that is not ours, is refused. Raises RpcError."""
        if params["call_id"] in self.ended:
            raise RpcError(UNKNOWN, "call is over")
        if params["session_id"] in self.d.sessions.closed or params["ticket_id"] not in self.d.tickets.open:
            raise RpcError(UNKNOWN, "unknown session or ticket")

    def busy(self) -> bool:
        """Whether no further call is taken."""
        return self.call is not None or self.policy == "busy" or self.d.mode == "maintenance"

    async def serve(self, call: Call) -> None:
        """Ring, pick up, negotiate, connect."""
        try:
            if not await self.ring(call):
                return
            await self.connect(call)
        except (RpcError, OSError, RuntimeError) as error:
            self.d.log(f"通话失败：{error}")
            await self.hang_up(call, "media-failed")

    async def ring(self, call: Call) -> bool:
        """Until picked up (True), rejected or given up (False)."""
        if self.policy == "reject":
            await asyncio.sleep(self.ring_time())
            if self.current(call):
                await self.reject(call)
            return False
        if self.policy == "auto":
            await asyncio.sleep(self.ring_time())
            call.picked_up.set()
        try:
            await asyncio.wait_for(call.picked_up.wait(), call.ring_timeout_s)
        except TimeoutError:
            if self.current(call):  # it may have been cancelled meanwhile, and another call may ring
                self.give_up_ringing(call)
            return False
        return self.current(call)

    def ring_time(self) -> float:
        """Seconds of ringing before the device picks up by itself."""
        return self.d.timers.pace("T-ANSWER", 0.45)

    def give_up_ringing(self, call: Call) -> None:
        """Nobody picked up."""
        self.forget(call, "not_answered")
        self.d.screens.show("来电未接听")

    async def reject(self, call: Call) -> None:
        """The resident does not want the call."""
        self.forget(call, "rejected")
        self.d.screens.show("已拒绝来电")
        await self.post("call.reject", {"call_id": call.call_id, "reason": "declined"})

    def current(self, call: Call) -> bool:
        """Whether this is still the call."""
        return self.call is call

    # ---- media

    async def connect(self, call: Call) -> None:
        """Answer, show the notice, offer, wait for media."""
        call.state = "negotiating"
        await self.post("call.answer", {"call_id": call.call_id})
        if not self.current(call):
            return
        self.show_notice()
        await self.send_offer(call)
        try:
            await asyncio.wait_for(call.connected.wait(), self.d.timers.s("T-MEDIA") * 2)
        except TimeoutError:
            if self.current(call):
                await self.hang_up(call, "media-timeout")

    def show_notice(self) -> None:
        """The session is recorded: said before the first frame counts."""
        self.d.screens.show_recording_notice()

    def open_media(self, call: Call) -> MediaEnd:
        """The media of this call, with its news led here."""
        if call.media is None:
            call.media = self.d.media()
            call.media.on_candidate = lambda candidate: self.on_candidate(call, candidate)
            call.media.on_state = lambda state: self.on_state(call, state)
            self.d.bank.set_busy("person_camera", True)
        return call.media

    async def send_offer(self, call: Call) -> None:
        """The device's offer, with what each section shows."""
        offer = await self.open_media(call).create_offer()
        if self.current(call):
            self.post(
                "media.offer",
                {"call_id": call.call_id, "sdp": self.described(offer.sdp), "labels": self.labels(dict(offer.labels))},
            )
            self.flush_candidates(call)

    def described(self, sdp: str) -> str:
        """A description as it goes out."""
        return sdp

    def labels(self, labels: dict[str, str]) -> dict[str, str]:
        """mid -> audio, person or page, as told to the clerk."""
        return labels

    def on_candidate(self, call: Call, candidate: dict[str, Any] | None) -> None:
        """A candidate of ours; those found before the offer is out go out after it."""
        call.early.append(candidate)
        if call.state in {"offered", "connected"}:
            self.flush_candidates(call)

    def flush_candidates(self, call: Call) -> None:
        """Send what was found, in order."""
        if call.state == "negotiating":
            call.state = "offered"
        found, call.early = call.early, []
        for candidate in found:
            if self.current(call):
                self.post("media.candidate", {"call_id": call.call_id, "candidate": candidate})

    def on_state(self, call: Call, state: str) -> None:
        """News of the media stack."""
        if not self.current(call) or state not in {"connected", "disconnected", "failed"}:
            return
        self.tell_state(call, state)
        if state == "connected":
            call.state = "connected"
            call.connected.set()
            self.d.screens.show("视频已接通")
        elif state == "failed":
            self.d.spawn(self.hang_up(call, "media-failed"), "hang up")

    def tell_state(self, call: Call, state: str) -> None:
        """Report the state of the media."""
        self.post("media.state", {"call_id": call.call_id, "state": state, "notice_shown": self.notice_shown()})

    def notice_shown(self) -> bool:
        """Whether the notice of recording is on the screen."""
        return self.d.screens.notice_shown

    def find(self, params: dict[str, Any]) -> Call:
        """The call of a message. Raises RpcError -32011 when it is not the current one."""
        if self.call is None or self.call.call_id != params["call_id"]:
            raise RpcError(UNKNOWN, "no such call")
        return self.call

    async def offer(self, params: dict[str, Any]) -> dict[str, Any]:
        """`media.offer` of the clerk: the device is the polite side and answers by a call of its own."""
        wanted(params, "call_id:str sdp:str labels?:obj")
        call = self.find(params)
        if call.state == "ringing":
            raise RpcError(WRONG_STATE, "still ringing")
        try:
            sdp = await self.open_media(call).accept_offer(params["sdp"])
        except (RuntimeError, ValueError) as error:
            raise RpcError(NOT_SUPPORTED, "offer cannot be met") from error
        self.d.spawn(self.send_answer(call, sdp), "answer")
        return {}

    async def send_answer(self, call: Call, sdp: str) -> None:
        """Our answer to the clerk's offer."""
        if self.current(call):
            self.post("media.answer", {"call_id": call.call_id, "sdp": self.described(sdp)})

    async def answer(self, params: dict[str, Any]) -> dict[str, Any]:
        """`media.answer` of the clerk."""
        wanted(params, "call_id:str sdp:str")
        call = self.find(params)
        if call.media is None:
            raise RpcError(WRONG_STATE, "no offer was made")
        try:
            await call.media.accept_answer(params["sdp"])
        except (RuntimeError, ValueError) as error:
            raise RpcError(WRONG_STATE, "answer does not fit") from error
        return {}

    async def candidate(self, params: dict[str, Any]) -> dict[str, Any]:
        """`media.candidate` of the clerk; null ends them."""
        wanted(params, "call_id:str candidate?:obj")
        call = self.find(params)
        if call.media is None:
            raise RpcError(WRONG_STATE, "no media yet")
        try:
            await call.media.add_candidate(params.get("candidate"))
        except (RuntimeError, ValueError) as error:
            raise RpcError(BAD_PARAMS, "candidate is not usable") from error
        return {}

    # ---- end

    async def cancelled(self, params: dict[str, Any]) -> dict[str, Any]:
        """`call.cancel` while it rings."""
        wanted(params, "call_id:str reason?:str")
        call = self.find(params)
        if call.state != "ringing":
            raise RpcError(WRONG_STATE, "already answered")
        self.forget(call, "cancelled")
        self.d.screens.show("来电已取消")
        return {}

    async def bye(self, params: dict[str, Any]) -> dict[str, Any]:
        """`call.bye` of the clerk."""
        wanted(params, "call_id:str reason?:str")
        if params["call_id"] in self.ended and self.ended[params["call_id"]] == "bye":
            return {}  # both hung up at once
        call = self.find(params)
        self.forget(call, "bye_received")
        self.tell_state(call, "closed")
        self.d.spawn(self.release(call), "release")
        self.d.screens.show("通话已结束")
        return {}

    async def hang_up(self, call: Call, reason: str) -> None:
        """End it from here."""
        if not self.current(call):
            return
        self.forget(call, "bye")
        self.post("call.bye", {"call_id": call.call_id, "reason": reason})
        self.tell_state(call, "closed")
        await self.release(call)
        self.d.screens.show("通话已结束")

    async def end_for_session(self, session_id: str) -> None:
        """A session that closes takes its call with it."""
        if self.call is not None and self.call.session_id == session_id:
            await self.hang_up(self.call, "session-closed")

    def forget(self, call: Call, how: str) -> None:
        """The call is over; its id is known as such."""
        self.call = None
        self.ended[call.call_id] = how

    async def release(self, call: Call) -> None:
        """Give cameras and microphone back."""
        if call.media is not None:
            await call.media.close()
        self.d.bank.set_busy("person_camera", False)

    def cameras_in_use(self) -> list[str]:
        """Cameras that are open now."""
        return list(self.call.media.cameras_in_use) if self.call and self.call.media else []
