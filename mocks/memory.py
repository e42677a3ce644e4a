"""The network in memory: the same city, the same bytes, no sockets. Twin of `mocks.servers` (decision 16).

Everything happens in the order of the event loop, so a loop in virtual time runs a whole day in seconds. The device's side
is structural: objects with `http`, `websocket`, `send`, `recv`, `close` as the device's own transport seam names them.
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from conformance.protocol.httpwire import parse_response, render_request
from mocks.acceptance.device_api import Headers, HttpResult
from mocks.city import City, WsDecision

# What a careful client says to a certificate that it refuses (RFC 8446 section 6.2).
ALERTS: Final[Mapping[str, str]] = {
    "wrong_host": "bad_certificate", "expired": "certificate_expired", "unknown_ca": "unknown_ca",
    "tls11": "protocol_version",
}  # fmt: skip
VERSION_REFUSED: Final = "tls11"

PING, PONG = 9, 10
DeviceHandler = Callable[[str, str, Any, bytes], Awaitable[tuple[int, Any, bytes]]]


class MemoryConnectionClosedError(ConnectionError):
    """The WebSocket is gone."""

    def __init__(self, code: int = 1006, reason: str = "") -> None:
        super().__init__(f"websocket closed: {code} {reason}".rstrip())
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class MemoryReply:
    """A whole HTTP answer; header names lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class MemoryNetwork:
    """Joins one city and the devices of a run.

    `closed_error(code, reason)` makes the exception that a device expects from `recv` and `send` on a dead connection.
    """

    def __init__(
        self, city: City, *, latency_s: float = 0.001,
        closed_error: Callable[[int, str], Exception] = MemoryConnectionClosedError,
    ) -> None:  # fmt: skip
        self.city = city
        self.latency_s = latency_s
        self.closed_error = closed_error
        self._numbers = itertools.count(1)
        self._mounts: dict[str, DeviceHandler] = {}
        city.device_api.client = self.device_http
        city.set_endpoints(
            {i.id: f"{'https' if i.transport == 'http' else 'wss'}://city.test{i.path}"
             for i in (*city.office.dialect.http_interfaces, *city.office.dialect.ws_interfaces)}
        )  # fmt: skip

    @property
    def docking_url(self) -> str:
        """Where a device begins: the URL of the first HTTP interface."""
        return self.city.world.endpoints.urls[self.city.office.dialect.http_interfaces[0].id]

    def transport(self, *, verify: bool = True, peer: str = "10.0.0.1") -> MemoryTransport:
        """A device's way to the city. With `verify` False it accepts any certificate, as a careless device does."""
        return MemoryTransport(self, verify, peer)

    def mount(self, base_url: str, handler: DeviceHandler) -> None:
        """A device serves here (I4, I6): requests under `base_url` go to the handler, with the whole request target."""
        self._mounts[base_url.rstrip("/")] = handler

    def unmount(self, base_url: str) -> None:
        """The device is off."""
        self._mounts.pop(base_url.rstrip("/"), None)

    @contextmanager
    def ours(self) -> Iterator[None]:
        """What the city does when the device calls it. A mistake in there is ours: the device sees a dead connection, as it would
        on sockets, and no exception of the bench. Raises ConnectionError, ssl.SSLError."""
        try:
            yield
        except (OSError, asyncio.CancelledError):  # what a client meets on a network; TLS errors are OSErrors too
            raise
        except Exception as error:
            self.city.office.bench_error("city", f"{type(error).__name__}: {error}")
            raise ConnectionResetError("connection lost") from error

    async def device_http(self, method: str, url: str, headers: Headers, body: bytes) -> HttpResult:
        """The bench calls a device. Raises ConnectionRefusedError where none serves."""
        await asyncio.sleep(self.latency_s)
        for base, handler in self._mounts.items():
            if url == base or url.startswith(base + "/"):
                parts = urlsplit(url)
                target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                named = {"host": parts.netloc, **{key.lower(): value for key, value in headers}}
                status, reply_headers, reply = await handler(method, target, named, body)
                await asyncio.sleep(self.latency_s)
                return status, {k.lower(): v for k, v in dict(reply_headers).items()}, reply
        raise ConnectionRefusedError(f"nobody serves {url}")

    def connect(self, iface: str, verify: bool, peer: str) -> str:
        """TCP and TLS as far as they can be told in memory. Raises ConnectionError or ssl.SSLError."""
        if self.city.faults.refuses:
            raise ConnectionRefusedError("the city does not answer")
        conn = f"m-{next(self._numbers)}"
        presented = self.city.tls_offer(iface, conn)
        # A version below 1.2 is refused by every client library; a bad certificate only by one that looks at it.
        if presented == VERSION_REFUSED or (presented != "good" and verify):
            self.city.tls_failed(iface, conn, ALERTS[presented], "refused by the device", presented)
            raise ssl.SSLCertVerificationError(f"certificate: {presented}")
        tls = {"version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384", "alpn": "http/1.1", "sni": "city.test",
               "presented": presented, "simulated": True}  # fmt: skip
        self.city.conn_open(iface, conn, peer, tls)
        return conn


class MemoryTransport:
    """A device's transport (structurally the device's own seam)."""

    def __init__(self, network: MemoryNetwork, verify: bool, peer: str) -> None:
        self._network = network
        self._verify = verify
        self._peer = peer

    async def http(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> MemoryReply:
        """One exchange on a connection of its own. Raises ConnectionError or ssl.SSLError."""
        network, city = self._network, self._network.city
        await asyncio.sleep(network.latency_s)
        parts = urlsplit(url)
        iface = self._interface(parts.path)
        with network.ours():
            conn = network.connect(iface, self._verify, self._peer)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        raw = render_request(method, target, [("host", parts.netloc), *headers], body)
        try:
            with network.ours():
                action = city.http(conn, raw, iface)
            await asyncio.sleep(network.latency_s + action.delay_s)
            with network.ours():
                if action.drop:
                    city.conn_closed(iface, conn, "bench", "fault")
                    raise ConnectionResetError("connection lost")
                city.http_sent(conn, action, iface)
        except asyncio.CancelledError:
            city.conn_closed(iface, conn, "iut", "given up")
            raise
        with network.ours():
            city.conn_closed(iface, conn, "iut", "done")
        reply = parse_response(action.raw, method)
        return MemoryReply(reply.status, dict(reply.headers), reply.body)

    async def websocket(self, url: str, subprotocol: str) -> MemoryWs:
        """Open a WebSocket. Raises ConnectionError or ssl.SSLError."""
        network, city = self._network, self._network.city
        await asyncio.sleep(network.latency_s)
        parts = urlsplit(url)
        rows = city.office.dialect.ws_interfaces
        iface = next((i.id for i in rows if i.path == parts.path), rows[0].id)
        with network.ours():
            conn = network.connect(iface, self._verify, self._peer)
        upgrade = [("host", parts.netloc), ("upgrade", "websocket"), ("connection", "Upgrade"),
                   ("sec-websocket-version", "13"), ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==")]  # fmt: skip
        if subprotocol:
            upgrade.append(("sec-websocket-protocol", subprotocol))
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        ws = MemoryWs(network, iface, conn)
        with network.ours():
            decision = city.ws_open(conn, render_request("GET", target, upgrade, b""))
            if not decision.accept:
                city.conn_closed(iface, conn, "bench", decision.reason)
                raise ConnectionRefusedError(f"upgrade refused: {decision.status}")
            ws.start(decision)
        return ws

    def _interface(self, path: str) -> str:
        rows = self._network.city.office.dialect.http_interfaces
        return next((i.id for i in rows if path.startswith(i.path)), rows[0].id)


@dataclass
class MemoryWs:
    """One WebSocket in memory: the device's end, and the port that the city writes to."""

    network: MemoryNetwork
    iface: str
    conn: str
    _inbox: asyncio.Queue[bytes | Exception] = field(default_factory=asyncio.Queue)
    _parts: list[bytes] = field(default_factory=list)
    _way: deque[tuple[int, bytes, bool] | Exception] = field(default_factory=deque)
    _gone: Exception | None = None  # nothing can be sent any more
    _over: Exception | None = None  # and everything that came before the end was read
    _due: float = 0.0

    def start(self, decision: WsDecision) -> None:
        """Both ends are open."""
        self.network.city.ws_started(self.conn, decision, _CityEnd(self))

    # The device's end

    async def send(self, text: str) -> None:
        """One text message."""
        await self.send_frame(1, text.encode("utf-8"))

    async def send_frame(self, opcode: int, payload: bytes, fin: bool = True) -> None:
        """One frame. Raises the device's closed error on a dead connection."""
        if self._gone is not None:
            raise self._gone
        await asyncio.sleep(self.network.latency_s)
        if self._gone is not None:
            raise self._gone
        with self.network.ours():
            self.network.city.ws_frame(self.conn, opcode, fin, False, payload)

    async def recv(self) -> str:
        """The next text message. Raises the device's closed error once the connection is over."""
        if self._over is not None:
            raise self._over
        item = await self._inbox.get()
        if isinstance(item, Exception):
            self._over = item
            raise item
        return item.decode("utf-8", "replace")

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """The device closes. Closing twice is harmless."""
        if self._gone is None:
            self._end(code, reason, "iut")
        await asyncio.sleep(0)

    # The city's end

    def deliver(self, opcode: int, payload: bytes, fin: bool) -> None:
        """A frame of the city is on its way; frames arrive in the order in which they were sent."""
        if self._gone is not None or self.network.city.faults.swallows:
            return
        self._send_off((opcode, payload, fin), self.network.latency_s + self.network.city.faults.delay_s(self.iface))

    def _send_off(self, item: tuple[int, bytes, bool] | Exception, delay_s: float) -> None:
        """Timers of one instant fire in no sure order, so each takes the next of a queue and not its own item."""
        loop = asyncio.get_running_loop()
        self._due = max(self._due, loop.time() + delay_s)
        self._way.append(item)
        loop.call_at(self._due, self._arrive)

    def _arrive(self) -> None:
        item = self._way.popleft()
        if isinstance(item, Exception):
            self._inbox.put_nowait(item)
            return
        opcode, payload, fin = item
        if opcode == PING:  # what every WebSocket library answers by itself (RFC 6455 section 5.5.3)
            self._pongs = asyncio.ensure_future(self.send_frame(PONG, payload))
        if opcode not in (0, 1, 2):
            return
        self._parts.append(payload)
        if fin:
            whole, self._parts = b"".join(self._parts), []
            self._inbox.put_nowait(whole)

    def end_by_city(self, code: int, reason: str) -> None:
        """The city closes (or cuts, with 1006)."""
        if self._gone is None:
            self._end(code, reason, "bench")

    def _end(self, code: int, reason: str, by: str) -> None:
        self._gone = self.network.closed_error(code, reason)
        city = self.network.city
        city.ws_closed(self.conn, code, reason, by)
        city.conn_closed(self.iface, self.conn, by, reason)
        self._send_off(self._gone, 0.0)  # what came before the end is still read; then the end itself


class _CityEnd:
    """The port that the city writes to."""

    def __init__(self, ws: MemoryWs) -> None:
        self._ws = ws

    def send(self, opcode: int, payload: bytes, fin: bool = True, rsv1: bool = False) -> None:
        """One frame; header bits have no meaning in memory."""
        del rsv1
        self._ws.deliver(opcode, payload, fin)

    def close(self, code: int, reason: str = "") -> None:
        """Close frame and end."""
        self._ws.end_by_city(code, reason)

    def abort(self) -> None:
        """Cut."""
        self._ws.end_by_city(1006, "")
