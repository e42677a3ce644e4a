"""The device's two servers, I4 with TLS and I6 without: a thin asyncio shell over a handler coroutine."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import h11

from mocks.devices.reference.transport import HttpAnswer

__all__ = ["HttpHandler", "serve", "server_context"]

HttpHandler = Callable[[str, str, Mapping[str, str], bytes], Awaitable[HttpAnswer]]

_MAX_BODY = 1024 * 1024
_IDLE_S = 15.0


def server_context(cert_pem: str, key_pem: str) -> ssl.SSLContext:
    """TLS for I4. The standard library takes certificates from files only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    with tempfile.TemporaryDirectory() as directory:
        cert, key = Path(directory, "cert.pem"), Path(directory, "key.pem")
        cert.write_text(cert_pem)
        key.write_text(key_pem)
        context.load_cert_chain(cert, key)
    return context


async def serve(handler: HttpHandler, host: str, port: int, tls: ssl.SSLContext | None = None) -> asyncio.Server:
    """Listen. Port 0 takes a free one."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _converse(handler, reader, writer)
        except (OSError, TimeoutError, h11.RemoteProtocolError):
            writer.transport.abort()
        finally:
            writer.close()

    return await asyncio.start_server(connected, host, port, ssl=tls)


async def _converse(handler: HttpHandler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    http = h11.Connection(h11.SERVER)
    while True:
        request, body = await _request(http, reader)
        if request is None:
            return
        headers = {n.decode("latin-1").lower(): v.decode("latin-1") for n, v in request.headers}
        answer = (413, [], b"") if body is None else await handler(
            request.method.decode("ascii"), request.target.decode("latin-1"), headers, body
        )  # fmt: skip
        status, fields, content = answer
        fields = [*fields, ("content-length", str(len(content)))]
        writer.write(http.send(h11.Response(status_code=status, headers=fields)))
        writer.write(http.send(h11.Data(data=content)) + http.send(h11.EndOfMessage()))
        await writer.drain()
        if http.our_state is not h11.DONE or http.their_state is not h11.DONE:
            return
        http.start_next_cycle()


async def _request(http: h11.Connection, reader: asyncio.StreamReader) -> tuple[h11.Request | None, bytes | None]:
    """The next request and its body; no request when the peer is gone, no body when it was too large."""
    request: h11.Request | None = None
    body = bytearray()
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            async with asyncio.timeout(_IDLE_S):
                http.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > _MAX_BODY:
                return request, None
        elif isinstance(event, h11.EndOfMessage):
            return request, bytes(body)
        else:
            return None, b""
