"""The kiosk's way to the city on real sockets, and its upper tester: a thin shell over asyncio and picows."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import picows

TIMEOUT_S = 10.0
MAX_FRAME = 1 << 20


@dataclass(frozen=True)
class Reply:
    """One HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Clock:
    """The machine's clock."""

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time()


class Transport:
    """HTTPS and WSS with one trusted root."""

    def __init__(self, ca_pem: str) -> None:
        self._tls = ssl.create_default_context(cadata=ca_pem)

    async def http(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> Reply:
        """One exchange on a connection of its own. Raises OSError."""
        parts = urlsplit(url)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 443, ssl=self._tls)
                try:
                    lines = [f"{method} {parts.path} HTTP/1.1", f"host: {parts.netloc}", "connection: close"]
                    lines += [f"{name}: {value}" for name, value in headers] + [f"content-length: {len(body)}", "", ""]
                    writer.write("\r\n".join(lines).encode() + body)
                    status, fields = await _head(reader)
                    length = fields.get("content-length")
                    return Reply(status, fields, await (reader.readexactly(int(length)) if length else reader.read()))
                finally:
                    writer.close()
        except (TimeoutError, EOFError, ValueError, IndexError) as error:
            raise ConnectionError(f"no answer: {type(error).__name__}") from error

    async def websocket(self, url: str, subprotocol: str) -> Socket:
        """Open a WebSocket; this dialect has no subprotocol. Raises OSError."""
        del subprotocol
        try:
            transport, listener = await picows.ws_connect(
                Listener, url, ssl_context=self._tls, websocket_handshake_timeout=TIMEOUT_S, max_frame_size=MAX_FRAME
            )
        except (picows.WSError, TimeoutError) as error:
            raise ConnectionError(f"no WebSocket: {type(error).__name__}") from error
        assert isinstance(listener, Listener)
        return Socket(transport, listener)


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = dict(line.split(":", 1) for line in lines[1:] if line)
    return int(lines[0].split(" ")[1]), {name.lower(): value.strip() for name, value in fields.items()}


class Listener(picows.WSListener):
    """Puts whole text messages into a queue; None is the end."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[str | None] = asyncio.Queue()
        self._parts: list[bytes] = []

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Collect fragments; answer a close."""
        if frame.msg_type == picows.WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), b"")
            transport.disconnect()
        elif frame.msg_type in (picows.WSMsgType.TEXT, picows.WSMsgType.CONTINUATION):
            self._parts.append(frame.get_payload_as_bytes())
            if frame.fin:
                whole, self._parts = b"".join(self._parts), []
                self.messages.put_nowait(whole.decode("utf-8", "replace"))

    def on_ws_disconnected(self, _transport: picows.WSTransport) -> None:
        """Whoever waits learns that it is over."""
        self.messages.put_nowait(None)


class Socket:
    """One open WebSocket."""

    def __init__(self, transport: picows.WSTransport, listener: Listener) -> None:
        self._transport, self._listener = transport, listener

    async def send(self, text: str) -> None:
        """One text message. Raises ConnectionError when it is over."""
        if self._transport.is_disconnected:
            raise ConnectionError("closed")
        self._transport.send(picows.WSMsgType.TEXT, text.encode())

    async def recv(self) -> str:
        """The next text message. Raises ConnectionError when it is over."""
        message = await self._listener.messages.get()
        if message is None:
            raise ConnectionError("closed")
        return message

    async def close(self) -> None:
        """Go. Closing twice is harmless."""
        if not self._transport.is_disconnected:
            self._transport.send_close(picows.WSCloseCode.OK, b"")
            self._transport.disconnect()


async def serve_upper_tester(
    answer: Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any]]], host: str, port: int
) -> asyncio.Server:
    """`POST /upper-tester` with `{id, verb, args}`, one exchange a connection."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.split("content-length:", 1)[1].split("\r\n", 1)[0])
            ask = json.loads(await reader.readexactly(length))
            try:
                said = {"id": ask["id"], "ok": True, "result": await answer(ask["verb"], ask.get("args", {}))}
            except (LookupError, ValueError) as error:
                said = {"id": ask["id"], "ok": False, "error": str(error)}
            body = json.dumps(said, ensure_ascii=False).encode()
            fields = f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close"
            writer.write(f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n".encode() + body)
            await writer.drain()
        except (OSError, EOFError, ValueError, LookupError):
            writer.transport.abort()
        finally:
            writer.close()

    return await asyncio.start_server(connected, host, port)
