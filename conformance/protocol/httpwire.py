"""HTTP/1.1 messages as bytes and back, on h11 (strict, sans-IO), for the recorder's raw records.

Live servers parse with h11 too, incrementally; here a whole recorded message is read again, so that a verdict rests on
the bytes in the journal and on nothing that a server remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import h11

from conformance.protocol.strictjson import MalformedMessage

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request: `target` as sent, header names lower case, body after transfer decoding."""

    method: str
    target: str
    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        """All values of a field joined by comma (RFC 9110 section 5.3), or None."""
        return joined(self.headers, name)

    @property
    def path(self) -> str:
        """The target's path without query. Taken by hand: URL parsers raise for some of what a device can send."""
        path = self.target.partition("?")[0].partition("#")[0]
        if not path.startswith("/") and "://" in path:  # the absolute form (RFC 9112 section 3.2.2)
            return "/" + path.partition("://")[2].partition("/")[2]
        return path


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response, same conventions."""

    status: int
    reason: str
    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        """All values of a field joined by comma, or None."""
        return joined(self.headers, name)


def joined(headers: Headers, name: str) -> str | None:
    """The combined field value."""
    values = [value for key, value in headers if key == name.lower()]
    return ", ".join(values) if values else None


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> Headers:
    return tuple((key.decode("latin-1").lower(), value.decode("latin-1")) for key, value in pairs)


def parse_request(raw: bytes) -> HttpRequest:
    """Read one whole request. Raises MalformedMessage; a truncated body counts as malformed."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=64 * 1024)
    head, body = _read(connection, raw, h11.Request)
    assert isinstance(head, h11.Request)
    method, target = head.method.decode("ascii"), head.target.decode("latin-1")
    return HttpRequest(method, target, _headers(head.headers.raw_items()), body)


def parse_response(raw: bytes, method: str = "GET") -> HttpResponse:
    """Read one whole response to a request of `method`. Raises MalformedMessage."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=64 * 1024)
    connection.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    head, body = _read(connection, raw, h11.Response)
    assert isinstance(head, h11.Response | h11.InformationalResponse)
    return HttpResponse(
        head.status_code, head.reason.decode("latin-1"), _headers(head.headers.raw_items()), body
    )  # fmt: skip


def _read(connection: h11.Connection, raw: bytes, wanted: type) -> tuple[object, bytes]:
    head: object = None
    body: list[bytes] = []
    try:
        connection.receive_data(raw)
        connection.receive_data(b"")  # end of the recorded bytes: an HTTP/1.0 style body may end here
        while True:
            event = connection.next_event()
            if isinstance(event, wanted) or (wanted is h11.Response and isinstance(event, h11.InformationalResponse)):
                head = event
                if isinstance(event, h11.InformationalResponse):
                    return head, b""
            elif isinstance(event, h11.Data):
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                return head, b"".join(body)
            else:  # ConnectionClosed, NEED_DATA, PAUSED
                raise MalformedMessage("the message ends too early", raw, len(raw))
    except h11.RemoteProtocolError as error:
        raise MalformedMessage(f"no HTTP/1.1 message: {error}", raw) from None


def render_request(method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes) -> bytes:
    """Bytes of a request with a fixed-length body; `content-length` is added where the caller gave none."""
    bodyless = method in ("GET", "HEAD", "OPTIONS") and not body
    return _render(f"{method} {target} HTTP/1.1", headers, body, bodyless=bodyless)


def render_response(status: int, reason: str, headers: Sequence[tuple[str, str]], body: bytes) -> bytes:
    """Bytes of a response with a fixed-length body."""
    return _render(f"HTTP/1.1 {status} {reason}", headers, body, bodyless=status == 204 or status < 200)


def _render(start: str, headers: Sequence[tuple[str, str]], body: bytes, *, bodyless: bool) -> bytes:
    lines = [start, *(f"{key}: {value}" for key, value in headers)]
    if not bodyless and not any(key.lower() == "content-length" for key, _ in headers):
        lines.append(f"content-length: {len(body)}")
    return b"\r\n".join(map(_bytes, lines)) + b"\r\n\r\n" + body


def _bytes(line: str) -> bytes:
    """Fields are bytes, told as latin-1; a text that is more than these goes as UTF-8. There is no text that cannot be put."""
    try:
        return line.encode("latin-1")
    except UnicodeEncodeError:
        return line.encode("utf-8", "replace")
