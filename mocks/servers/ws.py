"""WebSocket towards devices: a thin shell over picows that hands frames with their header bits to the city."""

from __future__ import annotations

import asyncio
import itertools
import logging
from dataclasses import dataclass, field
from typing import Any, Final

from picows import (
    WSAutoPingStrategy,
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # missing in the library's stubs

from mocks.acceptance.connection import CLOSE, PING
from mocks.city import City, WsDecision
from mocks.servers import doctor
from mocks.servers.http import bound_port
from mocks.servers.tls import TlsListener

MAX_FRAME: Final = 16 * 1024 * 1024  # above every interface's own limit, so that the city sees and refuses what is too big
PONG: Final = 10
HANDSHAKE_TIMEOUT_S: Final = 5.0
READ_BUFFER: Final = 2048  # the library's own default doubles the memory of a connection
# Of a plain logger the library makes a copy for every connection.
LOG: Final = logging.LoggerAdapter(logging.getLogger("picows.server"))
TYPES: Final = tuple(WSMsgType(opcode) for opcode in range(16))  # by opcode, reserved ones too
HEADERS: Final = tuple({"header_hex": f"{byte:02x}"} for byte in range(256))  # facts of a frame, by its first byte


@dataclass
class WsServer:
    """A listening server. `port` is the one that it got."""

    server: asyncio.Server
    port: int
    connections: set[_Socket] = field(default_factory=set)

    async def close(self) -> None:
        """Stop listening and cut what is open."""
        self.server.close()
        for connection in list(self.connections):
            connection.abort()
        await self.server.wait_closed()


async def serve_ws(
    city: City, host: str, port: int, *, tls: TlsListener | None = None, handshake_timeout_s: float = HANDSHAKE_TIMEOUT_S
) -> WsServer:
    """Listen for devices on all WebSocket interfaces (told apart by path). Raises OSError where the port is taken."""
    numbers = itertools.count(1)
    connections: set[_Socket] = set()

    def upgrade(request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        if request.path == doctor.PATH.encode():
            return WSUpgradeResponseWithListener(WSUpgradeResponse.create_101_response(None), doctor.Echo())
        session = tls.reading if tls is not None else None
        conn = session.conn if session is not None else f"ws-p{next(numbers)}"
        interface = _interface(city, request)
        city.conn_open(interface, conn, "", session.facts() if session is not None else None)
        decision = city.ws_open(conn, raw_upgrade(request), {"presented": session.presented} if session else None)
        if not decision.accept:
            city.conn_closed(interface, conn, "bench", decision.reason)
            refusal = WSUpgradeResponse.create_error_response(decision.status, decision.reason.encode("ascii", "replace"))
            return WSUpgradeResponseWithListener(refusal, None)
        extra = {"Sec-WebSocket-Protocol": decision.subprotocol} if decision.subprotocol else None
        socket = _Socket(city, conn, decision, connections)
        return WSUpgradeResponseWithListener(WSUpgradeResponse.create_101_response(extra), socket)

    def factory() -> asyncio.BaseProtocol:
        return _protocol(upgrade, handshake_timeout_s)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(factory if tls is None else tls.front(factory), host, port)
    return WsServer(server, bound_port(server), connections)


def _protocol(upgrade: Any, handshake_timeout_s: float) -> asyncio.BaseProtocol:
    """The library's own protocol, made as its `ws_create_server` makes it, so that our TLS can stand in front of it."""
    protocol: asyncio.BaseProtocol = WSProtocol(
        None, None, False, upgrade, LOG, True, handshake_timeout_s,
        # No pings of ours, and pongs by hand: a device's keep-alive is evidence too.
        False, None, None, WSAutoPingStrategy.PING_WHEN_IDLE,
        False, MAX_FRAME, None, READ_BUFFER,
    )  # fmt: skip
    return protocol


def raw_upgrade(request: WSUpgradeRequest) -> bytes:
    """The upgrade request as bytes, rebuilt in the order in which it came (the library keeps no raw form)."""
    start = request.method + b" " + request.path + b" " + request.version
    # The library reads header values as ASCII and keeps other bytes as surrogates.
    lines = [start, *(f"{name}: {value}".encode("ascii", "surrogateescape") for name, value in request.headers.items())]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _interface(city: City, request: WSUpgradeRequest) -> str:
    path = request.path.split(b"?", 1)[0].decode("latin-1")
    rows = city.office.dialect.ws_interfaces
    return next((i.id for i in rows if i.path == path), rows[0].id)


class _Socket(WSListener):
    """One open WebSocket: the library's listener, and the port that the city writes to."""

    __slots__ = ("_city", "_conn", "_connections", "_decision", "_due", "_iface", "_loop", "_over", "_transport")

    def __init__(self, city: City, conn: str, decision: WsDecision, connections: set[_Socket]) -> None:
        self._city = city
        self._conn = conn
        self._decision = decision
        assert decision.interface is not None
        self._iface = decision.interface.id
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._transport: WSTransport | None = None
        self._over: tuple[int, str, str] | None = None  # code, reason, by
        self._due = 0.0

    # The library's callbacks

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The 101 is on the wire."""
        self._transport = transport
        self._connections.add(self)
        self._city.ws_started(self._conn, self._decision, self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """One frame of the device."""
        opcode = int(frame.msg_type)  # type: ignore[call-overload]  # an IntEnum, which the library's stubs do not say
        if opcode == CLOSE:
            code = int(frame.get_close_code().value)
            self._over = self._over or (code or 1005, frame.get_close_reason() or "", "iut")
            transport.send_close(frame.get_close_code())
            transport.disconnect()
            return
        first = (frame.fin << 7) | (frame.rsv1 << 6) | (frame.rsv2 << 5) | (frame.rsv3 << 4) | opcode
        payload = frame.get_payload_as_bytes()
        try:
            self._city.ws_frame(self._conn, opcode, bool(frame.fin), bool(frame.rsv1), payload, HEADERS[first])
            if opcode == PING and not self._city.faults.swallows:
                self._pong(transport, payload)
        except Exception as error:
            self._city.office.bench_error("ws", f"{type(error).__name__}: {error}")

    def _pong(self, transport: WSTransport, payload: bytes) -> None:
        """RFC 6455 section 5.5.3: the ping's own payload comes back."""
        told = {"conn": self._conn, "opcode": PONG, "fin": True, "rsv1": False}
        self._city.recorder.observe(self._iface, "bench", "ws.frame", payload, told)
        transport.send_pong(payload)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The connection is gone."""
        del transport
        self._connections.discard(self)
        self._transport = None
        code, reason, by = self._over or (1006, "", "iut")
        self._city.ws_closed(self._conn, code, reason, by)
        self._city.conn_closed(self._iface, self._conn, by, reason)

    # The city's port

    def send(self, opcode: int, payload: bytes, fin: bool = True, rsv1: bool = False) -> None:
        """One frame, later where a fault slows the city down; order is kept."""
        faults = self._city.faults
        if self._transport is None or faults.swallows:
            return
        if not faults.active and not self._due:  # nothing was ever held back that it could overtake
            self._transport.send(TYPES[opcode], payload, fin, rsv1)
            return
        now = self._loop.time()
        due = max(self._due, now + faults.delay_s(self._iface))
        if due <= now:
            self._transport.send(TYPES[opcode], payload, fin, rsv1)
            return
        self._due = due
        self._loop.call_at(due, self._send_late, opcode, payload, fin, rsv1)

    def _send_late(self, opcode: int, payload: bytes, fin: bool, rsv1: bool) -> None:
        if self._transport is not None:
            self._transport.send(TYPES[opcode], payload, fin, rsv1)

    def close(self, code: int, reason: str = "") -> None:
        """Close frame, then the connection."""
        if self._transport is not None:
            self._over = self._over or (code, reason, "bench")
            self._transport.send_close(WSCloseCode(code), reason.encode("utf-8"))
            self._transport.disconnect()

    def abort(self) -> None:
        """Cut without a close frame."""
        if self._transport is not None:
            self._over = self._over or (1006, "cut", "bench")
            self._transport.disconnect(False)
