"""Tickets and the queue. Remote tickets are called before on-site ones: an invariant of this bench, not of the device."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from mocks.acceptance.refusal import Refused

Channel = Literal["remote", "on_site"]
OPEN: Final = frozenset({"waiting", "called", "serving", "held", "transferred"})
# state -> states that may follow; a called ticket may be called again (re-call)
MOVES: Final[Mapping[str, frozenset[str]]] = {
    "waiting": frozenset({"called", "cancelled", "expired"}),
    "called": frozenset({"called", "serving", "missed", "held", "cancelled", "expired"}),
    "missed": frozenset({"called", "expired"}),  # 过号 may be called again
    "serving": frozenset({"held", "transferred", "served"}),
    "held": frozenset({"serving", "served", "transferred"}),
    "transferred": frozenset({"called", "serving", "served"}),
}


class InvariantBrokenError(AssertionError):
    """The bench itself broke a rule of the acceptance system: an error of the bench, never a finding about a device."""


@dataclass
class Ticket:
    """One queue ticket (取号). `holder` is the card number it was taken with."""

    id: str
    number: str
    channel: Channel
    order: int
    holder: str = ""
    item_code: str | None = None
    agent: str | None = None
    device: str | None = None
    request_id: str | None = None
    state: str = "waiting"
    window_no: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether the ticket still leads to a service."""
        return self.state in OPEN


@dataclass
class Queue:
    """All tickets of one counter, in order of issue."""

    new_id: Callable[[], str]
    new_number: Callable[[], str]
    tickets: dict[str, Ticket] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)  # ids in the order of first calls

    def issue(
        self, channel: Channel, holder: str, *, request_id: str | None = None, item_code: str | None = None,
        agent: str | None = None, device: str | None = None,
    ) -> tuple[Ticket, bool]:  # fmt: skip
        """A new ticket, or the open one of the same holder (a duplicate swipe takes no second). Second value: is it new."""
        for ticket in self.tickets.values():
            same_request = request_id is not None and ticket.request_id == request_id and ticket.device == device
            if same_request or (holder and ticket.is_open and ticket.holder == holder and ticket.channel == channel):
                return ticket, False
        ticket = Ticket(
            self.new_id(), self.new_number(), channel, len(self.tickets), holder, item_code, agent, device, request_id
        )
        self.tickets[ticket.id] = ticket
        return ticket, True

    def get(self, ticket_id: object) -> Ticket:
        """Raises Refused for an unknown ticket."""
        ticket = self.tickets.get(ticket_id) if isinstance(ticket_id, str) else None
        if ticket is None:
            raise Refused("unknown-object", "no such ticket")
        return ticket

    def move(self, ticket_id: str, state: str) -> Ticket:
        """Change a ticket's state. Raises Refused where the state may not follow; then nothing changed."""
        ticket = self.get(ticket_id)
        if state not in MOVES.get(ticket.state, frozenset()):
            raise Refused("wrong-state", f"a {ticket.state} ticket cannot become {state}", state=ticket.state)
        ticket.state = state
        return ticket

    def waiting(self) -> list[Ticket]:
        """Waiting tickets in the order in which they will be called: remote first, then by time of issue."""
        rows = [ticket for ticket in self.tickets.values() if ticket.state == "waiting"]
        return sorted(rows, key=lambda ticket: (ticket.channel != "remote", ticket.order))

    def ahead(self, ticket: Ticket) -> int:
        """How many tickets will be called before this one; 0 once it is called."""
        row = self.waiting()
        return row.index(ticket) if ticket in row else 0

    def call_next(self, window_no: str) -> Ticket | None:
        """Call the next ticket to a window, remote ones first; None where nobody waits."""
        row = self.waiting()
        if not row:
            return None
        return self._called(row[0], window_no)

    def call(self, ticket_id: str, window_no: str) -> Ticket:
        """Call this ticket now, or call it again.

        Raises Refused, or InvariantBrokenError where a remote one would be passed over.
        """
        ticket = self.get(ticket_id)
        if ticket.state not in ("waiting", "called", "transferred", "missed"):
            raise Refused("wrong-state", f"a {ticket.state} ticket cannot be called", state=ticket.state)
        return self._called(ticket, window_no)

    def _called(self, ticket: Ticket, window_no: str) -> Ticket:
        passed_over = [t for t in self.tickets.values() if t.channel == "remote" and t.state == "waiting"]
        if ticket.state == "waiting" and ticket.channel == "on_site" and passed_over:
            raise InvariantBrokenError(f"on-site ticket {ticket.number} called before remote ticket {passed_over[0].number}")
        if ticket.state == "waiting":
            self.calls.append(ticket.id)
        self.move(ticket.id, "called")
        ticket.window_no = window_no
        return ticket
