"""A small HTTP/1.1 server on asyncio: one handler, bodies in memory, answers whole or as a stream of chunks."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import h11

MOST_OCTETS = 1024 * 1024  # of a request body
READ = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """A request with its whole body. `headers` have lower-case names; of a repeated field the last value stays."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.split("?", 1)[0]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; `stream` instead of `body` for one that goes on."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None


Handler = Callable[[Request], Awaitable[Response]]


async def serve(handler: Handler, host: str, port: int, tls: ssl.SSLContext | None = None) -> asyncio.Server:
    """Listen; the caller closes the server."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, h11.RemoteProtocolError, asyncio.CancelledError):
            await _connection(handler, reader, writer)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            writer.close()

    return await asyncio.start_server(client, host, port, ssl=tls)


async def _connection(handler: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    wire = h11.Connection(h11.SERVER)
    while True:
        request = await _request(wire, reader)
        if request is None:
            return
        response = await handler(request)
        await _answer(wire, writer, request, response)
        if wire.our_state is not h11.DONE or wire.their_state is not h11.DONE:
            return
        wire.start_next_cycle()


async def _request(wire: h11.Connection, reader: asyncio.StreamReader) -> Request | None:
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = wire.next_event()
        if event is h11.NEED_DATA:
            wire.receive_data(await reader.read(READ))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > MOST_OCTETS:
                return None
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            fields = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
            return Request(head.method.decode("ascii"), head.target.decode("latin-1"), fields, bytes(body))
        else:
            return None


async def _answer(wire: h11.Connection, writer: asyncio.StreamWriter, request: Request, response: Response) -> None:
    fields = {"content-type": response.media_type, "cache-control": "no-store", **response.headers}
    if response.stream is None:
        fields["content-length"] = str(len(response.body))
    head = h11.Response(status_code=response.status, headers=list(fields.items()))
    writer.write(wire.send(head) or b"")
    if response.stream is None:
        if request.method != "HEAD":
            writer.write(wire.send(h11.Data(data=response.body)) or b"")
    else:
        async for chunk in response.stream:
            writer.write(wire.send(h11.Data(data=chunk)) or b"")
            await writer.drain()
    writer.write(wire.send(h11.EndOfMessage()) or b"")
    await writer.drain()
