"""Steps that many stories share: a ticket, a session, a call, a command and its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from conformance.bench.errors import NotObserved
from conformance.bench.people import Resident
from conformance.bench.stage import Stage
from conformance.protocol.pointer import MISSING
from conformance.trace.transcript import Entry

VIDEO = ("person", "page")  # labels of the sections that carry pictures
WELL = ("ready", "busy")  # states of a peripheral that works
UNWELL = ("fault", "absent")  # and of one that does not; the words of another pack say neither


@dataclass(frozen=True, slots=True)
class Visit:
    """One resident at the window."""

    ticket_id: str
    session_id: str
    call_id: str = ""


async def refused(stage: Stage, *, after: int) -> None:
    """What was thrown at the device after `after` has an error, or its connection ends. A device that says why and closes a
    moment later has done both when this ends; one that does neither is left to the rules."""
    with suppress(NotObserved):
        await stage.wait(
            lambda e: e.dir == "iut" and (e.kind == "error" or e.obs in ("ws.close", "conn.close")),
            timer="T-ACK", after=after, what="a refusal",
        )  # fmt: skip
    await stage.quiet("T-QUIET")


async def swipe(stage: Stage, person: Resident | None = None, **more: Any) -> Entry:
    """The resident swipes; returns the device's ticket request."""
    mark = stage.now()
    await stage.device.do("card", card=(person or stage.resident()).card(), **more)
    return await stage.expect("ticket.issue", timer="T-TICKET", after=mark)


async def take_ticket(stage: Stage, person: Resident | None = None) -> str:
    """Swipe and get a ticket; returns its id."""
    return str((await ticket(stage, await swipe(stage, person))).get("ticket_id"))


async def ticket(stage: Stage, request: Entry) -> Entry:
    """The answer that gives the ticket which this request asked for. Where the token has just ended it is that to the request's
    repetition. Raises NotObserved, also where the ticket is refused."""
    answer = await stage.wait(lambda e: e.request is request, timer="T-ACK", after=request.n, what="the answer to the swipe")
    if answer.kind == "result":
        return answer
    timer = "T-RECOVER" if answer.get("status") == 401 else "T-QUIET"
    return await stage.wait(
        lambda e: (e.role, e.kind, e.dir) == ("ticket.issue", "result", "bench"), timer=timer, after=answer.n, what="the ticket"
    )


async def call_ticket(stage: Stage, ticket_id: str, *, another: bool = False) -> Entry:
    """The window calls this ticket, or another window does; returns the device's acknowledgement."""
    return await stage.reply(stage.city.call_ticket(ticket_id, another=another))


async def open_session(stage: Stage, person: Resident | None = None) -> Visit:
    """A ticket, called, with its session opened."""
    ticket_id = await take_ticket(stage, person)
    await call_ticket(stage, ticket_id)
    session_id, opened = stage.city.open_session(ticket_id)
    await stage.reply(opened)
    return Visit(ticket_id, session_id)


async def invite(stage: Stage, visit: Visit, *, facts: Mapping[str, Any] | None = None, **fields: Any) -> Visit:
    """The clerk invites; returns the visit with the call. Does not wait for the device's answer."""
    ring_ms = int(stage.timers_ms["T-ANSWER"] * 3)
    call_id, _ = stage.city.invite(visit.session_id, facts=facts, **{"ring_timeout_ms": ring_ms, **fields})
    return Visit(visit.ticket_id, visit.session_id, call_id)


async def connected_call(stage: Stage, person: Resident | None = None) -> Visit:
    """A session with a call that carries media both ways."""
    visit = await invite(stage, await open_session(stage, person))
    await rung(stage, visit)
    await stage.expect("call.answer", timer="T-ANSWER", call_id=visit.call_id)
    await stage.expect("media.offer", timer="T-OFFER", call_id=visit.call_id)
    await media_up(stage, visit)
    return visit


async def rung(stage: Stage, visit: Visit) -> None:
    """The device has taken the invitation: what it does with it counts from here."""
    await stage.expect("call.invite", "result", timer="T-RING", call_id=visit.call_id)


async def media_up(stage: Stage, visit: Visit) -> None:
    """Media flow, and the device has had its time to say so; whether it did is for the rules."""
    await stage.observe("media.state", timer="T-MEDIA", call_id=visit.call_id, state="connected")
    if stage.spec.by_role("media.state"):
        with suppress(NotObserved):
            await stage.expect("media.state", timer="T-MEDIA", call_id=visit.call_id, state="connected")


async def pictures(stage: Stage, visit: Visit) -> None:
    """The first picture of every video section that the device has offered reaches the clerk; what it had to offer is for the
    rules."""
    offer = await stage.expect("media.offer", timer="T-OFFER", call_id=visit.call_id)
    labels = offer.get("labels")
    offered = labels.values() if isinstance(labels, Mapping) else ()
    for label in VIDEO:
        if label in offered:
            await stage.observe("media.first_frame", timer="T-MEDIA", call_id=visit.call_id, label=label)


async def hang_up(stage: Stage, visit: Visit) -> None:
    """The clerk hangs up, and the window in which nothing more may come passes."""
    await stage.reply(stage.city.hang_up(visit.call_id))
    await stage.quiet("T-QUIET")


async def close_session(stage: Stage, visit: Visit) -> None:
    """The clerk closes the session."""
    await stage.reply(stage.city.close_session(visit.session_id))


async def ask_rating(stage: Stage, visit: Visit, *, facts: Mapping[str, Any] | None = None, reading: bool = True) -> str:
    """The city asks for the rating; returns the rating's id, when the resident has read unless he knows the page."""
    rating_id, request = stage.city.ask_rating(visit.session_id, facts=facts)
    await stage.reply(request)
    if reading:
        await stage.quiet("T-QUIET")
    return rating_id


async def told(stage: Stage, peripheral: str, *, well: bool, after: int) -> Entry:
    """The device's report on a peripheral that is well or not, as far as the pack has words for that: any that does not say the
    opposite. A device that has just started may still be telling what it found, so the first report on it will not do."""
    opposite = UNWELL if well else WELL

    def matches(e: Entry) -> bool:
        return (
            (e.role, e.dir, e.kind) == ("peripheral.report", "iut", "request") and not e.repeat
            and e.get("peripheral") == peripheral and e.get("command_id") is MISSING
            and e.get("peripheral_status") not in opposite
        )  # fmt: skip

    what = f"the report that the {peripheral} is well" if well else f"the report that the {peripheral} is not well"
    return await stage.wait(matches, timer="T-STATUS", after=after, what=what)


async def command(
    stage: Stage, visit: Visit, peripheral: str, action: str, *, facts: Mapping[str, Any] | None = None,
    timeout_ms: int | None = None, **args: Any,
) -> Entry:  # fmt: skip
    """The clerk asks a peripheral for something; returns the city's request."""
    return stage.city.command(visit.session_id, peripheral, action, args, timeout_ms=timeout_ms, facts=facts)


async def outcome(stage: Stage, request: Entry, *, timer: str = "T-COMMAND") -> Entry:
    """The report that ends a command, good or bad."""
    command_id = request.get("command_id")
    return await stage.wait(
        lambda e: (e.role, e.dir, e.kind) == ("peripheral.report", "iut", "request") and e.get("command_id") == command_id,
        timer=timer, after=request.n, what=f"the report that ends the command {command_id}",
    )  # fmt: skip


async def done(stage: Stage, visit: Visit, peripheral: str, action: str, **args: Any) -> Entry:
    """A command that needs nobody's hand, from request to report."""
    return await outcome(stage, await command(stage, visit, peripheral, action, **args))


async def read_card(stage: Stage, visit: Visit) -> Entry:
    """The clerk has an ID card read and the resident puts theirs; returns the report."""
    request = await command(stage, visit, "id_card_reader", "read")
    await stage.reply(request)
    await stage.device.do("card", card=stage.resident().card())
    return await outcome(stage, request)


async def rate(stage: Stage, level: str, **more: Any) -> None:
    """The resident presses a level when the levels are there, or when the time to show them is over."""
    if not await stage.device.shows("满意"):
        await stage.quiet("T-SHOW")
    await stage.device.do("rate", level=level, **more)


def window_of(called: Entry) -> str:
    """The window that a device was told of in the call which it has acknowledged."""
    return str(called.request.get("window_no")) if called.request is not None else ""


async def screen(stage: Stage, expects: str, **note: Any) -> None:
    """Look at the screens once the device had its time to show something."""
    await stage.quiet("T-SHOW")
    await look(stage, expects, **note)


async def shown(stage: Stage, expects: str, **note: Any) -> None:
    """Look at the screens for a text that stood on none of them before: once it does, or when the time to show it is over."""
    if not await stage.device.shows(expects):
        await stage.quiet("T-SHOW")
    await look(stage, expects, **note)


async def look(stage: Stage, expects: str, **note: Any) -> None:
    """Look at the screens for something else that stands there by now."""
    await stage.device.do("screen", note={"expects": expects, **note})
