"""Queue tickets: a swipe alone takes one."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any

from mocks.devices.reference.docking import Problem, Refused
from mocks.devices.reference.part import Part
from mocks.devices.reference.wire import UNKNOWN, RpcError, wanted, without_empty

__all__ = ["Ticket", "Tickets"]

Card = dict[str, Any]
_FINAL = {"served", "missed", "cancelled", "expired"}
_STATE_TEXT = {
    "missed": "{number} 号已过号，请留意重新呼叫或重新刷卡取号",
    "cancelled": "取号已取消",
    "expired": "取号已失效，请重新刷卡取号",
    "held": "办理已挂起，请稍候",
    "transferred": "正在为您转接其他窗口",
    "served": "本次办理已结束",
}


@dataclass
class Ticket:
    """What the device keeps of a ticket: nothing of the person."""

    ticket_id: str
    number: str
    state: str
    ahead: int = 0
    called_by: str = ""


class Tickets(Part):
    """Open tickets of this device, most recent last."""

    def __init__(self, device: Any) -> None:
        super().__init__(device)
        self.open: dict[str, Ticket] = {}
        self.ended: dict[str, str] = {}
        self.issuing = 0
        self.settled = asyncio.Event()
        self.settled.set()

    # ---- taking a ticket

    async def swipe(self, card: Card, agent: Card | None = None) -> None:
        """A card on the reader outside a session."""
        if not self.may_issue():
            self.d.screens.show("设备维护中，暂停取号" if self.d.mode == "maintenance" else "设备未就绪，暂不能取号")
            return
        self.d.screens.show("正在取号，请稍候")
        self.issuing += 1
        self.settled.clear()
        try:
            body = self.request(card, agent)
            answer = await self.deliver(body)
            self.issued(answer, body["holder"])
        except Refused as refused:
            self.refused(refused.problem)
        except (OSError, KeyError, TypeError) as error:
            self.d.log(f"取号失败：{type(error).__name__}")
            self.d.screens.show("取号失败，请重新刷卡")
        finally:
            self.issuing -= 1
            if not self.issuing:
                self.settled.set()

    def may_issue(self) -> bool:
        """Whether a swipe takes a ticket now."""
        return self.d.mode == "normal" and self.d.registration.done.is_set()

    async def deliver(self, body: dict[str, Any]) -> dict[str, Any]:
        """Send one request until it is answered; retries carry the same request_id. Raises Refused, OSError."""
        request = self.d.docking.json_request("POST", "/tickets", body)
        answer: dict[str, Any] = self.d.docking.decoded(await self.d.docking.deliver(request))
        return answer

    def request(self, card: Card, agent: Card | None) -> dict[str, Any]:
        """The body of `ticket.issue`."""
        return without_empty(
            (
                ("request_id", self.request_id()),
                ("channel", self.channel()),
                ("holder", self.holder(card)),
                ("agent", self.agent(agent) if agent else None),
                ("item_code", self.item_code()),
                ("taken_at", self.d.time.text()),
            )
        )

    def request_id(self) -> str:
        """Fresh for each swipe, over restarts too, so not from the seed; the same for each retry of one."""
        return str(uuid.uuid4())

    def channel(self) -> str:
        """Remote, always: on-site numbers come from another machine."""
        return "remote"

    def holder(self, card: Card) -> dict[str, Any]:
        """The person who is served."""
        return {
            "card_type": str(card.get("card_type", "id_card")),
            "id_number": str(card.get("id_number", "")),
            "name": str(card.get("name", "")),
        }

    def agent(self, agent: Card) -> dict[str, Any]:
        """Who stands here for the holder, and by what right."""
        mandate = agent.get("mandate")
        return {
            "id_number": str(agent.get("id_number", "")),
            "name": str(agent.get("name", "")),
            "mandate": mandate
            if isinstance(mandate, dict) and mandate
            else {"kind": "power_of_attorney", "reference": "现场出示"},
        }

    def item_code(self) -> str:
        """The chosen item, or nothing: it may be chosen in the session."""
        return self.d.config.chosen_item

    def issued(self, answer: dict[str, Any], holder: dict[str, Any]) -> None:
        """Show the number. The same answer twice is the same ticket."""
        told = answer["ticket"]
        ticket = Ticket(str(told["ticket_id"]), str(told["number"]), str(told["state"]), int(told.get("ahead", 0)))
        known = self.open.get(ticket.ticket_id)
        self.open[ticket.ticket_id] = known or ticket
        self.d.config.chosen_item = ""
        person = self.d.screens.person(holder["name"], holder["id_number"])
        self.d.screens.show(f"{person} {'取号成功，请稍候' if known is None else '已取号，请勿重复刷卡'}")
        self.d.remember()

    def refused(self, problem: Problem) -> None:
        """Tell the resident why there is no number."""
        texts = {
            "outside-service-hours": "现在不在服务时间，无法取号",
            "not-activated": "本服务点未开通，无法取号",
        }
        self.d.screens.show(texts.get(problem.slug, "无法取号，请咨询工作人员"))

    # ---- what the acceptance system says about tickets

    async def find(self, ticket_id: str) -> Ticket | None:
        """A ticket by id. News may overtake the answer that brings the ticket: wait for that answer first."""
        if ticket_id not in self.open and self.issuing:
            await asyncio.wait([asyncio.ensure_future(self.settled.wait())], timeout=self.d.timers.pace("T-ACK", 0.5))
        return self.open.get(ticket_id)

    async def updated(self, params: dict[str, Any]) -> dict[str, Any]:
        """`ticket.updated`."""
        wanted(params, "ticket_id:str state:str number?:str ahead?:int")
        ticket = await self.find(params["ticket_id"])
        if ticket is None:
            if params["ticket_id"] in self.ended:
                return {}
            raise RpcError(UNKNOWN, "unknown ticket")
        self.apply(ticket, params)
        return {}

    def apply(self, ticket: Ticket, params: dict[str, Any]) -> None:
        """Take over a new state."""
        ticket.state = params["state"]
        ticket.number = params.get("number") or ticket.number
        ticket.ahead = params.get("ahead") or 0
        if ticket.state in _STATE_TEXT:
            self.d.screens.show(_STATE_TEXT[ticket.state].format(number=ticket.number))
        if ticket.state in _FINAL:
            self.end(ticket)
        self.d.remember()

    def end(self, ticket: Ticket) -> None:
        """A ticket in a final state is no longer shown."""
        self.open.pop(ticket.ticket_id, None)
        self.ended[ticket.ticket_id] = ticket.state

    async def called(self, params: dict[str, Any]) -> dict[str, Any]:
        """`ticket.called`, the first time and each time it is called again."""
        wanted(params, "ticket_id:str number?:str window_no?:str staff_no?:str")
        ticket = await self.find(params["ticket_id"]) or self.missed_before(params)
        if ticket is None:
            raise RpcError(UNKNOWN, "unknown ticket")
        ticket.state = "called"
        ticket.ahead = 0
        ticket.called_by = str(params.get("window_no", ""))
        self.d.screens.show("正在呼叫您，请准备视频办理")
        return {}

    def missed_before(self, params: dict[str, Any]) -> Ticket | None:
        """A missed ticket that is called again lives again."""
        ticket_id = params["ticket_id"]
        if self.ended.get(ticket_id) != "missed":
            return None
        del self.ended[ticket_id]
        self.open[ticket_id] = Ticket(ticket_id, str(params.get("number", "")), "called")
        return self.open[ticket_id]

    def session_closed(self, ticket_id: str) -> None:
        """The session of a ticket is over: the ticket is served, unless it waits for another window."""
        ticket = self.open.get(ticket_id)
        if ticket is not None and ticket.state not in {"held", "transferred", "waiting"}:
            ticket.state = "served"
            self.end(ticket)

    # ---- the resident

    async def cancel(self, reason: str = "resident") -> bool:
        """Give the most recent waiting ticket back. False when there is none or the answer was no."""
        waiting = [t for t in self.open.values() if t.state in {"issued", "waiting", "called"}]
        if not waiting:
            return False
        ticket = waiting[-1]
        body = {"request_id": self.request_id(), "reason": reason}
        request = self.d.docking.json_request("POST", f"/tickets/{ticket.ticket_id}/cancel", body)
        try:
            await self.d.docking.deliver(request)
        except Refused:
            self.d.screens.show("当前状态不能取消")
            return False
        self.end(ticket)
        self.d.screens.show("取号已取消")
        self.d.remember()
        return True

    def reset(self) -> None:
        """Show no ticket any more; each is known as ended."""
        for ticket in list(self.open.values()):
            self.end(ticket)

    def restore(self, rows: list[list[Any]]) -> None:
        """Tickets of before a power loss."""
        for ticket_id, number, state, ahead in rows:
            if state in {"issued", "waiting", "called"}:
                self.open[ticket_id] = Ticket(ticket_id, number, state, ahead)
            else:
                self.ended[ticket_id] = state

    def lines(self) -> list[str]:
        """Tickets on the main screen."""
        return [self.line(ticket) for ticket in self.open.values()]

    def line(self, ticket: Ticket) -> str:
        """One ticket."""
        if ticket.state == "called":
            return f"请 {ticket.number} 号到视频窗口办理（{ticket.called_by}窗口）"
        if ticket.state in {"issued", "waiting"}:
            return f"您的号码 {ticket.number}，前面还有 {ticket.ahead} 人（远程取号优先）"
        return f"{ticket.number} 号 办理中"
