"""Lawful freedom of conduct: pace within the limits, order of start, choices of a resident-facing program."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from mocks.devices.reference.actions import Actions
from mocks.devices.reference.backoff import Backoff
from mocks.devices.reference.calls import Call, Calls
from mocks.devices.reference.channel import Channel
from mocks.devices.reference.docking import Problem
from mocks.devices.reference.heartbeat import Heartbeat
from mocks.devices.reference.link import Answer
from mocks.devices.reference.pictures import Picture, picture_of
from mocks.devices.reference.rating import Prompt, Ratings
from mocks.devices.reference.registration import Registration
from mocks.devices.reference.reports import Reports
from mocks.devices.reference.tickets import Card, Tickets
from mocks.devices.registry import variant


@variant(id="heartbeat-without-jitter", about={"zh": "心跳无抖动", "en": "heartbeats exactly at the interval"})
class NoJitter(Heartbeat):
    def interval(self) -> float:
        return self.d.timers.s("T-HEARTBEAT")


@variant(id="heartbeat-early", about={"zh": "心跳间隔略高于下限", "en": "heartbeats at 1.05 of the least interval"})
class Early(Heartbeat):
    def interval(self) -> float:
        return self.d.timers.s("T-HEARTBEAT") * 0.75 * 1.05


@variant(id="heartbeat-late", about={"zh": "心跳间隔略低于上限", "en": "heartbeats at 0.95 of the greatest interval"})
class Late(Heartbeat):
    def interval(self) -> float:
        return self.d.timers.s("T-HEARTBEAT") * 1.25 * 0.95


@variant(id="first-heartbeat-late", about={"zh": "首个心跳在时限内稍晚", "en": "the first heartbeat late, within its limit"})
class FirstLate(Heartbeat):
    async def first_wait(self) -> None:
        await asyncio.sleep(self.d.timers.s("T-HEARTBEAT") * 1.25 * 0.95)


@variant(id="token-refreshed-early", about={"zh": "令牌过半即更新", "en": "the token is refreshed at half of its life"})
class RefreshedEarly(Registration):
    def refresh_after(self) -> float:
        return self.token_life_s * 0.5


@variant(id="answers-take-time", about={"zh": "应答较慢但在时限内", "en": "answers take 0.95 of their limit"})
class AnswersTakeTime(Channel):
    async def handle(self, method: str, params: Any) -> Answer:
        if method == "status.query":
            await asyncio.sleep(self.d.timers.pace("T-ACK", 0.95))
        return await super().handle(method, params)


@variant(id="ticket-takes-time", about={"zh": "取号较慢但在时限内", "en": "the ticket request takes 0.95 of its limit"})
class TicketTakesTime(Tickets):
    async def swipe(self, card: Card, agent: Card | None = None) -> None:
        await asyncio.sleep(self.d.timers.pace("T-TICKET", 0.95))
        await super().swipe(card, agent)


@variant(id="rings-short", about={"zh": "振铃很短", "en": "picks up at once"})
class RingsShort(Calls):
    def ring_time(self) -> float:
        return 0.01


@variant(id="rings-long", about={"zh": "振铃接近时限", "en": "picks up at 0.95 of the limit"})
class RingsLong(Calls):
    def ring_time(self) -> float:
        return self.d.timers.pace("T-ANSWER", 0.95)


@variant(id="offer-takes-time", about={"zh": "要约较慢但在时限内", "en": "the offer takes 0.95 of its limit"})
class OfferTakesTime(Calls):
    async def send_offer(self, call: Call) -> None:
        await asyncio.sleep(self.d.timers.pace("T-OFFER", 0.95))
        await super().send_offer(call)


@variant(id="candidates-late", about={"zh": "候选地址稍后发出", "en": "candidates come a while after the offer"})
class CandidatesLate(Calls):
    def on_candidate(self, call: Call, candidate: dict[str, Any] | None) -> None:
        asyncio.get_running_loop().call_later(0.3, super().on_candidate, call, candidate)


@variant(id="no-end-of-candidates", about={"zh": "不发候选结束标志", "en": "the end of candidates is not signalled"})
class NoEndOfCandidates(Calls):
    def on_candidate(self, call: Call, candidate: dict[str, Any] | None) -> None:
        if candidate is not None:
            super().on_candidate(call, candidate)


@variant(id="signaling-first", about={"zh": "先开信令后开通道", "en": "signaling first, the channel at 0.95 of its limit"})
class SignalingFirst(Channel):
    waited = False  # after a cut it comes back at once

    async def once(self) -> None:
        if not self.waited:
            self.waited = True
            await asyncio.sleep(self.d.timers.pace("T-CHANNEL", 0.95))
        await super().once()


@variant(id="channel-first", about={"zh": "先开通道后开信令", "en": "channel first, the signaling at 0.95 of its limit"})
class ChannelFirst(Calls):
    waited = False  # after a cut it comes back at once

    async def once(self) -> None:
        if not self.waited:
            self.waited = True
            await asyncio.sleep(self.d.timers.pace("T-CHANNEL", 0.95))
        await super().once()


@variant(id="backoff-steeper", about={"zh": "退避增长更快", "en": "back-off that trebles"})
class Steeper(Backoff):
    def growth(self) -> float:
        return 3.0


@variant(id="backoff-more-even", about={"zh": "退避抖动较小", "en": "back-off with little jitter"})
class MoreEven(Backoff):
    def spread(self) -> float:
        return 0.2 * super().spread()


@variant(id="events-in-another-style", about={"zh": "事件标识用另一格式", "en": "event ids and source in another style"})
class AnotherStyle(Reports):
    def event_id(self) -> str:
        return super().event_id().replace("-", "").upper()

    def source(self) -> str:
        return f"/devices/{self.d.settings.remote_device_id}"


@variant(id="boot-id-without-dashes", about={"zh": "启动标识不带连字符", "en": "a boot identity in plain hexadecimal"})
class PlainBootId(Registration):
    def boot_id(self) -> str:
        return self.d.boot_id.replace("-", "")


@variant(id="division-code-of-twelve", about={"zh": "区划代码12位", "en": "a division code of twelve digits"})
class TwelveDigits(Registration):
    def extension_point(self) -> dict[str, Any]:
        point = super().extension_point()
        return {**point, "division_code": point["division_code"] + "001"}


@variant(id="later-minor-version", about={"zh": "声明较高次版本", "en": "speaks a later minor version"})
class LaterMinor(Registration):
    def body(self) -> dict[str, Any]:
        return {**super().body(), "spec_version": "1.3", "x_build": {"channel": "stable"}}


@variant(id="peripherals-with-models", about={"zh": "外设带型号", "en": "peripherals named with their models"})
class WithModels(Registration):
    def capabilities(self) -> dict[str, Any]:
        own = super().capabilities()
        return {**own, "peripherals": [{**p, "model": f"M-{p['id']}"} for p in own["peripherals"]]}


@variant(id="card-read-slowly", about={"zh": "读卡较慢", "en": "mechanical steps take longer"})
class ReadSlowly(Actions):
    def pace(self) -> float:
        return self.d.timers.pace("T-COMMAND", 0.12)


@variant(id="larger-pictures", about={"zh": "采集分辨率更高", "en": "pictures larger than asked for"})
class LargerPictures(Actions):
    def resolution(self, command: Any) -> tuple[int, int]:
        width, height = super().resolution(command)
        return width + 400, height + 600


@variant(id="command-starts-later", about={"zh": "受理后稍后执行", "en": "a command begins a moment after it was taken"})
class StartsLater(Actions):
    async def perform(self, command: Any) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return await super().perform(command)


@variant(id="closed-in-words-of-its-own", about={"zh": "以起止时刻说明不在服务时间", "en": "says from when to when it is open"})
class ClosedInWordsOfItsOwn(Tickets):
    def refused(self, problem: Problem) -> None:
        if problem.slug == "outside-service-hours":
            self.d.screens.show("本窗口每日 9:00—17:00 办理，请届时再来")
        else:
            super().refused(problem)


@variant(id="number-in-large-type", about={"zh": "号码单独成行", "en": "the number on a line of its own"})
class LargeType(Tickets):
    def lines(self) -> list[str]:
        return [part for ticket in self.open.values() for part in (ticket.number, self.line(ticket))]


@variant(id="thanks-first", about={"zh": "评价后先致谢再提交", "en": "a rating is sent at 0.95 of its limit after the press"})
class ThanksFirst(Ratings):
    async def ask_reasons(self, prompt: Prompt) -> None:
        await super().ask_reasons(prompt)
        await asyncio.sleep(self.d.timers.pace("T-RATE", 0.95))


@variant(id="reasons-empty-where-none", about={"zh": "无原因时发送空数组", "en": "an empty list where no reason was given"})
class ReasonsEmptyWhereNone(Ratings):
    def outcome(self, prompt: Prompt) -> dict[str, Any]:
        return {"reasons": [], **super().outcome(prompt)}


@variant(id="reasons-kept-to-itself", about={"zh": "询问原因但不上报", "en": "asks for a reason and sends none"})
class ReasonsKeptToItself(Ratings):
    def outcome(self, prompt: Prompt) -> dict[str, Any]:
        return {name: value for name, value in super().outcome(prompt).items() if name != "reasons"}


@variant(id="page-as-pdf", about={"zh": "材料以PDF上传", "en": "a capture is uploaded as PDF"})
class PageAsPdf(Actions):
    def picture(self, name: str, command: Any) -> Picture:
        own = super().picture(name, command)
        return Picture(b"%PDF-1.4\n" + own.data + b"\n%%EOF\n", own.width, own.height, own.empty, "application/pdf")


@variant(id="page-on-its-side", about={"zh": "图像横存、以EXIF标明方向", "en": "the picture lies on its side, as Exif says"})
class PageOnItsSide(Actions):
    def picture(self, name: str, command: Any) -> Picture:
        width, height = self.resolution(command)
        lying = picture_of(name, height, width)
        exif = bytes.fromhex("ffe10022 457869660000 49492a0008000000 0100 12010300 01000000 06000000 00000000")
        return Picture(lying.data[:2] + exif + lying.data[2:], width, height, lying.empty)


@variant(id="bundle-only-sections", about={"zh": "视频段为bundle-only", "en": "video sections that are bundle-only"})
class BundleOnly(Calls):
    def described(self, sdp: str) -> str:
        head, voice, *pictures = re.split(r"(?m)^(?=m=)", sdp)
        return head + voice + "".join(self.bundled(each, "a=setup:actpass" in voice) for each in pictures)

    def bundled(self, section: str, offered: bool) -> str:
        """Without the lines that the tagged section alone carries; port 0 in offers (RFC 9143 section 7.1.3)."""
        bare = re.sub(r"a=(?:ice-|fingerprint|setup|rtcp-mux|rtcp:)[^\r]*\r\n", "", section)
        return bare.replace("m=video 9 ", "m=video 0 ") + "a=bundle-only\r\n" if offered else bare
