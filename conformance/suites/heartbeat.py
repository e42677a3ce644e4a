"""HBT: the device says how it is, in time and truthfully."""

from __future__ import annotations

from conformance.bench.case import case
from conformance.bench.stage import Stage
from conformance.suites import steps


@case("hbt.steady", "空闲时按间隔发送心跳", "steady heartbeats while idle", roles="heartbeat", lasts="T-HEARTBEAT")
async def steady(stage: Stage) -> None:
    """An interval of nothing else; other stories watch more of them."""
    mark = stage.now()
    for _ in range(2):
        mark = (await stage.expect("heartbeat", timer="T-HEARTBEAT", after=mark)).n


@case(
    "hbt.status-after-fault",
    "故障与恢复如实上报",
    "tells a fault and its repair truthfully",
    roles="peripheral.report heartbeat",
    verbs="fault repair",
    lasts="T-HEARTBEAT",
)
async def status_after_fault(stage: Stage) -> None:
    """The printer runs out of paper and is filled again."""
    mark = stage.now()
    await stage.device.do("fault", peripheral="printer", fault="paper_out")
    told = await steps.told(stage, "printer", well=False, after=mark)
    await stage.expect("heartbeat", timer="T-HEARTBEAT", after=told.n)
    await _asked(stage)
    mark = stage.now()
    await stage.device.do("repair", peripheral="printer")
    told = await steps.told(stage, "printer", well=True, after=mark)
    await stage.expect("heartbeat", timer="T-HEARTBEAT", after=told.n)
    await _asked(stage)


async def _asked(stage: Stage) -> None:
    """How it is, where the pack has a question for that: the answer must agree with what the device tells unasked."""
    if stage.spec.by_role("status.query"):
        await stage.tell("status.query")


@case(
    "hbt.wrong-clock",
    "开机时本机时钟不准",
    "its own clock is wrong when it starts",
    roles="registration.register heartbeat",
    given="off",
    power=True,
)
async def wrong_clock(stage: Stage) -> None:
    """The city's clock is a minute ahead of the device's: it is told at the registration, and everything after that agrees.

    It is off again before the clocks agree, so that nobody has to follow a jump.
    """
    async with stage.fault("clock_shift", ms=60_000):
        try:
            await stage.device.power_on()
            await stage.expect("registration.register", timer="T-BOOT")
            await stage.online()
            await stage.expect("heartbeat", timer="T-HEARTBEAT")
        finally:
            await stage.device.power_off()


@case("hbt.status-query", "状态查询得到真实应答", "answers a status query", roles="status.query")
async def status_query(stage: Stage) -> None:
    """Three times the same question."""
    for _ in range(3):
        await stage.tell("status.query")


@case(
    "hbt.maintenance",
    "进入和退出维护模式",
    "obeys maintenance mode",
    roles="maintenance.set status.query heartbeat",
    verbs="card",
    lasts="T-HEARTBEAT",
)
async def maintenance(stage: Stage) -> None:
    """Into maintenance, a swipe that must take no ticket, and out again; asked in both."""
    await stage.tell("maintenance.set", mode="on", reason="inspection")
    try:
        await stage.tell("status.query")
        await stage.device.do("card", card=stage.resident().card())
        await stage.quiet("T-TICKET")
        await stage.expect("heartbeat", timer="T-HEARTBEAT", mode="maintenance")
    finally:
        mark = stage.now()
        await stage.tell("maintenance.set", mode="off", reason="inspection")
    await stage.expect("heartbeat", timer="T-HEARTBEAT", after=mark, mode="normal")
    await stage.tell("status.query")


@case(
    "hbt.in-session",
    "会话中继续发送心跳",
    "heartbeats go on in a call",
    roles="heartbeat session.open call.invite",
    verbs="card",
    lasts="T-HEARTBEAT",
)
async def in_session(stage: Stage) -> None:
    """A call is up for some intervals, and the device holds what it read from a card: heartbeats tell neither."""
    visit = await steps.connected_call(stage)
    if stage.pics.get("RVW.PER.ID_CARD_READER"):
        await steps.read_card(stage, visit)
    mark = stage.now()
    for _ in range(2):
        mark = (await stage.expect("heartbeat", timer="T-HEARTBEAT", after=mark)).n
    await _asked(stage)
    await steps.hang_up(stage, visit)
    await steps.close_session(stage, visit)
