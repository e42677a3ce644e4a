"""Ways of stories: states that the bench brings about and holds, so that wrong-state cases can be said in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from conformance.bench.stage import Stage
from conformance.bench.ways import way
from conformance.suites import steps

CALLED = "ticket.issue ticket.call"
RINGING = "call.invite:request call.invite:result"
NEGOTIATED = RINGING + " call.answer:request call.answer:result media.offer:request media.answer:request"
OPENED = "session.open:request session.open:result"
LONG_RINGING = 10  # times T-ANSWER: what is said meanwhile comes before the device gives up


@way("ticket_id", "ticket.issue:result", verbs="card")
@asynccontextmanager
async def ticket_taken(stage: Stage) -> AsyncIterator[Mapping[str, str]]:
    """A ticket that waits."""
    yield {"ticket_id": await steps.take_ticket(stage)}


@way("ticket_id", "ticket.issue:result ticket.call:request ticket.call:result", verbs="card")
@asynccontextmanager
async def ticket_called(stage: Stage) -> AsyncIterator[Mapping[str, str]]:
    """A ticket that a window has called."""
    ticket_id = await steps.take_ticket(stage)
    await steps.call_ticket(stage, ticket_id)
    yield {"ticket_id": ticket_id}


@way("session_id", OPENED, roles=CALLED, verbs="card")
@asynccontextmanager
async def session_open(stage: Stage) -> AsyncIterator[Mapping[str, str]]:
    """A session in which nothing happens."""
    visit = await steps.open_session(stage)
    yield {"session_id": visit.session_id, "ticket_id": visit.ticket_id}
    await steps.close_session(stage, visit)


@way("session_id", OPENED + " session.close:request session.close:result", roles=CALLED, verbs="card")
@asynccontextmanager
async def session_closed(stage: Stage) -> AsyncIterator[Mapping[str, str]]:
    """A session that is over."""
    visit = await steps.open_session(stage)
    await steps.close_session(stage, visit)
    yield {"session_id": visit.session_id, "ticket_id": visit.ticket_id}


@way("call_id", RINGING, roles=CALLED + " session.open call.cancel", verbs="card call_policy")
@asynccontextmanager
async def call_ringing(stage: Stage) -> AsyncIterator[Mapping[str, str]]:
    """A call that nobody answers."""
    await stage.device.do("call_policy", policy="ignore")
    try:
        ring_ms = int(stage.timers_ms["T-ANSWER"] * LONG_RINGING)
        visit = await steps.invite(stage, await steps.open_session(stage), ring_timeout_ms=ring_ms)
        await stage.expect("call.invite", "result", timer="T-RING", call_id=visit.call_id)
        yield {"call_id": visit.call_id}
        await stage.reply(stage.city.cancel_call(visit.call_id))
    finally:
        await stage.device.do("call_policy", policy="auto")
    await steps.close_session(stage, visit)


@way("call_id", NEGOTIATED + " call.bye:request call.bye:result", roles=CALLED + " session.open", verbs="card")
@asynccontextmanager
async def call_over(stage: Stage) -> AsyncIterator[Mapping[str, str]]:
    """A whole call that the clerk has ended."""
    visit = await steps.connected_call(stage)
    await stage.reply(stage.city.hang_up(visit.call_id))
    yield {"call_id": visit.call_id}
    await steps.close_session(stage, visit)
