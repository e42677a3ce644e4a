"""QUE: a swipe takes a ticket, and the resident sees what becomes of it."""

from __future__ import annotations

from conformance.bench.case import case
from conformance.bench.stage import Stage
from conformance.suites import steps

TICKET = "ticket.issue"


@case("que.swipe-ticket", "刷身份证即完成远程取号", "a swipe alone takes a remote ticket", roles=TICKET, verbs="card screen")
async def swipe_ticket(stage: Stage) -> None:
    """One swipe, one ticket, and the number stands on the screen."""
    answer = await steps.ticket(stage, await steps.swipe(stage))
    await steps.screen(stage, str(answer.get("number")))


@case(
    "que.duplicate-swipe",
    "持未办结号再次刷卡不重复取号",
    "a second swipe takes no second ticket",
    roles=TICKET,
    verbs="card screen",
)
async def duplicate_swipe(stage: Stage) -> None:
    """The same card again while the ticket is open: the same number stays on the screen."""
    answer = await steps.ticket(stage, await steps.swipe(stage))
    await stage.device.do("card", card=stage.resident().card(), note={"again": True})
    await steps.screen(stage, str(answer.get("number")))


@case(
    "que.on-behalf",
    "代办取号记录代理人、被代理人和委托",
    "a ticket on behalf carries agent, principal and mandate",
    roles=TICKET,
    verbs="card",
)
async def on_behalf(stage: Stage) -> None:
    """Somebody takes a ticket for a resident who cannot come."""
    principal = stage.resident(1)
    mark = stage.now()
    await stage.device.do(
        "card", card=stage.resident(0).card(), on_behalf_of={"id_number": principal.id_number, "name": principal.name},
        mandate={"kind": "written", "reference": "M-2026-0001"},
    )  # fmt: skip
    await stage.expect(TICKET, timer="T-TICKET", after=mark)


@case("que.cancel", "居民可取消号票", "the resident cancels", roles="ticket.issue ticket.cancel", verbs="card press screen")
async def cancel(stage: Stage) -> None:
    """A ticket, the cancel button, and an empty screen."""
    answer = await steps.ticket(stage, await steps.swipe(stage))
    await stage.quiet("T-SHOW")  # the resident reads the number before pressing
    mark = stage.now()
    await stage.device.do("press", button="cancel")
    await stage.expect("ticket.cancel", timer="T-TICKET", after=mark)
    await steps.screen(stage, str(answer.get("number")), absent=True)


@case(
    "que.missed-recall",
    "过号后重呼",
    "missed, then called again",
    roles="ticket.issue ticket.update ticket.call call.invite session.open",
    verbs="card screen",
)
async def missed_recall(stage: Stage) -> None:
    """The window calls, nobody comes, the number is passed over, and another window calls it. Number and window each time."""
    ticket_id = await steps.take_ticket(stage)
    called = await steps.call_ticket(stage, ticket_id)
    number = str(stage.city.ticket_fields(ticket_id)["number"])
    await steps.screen(stage, steps.window_of(called), after_update="called")
    await steps.look(stage, number, after_update="called")
    await stage.reply(stage.city.move_ticket(ticket_id, "missed"))
    await steps.screen(stage, number, after_update="missed")
    called = await steps.call_ticket(stage, ticket_id, another=True)
    await steps.screen(stage, number, after_update="recalled")
    await steps.look(stage, steps.window_of(called), after_update="recalled")
    session_id, opened = stage.city.open_session(ticket_id)
    await stage.reply(opened)
    visit = await steps.invite(stage, steps.Visit(ticket_id, session_id))
    await steps.rung(stage, visit)
    await stage.expect("call.answer", timer="T-ANSWER", call_id=visit.call_id)
    await steps.hang_up(stage, visit)
    await steps.close_session(stage, visit)


@case(
    "que.outside-hours",
    "服务时间外取号被拒并提示",
    "outside service hours the reason is shown",
    roles=TICKET,
    verbs="card screen",
)
async def outside_hours(stage: Stage) -> None:
    """The center is closed: a swipe is refused; a good device says why and does not press on."""
    stage.city.set_hours([])
    try:
        await steps.swipe(stage)
        await stage.quiet("T-TICKET")
        await steps.screen(stage, "服务时间")
    finally:
        stage.city.set_hours(None)


@case(
    "que.remote-first",
    "显示前方人数与远程优先",
    "shows how many are ahead and that remote goes first",
    roles="ticket.issue ticket.update",
    verbs="card screen",
)
async def remote_first(stage: Stage) -> None:
    """Many wait before, then fewer: remote tickets are called first, and the screen says so from the first answer on."""
    stage.city.add_on_site(2)
    stage.city.add_elsewhere(38)
    answer = await steps.ticket(stage, await steps.swipe(stage))
    ticket_id, ahead_at_first = str(answer.get("ticket_id")), answer.get("ahead")
    if isinstance(ahead_at_first, int):
        await steps.shown(stage, str(ahead_at_first), ahead=ahead_at_first, at_first=True)
    for ahead in (47, 26):  # numbers that stand on no screen by chance
        await stage.tell("ticket.update", **{**stage.city.ticket_fields(ticket_id), "ahead": ahead})
        await steps.shown(stage, str(ahead), ahead=ahead)
    await steps.call_ticket(stage, ticket_id)


@case(
    "que.retry-unchanged",
    "取号失败或未得到答复后原样重试",
    "repeats a ticket request unchanged after a server error, and where no answer came",
    roles=TICKET,
    verbs="card",
)
async def retry_unchanged(stage: Stage) -> None:
    """The first request gets 500, the answer to the second is lost: a good device repeats the very same one each time."""
    async with (
        stage.fault("http.500", role=TICKET, times=1, recovery="T-RECOVER"),
        stage.fault("http.lost", role=TICKET, times=1, recovery="T-RECOVER"),
    ):
        again = await steps.swipe(stage)
        for _ in range(2):
            again = await stage.expect(TICKET, timer="T-RECOVER", after=again.n)
    await steps.ticket(stage, again)
