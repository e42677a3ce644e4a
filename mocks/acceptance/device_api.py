"""I4: the city calls the device's own API, signed with the city's key, or badly on purpose."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, Literal
from urllib.parse import quote

from conformance.protocol import strictjson
from conformance.protocol.httpwire import HttpRequest, render_request, render_response
from conformance.protocol.signature import content_digest, sign
from conformance.spec.model import Message
from conformance.trace.transcript import Entry
from mocks.acceptance.office import Office
from mocks.acceptance.registry import Registered

Signed = Literal["good", "none", "bad", "replayed", "altered"]
Headers = list[tuple[str, str]]
HttpResult = tuple[int, Mapping[str, str], bytes]
_URL: Final = "".join(map(chr, range(0x21, 0x7F)))  # what may stand in a request line (RFC 3986); the rest is encoded
HttpClient = Callable[[str, str, Headers, bytes], Awaitable[HttpResult]]  # raises OSError


class DeviceApi:
    """Requests of the acceptance system to one device's registered URL."""

    def __init__(self, office: Office, client: HttpClient | None) -> None:
        self._office = office
        self.client = client
        self._last_good: dict[tuple[str, str], tuple[Headers, bytes]] = {}
        self._requests = 0

    async def request(
        self, role: str, device: Registered, *, signed: Signed = "good", fields: Mapping[str, Any] | None = None,
        age_s: float = 0.0, facts: Mapping[str, Any] | None = None,
    ) -> Entry | None:  # fmt: skip
        """Call the device API, signed `age_s` seconds ago. Returns the response's entry, None where no answer came.

        Anything but a good and fresh signature is deliberate: `facts.intended` says what it provokes.
        """
        message = self._office.dialect.role(role)
        if message is None or message.http is None or self.client is None:
            raise LookupError(f"role {role} is not bound to an HTTP message, or the bench has no way to the device")
        body = b""
        if "request" in message.schemas or fields:
            document = self._office.dialect.build(message, "request", fields or {})
            self._office.validate_outgoing(message, "request", document)
            body = strictjson.dumps(document)
        base = str(device.facts.get("remote_device_url") or device.identity.remote_device_url).rstrip("/")
        url = quote(base + message.http.path, safe=_URL)
        headers, body = self._signed(message, device, url, body, signed, age_s)
        told = {"conn": f"api-{self._requests}", "signed": signed, **(facts or {})}
        self._requests += 1
        return await self._exchange(message, url, headers, body, told)

    async def _exchange(
        self, message: Message, url: str, headers: Headers, body: bytes, facts: Mapping[str, Any]
    ) -> Entry | None:
        assert message.http is not None
        assert self.client is not None
        observe = self._office.recorder.observe
        target = _target(url)
        raw = render_request(message.http.method, target, [("host", _authority(url)), *headers], body)
        sent = observe(message.interface, "bench", "http.request", raw, facts)
        try:
            status, reply_headers, reply = await self.client(message.http.method, url, headers, body)
        except OSError as error:
            observe(message.interface, "-", "conn.close", facts={"conn": facts["conn"], "by": "iut", "reason": str(error)})
            return None
        # A client hands over a decoded body: framing fields of the original would contradict it.
        kept = [(k, v) for k, v in reply_headers.items() if k.lower() not in ("transfer-encoding", "content-length")]
        told = {"conn": facts["conn"], "to": sent.n}
        response = render_response(status, _phrase(status), kept, reply)
        return observe(message.interface, "iut", "http.response", response, told)

    def _signed(
        self, message: Message, device: Registered, url: str, body: bytes, signed: Signed, age_s: float
    ) -> tuple[Headers, bytes]:
        assert message.http is not None
        key = (device.id, message.name)
        if signed == "replayed":
            if key not in self._last_good:
                raise LookupError(f"no earlier good request of {message.name} that could be replayed")
            return self._last_good[key]
        headers: Headers = [("accept", "application/json, application/problem+json")]
        if body:
            headers += [("content-type", "application/json"), ("content-digest", content_digest(body))]
        if signed != "none" and message.signed is not None:
            created = self._office.now() - age_s
            secret = secrets.token_bytes(32) if signed == "bad" else device.identity.city_key
            request = HttpRequest(message.http.method, _target(url), tuple(headers), body)
            scheme = self._office.spec.signatures[message.signed]
            headers += sign(scheme, request, url, secret, device.identity.city_keyid, created, secrets.token_urlsafe(16))
        if signed == "good":
            self._last_good[key] = (headers, body)
        if signed == "altered":
            body += b" "  # the same document, and no longer the bytes that were digested
        return headers, body


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _authority(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]


def _target(url: str) -> str:
    return "/" + url.split("/", 3)[3] if url.count("/") > 2 else "/"
