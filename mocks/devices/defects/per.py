"""Faults of peripherals and of what they give."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import unquote

from mocks.devices.reference.actions import Actions
from mocks.devices.reference.bank import Bank, Peripheral
from mocks.devices.reference.commands import Command
from mocks.devices.reference.pictures import signature_picture
from mocks.devices.reference.printing import Printing
from mocks.devices.reference.reports import Reports
from mocks.devices.reference.screens import Screens
from mocks.devices.reference.uppertester import UpperTester
from mocks.devices.registry import defect


@defect(
    id="PER-001-old-cloudevents",
    breaks=["PER-001"],
    may_break=["CHN-001"],
    about={"zh": "事件格式版本错误", "en": "reports are events of another version"},
)
class OldCloudEvents(Reports):
    def specversion(self) -> str:
        return "0.3"


@defect(
    id="PER-002-event-ids-start-over",
    breaks=["PER-002"],
    may_break=["CHN-016"],
    about={"zh": "事件标识重启后重复", "en": "event ids start over"},
)
class EventIdsStartOver(Reports):
    def event_id(self) -> str:
        self.count += 1
        return f"e{self.count % 20}"


@defect(
    id="PER-010-field-missing",
    breaks=["PER-010"],
    may_break=["CHN-001", "PER-001"],
    about={"zh": "读卡结果缺少民族", "en": "the card's result lacks a field"},
)
class FieldMissing(Actions):
    def card_result(self, card: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
        return super().card_result(card, tuple(f for f in fields if f != "ethnicity"))


@defect(
    id="PER-010-name-of-the-card-before",
    breaks=["PER-010"],
    about={"zh": "读卡结果姓名错误", "en": "the result carries another name than the card"},
)
class NameOfTheCardBefore(Actions):
    def card_result(self, card: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
        return {**super().card_result(card, fields), "name": "王五"}


@defect(
    id="PER-011-half-a-card",
    breaks=["PER-011"],
    about={"zh": "读卡中断仍报成功", "en": "an interrupted read is reported as success"},
)
class HalfACard(Actions):
    async def work(self, peripheral: Peripheral, seconds: float, gone: str = "") -> None:
        await super().work(peripheral, seconds, "" if gone == "card_removed" else gone)


@defect(
    id="PER-012-social-card-as-id-card",
    breaks=["PER-012"],
    may_break=["CHN-001", "PER-001"],
    about={"zh": "社保卡报成身份证", "en": "a social security card is reported as an ID card"},
)
class SocialCardAsIdCard(Actions):
    def card_result(self, card: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
        return {**super().card_result(card, fields), "card_type": "id_card"}


@defect(
    id="PER-020-code-cut-short",
    breaks=["PER-020"],
    about={"zh": "扫码内容丢失中文", "en": "a code loses its Chinese characters"},
)
class CodeCutShort(Actions):
    async def scan(self, command: Command) -> dict[str, Any]:
        result = await super().scan(command)
        return {"text": result["text"].encode("ascii", "ignore").decode()}


@defect(
    id="PER-021-unplugged-unnoticed",
    breaks=["PER-021"],
    about={"zh": "拔出外设没有发现", "en": "does not notice that a peripheral is pulled out"},
)
class UnpluggedUnnoticed(Bank):
    def plug(self, peripheral_id: str, plugged: bool) -> None:
        if plugged:
            super().plug(peripheral_id, plugged)


@defect(
    id="PER-030-reported-before-upload",
    breaks=["PER-030"],
    may_break=["MAT-002"],
    about={"zh": "材料未上传即报完成", "en": "reports a page before it is uploaded"},
)
class ReportedBeforeUpload(Actions):
    async def capture(self, command: Command) -> dict[str, Any]:
        name = await self.offered(self.d.bank.get(command.peripheral))
        picture = self.picture(str(name), command)
        if picture.empty:
            raise self.fault("empty_frame")
        material_id = str(command.args["material_id"])
        self.d.spawn(self.d.materials.upload(command.session_id, material_id, picture), "upload")
        return {
            "material_id": material_id, "digest": self.d.docking.digest(picture.data),
            "width": picture.width, "height": picture.height,
        }  # fmt: skip


@defect(
    id="PER-031-old-picture-during-a-fault",
    breaks=["PER-031"],
    about={"zh": "高拍仪故障时仍报成功", "en": "captures with a broken camera"},
)
class OldPictureDuringFault(Actions):
    def sound(self, peripheral: Peripheral) -> None:
        if peripheral.id != "document_camera":
            super().sound(peripheral)
        elif peripheral.trouble():
            peripheral.offered = peripheral.offered or "a4-text"


@defect(
    id="PER-040-fetched-again-and-again",
    breaks=["PER-040"],
    about={"zh": "反复下载打印内容", "en": "fetches the content of a print job again and again"},
)
class FetchedAgainAndAgain(Printing):
    async def fetch(self, job_id: str) -> bytes:
        for _ in range(3):
            await super().fetch(job_id)
        return await super().fetch(job_id)


@defect(
    id="PER-041-prints-without-paper",
    breaks=["PER-041"],
    about={"zh": "缺纸仍报打印完成", "en": "reports a print without paper"},
)
class PrintsWithoutPaper(Actions):
    def sound(self, peripheral: Peripheral) -> None:
        if peripheral.id != "printer":
            super().sound(peripheral)


@defect(
    id="PER-042-stays-broken",
    breaks=["PER-042"],
    may_break=["PER-040"],  # where another case broke the printer before
    about={"zh": "补纸后仍报缺纸，重启才恢复", "en": "prints again only after a restart, whatever was repaired"},
)
class StaysBroken(Actions):
    fault_before = ""

    def sound(self, peripheral: Peripheral) -> None:
        if peripheral.id == "printer":
            self.fault_before = peripheral.trouble() or self.fault_before
            if self.fault_before:
                raise self.fault(self.fault_before)
        super().sound(peripheral)


@defect(
    id="PER-050-signature-never-ends",
    breaks=["PER-050"],
    about={"zh": "签名确认后不上报", "en": "a confirmed signature is never reported"},
)
class SignatureNeverEnds(Actions):
    async def signed(self, peripheral: Peripheral) -> None:
        await super().signed(peripheral)
        await asyncio.sleep(3600)


@defect(
    id="PER-060-second-screen-blank",
    breaks=["PER-060"],
    about={"zh": "副屏没有显示却报已显示", "en": "says shown while the second screen is blank"},
)
class SecondScreenBlank(Screens):
    def show_second(self, lines: list[str]) -> None:
        self.second = tuple("" for _ in lines)


@defect(
    id="PER-070-evaluator-fault-untold",
    breaks=["PER-070"],
    about={"zh": "评价器故障不上报", "en": "a broken evaluator is not told"},
)
class EvaluatorFaultUntold(Bank):
    def report(self, peripheral: Peripheral) -> None:
        if peripheral.id != "evaluator":
            super().report(peripheral)


@defect(
    id="PER-080-help-unheard",
    breaks=["PER-080"],
    may_break=["CHN-015"],
    about={"zh": "求助不上报", "en": "help is pressed and nobody is told"},
)
class HelpUnheard(Reports):
    def send(self, event_type: str, subject: str, data: dict[str, Any]) -> None:
        if subject != "help_button" or "status" in data:
            super().send(event_type, subject, data)


@defect(
    id="PER-090-plugged-in-unnoticed",
    breaks=["PER-090"],
    about={"zh": "插回外设不上报", "en": "a peripheral that is plugged in again is not told"},
)
class PluggedInUnnoticed(Bank):
    def plug(self, peripheral_id: str, plugged: bool) -> None:
        if not plugged:
            super().plug(peripheral_id, plugged)
            return
        peripheral = self.get(peripheral_id)
        peripheral.present, peripheral.fault = True, ""
        peripheral.touch()


@defect(
    id="PER-060-says-not-shown",
    breaks=["PER-060"],
    may_break=["CHN-001", "PER-001"],  # no schema has such a result
    about={"zh": "副屏已显示却报未显示", "en": "says that the second screen shows nothing"},
)
class SaysNotShown(Actions):
    async def show(self, command: Command) -> dict[str, Any]:
        await super().show(command)
        return {"shown": False}


@defect(
    id="PER-021-old-code-while-unplugged",
    breaks=["PER-021"],
    about={"zh": "扫码器拔出后仍报旧码", "en": "reports an old code while the scanner is unplugged"},
)
class OldCodeWhileUnplugged(Actions):
    def sound(self, peripheral: Peripheral) -> None:
        if peripheral.id != "code_scanner":
            super().sound(peripheral)
        elif peripheral.trouble():
            peripheral.offered = peripheral.offered or "https://example.test/of-before"


@defect(
    id="PER-030-slow-to-focus",
    breaks=["PER-030"],
    about={"zh": "采集对焦过慢", "en": "takes too long to focus before it captures"},
)
class SlowToFocus(Actions):
    async def capture(self, command: Command) -> dict[str, Any]:
        await asyncio.sleep(self.d.timers.s("T-UPLOAD") * 1.1)
        return await super().capture(command)


@defect(
    id="PER-040-job-of-the-spooler",
    breaks=["PER-040"],
    about={"zh": "上报打印队列自己的作业号", "en": "reports the spooler's job number instead of the job"},
)
class JobOfTheSpooler(Actions):
    async def print_job(self, command: Command) -> dict[str, Any]:
        return {**await super().print_job(command), "job_id": f"spool-{len(self.d.printing.sheets)}"}


@defect(
    id="PER-050-signature-reported-before-upload",
    breaks=["MAT-002", "PER-050"],  # the digest is told before any answer has one
    about={"zh": "签名未上传即报完成", "en": "reports a signature before it is uploaded"},
)
class SignatureReportedBeforeUpload(Actions):
    async def sign(self, command: Command) -> dict[str, Any]:
        await self.signed(self.d.bank.get(command.peripheral))
        self.d.spawn(self.upload(command, signature_picture()), "upload")
        return {"material_id": command.args["material_id"], "digest": self.d.docking.digest(signature_picture().data)}


@defect(
    id="PER-010-born-a-day-early",
    breaks=["PER-010"],
    about={"zh": "出生日期因时区早一天", "en": "the date of birth is a day early, by a time zone"},
)
class BornADayEarly(Actions):
    def card_result(self, card: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
        result = super().card_result(card, fields)
        if "birth_date" in result:
            result["birth_date"] = (date.fromisoformat(result["birth_date"]) - timedelta(days=1)).isoformat()
        return result


@defect(
    id="PER-020-long-code-cut",
    breaks=["PER-020"],
    about={"zh": "较长的码只取前64个字符", "en": "of a long code the first 64 characters are told"},
)
class LongCodeCut(UpperTester):
    async def do_scan(self, args: Mapping[str, Any]) -> dict[str, Any]:
        return await super().do_scan({**args, "text": str(args.get("text", ""))[:64]})


@defect(
    id="PER-020-code-decoded",
    breaks=["PER-020"],
    about={"zh": "码中的百分号转义被解码", "en": "percent signs in a code are decoded"},
)
class CodeDecoded(UpperTester):
    async def do_scan(self, args: Mapping[str, Any]) -> dict[str, Any]:
        return await super().do_scan({**args, "text": unquote(str(args.get("text", "")))})


@defect(
    id="PER-040-pages-of-every-copy",
    breaks=["PER-040"],
    about={"zh": "页数按份数相乘", "en": "the pages of every copy are counted"},
)
class PagesOfEveryCopy(Printing):
    async def run(self, command: Command) -> dict[str, Any]:
        result = await super().run(command)
        return {**result, "pages": result["pages"] * int(command.args.get("copies", 1))}


@defect(
    id="PER-080-help-once-a-boot",
    breaks=["PER-080"],
    may_break=["CHN-014", "CHN-015"],  # help is what is pressed while the line is dead
    about={"zh": "求助按钮开机后只上报一次", "en": "the help button is told once after each start"},
)
class HelpOnceABoot(Reports):
    helped = False

    def send(self, event_type: str, subject: str, data: dict[str, Any]) -> None:
        if event_type != "cn.rvw.help.pressed" or not self.helped:
            super().send(event_type, subject, data)
        self.helped = self.helped or event_type == "cn.rvw.help.pressed"
