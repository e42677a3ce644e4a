"""The clerk's seat: what a story says for the city, as plain steps. State is the city's; this is only its face to procedures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.bench.errors import NotObserved
from conformance.protocol import pointer, strictjson
from conformance.spec.model import Message
from conformance.trace.transcript import Entry
from mocks.acceptance.device_api import Signed
from mocks.acceptance.times import local, weekday
from mocks.city import City


class Seat:
    """Speaks for acceptance system, signaling endpoint and clerk, in roles and canonical fields."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.faults = city.faults
        self._hours: Sequence[Mapping[str, Any]] = list(city.world.counter.rows)

    # Messages

    def say(self, role: str, fields: Mapping[str, Any], *, facts: Mapping[str, Any] | None = None) -> Entry:
        """Send the message of a role; returns it as recorded. Raises NotObserved where the device is not attached."""
        try:
            return self.city.say(role, fields, facts=facts)
        except LookupError as error:
            raise NotObserved(f"a connection for {role}") from error

    def bend(
        self, what: str | Message, fields: Mapping[str, Any], extra: Mapping[str, Any], *,
        canonical: Mapping[str, Any] | None = None, name: str = "", intended: Mapping[str, str] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> Entry:  # fmt: skip
        """Send a message, or that of a role, with its body bent: `extra` members added, `canonical` fields overwritten,
        another `name`."""
        message = self._message(what) if isinstance(what, str) else what
        body = self.city.office.dialect.build(message, "request", fields)
        body = {**(body if isinstance(body, dict) else {}), **extra}
        for field, value in (canonical or {}).items():
            pointer.put(body, message.fields["request"][field], value)
        return self._inject(message, self._frame(message, body, name), intended, facts)

    def send_body(
        self, message: Message, body: Any, *, intended: Mapping[str, str] | None, facts: Mapping[str, Any] | None = None
    ) -> Entry:
        """Send a whole body of a message, good or bad."""
        return self._inject(message, self._frame(message, body, ""), intended, facts)

    def call_unknown(self, like: str, name: str, *, intended: Mapping[str, str]) -> Entry:
        """Call a method that does not exist, on the interface of a role."""
        return self.bend(like, {}, {}, name=name, intended=intended)

    def inject_raw(self, like: str, raw: bytes, *, intended: Mapping[str, str]) -> Entry:
        """Throw bytes at the interface of a role."""
        return self._inject(self._message(like), raw, intended, None)

    def inject_batch(self, like: str, count: int, *, intended: Mapping[str, str], **fields: Any) -> Entry:
        """Several calls in one array."""
        message = self._message(like)
        body = self.city.office.dialect.build(message, "request", fields)
        return self._inject(message, strictjson.dumps([self._frame(message, body, "") for _ in range(count)]), intended, None)

    def resend(self, request: Entry) -> Entry:
        """The very same bytes once more, as after a cut in the wrong moment."""
        return self.city.resend(request)

    def ping(self, iface: str) -> Entry:
        """A WebSocket ping."""
        return self.city.ping(iface)

    def _message(self, role: str) -> Message:
        return self.city.spec.by_role(role)[0]

    def _frame(self, message: Message, body: Any, name: str) -> dict[str, Any]:
        interface = self.city.spec.interfaces[message.interface]
        envelope = self.city.spec.envelopes[interface.envelope or ""]
        wire = name or message.wire_name
        document: dict[str, Any] = strictjson.loads(
            envelope.encode("request", name=wire, id=self.city.next_call_id(), body={})
        )
        where = envelope.body.get("request", "")
        if where:
            pointer.put(document, where, body)
        elif isinstance(body, dict):
            document.update(body)
        return document

    def _inject(
        self, message: Message, what: bytes | Mapping[str, Any], intended: Mapping[str, str] | None,
        facts: Mapping[str, Any] | None,
    ) -> Entry:  # fmt: skip
        told = {**(facts or {}), **({"intended": dict(intended)} if intended else {})}
        try:
            entry = self.city.inject(message.interface, what, facts=told).entry
        except LookupError as error:
            raise NotObserved(f"a connection for {message.name}") from error
        assert entry is not None
        return entry

    # State

    def missing(self) -> set[str]:
        """The interfaces on which the device should hold a connection and holds none now."""
        return self.city.missing()

    def new_id(self, field: str) -> str:
        """A fresh identifier."""
        return self.city.new_id(field)

    def issue_key(self, prefix: str) -> tuple[str, bytes]:
        """A further key for the device, with a keyid that begins so."""
        return self.city.issue_key(prefix)

    def call_ticket(self, ticket_id: str, *, another: bool = False) -> Entry:
        """The window calls a ticket, or another window than the first where there is one; the message that tells the device."""
        window = str(self.city.office.world.windows[-1]["window_no"]) if another else None
        return self._sent(self.city.call_ticket(ticket_id, window))

    def ticket_fields(self, ticket_id: str) -> dict[str, Any]:
        """What the device is told of a ticket."""
        return self.city.desk.ticket_fields(self.city.queue.get(ticket_id))

    def move_ticket(self, ticket_id: str, state: str) -> Entry:
        """A ticket changes its state; the message that tells the device."""
        return self._sent(self.city.move_ticket(ticket_id, state))

    def open_session(self, ticket_id: str) -> tuple[str, Entry]:
        """The clerk opens the session; its id, and the message that tells the device."""
        session, call = self.city.open_session(ticket_id)
        return session.id, self._sent(call)

    def close_session(self, session_id: str) -> Entry:
        """The clerk closes the session."""
        return self._sent(self.city.close_session(session_id))

    def invite(self, session_id: str, *, facts: Mapping[str, Any] | None = None, **overrides: Any) -> tuple[str, Entry]:
        """The clerk calls; the call's id, and the invite."""
        call, pending = self.city.invite(session_id, facts=facts, **overrides)
        return call.id, self._sent(pending)

    def cross_offers(self, call_id: str) -> None:
        """The clerk will offer at the same time as the device (glare)."""
        self.city.hub.calls[call_id].crossing = True

    def hang_up(self, call_id: str) -> Entry:
        """The clerk hangs up."""
        return self._sent(self.city.hang_up(call_id))

    def cancel_call(self, call_id: str) -> Entry:
        """The clerk gives up ringing."""
        return self._sent(self.city.cancel_call(call_id))

    def command(
        self, session_id: str, peripheral: str, action: str, args: Mapping[str, Any], *, timeout_ms: int | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> Entry:  # fmt: skip
        """The clerk asks a peripheral for something; the request."""
        return self._sent(self.city.command(session_id, peripheral, action, args, timeout_ms=timeout_ms, facts=facts)[1])

    def ask_rating(self, session_id: str, *, facts: Mapping[str, Any] | None = None) -> tuple[str, Entry]:
        """The city asks for the rating; its id, and the request."""
        row, call = self.city.ask_rating(session_id, facts=facts)
        return row.id, self._sent(call)

    def print_job(self, session_id: str, pages: int = 1) -> str:
        """A job that the device may fetch."""
        return self.city.print_job(session_id, pages).id

    def push_config(self) -> Entry:
        """Tell the device that the point's information changed."""
        return self._sent(self.city.push_config())

    def set_items(self, count: int | None) -> None:
        """Serve a list of `count` items; None is the list of the fixtures again."""
        self.city.set_items(len(self.city.spec.city.get("service_items", ())) if count is None else count)

    def set_counter(self, state: str) -> None:
        """`active`, `not_activated` or `closed`: the gate of the remote counter (远程受理柜台维护)."""
        self.city.set_counter({"active": "opened", "not_activated": "applied"}.get(state, state))

    def set_hours(self, rows: Sequence[Mapping[str, Any]] | None) -> None:
        """New service hours; None is always open, an empty list is closed now (a minute on another day is served)."""
        if rows is None:
            rows = self._hours
        elif not rows:
            today = local(self.city.world.now(), self.city.world.counter.utc_offset).isoweekday()
            day = next(d for d in self._hours[0]["days"] if weekday(d) != today)
            rows = [{**self._hours[0], "days": [day], "from": "00:00", "to": "00:01"}]
        self.city.set_hours(rows)

    def add_on_site(self, count: int) -> None:
        """People in the hall take numbers."""
        for _ in range(count):
            self.city.on_site_ticket()

    def add_elsewhere(self, count: int) -> None:
        """People at other points take remote tickets, which are called before what is taken after them."""
        for _ in range(count):
            self.city.remote_ticket()

    def forget_visits(self) -> None:
        """Drop tickets, sessions and calls on the city's side."""
        self.city.forget_visits()

    async def end_everything(self) -> None:
        """Say goodbye on every open thing, as a clerk at closing time does."""
        await self.city.end_everything()

    async def call_device_api(self, role: str, signed: Signed, **more: Any) -> Entry | None:
        """Call the device's own API (I4)."""
        return await self.city.call_device_api(role, signed, **more)

    @staticmethod
    def _sent(call: Any) -> Entry:
        if call is None or call.entry is None:
            raise NotObserved("a connection of the device")
        entry: Entry = call.entry
        return entry
