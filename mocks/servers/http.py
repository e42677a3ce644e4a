"""HTTP/1.1 towards devices: a thin shell over h11 that keeps the raw bytes and lets nobody hold a connection for ever."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import h11

from mocks.acceptance.docking import HttpAction
from mocks.city import City
from mocks.servers import doctor
from mocks.servers.tls import SESSION, TlsListener, TlsSession

HEAD_LIMIT: Final = 64 * 1024
EVIDENCE: Final = 4096  # bytes kept of what was too much to read (decision 11)
STRAY_LIMIT: Final = 2 * EVIDENCE  # bytes of it that are masked before they are cut


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds: to the end of the head, to the end of the body, between requests of one connection."""

    head_s: float = 10.0
    body_s: float = 60.0
    idle_s: float = 75.0


@dataclass
class HttpServer:
    """A listening server. `port` is the one that it got."""

    server: asyncio.Server
    port: int
    connections: set[HttpConnection] = field(default_factory=set)

    async def close(self) -> None:
        """Stop listening and cut what is open."""
        self.server.close()
        for connection in list(self.connections):
            connection.abort("the bench stops")
        await self.server.wait_closed()


async def serve_http(
    city: City, iface: str, host: str, port: int, *, tls: TlsListener | None = None, deadlines: Deadlines | None = None
) -> HttpServer:
    """Listen for devices on an HTTP interface. Raises OSError where the port is taken."""
    numbers = itertools.count(1)
    connections: set[HttpConnection] = set()
    limits = deadlines or Deadlines()

    def factory() -> HttpConnection:
        return HttpConnection(city, iface, numbers, connections, limits)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(factory if tls is None else tls.front(factory), host, port)
    return HttpServer(server, bound_port(server), connections)


class HttpConnection(asyncio.Protocol):
    """One connection: one request at a time, kept alive between them."""

    def __init__(
        self, city: City, iface: str, numbers: itertools.count[int], connections: set[HttpConnection], limits: Deadlines
    ) -> None:
        self._city = city
        self._iface = iface
        self._numbers = numbers
        self._connections = connections
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._conn = ""
        self._peer = ""
        self._tls: Mapping[str, Any] | None = None
        self._raw = bytearray()
        self._strayed = bytearray()
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)
        self._timer: asyncio.TimerHandle | None = None
        self._busy = False  # a response is owed
        self._keep_alive = True
        self._ended = ("iut", "closed")
        self._max_bytes = city.spec.interfaces[iface].max_message_bytes + HEAD_LIMIT

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass
        session: TlsSession | None = transport.get_extra_info(SESSION)
        self._conn = session.conn if session is not None else f"{self._iface.lower()}-p{next(self._numbers)}"
        self._connections.add(self)
        peer = transport.get_extra_info("peername")
        self._peer = f"{peer[0]}:{peer[1]}" if peer else ""
        self._tls = session.facts() if session is not None else None
        self._city.conn_open(self._iface, self._conn, self._peer, self._tls)
        if self._city.faults.refuses:
            self.abort("fault")
            return
        self._arm(self._limits.head_s, "no request head in time")

    def data_received(self, data: bytes) -> None:
        if self._city.faults.swallows:
            return
        if self._busy:
            self._stray(data)
            return
        if not self._raw:
            self._arm(self._limits.head_s, "no request head in time")
        self._raw += data
        if len(self._raw) > self._max_bytes:
            self._too_large()
            return
        self._parser.receive_data(data)
        self._read()

    def connection_lost(self, error: Exception | None) -> None:
        self._disarm()
        self._connections.discard(self)
        if self._raw and not self._busy:
            # What came of a request that never got complete is evidence too.
            self._observe_fragment("the connection ended inside a request")
        if self._strayed:
            facts = {"conn": self._conn, "reason": "pipelined"}
            self._city.recorder.observe(self._iface, "iut", "http.stray", bytes(self._strayed), facts, cut=EVIDENCE)
        by, reason = self._ended
        self._city.conn_closed(self._iface, self._conn, by, f"{reason}: {error}" if error is not None else reason)
        self._transport = None

    # Reading

    def _read(self) -> None:
        try:
            while True:
                event = self._parser.next_event()
                if event is h11.NEED_DATA or event is h11.PAUSED:
                    return
                if isinstance(event, h11.Request):
                    self._head(event)
                elif isinstance(event, h11.EndOfMessage):
                    self._complete()
                    return
                elif isinstance(event, h11.ConnectionClosed):
                    return
        except h11.RemoteProtocolError:
            self._keep_alive = False
            self._serve(bytes(self._raw))

    def _head(self, request: h11.Request) -> None:
        self._arm(self._limits.body_s, "no request body in time")
        connection = b",".join(value for name, value in request.headers if name == b"connection").lower()
        self._keep_alive = request.http_version == b"1.1" and b"close" not in connection
        if self._parser.they_are_waiting_for_100_continue and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _complete(self) -> None:
        trailing, _ = self._parser.trailing_data
        raw = bytes(self._raw[: len(self._raw) - len(trailing)])
        if trailing:
            self._stray(bytes(trailing))
        self._serve(raw)

    def _serve(self, raw: bytes) -> None:
        self._disarm()
        self._busy = True
        self._raw.clear()
        page = doctor.answer(self._city, raw, self._tls or {}, self._peer)
        if page is not None:
            self._write(page, close=False)
            return
        action = self._city.http(self._conn, raw, self._iface)
        if action.delay_s > 0:
            self._timer = self._loop.call_later(action.delay_s, self._answer, action)
        else:
            self._answer(action)

    def _stray(self, data: bytes) -> None:
        """Pipelining (RFC 9112 section 9.3.2) is refused: the bytes are recorded, the connection ends after the answer.

        They are recorded together, at the end: how they came in pieces must hide nothing from the mask.
        """
        self._keep_alive = False
        self._strayed += data[: max(0, STRAY_LIMIT - len(self._strayed))]

    def _too_large(self) -> None:
        self._observe_fragment("too large")
        self._raw.clear()
        self._ended = ("bench", "request too large")
        if self._transport is not None:
            self._transport.write(b"HTTP/1.1 413 Content Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            self._transport.close()

    def _observe_fragment(self, reason: str) -> None:
        facts = {"conn": self._conn, "reason": reason, "size": len(self._raw)}
        self._city.recorder.observe(self._iface, "iut", "http.fragment", bytes(self._raw), facts, cut=EVIDENCE)

    # Writing

    def _answer(self, action: HttpAction) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if action.drop and action.raw:
            self._ended = ("bench", "fault")
            self._transport.write(action.raw)
            self._transport.close()
            return
        if action.drop:
            self.abort("fault")
            return
        self._write(action.raw, close=action.close, sent=lambda: self._city.http_sent(self._conn, action, self._iface))

    def _write(self, raw: bytes, *, close: bool, sent: Callable[[], None] = lambda: None) -> None:
        if self._transport is None:
            return
        self._transport.write(raw)
        sent()
        if close or not self._keep_alive:
            self._ended = ("bench", "done")
            self._transport.close()
            return
        # A fresh parser per request: nothing of the last one can colour the next.
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)
        self._busy = False
        self._arm(self._limits.idle_s, "idle")

    def abort(self, reason: str) -> None:
        """Cut without a word."""
        self._ended = ("bench", reason)
        if self._transport is not None:
            self._transport.abort()

    def _arm(self, seconds: float, reason: str) -> None:
        self._disarm()
        self._timer = self._loop.call_later(seconds, self._expired, reason)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expired(self, reason: str) -> None:
        self._ended = ("bench", reason)
        if self._transport is not None:
            if reason != "idle":
                self._transport.write(b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            self._transport.close()


def bound_port(server: Any) -> int:
    """The port of the first socket of a listening server."""
    return int(server.sockets[0].getsockname()[1])
