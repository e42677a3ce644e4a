"""PER and MAT: what the clerk asks of a peripheral happens once, or fails with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.bench.case import case
from conformance.bench.stage import Stage
from conformance.suites import steps

COMMAND = "peripheral.command session.open peripheral.report"
PULLED: Mapping[str, Any] = {"in": False}  # `in` is a word of the language, so it comes as a mapping
PLUGGED: Mapping[str, Any] = {"in": True}
A4_200DPI: Mapping[str, Any] = {"min_width": 1654, "min_height": 2339}  # DA/T 31-2017: 200 dpi on A4
# Peripherals that take something of a resident: action and arguments
COLLECTING: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "id_card_reader": ("read", {}),
    "social_card_reader": ("read", {}),
    "code_scanner": ("scan", {}),
    "document_camera": ("capture", A4_200DPI),
    "signature_pad": ("sign", {}),
}


@case("per.report", "求助按钮上报", "the help button is reported", roles="peripheral.report", verbs="press")
async def report(stage: Stage) -> None:
    """Somebody presses help."""
    for again in (False, True):  # once may be all that it does in a boot
        if again:
            await stage.quiet("T-QUIET")
        mark = stage.now()
        await stage.device.do("press", button="help")
        await stage.expect("peripheral.report", timer="T-STATUS", after=mark)


@case(
    "per.timeout",
    "无人放卡时按时失败",
    "nobody puts a card: fails in its own time",
    roles=COMMAND,
    verbs="card",
    condition="RVW.PER.ID_CARD_READER",
)
async def timeout(stage: Stage) -> None:
    """The clerk asks for a card and none comes."""
    visit = await steps.open_session(stage)
    request = await steps.command(
        stage,
        visit,
        "id_card_reader",
        "read",
        facts={"lawful": "nobody-serves"},
        timeout_ms=int(stage.timers_ms["T-CANCEL"] * 1.2),
    )
    await steps.outcome(stage, request)
    await steps.close_session(stage, visit)


@case(
    "per.cancel",
    "取消正在等待的指令",
    "a waiting command is cancelled",
    roles=COMMAND + " peripheral.cancel",
    verbs="card",
    condition="RVW.PER.ID_CARD_READER",
)
async def cancel(stage: Stage) -> None:
    """The clerk takes the request back."""
    visit = await steps.open_session(stage)
    request = await steps.command(stage, visit, "id_card_reader", "read")
    await stage.reply(request)
    await stage.tell("peripheral.cancel", command_id=request.get("command_id"))
    await steps.outcome(stage, request, timer="T-CANCEL")
    await steps.close_session(stage, visit)


@case("per.unknown", "未知外设或动作返回规定错误", "an unknown peripheral or action is refused", roles=COMMAND, verbs="card")
async def unknown(stage: Stage) -> None:
    """A peripheral that nobody has, and an action that the reader does not know."""
    visit = await steps.open_session(stage)
    for peripheral, action, intended in (
        ("x_teleporter", "read", {"stimulus": "unknown-peripheral"}),
        ("second_screen", "x_explode", {"stimulus": "unknown-action"}),
    ):
        await stage.reply(await steps.command(stage, visit, peripheral, action, facts={"intended": intended}))
    await steps.close_session(stage, visit)


@case(
    "per.busy",
    "同一外设同时只执行一条指令",
    "one command at a time",
    roles=COMMAND + " peripheral.cancel",
    verbs="card",
    condition="RVW.PER.ID_CARD_READER",
)
async def busy(stage: Stage) -> None:
    """A second reading is asked while the first waits for its card."""
    visit = await steps.open_session(stage)
    first = await steps.command(stage, visit, "id_card_reader", "read")
    await stage.reply(first)
    await stage.reply(await steps.command(stage, visit, "id_card_reader", "read", facts={"lawful": "second-command"}))
    await stage.tell("peripheral.cancel", command_id=first.get("command_id"))
    await steps.outcome(stage, first, timer="T-CANCEL")
    await steps.close_session(stage, visit)


@case(
    "per.id-card",
    "读取身份证全部字段",
    "an ID card is read with all its fields",
    roles=COMMAND,
    verbs="card",
    condition="RVW.PER.ID_CARD_READER",
)
async def id_card(stage: Stage) -> None:
    """The resident puts the card while the reader waits."""
    visit = await steps.open_session(stage)
    await steps.read_card(stage, visit)
    await steps.close_session(stage, visit)


@case(
    "per.id-card-removed",
    "读卡中途取走卡片",
    "the card is taken away too early",
    roles=COMMAND,
    verbs="card",
    condition="RVW.PER.ID_CARD_READER",
)
async def id_card_removed(stage: Stage) -> None:
    """The card stays for 30 ms only: a failure, not half a card."""
    visit = await steps.open_session(stage)
    request = await steps.command(stage, visit, "id_card_reader", "read")
    await stage.reply(request)
    await stage.device.do("card", card=stage.resident().card(), remove_after_ms=30)
    await steps.outcome(stage, request)
    await steps.close_session(stage, visit)


@case(
    "per.social-card",
    "读取社保卡",
    "a social security card is read",
    roles=COMMAND,
    verbs="card",
    condition="RVW.PER.SOCIAL_CARD_READER",
)
async def social_card(stage: Stage) -> None:
    """The same with the other card."""
    visit = await steps.open_session(stage)
    request = await steps.command(stage, visit, "social_card_reader", "read")
    await stage.reply(request)
    person = stage.resident()
    await stage.device.do("card", card={"card_type": "social_card", "id_number": person.id_number, "name": person.name})
    await steps.outcome(stage, request)
    await steps.close_session(stage, visit)


@case(
    "per.scanner",
    "扫码内容原样转发一次",
    "a code is forwarded once, unchanged",
    roles=COMMAND,
    verbs="card scan",
    condition="RVW.PER.CODE_SCANNER",
)
async def scanner(stage: Stage) -> None:
    """A code with Chinese text in it."""
    visit = await steps.open_session(stage)
    request = await steps.command(stage, visit, "code_scanner", "scan")
    await stage.reply(request)
    await stage.device.do("scan", text="https://example.test/随申码?t=0001&u=%E6%B2%AA%20a  b\t&x=" + "0123456789" * 12)
    await steps.outcome(stage, request)
    await stage.quiet("T-QUIET")
    await steps.close_session(stage, visit)


@case(
    "per.scanner-unplugged",
    "扫码器拔出与插回",
    "the scanner is pulled out and put back",
    roles=COMMAND,
    verbs="card plug",
    condition="RVW.PER.CODE_SCANNER",
)
async def scanner_unplugged(stage: Stage) -> None:
    """Told when it is gone, refuses commands, told when it is back."""
    visit = await steps.open_session(stage)
    mark = stage.now()
    await stage.device.do("plug", peripheral="code_scanner", **PULLED)
    await steps.told(stage, "code_scanner", well=False, after=mark)
    request = await steps.command(stage, visit, "code_scanner", "scan")
    answer = await stage.reply(request)
    if answer.kind == "result":
        await steps.outcome(stage, request)
    mark = stage.now()
    await stage.device.do("plug", peripheral="code_scanner", **PLUGGED)
    await steps.told(stage, "code_scanner", well=True, after=mark)
    await steps.close_session(stage, visit)


@case(
    "per.document-camera",
    "高拍仪拍摄并上传",
    "a page is captured and uploaded",
    roles=COMMAND + " material.upload",
    verbs="card document",
    condition="RVW.PER.DOCUMENT_CAMERA",
)
async def document_camera(stage: Stage) -> None:
    """A page of A4 text at 200 dpi or better."""
    visit = await steps.open_session(stage)
    await stage.device.do("document", picture="a4-text")
    await steps.done(stage, visit, "document_camera", "capture", material_id=stage.city.new_id("material_id"), **A4_200DPI)
    await steps.close_session(stage, visit)


@case(
    "per.document-camera-busy",
    "高拍仪被占用",
    "the document camera is busy",
    roles=COMMAND,
    verbs="card fault repair",
    condition="RVW.PER.DOCUMENT_CAMERA",
)
async def document_camera_busy(stage: Stage) -> None:
    """Another program holds the camera."""
    visit = await steps.open_session(stage)
    await stage.device.do("fault", peripheral="document_camera", fault="camera_busy")
    request = await steps.command(
        stage, visit, "document_camera", "capture", material_id=stage.city.new_id("material_id"), **A4_200DPI
    )
    answer = await stage.reply(request)
    if answer.kind == "result":
        await steps.outcome(stage, request)
    await stage.device.do("repair", peripheral="document_camera")
    await steps.close_session(stage, visit)


@case(
    "mat.empty-frame",
    "空白画面不作为材料上传",
    "a blank frame is a failure, never a page",
    roles=COMMAND,
    verbs="card document",
    condition="RVW.PER.DOCUMENT_CAMERA",
)
async def empty_frame(stage: Stage) -> None:
    """Nothing lies under the camera."""
    visit = await steps.open_session(stage)
    await stage.device.do("document", picture="blank")
    await steps.done(stage, visit, "document_camera", "capture", material_id=stage.city.new_id("material_id"), **A4_200DPI)
    await stage.device.do("document", picture="a4-text")
    await steps.close_session(stage, visit)


@case(
    "mat.repeat-after-500",
    "材料上传失败后以同一标识重传",
    "an upload that met an error is repeated under the same id",
    roles=COMMAND + " material.upload",
    verbs="card document",
    condition="RVW.PER.DOCUMENT_CAMERA",
)
async def repeat_after_500(stage: Stage) -> None:
    """The first upload gets 500."""
    visit = await steps.open_session(stage)
    await stage.device.do("document", picture="a4-text")
    async with stage.fault("http.500", role="material.upload", times=1, recovery="T-RECOVER"):
        await steps.done(stage, visit, "document_camera", "capture", material_id=stage.city.new_id("material_id"), **A4_200DPI)
    await steps.close_session(stage, visit)


@case(
    "per.printer",
    "打印一次并上报页数",
    "prints once and tells the pages",
    roles=COMMAND + " print.content",
    verbs="card",
    condition="RVW.PER.PRINTER",
)
async def printer(stage: Stage) -> None:
    """A form of three pages, two copies."""
    visit = await steps.open_session(stage)
    job_id = stage.city.print_job(visit.session_id, 3)
    await steps.done(stage, visit, "printer", "print", job_id=job_id, copies=2, duplex=False)
    await stage.quiet("T-QUIET")
    await steps.close_session(stage, visit)


@case(
    "per.paper-out",
    "缺纸如实上报，补纸后恢复",
    "paper out is told, and printing goes on after the repair",
    roles=COMMAND + " print.content",
    verbs="card fault repair",
    condition="RVW.PER.PRINTER",
)
async def paper_out(stage: Stage) -> None:
    """No paper, a job, paper, the next job."""
    visit = await steps.open_session(stage)
    mark = stage.now()
    await stage.device.do("fault", peripheral="printer", fault="paper_out")
    await steps.told(stage, "printer", well=False, after=mark)
    request = await steps.command(
        stage, visit, "printer", "print", job_id=stage.city.print_job(visit.session_id), copies=1, duplex=False
    )
    answer = await stage.reply(request)
    if answer.kind == "result":
        await steps.outcome(stage, request, timer="T-PRINT")
    mark = stage.now()
    await stage.device.do("repair", peripheral="printer")
    await steps.told(stage, "printer", well=True, after=mark)
    await steps.done(stage, visit, "printer", "print", job_id=stage.city.print_job(visit.session_id), copies=1, duplex=False)
    await steps.close_session(stage, visit)


@case(
    "per.signature-pad",
    "签字采集并上传",
    "a signature is captured and uploaded",
    roles=COMMAND + " material.upload",
    verbs="card press",
    condition="RVW.PER.SIGNATURE_PAD",
)
async def signature_pad(stage: Stage) -> None:
    """The resident signs and confirms."""
    visit = await steps.open_session(stage)
    request = await steps.command(stage, visit, "signature_pad", "sign", material_id=stage.city.new_id("material_id"))
    await stage.reply(request)
    await stage.device.do("press", button="sign")
    await steps.outcome(stage, request)
    await steps.close_session(stage, visit)


@case(
    "per.second-screen",
    "第二屏显示下发内容",
    "the second screen shows what it is told",
    roles=COMMAND,
    verbs="card screen",
    condition="RVW.PER.SECOND_SCREEN",
)
async def second_screen(stage: Stage) -> None:
    """A line of text for the resident."""
    visit = await steps.open_session(stage)
    await steps.done(stage, visit, "second_screen", "show", text="请核对您的信息")
    await stage.device.do("screen", note={"expects": "请核对您的信息"})  # it was told that it is shown
    await steps.close_session(stage, visit)


@case(
    "per.evaluator-fault",
    "评价器故障上报",
    "a fault of the evaluator is told",
    roles="peripheral.report",
    verbs="fault repair",
    condition="RVW.PER.EVALUATOR",
)
async def evaluator_fault(stage: Stage) -> None:
    """The evaluator goes off line and comes back."""
    mark = stage.now()
    await stage.device.do("fault", peripheral="evaluator", fault="offline")
    await steps.told(stage, "evaluator", well=False, after=mark)
    mark = stage.now()
    await stage.device.do("repair", peripheral="evaluator")
    await steps.told(stage, "evaluator", well=True, after=mark)


@case(
    "per.outside-session",
    "无会话时不得采集",
    "nothing is read outside a session",
    roles="peripheral.command session.open",
    condition={"any": [f"RVW.PER.{peripheral.upper()}" for peripheral in COLLECTING]},
)
async def outside_session(stage: Stage) -> None:
    """A command for a session that nobody opened, to the first peripheral of the device that takes something of a resident."""
    intended = {"stimulus": "no-session"}
    nobody = steps.Visit(stage.city.new_id("ticket_id"), stage.city.new_id("session_id"))
    peripheral = next(name for name in COLLECTING if stage.pics.get(f"RVW.PER.{name.upper()}"))
    action, args = COLLECTING[peripheral]
    await stage.reply(await steps.command(stage, nobody, peripheral, action, facts={"intended": intended}, **args))
    await stage.quiet("T-QUIET")
