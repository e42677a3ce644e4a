"""The way of one visit, from the swipe to the wipe."""

from __future__ import annotations

from conformance.bench.case import case
from conformance.bench.stage import Stage
from conformance.suites import steps
from conformance.suites.peripherals import A4_200DPI

ROLES = "ticket.issue ticket.call session.open call.invite peripheral.command rating.request session.close"


@case(
    "visit.whole",
    "一次完整办理",
    "one whole visit",
    roles=ROLES,
    verbs="card document press rate screen residue resources",
    lasts="T-HANGUP T-WIPE",
)
async def whole(stage: Stage) -> None:
    """Swipe, ticket, call, video, card, page, second screen, signature, print, goodbye, rating, wipe."""
    visit = await steps.connected_call(stage)
    await steps.pictures(stage, visit)
    await steps.read_card(stage, visit)
    await stage.device.do("document", picture="a4-text")
    await steps.done(stage, visit, "document_camera", "capture", material_id=stage.city.new_id("material_id"), **A4_200DPI)
    await steps.done(stage, visit, "second_screen", "show", text="请核对您的信息")
    await steps.screen(stage, "请核对您的信息")
    signing = await steps.command(stage, visit, "signature_pad", "sign", material_id=stage.city.new_id("material_id"))
    await stage.reply(signing)
    await stage.device.do("press", button="sign")
    await steps.outcome(stage, signing)
    job_id = stage.city.print_job(visit.session_id)
    await steps.done(stage, visit, "printer", "print", job_id=job_id, copies=1, duplex=False)
    await steps.hang_up(stage, visit)
    await stage.quiet("T-HANGUP")  # in which cameras and microphone are let go
    await stage.device.do("resources")
    await steps.close_session(stage, visit)
    rating_id = await steps.ask_rating(stage, visit)
    await steps.rate(stage, "very_satisfied")
    await stage.expect("rating.submit", timer="T-RATE", rating_id=rating_id)
    await stage.quiet("T-WIPE")
    await stage.device.do("residue")
    await stage.device.do("screen", note={"expects": ""})
