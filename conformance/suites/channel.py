"""CHN: the device channel keeps its word: every call answered, nothing lost, nothing doubled."""

from __future__ import annotations

from conformance.bench.case import case
from conformance.bench.stage import Stage
from conformance.suites import steps

QUERY = "status.query"


@case("chn.unknown-method", "未知方法返回规定错误", "an unknown method gets the defined error", roles=QUERY)
async def unknown_method(stage: Stage) -> None:
    """A method that no version of the specification knows."""
    intended = {"stimulus": "unknown-method"}
    await stage.reply(stage.city.call_unknown(QUERY, "no.such.method", intended=intended))
    await stage.still_usable()


@case(
    "chn.bad-params",
    "参数不合规且不得执行",
    "bad parameters are refused and nothing happens",
    roles="peripheral.command session.open",
    verbs="card",
)
async def bad_params(stage: Stage) -> None:
    """A command whose limit is no number: refused, and the screen shows nothing."""
    visit = await steps.open_session(stage)
    fields = {"session_id": visit.session_id, "peripheral": "second_screen", "action": "show", "args": {"text": "x"}}
    intended = {"stimulus": "bad-params"}
    bent = stage.city.bend("peripheral.command", fields, {}, canonical={"timeout_ms": "soon"}, intended=intended)
    await stage.reply(bent)
    await stage.quiet("T-QUIET")
    await stage.still_usable()
    await steps.close_session(stage, visit)


@case("chn.unknown-member", "忽略未知成员", "unknown members are ignored", roles=QUERY)
async def unknown_member(stage: Stage) -> None:
    """A later minor version may add members."""
    request = stage.city.bend(QUERY, {}, {"x_later_member": {"a": 1}}, facts={"lawful": "unknown-member"})
    await stage.reply(request)


@case("chn.batch", "拒绝批量消息，且不予执行", "a batch is refused and not carried out", roles="maintenance.set status.query")
async def batch(stage: Stage) -> None:
    """Two calls in one array that would leave a trace: a device in maintenance says so."""
    intended = {"stimulus": "batch"}
    try:
        stage.city.inject_batch("maintenance.set", 2, intended=intended, mode="on", reason="inspection")
        await stage.quiet("T-ACK")
        await stage.still_usable()
    finally:
        await stage.tell("maintenance.set", mode="off", reason="inspection")


@case(
    "chn.oversize",
    "超长消息被拒绝且设备仍可用",
    "a message above the limit is refused and the device stays usable",
    roles=QUERY,
)
async def oversize(stage: Stage) -> None:
    """0.95 of the limit is taken, 1.1 of it is not, also where it has fewer characters than the limit has octets."""
    limit = stage.spec.interfaces[stage.spec.by_role(QUERY)[0].interface].max_message_bytes
    await stage.reply(stage.city.bend(QUERY, {}, {"x_pad": "x" * int(limit * 0.95)}, facts={"lawful": "large"}))
    intended = {"stimulus": "oversize"}
    async with stage.fault("oversize", recovery="T-RECONNECT"):
        mark = stage.now()
        stage.city.bend(QUERY, {}, {"x_pad": "办" * int(limit * 1.1 / len("办".encode()))}, intended=intended)
        await steps.refused(stage, after=mark)
    await stage.connected(QUERY)
    await stage.still_usable("T-RECOVER")


@case(
    "chn.resume-after-cut",
    "断线后恢复且事件不丢不重",
    "resumes after a cut with nothing lost and nothing doubled",
    roles="channel.resume peripheral.report",
    verbs="press fault repair",
)
async def resume_after_cut(stage: Stage) -> None:
    """The line is dead while somebody presses the help button and the printer runs out of paper."""
    mark, printer = stage.now(), bool(stage.pics.get("RVW.PER.PRINTER"))
    async with stage.fault("cut.channel", recovery="T-RECONNECT"):
        await stage.quiet("T-QUIET")  # the device has noticed: what happens now happens without a line
        await stage.device.do("press", button="help")
        if printer:
            await stage.device.do("fault", peripheral="printer", fault="paper_out")
        await stage.quiet("T-STATUS")
    await stage.expect("channel.resume", timer="T-RECONNECT", after=mark)
    await stage.expect("peripheral.report", timer="T-RECONNECT", after=mark)
    await stage.connected("channel.resume")
    if printer:
        mark = stage.now()
        await stage.device.do("repair", peripheral="printer")
        await steps.told(stage, "printer", well=True, after=mark)
    await stage.quiet("T-QUIET")  # a device that had just booted has more to tell than the press, and tells it in order


@case(
    "chn.lost-before-cut",
    "断线前发出而未送达的事件恢复后原样重发",
    "what was sent and did not arrive before a cut is sent again as it was",
    roles="channel.resume peripheral.report",
    verbs="press",
)
async def lost_before_cut(stage: Stage) -> None:
    """The help button's report leaves the device, gets lost, and then the connection ends."""
    async with stage.fault("lost.channel", recovery="T-RECONNECT"):
        await stage.device.do("press", button="help")
        await stage.expect("peripheral.report", timer="T-STATUS", after=stage.mark, peripheral="help_button")
        await stage.still_usable()  # it has seen more by now than when it sent the report, and that stays as it was
    await stage.connected("channel.resume")
    await stage.quiet("T-ACK")  # sent again by now, and once


@case(
    "chn.duplicate-call",
    "重复下发的调用只生效一次",
    "a call that arrives twice has one effect",
    roles="peripheral.command session.open",
    verbs="card",
)
async def duplicate_call(stage: Stage) -> None:
    """The very same frame twice, as after a cut in the wrong moment: a command, and a question that only asks."""
    visit = await steps.open_session(stage)
    request = await steps.command(stage, visit, "second_screen", "show", text="请核对您的信息")
    stage.city.resend(request)
    await steps.outcome(stage, request)
    if stage.spec.by_role(QUERY):
        asked = stage.say(QUERY)
        await stage.reply(asked)
        stage.city.resend(asked)
    await stage.quiet("T-QUIET")
    await steps.close_session(stage, visit)


@case("chn.ping", "应答 ping", "answers pings", roles=QUERY)
async def ping(stage: Stage) -> None:
    """Three pings (RFC 6455 section 5.5.2)."""
    for _ in range(3):
        sent = stage.city.ping(stage.spec.by_role(QUERY)[0].interface)
        await stage.wait(
            lambda e: e.obs == "ws.frame" and e.dir == "iut" and e.facts.get("opcode") == 10,
            timer="T-ACK",
            after=sent.n,
            what="a pong",
        )


@case("chn.replaced", "连接被替换后不争抢", "does not fight over a connection that was replaced", roles="channel.resume")
async def replaced(stage: Stage) -> None:
    """The city closes with 4001, as when another connection of the same device came: it comes back in its own time."""
    mark = stage.now()
    async with stage.fault("cut.channel", recovery="T-RECONNECT", code=4001):
        await stage.quiet("T-BACKOFF")
    await stage.expect("channel.resume", timer="T-RECONNECT", after=mark)
    await stage.connected("channel.resume")
