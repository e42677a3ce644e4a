"""ROB: whatever arrives, the device refuses it with a reason and stays usable."""

from __future__ import annotations

from typing import Any

from conformance.bench.case import case
from conformance.bench.stage import Stage
from conformance.suites import steps

QUERY = "status.query"


async def _thrown(stage: Stage, raw: bytes, intended: dict[str, str]) -> None:
    """Throw bytes at the channel; a good device answers or closes, and is usable again afterwards."""
    async with stage.fault("oversize", recovery="T-RECONNECT"):  # the device may close: what follows is its recovery
        mark = stage.now()
        stage.city.inject_raw(QUERY, raw, intended=intended)
        await steps.refused(stage, after=mark)
    await stage.connected(QUERY)
    await stage.still_usable()


@case("rob.malformed", "非 JSON 文本", "text that is no JSON", roles=QUERY)
async def malformed(stage: Stage) -> None:
    """A text frame that ends in the middle."""
    await _thrown(stage, b'{"jsonrpc": "2.0", "id": 1, "meth', {"stimulus": "malformed"})


@case("rob.deep", "过深嵌套", "a document nested too deeply", roles=QUERY)
async def deep(stage: Stage) -> None:
    """A hundred and fifty arrays in one another."""
    nested: Any = []
    for _ in range(150):
        nested = [nested]
    async with stage.fault("oversize", recovery="T-RECONNECT"):
        mark = stage.now()
        stage.city.bend(QUERY, {}, {"x_deep": nested}, intended={"stimulus": "deep"})
        await steps.refused(stage, after=mark)
    await stage.connected(QUERY)
    await stage.still_usable()


@case(
    "rob.wrong-type",
    "类型错误不得强转",
    "a value of the wrong type is refused, not coerced",
    roles="ticket.update status.query ticket.issue",
    verbs="card",
)
async def wrong_type(stage: Stage) -> None:
    """A string where a number belongs."""
    ticket_id = await steps.take_ticket(stage)
    fields = stage.city.ticket_fields(ticket_id)
    intended = {"stimulus": "wrong-type"}
    await stage.reply(stage.city.bend("ticket.update", fields, {}, canonical={"ahead": "3"}, intended=intended))
    await stage.still_usable()


@case(
    "rob.http-surprise",
    "意外的 HTTP 状态和内容",
    "an unforeseen HTTP status and body",
    roles="ticket.issue status.query",
    verbs="card",
)
async def http_surprise(stage: Stage) -> None:
    """418 with a page of HTML where a ticket should be."""
    async with stage.fault("http.surprise", role="ticket.issue", times=1, recovery="T-RECOVER"):
        await steps.swipe(stage)
        await stage.quiet("T-TICKET")
    await stage.still_usable()


@case("rob.city-restart", "受理系统重启后自行恢复", "the acceptance system restarts", roles="channel.resume status.query")
async def city_restart(stage: Stage) -> None:
    """Everything closes, nobody answers for a while, then all is as before."""
    mark = stage.now()
    async with stage.fault("city.restart", recovery="T-RECONNECT"):
        await stage.quiet("T-REGISTER")  # long enough for more than one attempt that nobody answers
    await stage.expect("channel.resume", timer="T-RECONNECT", after=mark)
    await stage.connected("channel.resume")
    await stage.still_usable()
