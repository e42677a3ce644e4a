"""PRV: what belongs to the resident leaves with the resident."""

from __future__ import annotations

from conformance.bench.case import case
from conformance.bench.stage import Stage
from conformance.suites import steps


@case(
    "prv.canary",
    "全程敏感信息扫描",
    "a scan for personal numbers and secrets",
    roles="ticket.issue",
    verbs="card logs screen",
)
async def canary(stage: Stage) -> None:
    """A ticket, then the device's log and screens are looked through; the wire is looked through in every case."""
    await steps.take_ticket(stage)
    await steps.screen(stage, "*")
    await stage.device.do("logs")


@case(
    "prv.power-loss",
    "会话中断电后无残留",
    "nothing of the resident survives a power loss",
    roles="session.open ticket.issue",
    verbs="card residue",
    power=True,
)
async def power_loss(stage: Stage) -> None:
    """The power goes in the middle of a session."""
    visit = await steps.open_session(stage)
    await steps.read_card(stage, visit)
    await stage.device.power_off()
    stage.city.forget_visits()
    mark = stage.now()
    await stage.device.power_on()
    await stage.online(after=mark)
    await stage.device.do("residue")
