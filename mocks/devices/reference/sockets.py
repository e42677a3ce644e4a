"""The transport on real sockets: HTTPS through h11, WSS through picows. What TLS accepts is the context's business."""

from __future__ import annotations

import asyncio
import ssl
import struct
import time
from urllib.parse import urlsplit

import h11
import picows

from mocks.devices.reference.transport import ConnectionClosed, HttpReply

__all__ = ["SocketTransport", "SystemClock"]

_MAX_FRAME = 4 * 1024 * 1024  # larger ones end the connection; up to here the device can still answer with an error
_CLOSED: None = None


class SystemClock:
    """The battery clock of this machine."""

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time()


class SocketTransport:
    """Connections are opened when needed; every wait has a limit, in seconds."""

    def __init__(self, context: ssl.SSLContext | None = None, timeout_s: float = 10.0) -> None:
        self.context = context or ssl.create_default_context()
        self.requests: ssl.SSLContext | None = None  # another one for HTTP requests, as where two libraries are at work
        self.timeout_s = timeout_s
        self.pongs = True

    async def http(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> HttpReply:
        """One exchange on a connection of its own."""
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._exchange(method, url, headers, body)
        except TimeoutError as error:
            raise ConnectionError("no answer in time") from error
        except h11.RemoteProtocolError as error:
            raise ConnectionError(f"answer is not HTTP: {error}") from error

    async def _exchange(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> HttpReply:
        parts = urlsplit(url)
        tls = (self.requests or self.context) if parts.scheme == "https" else None
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or (443 if tls else 80), ssl=tls)
        try:
            http = h11.Connection(h11.CLIENT, max_incomplete_event_size=256 * 1024)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            for event in self.request_events(method, target, parts.netloc, headers, body):
                writer.write(http.send(event) or b"")
            await writer.drain()
            return await self._reply(http, reader)
        finally:
            writer.close()

    def request_events(self, method: str, target: str, host: str, headers: list[tuple[str, str]], body: bytes) -> list[h11.Event]:
        """The request as it goes out."""
        fields = [("host", host), *headers, ("connection", "close")]
        if not any(name.lower() == "transfer-encoding" for name, _ in headers) and (body or method in {"POST", "PUT"}):
            fields.append(("content-length", str(len(body))))
        events: list[h11.Event] = [h11.Request(method=method, target=target, headers=fields)]
        if body:
            events.append(h11.Data(data=body))
        return [*events, h11.EndOfMessage()]

    async def _reply(self, http: h11.Connection, reader: asyncio.StreamReader) -> HttpReply:
        status, fields, body = 0, {}, bytearray()
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Response):
                status = event.status_code
                fields = {n.decode("latin-1"): v.decode("latin-1") for n, v in event.headers}
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return HttpReply(status, fields, bytes(body))
            elif isinstance(event, h11.ConnectionClosed):
                raise ConnectionError("closed before the answer")

    async def websocket(self, url: str, subprotocol: str) -> SocketWebSocket:
        """Open one and insist on the subprotocol."""
        try:
            transport, listener = await picows.ws_connect(
                _Listener,
                url,
                ssl_context=self.context,
                websocket_handshake_timeout=self.timeout_s,
                extra_headers=[("Sec-WebSocket-Protocol", subprotocol)],
                max_frame_size=_MAX_FRAME,
                max_redirects=0,
                enable_auto_pong=self.pongs,
            )
        except (picows.WSError, TimeoutError) as error:
            raise ConnectionError(f"websocket not opened: {type(error).__name__}") from error
        assert isinstance(listener, _Listener)
        agreed = transport.response.headers.get("Sec-WebSocket-Protocol")
        if agreed != subprotocol:
            transport.disconnect()
            raise ConnectionError(f"subprotocol {agreed!r} instead of {subprotocol!r}")
        return SocketWebSocket(transport, listener)


class _Listener(picows.WSListener):
    """Puts whole text messages into a queue; the end of the connection is the last entry."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[str | None] = asyncio.Queue()
        self.code = 1006
        self._parts: list[bytes] = []

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Collect fragments; binary and bad UTF-8 end the connection with the code that RFC 6455 names."""
        kind, payload = frame.msg_type, frame.get_payload_as_bytes()
        if kind == picows.WSMsgType.CLOSE:
            self.code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
            transport.send(picows.WSMsgType.CLOSE, payload[:2])
            transport.disconnect()
        elif kind == picows.WSMsgType.BINARY:
            self._end(transport, 1003)
        elif kind in {picows.WSMsgType.TEXT, picows.WSMsgType.CONTINUATION}:
            self._parts.append(payload)
            if sum(map(len, self._parts)) > _MAX_FRAME:
                self._end(transport, 1009)
            elif frame.fin:
                self._whole(transport)

    def _whole(self, transport: picows.WSTransport) -> None:
        raw, self._parts = b"".join(self._parts), []
        try:
            self.messages.put_nowait(raw.decode())
        except UnicodeDecodeError:
            self._end(transport, 1007)

    def _end(self, transport: picows.WSTransport, code: int) -> None:
        self._parts = []
        transport.send(picows.WSMsgType.CLOSE, struct.pack(">H", code))
        transport.disconnect()

    def on_ws_disconnected(self, _transport: picows.WSTransport) -> None:
        """Whoever waits learns that it is over."""
        self.messages.put_nowait(_CLOSED)


class SocketWebSocket:
    """One open WebSocket."""

    def __init__(self, transport: picows.WSTransport, listener: _Listener) -> None:
        self._transport = transport
        self._listener = listener

    async def send(self, text: str) -> None:
        """One text message in one frame."""
        await self.send_frame(1, text.encode())

    async def send_frame(self, opcode: int, payload: bytes, fin: bool = True) -> None:
        """One raw frame."""
        if self._transport.is_disconnected:
            raise ConnectionClosed(self._listener.code)
        self._transport.send(picows.WSMsgType(opcode), payload, fin)

    async def recv(self) -> str:
        """The next message. Raises ConnectionClosed for ever once it is over."""
        message = await self._listener.messages.get()
        if message is None:
            self._listener.messages.put_nowait(_CLOSED)
            raise ConnectionClosed(self._listener.code)
        return message

    async def close(self, code: int = 1000) -> None:
        """Say why and go."""
        if not self._transport.is_disconnected:
            self._transport.send(picows.WSMsgType.CLOSE, struct.pack(">H", code))
            self._transport.disconnect()
