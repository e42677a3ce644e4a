"""Faults of queue tickets."""

from __future__ import annotations

import asyncio
from typing import Any

from mocks.devices.reference.docking import Problem, Refused
from mocks.devices.reference.screens import Screens
from mocks.devices.reference.tickets import Card, Ticket, Tickets
from mocks.devices.registry import defect


@defect(
    id="QUE-001-slow-ticket",
    breaks=["QUE-001"],
    may_break=["QUE-006"],
    about={"zh": "刷卡后取号过慢", "en": "the ticket request comes long after the swipe"},
)
class SlowTicket(Tickets):
    async def swipe(self, card: Card, agent: Card | None = None) -> None:
        await asyncio.sleep(self.d.timers.s("T-TICKET") * 1.1)
        await super().swipe(card, agent)


@defect(
    id="QUE-002-two-tickets",
    breaks=["QUE-002"],
    may_break=["QUE-005", "QUE-012", "ROB-006"],
    about={"zh": "一次刷卡发出两次取号", "en": "one swipe makes two ticket requests"},
)
class TwoTickets(Tickets):
    async def swipe(self, card: Card, agent: Card | None = None) -> None:
        await super().swipe(card, agent)
        await super().swipe(card, agent)


@defect(
    id="QUE-003-another-number",
    breaks=["QUE-003"],
    may_break=["QUE-006"],
    about={"zh": "取号所用证件号与所刷卡不符", "en": "the ticket is for another ID number than the card's"},
)
class AnotherNumber(Tickets):
    def holder(self, card: Card) -> dict[str, Any]:
        holder = super().holder(card)
        return {**holder, "id_number": holder["id_number"][:14] + holder["id_number"][14:17][::-1] + "1"}


@defect(
    id="QUE-004-new-request-each-time",
    breaks=["QUE-004"],
    may_break=["QUE-012", "SEC-022"],
    about={"zh": "重试取号时更换请求标识", "en": "each retry of a ticket request is a new request"},
)
class NewRequestEachTime(Tickets):
    async def deliver(self, body: dict[str, Any]) -> dict[str, Any]:
        while True:
            try:
                answer: dict[str, Any] = await self.d.docking.json("POST", "/tickets", body)
            except Refused as refused:
                if refused.problem.status < 500:
                    raise
                await asyncio.sleep(self.d.backoff.delay(0))
                body = {**body, "request_id": self.request_id()}
            else:
                return answer


@defect(
    id="QUE-004-new-request-where-no-answer-came",
    breaks=["QUE-004"],
    about={"zh": "未得到答复时重新发起取号", "en": "a ticket request whose answer was lost is made anew"},
)
class NewRequestWhereNoAnswerCame(Tickets):
    async def deliver(self, body: dict[str, Any]) -> dict[str, Any]:
        attempt = 0
        while True:
            wait = 0.0
            try:
                answer: dict[str, Any] = await self.d.docking.json("POST", "/tickets", body)
            except Refused as refused:
                if not self.d.docking.worth_retrying(refused.problem, attempt):
                    raise
                wait = refused.problem.retry_after_s
            except OSError:
                body = {**body, "request_id": self.request_id()}
            else:
                return answer
            await asyncio.sleep(self.d.backoff.pause(wait, attempt))
            attempt += 1


@defect(
    id="QUE-006-agent-and-principal-swapped",
    breaks=["QUE-006"],
    about={"zh": "代办时代理人与被代理人颠倒", "en": "agent and principal are swapped"},
)
class AgentSwapped(Tickets):
    async def swipe(self, card: Card, agent: Card | None = None) -> None:
        if agent is not None:
            card, agent = agent, {**card, "mandate": agent.get("mandate")}
        await super().swipe(card, agent)


@defect(
    id="QUE-007-number-not-shown",
    breaks=["QUE-007"],
    may_break=["QUE-005", "QUE-009", "QUE-011"],
    about={"zh": "屏幕不显示号码", "en": "the number is not shown"},
)
class NumberNotShown(Tickets):
    def line(self, ticket: Ticket) -> str:
        return super().line(ticket).replace(ticket.number, "")


@defect(
    id="QUE-008-updates-not-shown",
    breaks=["QUE-008"],
    may_break=["QUE-007"],
    about={"zh": "前方人数不更新", "en": "the number ahead is not brought up to date"},
)
class UpdatesNotShown(Tickets):
    def apply(self, ticket: Ticket, params: dict[str, Any]) -> None:
        super().apply(ticket, {**params, "ahead": 88})


@defect(
    id="QUE-009-call-not-shown",
    breaks=["QUE-009"],
    may_break=["QUE-011", "REC-004", "SIG-002"],
    about={"zh": "重新呼叫时不显示", "en": "a ticket that is called again is not shown"},
)
class CallNotShown(Tickets):
    def missed_before(self, params: dict[str, Any]) -> Ticket | None:
        return Ticket(params["ticket_id"], "", "called") if params["ticket_id"] in self.ended else None


@defect(
    id="QUE-010-cancelled-on-screen-only",
    breaks=["QUE-010"],
    about={"zh": "取消只改屏幕、不通知受理系统", "en": "a cancelled ticket is cancelled on the screen only"},
)
class CancelledOnScreenOnly(Tickets):
    async def cancel(self, reason: str = "resident") -> bool:
        self.reset()
        return bool(reason)


@defect(
    id="QUE-012-does-not-take-no",
    breaks=["QUE-012"],
    about={"zh": "服务时间外被拒后反复取号", "en": "keeps asking for a ticket after it was refused"},
)
class DoesNotTakeNo(Tickets):
    async def swipe(self, card: Card, agent: Card | None = None) -> None:
        for _ in range(5):
            self.turned_away = False
            await super().swipe(card, agent)
            if not self.turned_away:
                return
            await asyncio.sleep(0.05)

    turned_away = False

    def refused(self, problem: Problem) -> None:
        self.turned_away = problem.status == 403
        super().refused(problem)


@defect(
    id="QUE-013-ticket-in-maintenance",
    breaks=["QUE-013"],
    about={"zh": "维护期间仍取号", "en": "takes tickets during maintenance"},
)
class TicketInMaintenance(Tickets):
    def may_issue(self) -> bool:
        return self.d.registration.done.is_set()


@defect(
    id="QUE-014-cancelled-still-shown",
    breaks=["QUE-014"],
    about={"zh": "已结束的号码仍显示", "en": "a ticket that ended is still shown"},
)
class CancelledStillShown(Tickets):
    ghosts: tuple[str, ...] = ()

    def end(self, ticket: Ticket) -> None:
        self.ghosts = (*self.ghosts, self.line(ticket))
        super().end(ticket)

    def lines(self) -> list[str]:
        return [*super().lines(), *self.ghosts]

    def reset(self) -> None:
        super().reset()
        self.ghosts = ()


@defect(
    id="QUE-005-second-swipe-asks-twice",
    breaks=["QUE-005"],
    about={"zh": "已有号码时再刷卡反复取号", "en": "a swipe with an open ticket asks again and again"},
)
class SecondSwipeAsksTwice(Tickets):
    async def swipe(self, card: Card, agent: Card | None = None) -> None:
        if self.open:
            await super().swipe(card, agent)
        await super().swipe(card, agent)


@defect(
    id="QUE-011-recall-refused",
    breaks=["QUE-011"],
    may_break=["QUE-009", "REC-004", "SIG-002"],
    about={"zh": "过号后不接受重新呼叫", "en": "refuses that a missed ticket is called again"},
)
class RecallRefused(Tickets):
    def missed_before(self, _params: dict[str, Any]) -> Ticket | None:
        return None


@defect(
    id="QUE-011-goes-on-calling",
    breaks=["QUE-011"],
    about={"zh": "过号后屏幕仍显示呼叫", "en": "a missed ticket is shown as if it were still called"},
)
class GoesOnCalling(Tickets):
    def apply(self, ticket: Ticket, params: dict[str, Any]) -> None:
        if params["state"] != "missed":
            super().apply(ticket, params)


@defect(
    id="QUE-003-on-site-ticket",
    breaks=["QUE-003"],
    about={"zh": "代办取号报成现场号", "en": "tickets on behalf claim to be taken on site"},
)
class OnSiteTicket(Tickets):
    def request(self, card: Card, agent: Card | None) -> dict[str, Any]:
        body = super().request(card, agent)
        return {**body, "channel": "onsite"} if agent else body


@defect(
    id="QUE-005-second-swipe-unanswered",
    breaks=["QUE-005"],
    about={"zh": "重复刷卡时屏幕没有提示", "en": "a second swipe leaves the resident without the number"},
)
class SecondSwipeUnanswered(Tickets):
    swiped: frozenset[str] = frozenset()
    hidden = False

    async def swipe(self, card: Card, agent: Card | None = None) -> None:
        number = str(card.get("id_number"))
        self.hidden = bool(self.open) and number in self.swiped
        self.swiped |= {number}
        await super().swipe(card, agent)

    def lines(self) -> list[str]:
        return [] if self.hidden else super().lines()


@defect(
    id="QUE-006-agent-is-the-principal",
    breaks=["QUE-006"],
    about={"zh": "代理人填成被代理人", "en": "the agent is given the principal's number"},
)
class AgentIsPrincipal(Tickets):
    def request(self, card: Card, agent: Card | None) -> dict[str, Any]:
        return super().request(card, {**agent, "id_number": card.get("id_number")} if agent else None)


@defect(
    id="QUE-012-blank-when-turned-away",
    breaks=["QUE-012"],
    about={"zh": "服务时间外被拒时屏幕空白", "en": "a resident who is turned away sees a blank screen"},
)
class BlankWhenTurnedAway(Screens):
    def main(self) -> list[str]:
        return [] if "不在服务时间" in self.message else super().main()


@defect(
    id="QUE-012-no-reason-told",
    breaks=["QUE-012"],
    about={"zh": "服务时间外被拒时不说明原因", "en": "a resident who is turned away outside the hours is not told why"},
)
class NoReasonTold(Tickets):
    def refused(self, problem: Problem) -> None:
        super().refused(Problem(problem.status, "", "", problem.retry_after_s))


@defect(
    id="QUE-006-mandate-of-another-kind",
    breaks=["QUE-006"],
    about={"zh": "委托依据的种类固定为书面委托以外的一种", "en": "the mandate is of another kind than the one that was given"},
)
class MandateOfAnotherKind(Tickets):
    def agent(self, agent: Card) -> dict[str, Any]:
        told = super().agent(agent)
        kind = "written" if told["mandate"].get("kind") == "guardian" else "guardian"
        return {**told, "mandate": {**told["mandate"], "kind": kind}}


@defect(
    id="QUE-009-window-left-out",
    breaks=["QUE-009"],
    may_break=["QUE-011"],  # when it is called again, too
    about={"zh": "叫号只显示号码，不显示窗口", "en": "a call shows the number and no window"},
)
class WindowLeftOut(Tickets):
    def line(self, ticket: Ticket) -> str:
        return f"请 {ticket.number} 号办理" if ticket.state == "called" else super().line(ticket)


@defect(
    id="QUE-009-number-left-out",
    breaks=["QUE-009"],
    about={"zh": "叫号只显示窗口，不显示号码", "en": "a call shows the window and no number"},
)
class NumberLeftOut(Tickets):
    recalled: frozenset[str] = frozenset()

    async def called(self, params: dict[str, Any]) -> dict[str, Any]:
        if self.ended.get(str(params.get("ticket_id", ""))) == "missed":
            self.recalled |= {params["ticket_id"]}
        return await super().called(params)

    def line(self, ticket: Ticket) -> str:
        line = super().line(ticket)
        plain = ticket.state != "called" or ticket.ticket_id in self.recalled
        return line if plain else line.replace(ticket.number, "")


@defect(
    id="QUE-009-window-of-the-first-call",
    breaks=["QUE-009"],
    may_break=["QUE-011"],  # which wants it shown as usual
    about={"zh": "另一窗口重新呼叫时仍显示原窗口", "en": "called again by another window, the first one stays on the screen"},
)
class WindowOfTheFirstCall(Tickets):
    window = ""

    async def called(self, params: dict[str, Any]) -> dict[str, Any]:
        again = self.ended.get(str(params.get("ticket_id", ""))) == "missed"
        self.window = self.window if again else str(params.get("window_no", ""))
        return await super().called({**params, "window_no": self.window} if again else params)


@defect(
    id="QUE-007-waiting-not-shown-at-first",
    breaks=["QUE-007"],
    about={"zh": "取号后不显示等候人数，等到变化时才显示", "en": "how many are ahead is shown once it changes, and not at first"},
)
class WaitingNotShownAtFirst(Tickets):
    told: frozenset[str] = frozenset()

    def apply(self, ticket: Ticket, params: dict[str, Any]) -> None:
        self.told |= {ticket.ticket_id}
        super().apply(ticket, params)

    def line(self, ticket: Ticket) -> str:
        plain = ticket.state not in {"issued", "waiting"} or ticket.ticket_id in self.told
        return super().line(ticket) if plain else f"您的号码 {ticket.number}（远程取号优先）"
