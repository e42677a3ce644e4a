"""What the acceptance system and the clerk do: state first, then the message that tells the device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from mocks.acceptance.connection import PendingCall
from mocks.acceptance.desk import Desk
from mocks.acceptance.office import Office
from mocks.acceptance.printing import PrintJob
from mocks.acceptance.queue import Ticket
from mocks.acceptance.ratings import RatingRequest
from mocks.acceptance.sessions import Session
from mocks.signaling.hub import Call, Hub

# How a ticket that is still open is ended, by its state.
_LAST: Final[Mapping[str, str]] = {
    "waiting": "cancelled", "called": "missed", "serving": "served", "held": "served", "transferred": "served",
}  # fmt: skip


class Operations:
    """Steps of a visit from the city's side. A message that the pack does not bind is left out."""

    office: Office
    hub: Hub
    desk: Desk

    def send(
        self, role: str, fields: Mapping[str, Any] | None = None, device: str | None = None, *, timer: str = "T-ACK",
        facts: Mapping[str, Any] | None = None,
    ) -> PendingCall:  # fmt: skip
        """Send the message bound to a role (see `mocks.city.City`)."""
        raise NotImplementedError

    def device_id(self, device: str | None = None) -> str:
        """The device meant: the named one, or the only registered one."""
        raise NotImplementedError

    def bound(self, role: str) -> bool:
        """Whether the pack binds a role."""
        return self.office.dialect.role(role) is not None

    # Between cases

    async def end_everything(self) -> None:
        """End calls, sessions and tickets, and tell the devices; then forget the visits."""
        world = self.office.world
        told: list[PendingCall | None] = []
        for call in [c for c in self.hub.calls.values() if c.alive]:
            role = "call.cancel" if call.state in ("invited", "ringing") else "call.bye"
            if self.bound(role):
                told.append(self._end_call(role, call.id, "reset"))
        told += [self.close_session(s.id, "reset") for s in list(world.sessions.rows.values()) if s.is_open]
        for ticket in [t for t in world.queue.tickets.values() if t.is_open]:
            told.append(self.move_ticket(ticket.id, _LAST[ticket.state]))
        for reply in told:
            if reply is not None and reply.entry is not None:
                await reply
        self.forget_visits()

    def forget_visits(self) -> None:
        """Drop tickets, sessions and calls without a word: the devices were reset by other means."""
        world = self.office.world
        for call in list(self.hub.calls.values()):
            self.hub.end(call.id, "bench", "reset")
        for session in world.sessions.rows.values():
            if session.is_open:
                session.state, session.reason = "closed", "reset"
        for ticket in world.queue.tickets.values():
            if ticket.is_open:
                ticket.state = "expired"

    # Queue

    def on_site_ticket(self) -> Ticket:
        """Somebody at the centre takes a number."""
        return self.office.world.queue.issue("on_site", "")[0]

    def remote_ticket(self) -> Ticket:
        """Somebody at a point that is none of ours takes a number."""
        return self.office.world.queue.issue("remote", "")[0]

    def call_next(self, window_no: str | None = None) -> tuple[Ticket, PendingCall | None]:
        """Call the next ticket, remote ones first, and tell its device. Raises LookupError where nobody waits."""
        before = self._positions()
        ticket = self.office.world.queue.call_next(window_no or self._window()["window_no"])
        if ticket is None:
            raise LookupError("nobody waits")
        return ticket, self._announce(ticket, before)

    def call_ticket(self, ticket_id: str, window_no: str | None = None) -> PendingCall | None:
        """Call one ticket, or call it again."""
        before = self._positions()
        return self._announce(self.office.world.queue.call(ticket_id, window_no or self._window()["window_no"]), before)

    def move_ticket(self, ticket_id: str, state: str) -> PendingCall | None:
        """Change a ticket's state (missed, held, transferred, served, expired ...) and tell its device."""
        before = self._positions()
        ticket = self.office.world.queue.move(ticket_id, state)
        self._log(ticket, state)
        call = self._tell_ticket(ticket)
        self._tell_positions(before)
        return call

    def _announce(self, ticket: Ticket, before: Mapping[str, int]) -> PendingCall | None:
        self._log(ticket, "called")
        call = None
        if ticket.channel == "remote" and ticket.device and self.bound("ticket.call"):
            fields = {**self.desk.ticket_fields(ticket), **self._window(ticket.window_no)}
            call = self.send("ticket.call", fields, ticket.device)
        self._tell_positions(before)
        return call

    def _positions(self) -> dict[str, int]:
        queue = self.office.world.queue
        return {t.id: queue.ahead(t) for t in queue.waiting() if t.channel == "remote"}

    def _tell_positions(self, before: Mapping[str, int]) -> None:
        for ticket_id, ahead in self._positions().items():
            if before.get(ticket_id) != ahead:
                self._tell_ticket(self.office.world.queue.get(ticket_id))

    def _tell_ticket(self, ticket: Ticket) -> PendingCall | None:
        if ticket.channel != "remote" or not ticket.device or not self.bound("ticket.update"):
            return None
        return self.send("ticket.update", self.desk.ticket_fields(ticket), ticket.device)

    def _window(self, window_no: str | None = None) -> Mapping[str, Any]:
        windows = self.office.world.windows
        known = next((w for w in windows if w.get("window_no") == window_no), windows[0])
        return known if window_no is None else {**known, "window_no": window_no}

    def _log(self, ticket: Ticket, what: str) -> None:
        self.office.world.records.log(ticket.id, what, self.office.now())

    # Session

    def open_session(self, ticket: Ticket | str) -> tuple[Session, PendingCall]:
        """The clerk opens the session of a called ticket."""
        world = self.office.world
        row = world.queue.get(ticket if isinstance(ticket, str) else ticket.id)
        world.queue.move(row.id, "serving")
        session = world.sessions.open(row.id, self.device_id(row.device))
        world.records.log(row.id, "session opened", self.office.now(), session.id)
        fields = {"session_id": session.id, "ticket_id": row.id, "case_no": session.case_no}
        return session, self.send("session.open", fields, session.device)

    def close_session(self, session_id: str, reason: str = "completed") -> PendingCall:
        """The clerk closes a session; its ticket is served."""
        world = self.office.world
        session = world.sessions.close(session_id, reason)
        ticket = world.queue.get(session.ticket_id)
        if ticket.state in ("serving", "held"):
            world.queue.move(ticket.id, "served")
        world.records.log(ticket.id, f"session closed: {reason}", self.office.now(), session.id)
        return self.send("session.close", {"session_id": session.id, "reason": reason}, session.device)

    def command(
        self, session_id: str, peripheral: str, action: str, args: Mapping[str, Any] | None = None, *,
        timeout_ms: int | None = None, device: str | None = None, facts: Mapping[str, Any] | None = None, **overrides: Any,
    ) -> tuple[str, PendingCall]:  # fmt: skip
        """Command a peripheral. Returns the command's id and the call (acknowledged first, reported later)."""
        world = self.office.world
        command_id = world.names.new("command_id")
        session = world.sessions.rows.get(session_id)
        if session is not None:
            session.commands[command_id] = "open"
        timer = "T-PRINT" if action == "print" else "T-COMMAND"
        limit = timeout_ms if timeout_ms is not None else int(world.timers_ms.get(timer, 30_000))
        fields = {
            "command_id": command_id, "session_id": session_id, "peripheral": peripheral, "action": action,
            "args": dict(args or {}), "timeout_ms": limit, **overrides,
        }  # fmt: skip
        target = device or (session.device if session else None)
        return command_id, self.send("peripheral.command", fields, target, facts=facts)

    def print_job(self, session_id: str, pages: int = 1) -> PrintJob:
        """Make a job that a device may fetch; command the printer with its id."""
        return self.office.world.print_jobs.create(session_id, pages)

    def new_id(self, field: str) -> str:
        """A fresh identifier for a canonical field (material_id, call_id ...)."""
        return self.office.world.names.new(field)

    # Rating

    def ask_rating(self, session_id: str, *, facts: Mapping[str, Any] | None = None) -> tuple[RatingRequest, PendingCall]:
        """Ask the resident to rate the session."""
        world = self.office.world
        session = world.sessions.get(session_id)
        row = world.ratings.ask(session.id, session.ticket_id)
        limit = int(world.timers_ms.get("T-RATING", 60_000))
        fields = {"rating_id": row.id, "session_id": session.id, "ticket_id": session.ticket_id, "timeout_ms": limit}
        return row, self.send("rating.request", fields, session.device, facts=facts)

    # Calls

    def invite(
        self, session_id: str, device: str | None = None, *, facts: Mapping[str, Any] | None = None, **overrides: Any
    ) -> tuple[Call, PendingCall]:
        """The clerk calls the device."""
        world = self.office.world
        session = world.sessions.rows.get(session_id)
        target = self.device_id(device or (session.device if session else None))
        call_id = str(overrides.pop("call_id", "") or world.names.new("call_id"))
        call = self.hub.invited(call_id, target, session_id)
        fields = {
            "call_id": call_id, "session_id": session_id, "ticket_id": session.ticket_id if session else "",
            "ring_timeout_ms": int(world.timers_ms.get("T-RING", 3000) + world.timers_ms.get("T-ANSWER", 5000)),
            "ice_servers": [dict(row) for row in world.ice_servers], **self._window(), **overrides,
        }  # fmt: skip
        return call, self.send("call.invite", fields, target, timer="T-RING", facts=facts)

    def cancel_call(self, call_id: str, reason: str = "cancelled") -> PendingCall:
        """The clerk gives up ringing."""
        return self._end_call("call.cancel", call_id, reason)

    def hang_up(self, call_id: str, reason: str = "completed") -> PendingCall:
        """The clerk hangs up."""
        return self._end_call("call.bye", call_id, reason)

    def _end_call(self, role: str, call_id: str, reason: str) -> PendingCall:
        call = self.hub.end(call_id, "bench", reason)
        return self.send(role, {"call_id": call_id, "reason": reason}, call.device_id if call is not None else None)

    # Administration

    def set_counter(self, state: str) -> None:
        """Activate, change or close the counter (applied, opened, changed, closed)."""
        self.office.world.counter.set_state(state)

    def set_hours(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """New service hours; none means always open."""
        self.office.world.counter.set_hours(rows)

    def set_items(self, count: int) -> None:
        """Serve a list of exactly `count` items."""
        self.office.world.items.set_count(count)

    def push_config(self, device: str | None = None, **overrides: Any) -> PendingCall:
        """Tell the device that the point's information changed."""
        world = self.office.world
        counter = world.counter
        fields = {
            "version": counter.version, "items_version": world.items.version, "counter_name": counter.name,
            "service_hours": list(counter.rows), **({"phone": counter.phone} if counter.phone else {}), **overrides,
        }  # fmt: skip
        return self.send("config.push", fields, device)
