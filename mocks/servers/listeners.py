"""All listeners of one city with the certificates of one run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from mocks.city import City
from mocks.pki import Leaf, RunCa, presentations
from mocks.servers.http import Deadlines, HttpServer, serve_http
from mocks.servers.stun import StunServer, serve_stun
from mocks.servers.tls import HANDSHAKE_TIMEOUT_S, TlsListener
from mocks.servers.ws import WsServer, serve_ws

T = TypeVar("T")


class ListenError(Exception):
    """A port cannot be opened at the address that was asked for; `errno` is the system's."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror or str(error))
        self.errno = error.errno


@dataclass
class Listeners:
    """What listens, and the root certificate that devices trust."""

    ca: RunCa
    http: list[HttpServer]
    ws: WsServer
    stun: StunServer
    docking_url: str

    async def close(self) -> None:
        """Stop everything."""
        for server in self.http:
            await server.close()
        await self.ws.close()
        self.stun.close()


async def listen(
    city: City, *, host: str = "127.0.0.1", advertise: str | None = None, names: Sequence[str] = ("localhost",),
    ports: Sequence[int] = (0, 0), ca: RunCa | None = None, good: Leaf | None = None, deadlines: Deadlines | None = None,
    tls_timeout_s: float = HANDSHAKE_TIMEOUT_S,
) -> Listeners:  # fmt: skip
    """Open the HTTP and the WebSocket port of a city and tell it its URLs.

    `host` is the address to bind, `advertise` the name or address that devices use (and the certificate is for), `ports` the
    HTTP and the WebSocket port (0 takes a free one), `good` a certificate to show instead of one made now. UDP of the page
    `/doctor` has the number of the HTTP port, and one that the system chooses as it does for media. Raises ListenError where a
    TCP port cannot be opened.
    """
    _report_mistakes(city)
    seen_as = advertise or host
    authority = ca or RunCa()
    leafs = presentations(authority, list(dict.fromkeys([seen_as, host, *names])), good)
    dialect = city.office.dialect
    urls: dict[str, str] = {}

    def refuses() -> bool:
        return city.faults.refuses

    servers: list[HttpServer] = []
    for index, interface in enumerate(dialect.http_interfaces):
        tls = TlsListener(leafs, city, interface.id, timeout_s=tls_timeout_s, refuses=refuses)
        port = ports[0] if index == 0 else 0
        server = await _opened(serve_http(city, interface.id, host, port, tls=tls, deadlines=deadlines))
        servers.append(server)
        urls[interface.id] = f"https://{authority_of(seen_as)}:{server.port}{interface.path}"
    ws_tls = TlsListener(leafs, city, dialect.ws_interfaces[0].id, timeout_s=tls_timeout_s, refuses=refuses)
    ws = await _opened(serve_ws(city, host, ports[1], tls=ws_tls))
    for interface in dialect.ws_interfaces:
        urls[interface.id] = f"wss://{authority_of(seen_as)}:{ws.port}{interface.path}"
    stun = await serve_stun(host, (servers[0].port, 0))
    city.set_endpoints(urls, stun.ports)
    return Listeners(authority, servers, ws, stun, urls[dialect.http_interfaces[0].id])


def _report_mistakes(city: City) -> None:
    """What goes wrong in a callback of the loop is a mistake of ours, and on the record: the loop alone would log it, drop the
    connection and leave the silence to the device."""

    def report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is None or isinstance(error, OSError):  # a network is what it is; TLS errors are OSErrors too
            loop.default_exception_handler(context)
        else:
            city.office.bench_error("loop", f"{type(error).__name__}: {error}")

    asyncio.get_running_loop().set_exception_handler(report)


async def _opened(server: Awaitable[T]) -> T:
    try:
        return await server
    except OSError as error:
        raise ListenError(error) from error


def authority_of(host: str) -> str:
    """The host as it stands in a URL (RFC 3986 section 3.2.2: IPv6 in brackets)."""
    return f"[{host}]" if ":" in host else host
