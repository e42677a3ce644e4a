"""Faults of registration and identity."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from mocks.devices.reference.calls import Calls
from mocks.devices.reference.channel import Channel
from mocks.devices.reference.docking import Problem
from mocks.devices.reference.registration import Registration
from mocks.devices.reference.screens import Screens
from mocks.devices.reference.tickets import Tickets
from mocks.devices.registry import defect


@defect(
    id="REG-002-firmware-missing",
    breaks=["REG-002"],
    may_break=["REG-012", "REG-014", "REG-016", "ROB-006"],
    about={"zh": "注册报文缺少固件版本", "en": "the registration lacks the firmware version"},
)
class FirmwareMissing(Registration):
    def body(self) -> dict[str, Any]:
        body = super().body()
        del body["firmware"]
        return body


@defect(
    id="REG-003-password-in-url",
    breaks=["REG-003"],
    may_break=["SEC-017", "SEC-018", "SEC-019", "SEC-020"],  # under that address nobody answers
    about={"zh": "登记的URL含用户名和口令", "en": "the registered URL carries a user name and a password"},
)
class PasswordInUrl(Registration):
    def body(self) -> dict[str, Any]:
        url = self.d.settings.remote_device_url.replace("https://", "https://admin:admin@", 1)
        return {**super().body(), "remote_device_url": url}


@defect(
    id="REG-004-id-of-the-boot",
    breaks=["REG-004"],
    may_break=["REG-003", "REG-012", "REG-014", "REG-016", "ROB-006"],
    about={"zh": "每次上电更换设备标识", "en": "the device ID changes with each power-on"},
)
class IdOfTheBoot(Registration):
    def body(self) -> dict[str, Any]:
        boots, own = self.d.memory.boots, self.d.settings.remote_device_id
        return {**super().body(), "remote_device_id": own if boots == 1 else f"{own}-{boots}"}


@defect(
    id="REG-005-role-opaque",
    breaks=["REG-005"],
    about={"zh": "URL 用途与申报不符", "en": "the URL's role is not the declared one"},
)
class RoleOpaque(Registration):
    def body(self) -> dict[str, Any]:
        return {**super().body(), "url_role": "opaque"}


@defect(
    id="REG-006-boot-id-per-link",
    breaks=["REG-006"],
    about={"zh": "信令使用另一个启动标识", "en": "the signaling uses another boot identity than the channel"},
)
class BootIdPerLink(Calls):
    def meta(self, seq: int) -> dict[str, Any]:
        return {**super().meta(seq), "boot_id": self.d.boot_id[::-1]}


@defect(
    id="REG-006-boot-id-per-registration",
    breaks=["REG-006"],
    about={"zh": "每次注册都更换启动标识", "en": "each registration brings a new boot identity, in one boot"},
)
class BootIdPerRegistration(Registration):
    fresh = ""

    def body(self) -> dict[str, Any]:
        if self.endpoints and not self.fresh:  # it was registered before, in this boot
            self.fresh = str(uuid.uuid4())
        return {**super().body(), "boot_id": self.fresh or self.boot_id()}

    def accept(self, answer: dict[str, Any], asked_at: float) -> None:
        super().accept(answer, asked_at)
        if self.fresh:
            self.d.boot_id, self.fresh = self.fresh, ""
            for link in (self.d.channel, self.d.calls):  # and begins anew on both
                if link.conn is not None:
                    self.d.spawn(link.close(link.conn, 1000), "link")
                    link.detach()


@defect(
    id="REG-007-codec-invented",
    breaks=["REG-007"],
    about={"zh": "上报了没有的视频编码", "en": "reports a video codec that it does not have"},
)
class CodecInvented(Registration):
    def capabilities(self) -> dict[str, Any]:
        return {**super().capabilities(), "video_codecs": ["VP8", "H264", "AV1"]}


@defect(
    id="REG-007-peripheral-invented",
    breaks=["REG-007"],
    may_break=["HBT-003"],  # what is not there has no status to tell
    about={"zh": "上报了没有申报的外设", "en": "reports a peripheral that was not declared"},
)
class PeripheralInvented(Registration):
    def capabilities(self) -> dict[str, Any]:
        own = super().capabilities()
        return {**own, "peripherals": [*own["peripherals"], {"id": "x_safe", "class": "x_safe"}]}


@defect(
    id="REG-008-profile-of-another",
    breaks=["REG-008"],
    about={"zh": "设备形态与申报不符", "en": "the device profile is not the declared one"},
)
class ProfileOfAnother(Registration):
    def body(self) -> dict[str, Any]:
        return {**super().body(), "device_profile": "retrofit"}


@defect(
    id="REG-009-nameless-point",
    breaks=["REG-009"],
    about={"zh": "延伸点名称没有填写", "en": "the extension point's name was not filled in"},
)
class NamelessPoint(Registration):
    def extension_point(self) -> dict[str, Any]:
        return {**super().extension_point(), "name": "-"}


@defect(
    id="REG-010-works-while-refused",
    breaks=["REG-010"],
    may_break=["CHN-019", "REG-006", "SEC-013", "SEC-015"],  # no registration gave it an epoch or a token
    about={"zh": "未获准仍打开通道", "en": "opens the channel although it was refused"},
)
class WorksWhileRefused(Registration):
    def step_down(self) -> None:
        base = self.d.settings.docking.replace("https://", "wss://", 1).partition("/docking")[0]
        self.endpoints = self.endpoints or {"channel": f"{base}/channel/v1", "signaling": f"{base}/signaling/v1"}
        self.done.set()


@defect(
    id="REG-010-works-though-a-duplicate",
    breaks=["REG-010"],
    may_break=["CHN-019", "REG-006", "SEC-013", "SEC-015"],  # no registration gave it an epoch or a token
    about={"zh": "身份重复被拒绝（409）仍打开通道", "en": "takes a 409 for success and opens the channel"},
)
class WorksThoughADuplicate(WorksWhileRefused):
    duplicate = False

    def on_refusal(self, problem: Problem) -> float:
        self.duplicate = problem.status == 409
        return super().on_refusal(problem)

    def step_down(self) -> None:
        if self.duplicate:
            super().step_down()
        else:
            Registration.step_down(self)


@defect(
    id="REG-011-fixed-interval",
    breaks=["REG-011"],
    about={"zh": "按固定间隔重试注册", "en": "retries the registration at a fixed interval"},
)
class FixedInterval(Registration):
    def retry_delay(self, attempt: int) -> float:
        return super().retry_delay(min(attempt, 0))


@defect(
    id="REG-011-no-jitter-and-no-cap",
    breaks=["REG-011"],
    may_break=["REG-016"],
    about={"zh": "重试间隔没有上限", "en": "the retry interval has no cap"},
)
class NoCap(Registration):
    def retry_delay(self, attempt: int) -> float:
        return self.d.timers.s("T-BACKOFF") * 3.0 ** (attempt + 1)


@defect(
    id="REG-012-retry-after-ignored",
    breaks=["REG-012"],
    about={"zh": "不理会 Retry-After", "en": "does not look at Retry-After"},
)
class RetryAfterIgnored(Registration):
    def on_refusal(self, problem: Problem) -> float:
        super().on_refusal(problem)
        return 0.0


@defect(
    id="REG-013-lazy-channel",
    breaks=["REG-013"],
    about={"zh": "注册后迟迟不打开通道", "en": "opens the channel long after the registration"},
)
class LazyChannel(Channel):
    async def once(self) -> None:
        await asyncio.sleep(self.d.timers.s("T-CHANNEL") * 1.1)
        await super().once()


@defect(
    id="REG-014-registers-all-the-time",
    breaks=["REG-014"],
    may_break=["QUE-012", "REG-013", "SEC-014", "SEC-022"],
    about={"zh": "没有必要也反复注册", "en": "registers again and again without need"},
)
class RegistersAllTheTime(Registration):
    async def keep_token(self) -> None:
        await asyncio.sleep(self.token_life_s * 0.1)


@defect(
    id="REG-015-blank-when-refused",
    breaks=["REG-015"],
    about={"zh": "被拒绝时屏幕空白", "en": "shows a blank screen when it is refused"},
)
class BlankWhenRefused(Screens):
    def main(self) -> list[str]:
        return [] if self.d.registration.refused else super().main()


@defect(
    id="REG-016-gives-up",
    breaks=["REG-016"],
    may_break=["REG-011"],
    about={"zh": "被拒绝数次后不再重试", "en": "gives up after some refusals"},
)
class GivesUp(Registration):
    def retry_delay(self, attempt: int) -> float:
        return super().retry_delay(attempt) if attempt < 3 else 86_400.0


@defect(
    id="REG-001-slow-to-start",
    breaks=["REG-001", "REG-014"],
    about={"zh": "上电后过久才注册", "en": "registers long after power-on"},
)
class SlowToStart(Registration):
    async def run(self) -> None:
        await asyncio.sleep(self.d.timers.s("T-BOOT") * 1.1)
        await super().run()


@defect(
    id="REG-006-boot-id-of-the-box",
    breaks=["REG-006"],
    # What is counted by boot goes on where it had begun anew, and what was counted before is taken for a repetition.
    may_break=["CHN-005", "CHN-006", "CHN-015", "HBT-007", "PER-080", "REG-014"],
    about={"zh": "断电重启后启动标识不变", "en": "the boot identity stays the same over power cuts"},
)
class BootIdOfTheBox(Registration):
    def boot_id(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, self.d.settings.remote_device_id))


@defect(
    id="REG-007-audio-codec-invented",
    breaks=["REG-007"],
    about={"zh": "上报了没有的音频编码", "en": "reports an audio codec that it does not have"},
)
class AudioCodecInvented(Registration):
    def capabilities(self) -> dict[str, Any]:
        return {**super().capabilities(), "audio_codecs": ["opus", "G722"]}


@defect(
    id="REG-007-codec-untold",
    breaks=["REG-007"],
    declares={"RVW.MED.VIDEO_CODECS": ["VP8", "H264"]},  # and offers both in its calls
    about={"zh": "注册时漏报了一种有的视频编码", "en": "leaves a video codec that it has out of its registration"},
)
class CodecUntold(Registration):
    def capabilities(self) -> dict[str, Any]:
        return {**super().capabilities(), "video_codecs": ["VP8"]}


@defect(
    id="REG-007-peripheral-untold",
    breaks=["REG-007"],
    about={"zh": "注册时漏报了一种装有的外设", "en": "leaves a peripheral that is fitted out of its registration"},
)
class PeripheralUntold(Registration):
    def capabilities(self) -> dict[str, Any]:
        own = super().capabilities()
        return {**own, "peripherals": own["peripherals"][:-1]}


@defect(
    id="REG-007-arrangement-of-another",
    breaks=["REG-007"],
    about={"zh": "媒体组织方式与申报不符", "en": "reports another media arrangement than it declares"},
)
class ArrangementOfAnother(Registration):
    def capabilities(self) -> dict[str, Any]:
        return {**super().capabilities(), "media_arrangement": "switched"}


@defect(
    id="REG-008-version-of-tomorrow",
    breaks=["REG-002", "REG-008"],  # the schema has the same pattern
    about={"zh": "先以不存在的规范版本注册", "en": "registers with a version that does not exist, then with its own"},
)
class VersionOfTomorrow(Registration):
    asked = False

    def body(self) -> dict[str, Any]:
        first, self.asked = not self.asked, True
        return {**super().body(), "spec_version": "2.0"} if first else super().body()


@defect(
    id="REG-013-lazy-signaling",
    breaks=["REG-013"],
    about={"zh": "注册后迟迟不连接信令", "en": "connects to the signaling long after the registration"},
)
class LazySignaling(Calls):
    async def once(self) -> None:
        await asyncio.sleep(self.d.timers.s("T-CHANNEL") * 1.1)
        await super().once()


@defect(
    id="REG-003-blank-after-the-id",
    breaks=["REG-002", "REG-003", "REG-004"],  # the schema has the same characters, and the identity without the blank is another
    about={"zh": "先以末尾带空格的标识注册", "en": "registers with a blank after its ID, then without"},
)
class BlankAfterTheId(Registration):
    asked = False

    def body(self) -> dict[str, Any]:
        first, self.asked = not self.asked, True
        own = super().body()
        return {**own, "remote_device_id": f"{own['remote_device_id']} "} if first else own


@defect(
    id="REG-010-ticket-while-refused",
    breaks=["REG-010"],
    may_break=["SEC-013"],  # it has no token then
    about={"zh": "未获准仍取号", "en": "takes tickets although it was refused"},
)
class TicketWhileRefused(Tickets):
    def may_issue(self) -> bool:
        return self.d.mode == "normal"


@defect(
    id="REG-012-retry-after-in-minutes",
    breaks=["REG-012"],
    about={"zh": "把Retry-After当作分钟", "en": "takes Retry-After for minutes"},
)
class RetryAfterInMinutes(Registration):
    def on_refusal(self, problem: Problem) -> float:
        return super().on_refusal(problem) * 60


@defect(
    id="REG-011-duplicate-asks-at-once",
    breaks=["REG-011"],
    may_break=["REG-014"],
    about={"zh": "身份重复被拒绝（409）后立即重试", "en": "asks again at once after a 409 for a duplicate"},
)
class DuplicateAsksAtOnce(Registration):
    duplicate = False

    def on_refusal(self, problem: Problem) -> float:
        self.duplicate = problem.status == 409
        return super().on_refusal(problem)

    def pause(self, asked_s: float, attempt: int) -> float:
        return super().pause(asked_s, attempt) / (20 if self.duplicate else 1)
