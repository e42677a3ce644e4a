"""The simulated city: acceptance system, signaling endpoint and clerk seat in one, speaking whatever dialect the pack says.

It knows roles and canonical fields only (decision 19). At its edges it is sans-IO: shells (sockets or memory) bring whole
HTTP requests and WebSocket frames and take bytes away; every byte is recorded before anything is done about it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from conformance.protocol import pointer, strictjson
from conformance.protocol.httpwire import HttpRequest, parse_request, render_response
from conformance.protocol.pointer import MISSING
from conformance.protocol.strictjson import MalformedMessage
from conformance.spec.model import Interface, Message, Spec
from conformance.spec.validators import Validators, validators_of
from conformance.trace.clock import Clock
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Entry
from mocks.acceptance.channels import Channels
from mocks.acceptance.connection import PING, TEXT, Connection, PendingCall, WsPort
from mocks.acceptance.desk import Desk
from mocks.acceptance.device_api import DeviceApi, HttpClient, Signed
from mocks.acceptance.docking import Docking, HttpAction
from mocks.acceptance.office import Office
from mocks.acceptance.operations import Operations
from mocks.acceptance.queue import InvariantBrokenError, Queue
from mocks.acceptance.refusal import Refused
from mocks.acceptance.registry import DeviceIdentity, Registered
from mocks.acceptance.selfcheck import faults_of
from mocks.acceptance.world import Answer, Ask, Endpoints, World
from mocks.faults import Faults
from mocks.signaling.hub import Clerk, Hub


@dataclass(frozen=True, slots=True)
class WsDecision:
    """What becomes of an upgrade: `interface` and `subprotocol` where accepted, a status where refused."""

    interface: Interface | None
    subprotocol: str | None = None
    status: int = 101
    reason: str = ""

    @property
    def accept(self) -> bool:
        """Whether the WebSocket opens."""
        return self.interface is not None


class City(Operations):
    """One city for one run. Lives on the bench's loop; nothing in it is thread-safe, nothing needs to be."""

    def __init__(
        self, spec: Spec, recorder: Recorder, clock: Clock, *, timers_ms: Mapping[str, float], seed: int = 0,
        clerk: Clerk | None = None, device_http: HttpClient | None = None, validators: Validators | None = None,
    ) -> None:  # fmt: skip
        self.spec = spec
        self.recorder = recorder
        self.office = Office(spec, recorder, clock, timers_ms, seed, validators or validators_of(spec))
        self.desk = Desk(self.world)
        self.hub = Hub(self.office, self._hub_send, clerk)
        self.channels = Channels(self.office, self._dispatch)
        self.docking = Docking(self.office, self._dispatch)
        self.device_api = DeviceApi(self.office, device_http)
        self.faults = Faults(self.office, lambda: list(self.channels.connections.values()))
        self.channels.outgoing = self.faults.outgoing
        self.channels.loses = self.faults.loses
        self._pings = 0
        self._handlers = {**self.desk.handlers, **self.hub.handlers}
        for resident in spec.city.get("residents", ()):
            recorder.allow_person(str(resident["id_number"]))

    # State

    @property
    def world(self) -> World:
        """The city's memory."""
        return self.office.world

    @property
    def queue(self) -> Queue:
        """The queue; `call_next` of the city also tells the device."""
        return self.world.queue

    def enrol(self, identity: DeviceIdentity) -> None:
        """Let a device register; its keys are secrets from now on."""
        for key in (*identity.device_keys.values(), identity.city_key):
            self.recorder.add_secret(key, "key")
        self.world.registry.enrol(identity)

    def issue_key(self, prefix: str) -> tuple[str, bytes]:
        """A further key of the only device that may register, with a keyid that begins so. Raises LookupError for none."""
        identity = next(iter(self.world.registry.identities.values()), None)
        if identity is None:
            raise LookupError("no device may register")
        keyid, secret = prefix + identity.remote_device_id, secrets.token_bytes(32)
        self.enrol(replace(identity, device_keys={**identity.device_keys, keyid: secret}))
        return keyid, secret

    def set_endpoints(self, urls: Mapping[str, str], udp: Sequence[int] = ()) -> None:
        """Absolute URL of each interface (path included), as devices reach it, and the UDP ports that answer them."""
        self.world.endpoints = Endpoints(dict(urls), tuple(udp))

    def device_id(self, device: str | None = None) -> str:
        """The device meant. Raises LookupError where none is named and not exactly one is known."""
        if device is not None:
            return device
        known = list(self.world.registry.rows) or list(self.world.registry.identities)
        if len(known) != 1:
            raise LookupError(f"name the device: {len(known)} are known")
        return known[0]

    def registered(self, device: str | None = None) -> Registered:
        """A registered device. Raises LookupError where it never registered."""
        row = self.world.registry.rows.get(self.device_id(device))
        if row is None:
            raise LookupError("the device has not registered")
        return row

    def ready(self, interface: str, device: str | None = None) -> bool:
        """Whether the device is attached on an interface now."""
        return self.channels.ready(interface, self.device_id(device)) is not None

    @property
    def heard(self) -> int:
        """How many messages of devices came in and must be on the record."""
        return self.office.heard

    def put_down(self) -> None:
        """The run ends: what is held back of unfinished messages goes on record."""
        for conn in list(self.channels.connections):
            self.channels.release(conn)

    def self_check(self) -> list[str]:
        """What the city cannot do right, before any device pays for it. Empty where all is well."""
        return faults_of(self.office)

    # Edges: connections

    def conn_open(self, iface: str, conn: str, peer: str, tls: Mapping[str, Any] | None) -> None:
        """A connection is open (after TLS where there is any)."""
        facts = {"conn": conn, "peer": peer, "tls": dict(tls) if tls is not None else None}
        self.recorder.observe(iface, "iut", "conn.open", facts=facts)

    def conn_closed(self, iface: str, conn: str, by: str, reason: str) -> None:
        """A connection is gone."""
        self.recorder.observe(iface, "-", "conn.close", facts={"conn": conn, "by": by, "reason": reason})

    def tls_offer(self, iface: str, conn: str) -> str:
        """A device begins TLS: what it is shown now (see `mocks.faults.PRESENTATIONS`)."""
        presented = self.faults.presented
        self.recorder.observe(iface, "bench", "tls.offer", facts={"conn": conn, "presented": presented})
        return presented

    def tls_failed(self, iface: str, conn: str, alert: str | None, reason: str, presented: str) -> None:
        """TLS did not come about; `alert` is what the device said, None where it said nothing."""
        facts = {"conn": conn, "alert": alert, "reason": reason, "presented": presented}
        self.recorder.observe(iface, "iut", "tls.failed", facts=facts)

    # Edges: HTTP

    def http(self, conn: str, raw: bytes, iface: str | None = None) -> HttpAction:
        """One whole request. The shell calls `http_sent` once the response is on the wire."""
        interface = self._http_interface(iface)
        try:
            bent = self.faults.http(self.docking, conn, interface, raw)
            if bent is not None:
                return bent
            return self.faults.spoil(self.docking.handle(conn, interface, raw), interface)
        except Exception as error:  # a bug of ours: the device gets a plain failure, and no blame
            self.office.bench_error("http", f"{type(error).__name__}: {error}")
            return HttpAction(render_response(500, "Internal Server Error", [], b""), facts={"failed": True})

    def http_sent(self, conn: str, action: HttpAction, iface: str | None = None) -> None:
        """The response of an action was written."""
        told = {"conn": conn, "to": action.to, **action.facts}
        self.recorder.observe(self._http_interface(iface).id, "bench", "http.response", action.raw, told)

    def _http_interface(self, iface: str | None) -> Interface:
        return self.spec.interfaces[iface] if iface is not None else self.office.dialect.http_interfaces[0]

    # Edges: WebSocket

    def ws_open(self, conn: str, raw_upgrade: bytes, extra: Mapping[str, Any] | None = None) -> WsDecision:
        """An upgrade request. After a shell accepted it calls `ws_started`."""
        try:
            request = parse_request(raw_upgrade)
        except MalformedMessage as error:
            first = self.office.dialect.ws_interfaces[0].id  # its path says nothing about which one was meant
            self.recorder.observe(first, "iut", "ws.upgrade", raw_upgrade, {"conn": conn, "problem": error.reason})
            return WsDecision(None, status=400, reason=error.reason)
        interface = next((i for i in self.office.dialect.ws_interfaces if i.path == request.path), None)
        iface = interface.id if interface is not None else self.office.dialect.ws_interfaces[0].id
        self.recorder.observe(iface, "iut", "ws.upgrade", raw_upgrade, {"conn": conn, **(extra or {})})
        decision = self._decide(interface, request)
        kind = "ws.accept" if decision.accept else "ws.refuse"
        told = {"conn": conn, "status": decision.status, "subprotocol": decision.subprotocol, "reason": decision.reason}
        self.recorder.observe(iface, "bench", kind, facts=told)
        return decision

    def _decide(self, interface: Interface | None, request: HttpRequest) -> WsDecision:
        if interface is None:
            return WsDecision(None, status=404, reason="no channel here")
        if self.faults.refuses or self.faults.cuts(interface.id):
            return WsDecision(None, status=503, reason="out of service")
        offered = [name.strip() for name in (request.header("sec-websocket-protocol") or "").split(",")]
        if interface.subprotocol is not None and interface.subprotocol not in offered:
            return WsDecision(None, status=400, reason="subprotocol not offered")
        return WsDecision(interface, interface.subprotocol)

    def ws_started(self, conn: str, decision: WsDecision, port: WsPort) -> None:
        """The WebSocket is open."""
        if decision.interface is not None:
            self.channels.opened(conn, decision.interface, port)

    def ws_frame(
        self, conn: str, opcode: int, fin: bool, rsv1: bool, payload: bytes, extra: Mapping[str, Any] | None = None
    ) -> None:
        """One frame of a device. Close frames come through `ws_closed`."""
        if self.faults.swallows:
            return
        try:
            self.channels.frame(conn, opcode, fin, rsv1, payload, extra or {})
        except Exception as error:  # a bug of ours stays ours
            self.office.bench_error("ws", f"{type(error).__name__}: {error}")

    def ws_closed(self, conn: str, code: int, reason: str, by: str = "iut") -> None:
        """A WebSocket is gone; `by` says who ended it, `code` is 1006 without a close frame."""
        connection = self.channels.connections.get(conn)
        if connection is None:
            return
        self.channels.release(conn)
        facts = {"conn": conn, "code": code, "reason": reason, "by": by}
        direction: Any = by if by in ("iut", "bench") else "-"
        self.recorder.observe(connection.interface.id, direction, "ws.close", facts=facts)
        self.channels.closed(conn)

    # Bench side

    def send(
        self, role: str, fields: Mapping[str, Any] | None = None, device: str | None = None, *, timer: str = "T-ACK",
        facts: Mapping[str, Any] | None = None,
    ) -> PendingCall:  # fmt: skip
        """Send the message bound to a role: its example with the given canonical fields in place (`OMIT` leaves one out).

        `facts` with `intended` ({stimulus, ...}) make it deliberate and skip our own check of it. Raises LookupError.
        """
        message = self._message(role)
        body = self.office.dialect.build(message, "request", fields or {})
        return self.channels.call(message, body, self.registered(device), timer, facts=facts)

    def say(self, role: str, fields: Mapping[str, Any] | None = None, *, facts: Mapping[str, Any] | None = None) -> Entry:
        """As `send`, to the only device; the request's entry. Raises LookupError where the device is not attached."""
        call = self.send(role, fields, facts=facts)
        if call.entry is None:
            raise LookupError(f"{role}: the device is not attached, the message waits for its return")
        return call.entry

    def _message(self, role: str) -> Message:
        message = self.office.dialect.role(role)
        if message is None:
            raise LookupError(f"the pack binds no message to the role {role}")
        return message

    def inject(
        self, iface: str, what: bytes | Mapping[str, Any], *, facts: Mapping[str, Any] | None = None,
        device: str | None = None, opcode: int = TEXT, fin: bool = True, timer: str = "T-ACK",
    ) -> PendingCall:  # fmt: skip
        """Send what no role would: bytes as they are, or a document that gets its sequence values here.

        `facts` go on record with it: `intended` ({stimulus, ...}) for something bad, `lawful` for something odd. Await
        the reply as with `send` (for bytes: an error without an id). Raises LookupError where the device is not attached.
        """
        row = self.registered(device)
        connection = self.channels.ready(iface, row.id)
        if connection is None:
            raise LookupError(f"the device is not attached on {iface}")
        call_id, raw = self._sequenced(connection, what)
        message = next(m for m in self.spec.messages.values() if m.interface == iface)
        call = PendingCall(message, call_id, self.recorder, timer, self.office.wait_s(timer))
        self.channels.expect_reply(iface, row.id, call)
        call.entry = self.channels.raw(connection, raw, dict(facts or {}), opcode, fin)
        return call

    def resend(self, request: Entry, device: str | None = None) -> Entry:
        """The very same bytes of an earlier message once more, as after a cut in the wrong moment. Raises LookupError."""
        connection = self.channels.ready(request.iface, self.registered(device).id)
        if connection is None:
            raise LookupError(f"the device is not attached on {request.iface}")
        return self.channels.raw(connection, request.raw, {"lawful": "repeat"})

    def ping(self, iface: str, device: str | None = None) -> Entry:
        """A WebSocket ping. Raises LookupError where the device is not attached."""
        connection = self.channels.ready(iface, self.registered(device).id)
        if connection is None:
            raise LookupError(f"the device is not attached on {iface}")
        self._pings += 1
        return self.channels.raw(connection, b"rvw %d" % self._pings, {}, PING)

    def missing(self) -> set[str]:
        """The interfaces on which the only device should hold a connection and holds none now."""
        interfaces = {interface.id for interface in self.office.dialect.ws_interfaces}
        with suppress(LookupError):  # it never registered: all of them
            return {interface for interface in interfaces if not self.ready(interface)}
        return interfaces

    def _sequenced(self, connection: Connection, what: bytes | Mapping[str, Any]) -> tuple[Any, bytes]:
        if isinstance(what, bytes):
            return None, what
        document = dict(what)
        envelope = self.spec.envelopes[connection.interface.envelope or ""]
        link = connection.link
        if link is not None and envelope.sequenced:
            seq_at = envelope.sequence["seq"]
            given = pointer.get(document, seq_at) is not MISSING
            meta = {} if given else link.meta(handshake=False)
            for name, value in meta.items():
                if name in envelope.sequence:
                    pointer.put(document, envelope.sequence[name], value)
            raw = strictjson.dumps(document)
            if not given:
                link.keep(meta["seq"], self._to_repeat(connection, document, raw))
        else:
            raw = strictjson.dumps(document)
        call_id = pointer.get(document, envelope.id, None) if envelope.id else None
        return call_id, raw

    def _to_repeat(self, connection: Connection, document: Mapping[str, Any], raw: bytes) -> bytes:
        """What goes out again after a cut. A device that closes with 1009 has not read what was too long, and would meet it
        after every resume: it gets the same call in its plain form."""
        envelope = self.spec.envelopes[connection.interface.envelope or ""]
        where = envelope.body.get("request", "")
        if len(raw) <= connection.interface.max_message_bytes or not where or not envelope.name:
            return raw
        message = self.office.dialect.named(connection.interface.id, str(pointer.get(document, envelope.name, "")))
        plain = dict(document)
        pointer.put(plain, where, self.office.dialect.build(message, "request", {}) if message is not None else {})
        return strictjson.dumps(plain)

    def next_call_id(self) -> int:
        """A call id for documents that are injected."""
        return self.channels.next_id()

    async def call_device_api(
        self, role: str, signed: Signed = "good", *, device: str | None = None, fields: Mapping[str, Any] | None = None,
        age_s: float = 0.0, intended: Mapping[str, str] | None = None, facts: Mapping[str, Any] | None = None,
    ) -> Entry | None:  # fmt: skip
        """Call the device's own API (I4), signed `age_s` seconds ago. None where no answer came. Raises LookupError."""
        told = {**(facts or {}), **({"intended": dict(intended)} if intended else {})}
        return await self.device_api.request(
            role, self.registered(device), signed=signed, fields=fields, age_s=age_s, facts=told
        )

    def _hub_send(
        self, role: str, fields: Mapping[str, Any], device: str, facts: Mapping[str, Any] | None = None, /
    ) -> PendingCall:
        return self.send(role, fields, device, facts=facts)

    def _dispatch(self, ask: Ask) -> Answer:
        handler = self._handlers.get(ask.role)
        if handler is None:
            return Answer()
        try:
            answer = handler(ask)
        except InvariantBrokenError as error:
            self.office.bench_error("acceptance", f"{ask.role}: {error}")
            raise Refused("unavailable", "the acceptance system failed") from error
        if ask.role == "registration.register":
            self.channels.renew(self.registered(str(ask.fields.get("remote_device_id"))))
        return answer
