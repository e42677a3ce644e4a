"""I2 and I3 as the acceptance system sees them: frames in, frames out, ordered and resumable, in whatever dialect.

A connection is opened, proven (challenge from the city, or login from the device, whichever the pack binds), attached
(where the pack binds a resume) and then carries calls both ways. Sans-IO: shells bring frames and take frames away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.protocol.envelope import Decoded, Envelope, Kind, id_key
from conformance.protocol.strictjson import MalformedMessage
from conformance.spec.model import Interface, Message
from conformance.trace.transcript import Entry
from mocks.acceptance.connection import BINARY, CONTINUATION, TEXT, Connection, PendingCall, WsPort
from mocks.acceptance.dialect import CHALLENGE, LOGIN, RESUME
from mocks.acceptance.handshake import Handshake
from mocks.acceptance.link import Link
from mocks.acceptance.office import Office
from mocks.acceptance.refusal import Refused
from mocks.acceptance.registry import Registered
from mocks.acceptance.world import Answer, Ask

Facts = dict[str, Any]
DATA = frozenset((TEXT, CONTINUATION, BINARY))  # opcodes of messages, whole or in part


class Channels:
    """All connections and links of the city."""

    def __init__(self, office: Office, dispatch: Callable[[Ask], Answer]) -> None:
        self._office = office
        self._dispatch = dispatch
        self._handshake = Handshake(office)
        self.connections: dict[str, Connection] = {}
        self.links: dict[tuple[str, str], Link] = {}
        self._attached: dict[tuple[str, str], Connection] = {}  # newest by (interface, device)
        self._pending: dict[tuple[str, str, str], PendingCall] = {}  # by interface, device and key of the call's id
        self._calls = 0
        self.on_ready: Callable[[Connection], None] = lambda _: None
        self.outgoing: Callable[[Connection, bytes], list[bytes]] = lambda _, raw: [raw]  # faults may bend it
        self.loses: Callable[[Connection], bool] = lambda _: False  # faults may lose what a device sends

    # Sockets

    def opened(self, conn: str, interface: Interface, port: WsPort) -> None:
        """A WebSocket is open: begin the handshake."""
        connection = self.connections[conn] = Connection(conn, interface, port, self._envelope(interface))
        message = self._office.dialect.one_of(CHALLENGE, interface.id)
        if message is None:
            return
        connection.nonce = self._handshake.nonce()
        connection.state = "challenged"
        body = self._office.dialect.build(message, "request", self._handshake.challenge_fields(connection.nonce))
        connection.challenge_id = self.next_id()
        self._send(connection, message, "request", body, call_id=connection.challenge_id, handshake=True)

    def closed(self, conn: str) -> None:
        """A WebSocket is gone. Links and what they still have to send stay."""
        connection = self.connections.pop(conn, None)
        if connection is not None:
            connection.state = "closed"
            key = (connection.interface.id, connection.device_id)
            if self._attached.get(key) is connection:
                del self._attached[key]

    def ready(self, interface: str, device_id: str) -> Connection | None:
        """The attached connection of a device on an interface."""
        connection = self._attached.get((interface, device_id))
        return connection if connection is not None and connection.state == "ready" else None

    def renew(self, device: Registered) -> None:
        """The device booted anew: its links count from one again, calls of the old epoch get no reply."""
        for interface in self._office.dialect.ws_interfaces:
            link = self.links.get((interface.id, device.id))
            if link is not None and link.epoch != device.epoch:
                link.renew(device.epoch, device.boot_id)
                for key in [k for k in self._pending if k[:2] == (interface.id, device.id)]:
                    self._pending.pop(key).settle(None)

    # Incoming

    def frame(self, conn: str, opcode: int, fin: bool, rsv1: bool, payload: bytes, extra: Mapping[str, Any]) -> None:
        """One frame of a device: recorded with what it proves, whatever fails while that is found out; then processed.

        A fragment is recorded together with the rest of its message, because the mask must see what is split over them.
        """
        connection = self.connections.get(conn)
        if connection is None:
            return
        facts: Facts = {"conn": conn, "opcode": opcode, "fin": fin, "rsv1": rsv1, **extra}
        whole = opcode in DATA  # no control frame
        lost = whole and self.loses(connection)
        if lost:
            facts["lost"] = True
        if whole and not fin:
            connection.held.append((payload, {**facts, "came": round(self._office.clock.monotonic(), 6)}))
            connection.held_bytes += len(payload)
            limit = connection.interface.max_message_bytes  # of fragments, too: empty ones cost memory and add no byte
            if max(connection.held_bytes, len(connection.held)) > limit:
                self._record_held(connection)
                connection.port.close(1009, "message too big")
            return
        decoded: Decoded | None = None
        problem = ""
        joined = whole and bool(connection.held)
        raw = b"".join([*(part for part, _ in connection.held), payload]) if joined else payload
        try:
            if whole:
                decoded = connection.envelope.decode(raw)
                facts.update(self._handshake.facts(connection, decoded))
        except MalformedMessage as error:
            problem = error.reason
        finally:
            # The transcript calls a binary frame malformed without looking into it.
            shared = decoded if opcode == TEXT else None
            if joined:
                entry = self._record_held(connection, (payload, facts))
            else:
                facts["k"] = self._office.heard_one()
                entry = self._office.recorder.observe(
                    connection.interface.id, "iut", "ws.frame", payload, facts, decoded=shared
                )
        if not whole or lost:
            return
        if decoded is not None and not joined and entry.raw is not payload:
            self._office.witness(entry, payload, True, decoded.body, decoded.name)
        if len(raw) > connection.interface.max_message_bytes:
            connection.port.close(1009, "message too big")
        elif opcode == BINARY or decoded is None:
            self._refuse(connection, None, None, Refused("malformed" if "JSON" in problem else "invalid-request", problem))
        else:
            self._message(connection, decoded, entry, facts)

    def release(self, conn: str) -> None:
        """Record what came of a message that does not come to its end."""
        connection = self.connections.get(conn)
        if connection is not None and connection.held:
            self._record_held(connection)

    def _record_held(self, connection: Connection, *last: tuple[bytes, Facts]) -> Entry:
        parts, connection.held, connection.held_bytes = [*connection.held, *last], [], 0
        for _, facts in parts:
            facts["k"] = self._office.heard_one()
        return self._office.recorder.observe_together(connection.interface.id, "iut", "ws.frame", parts)[-1]

    def _message(self, connection: Connection, decoded: Decoded, entry: Entry, facts: Facts) -> None:
        link = connection.link
        if link is not None and connection.envelope.sequenced and link.arrived(decoded.seq, decoded.seen) == "repeat":
            return  # processed and answered before; the answer goes out again by our own resume
        if decoded.kind in ("result", "error"):
            self._reply(connection, decoded, entry, facts)
            return
        message = self._office.dialect.named(connection.interface.id, decoded.name)
        try:
            self._request(connection, message, decoded, facts)
        except Refused as refused:
            if decoded.kind == "request":
                self._refuse(connection, message, decoded.id, refused)

    def _reply(self, connection: Connection, decoded: Decoded, entry: Entry, facts: Facts) -> None:
        if connection.state == "challenged" and decoded.id == connection.challenge_id:
            device = self._handshake.proven(decoded, facts)
            if device is None:
                connection.port.close(4002, "not authenticated")
                return
            connection.claimed, connection.state = device, "proven"
            if self._office.dialect.one_of(RESUME, connection.interface.id) is None:
                self._attach(connection, device)
            return
        call = self._pending.pop((connection.interface.id, connection.device_id, id_key(decoded.id)), None)
        if call is not None:
            call.settle(entry)

    def _request(self, connection: Connection, message: Message | None, decoded: Decoded, facts: Facts) -> None:
        office = self._office
        if message is None or message.sender == "bench":
            raise Refused("unknown-method", f"no method {decoded.name}")
        role = message.role or ""
        fields = office.dialect.read(message, "request", decoded.body)
        if role in LOGIN:
            self._login(connection, message, decoded, fields, facts)
        elif role in RESUME:
            self._resume(connection, message, decoded, fields)
        elif connection.state != "ready":
            raise Refused("unauthorized", "not attached")
        else:
            office.validate_incoming(message, "request", decoded.body)
            device = office.world.registry.rows.get(connection.device_id)
            answer = self._dispatch(Ask(role, fields, device)) if role else Answer()
            self._answer(connection, message, decoded, answer.fields)

    def _login(self, connection: Connection, message: Message, decoded: Decoded, fields: Facts, facts: Facts) -> None:
        device = self._handshake.login(fields, facts, signed=message.signed is not None)
        if device is None:
            self._refuse(connection, message, decoded.id, Refused("unauthorized", "login refused"), handshake=True)
            connection.port.close(4002, "not authenticated")
            return
        connection.claimed, connection.state = device, "proven"
        body = self._office.dialect.build(message, "result", self._handshake.times())
        self._send(connection, message, "result", body, call_id=decoded.id, handshake=True)
        self._attach(connection, device)

    def _resume(self, connection: Connection, message: Message, decoded: Decoded, fields: Facts) -> None:
        device = connection.claimed
        if device is None or not self._handshake.token_good(device, fields):
            self._refuse(connection, message, decoded.id, Refused("unauthorized", "no good token"), handshake=True)
            connection.port.close(4002, "not authenticated")
            return
        link = self._link(connection.interface.id, device)
        resumed = link.ever_ready and fields.get("epoch", device.epoch) == device.epoch
        told = {"resumed": resumed, "last_seq": link.seen, "epoch": device.epoch, **self._handshake.times()}
        connection.link = link
        self._send(
            connection, message, "result", self._office.dialect.build(message, "result", told), call_id=decoded.id,
            handshake=True,
        )  # fmt: skip
        self._attach(connection, device)
        for raw in link.resume(fields.get("last_seq")):
            self._write(connection, raw, {})

    def _attach(self, connection: Connection, device: Registered) -> None:
        """The device is here now; an older connection of it gives way (the device came back before we noticed)."""
        older = self.ready(connection.interface.id, device.id)
        if older is not None and older is not connection:
            older.state = "closed"
            older.port.close(4001, "replaced by a newer connection")
        connection.link = self._link(connection.interface.id, device)
        connection.link.ever_ready = True
        connection.state = "ready"
        self._attached[connection.interface.id, device.id] = connection
        self.on_ready(connection)

    def _link(self, interface: str, device: Registered) -> Link:
        link = self.links.get((interface, device.id))
        if link is None:
            link = self.links[(interface, device.id)] = Link(device.epoch, device.boot_id)
        return link

    # Outgoing

    def call(
        self, message: Message, body: Any, device: Registered, timer: str, *, facts: Mapping[str, Any] | None = None
    ) -> PendingCall:
        """Send a request; without a connection it waits for the device's return where the dialect can resume."""
        call = PendingCall(message, self.next_id(), self._office.recorder, timer, self._office.wait_s(timer))
        if message.kind == "call":
            self._pending[(message.interface, device.id, id_key(call.id))] = call
        else:
            call.settle(None)
        kind: Kind = "request" if message.kind == "call" else "notification"
        connection = self.ready(message.interface, device.id)
        if connection is not None:
            call.entry = self._send(connection, message, kind, body, call_id=call.id, facts=facts)
            return call
        envelope = self._envelope(self._office.spec.interfaces[message.interface])
        if envelope.sequenced:
            link = self._link(message.interface, device)
            number, name = link.sent + 1, self._office.wire(message)
            link.keep(number, envelope.encode(kind, name=name, id=call.id, body=body, meta=link.meta(handshake=False)))
        return call

    def raw(
        self, connection: Connection, raw: bytes, facts: Mapping[str, Any], opcode: int = TEXT, fin: bool = True
    ) -> Entry:
        """Bytes as they are, outside all order: deliberately bad messages."""
        told = {"conn": connection.id, "opcode": opcode, "fin": fin, "rsv1": False}
        if facts:
            told.update(facts)
        entry = self._office.recorder.observe(connection.interface.id, "bench", "ws.frame", raw, told)
        connection.port.send(opcode, raw, fin)
        return entry

    def expect_reply(self, interface: str, device_id: str, call: PendingCall) -> None:
        """Route the reply to an injected call to whoever waits for it."""
        self._pending[(interface, device_id, id_key(call.id))] = call

    def _answer(self, connection: Connection, message: Message, decoded: Decoded, fields: Mapping[str, Any]) -> None:
        if decoded.kind == "request":
            body = self._office.dialect.build(message, "result", fields)
            self._send(connection, message, "result", body, call_id=decoded.id)

    def _refuse(
        self, connection: Connection, message: Message | None, call_id: Any, refused: Refused, *, handshake: bool = False
    ) -> None:
        code, text, body = self._office.error(message, refused)
        meta = self._meta(connection, handshake=handshake or connection.link is None)
        name = self._office.wire(message)
        raw = connection.envelope.encode("error", id=call_id, name=name, body=body, code=code, text=text, meta=meta)
        self._keep(connection, meta, raw)
        self._write(connection, raw, {})

    def _send(
        self, connection: Connection, message: Message, kind: Kind, body: Any, *, call_id: Any, handshake: bool = False,
        facts: Mapping[str, Any] | None = None,
    ) -> Entry | None:  # fmt: skip
        if not facts or "intended" not in facts:
            self._office.validate_outgoing(message, "request" if kind == "notification" else kind, body)
        meta = self._meta(connection, handshake=handshake or not message.sequenced)
        raw = connection.envelope.encode(kind, name=self._office.wire(message), id=call_id, body=body, meta=meta)
        self._keep(connection, meta, raw)
        return self._write(connection, raw, facts or {})

    def _meta(self, connection: Connection, *, handshake: bool) -> dict[str, Any]:
        if connection.link is not None:
            return connection.link.meta(handshake=handshake)
        device = connection.claimed or self._handshake.probable()
        boot_id, epoch = (device.boot_id, device.epoch) if device is not None else ("00000000", 1)
        return {"seq": 0, "seen": 0, "boot_id": boot_id, "epoch": epoch}

    def _keep(self, connection: Connection, meta: Mapping[str, Any], raw: bytes) -> None:
        link = connection.link
        if link is not None and meta["seq"] > 0 and connection.envelope.sequenced:
            link.keep(meta["seq"], raw)

    def _write(self, connection: Connection, raw: bytes, facts: Mapping[str, Any]) -> Entry | None:
        first: Entry | None = None
        for payload in self.outgoing(connection, raw):
            entry = self.raw(connection, payload, facts)
            first = first or entry
            if self._pending and entry.kind == "request":
                waiting = self._pending.get((connection.interface.id, connection.device_id, id_key(entry.id)))
                if waiting is not None and waiting.entry is None:
                    waiting.entry = entry
        return first

    def _envelope(self, interface: Interface) -> Envelope:
        assert interface.envelope is not None, f"{interface.id} has no envelope"
        return self._office.spec.envelopes[interface.envelope]

    def next_id(self) -> int:
        """A fresh call id. Numbers, because every dialect can carry them."""
        self._calls += 1
        return self._calls
