"""I1: the device as client of the docking API. Signs, authorises, retries what may be retried."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from mocks.devices.reference.part import Part
from mocks.devices.reference.signing import HttpMessage, content_digest, sign
from mocks.devices.reference.transport import HttpReply
from mocks.devices.reference.wire import BadJson

__all__ = ["Docking", "Problem", "Refused", "Request"]


@dataclass(frozen=True)
class Request:
    """One request before it is signed. `path` is relative to the docking prefix."""

    method: str
    path: str
    body: bytes = b""
    media_type: str = "application/json"
    authorised: bool = True


@dataclass(frozen=True)
class Problem:
    """An RFC 9457 answer, as far as the device acts on it."""

    status: int
    slug: str
    title: str
    retry_after_s: float
    date: float | None = None


class Refused(Exception):
    """The acceptance system answered, and said no."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.status} {problem.slug}".rstrip())
        self.problem = problem


class Docking(Part):
    """The HTTP client."""

    token = ""

    async def send(self, request: Request) -> HttpReply:
        """One exchange. Raises Refused for 4xx and 5xx, ConnectionError or OSError when nothing came back."""
        if request.authorised and self.d.registration.token_is_over():
            self.d.registration.again.set()
            raise ConnectionError("the token is over, a new one is on its way")
        url = self.url(request)
        headers = self.headers(request, url)
        reply = await self.d.transport.http(request.method, url, headers, request.body)
        if reply.status >= 400:
            raise Refused(self.problem(reply))
        return reply

    async def json(self, method: str, path: str, body: dict[str, Any] | None = None, authorised: bool = True) -> Any:
        """One exchange with JSON both ways; the decoded answer. Raises like `send`."""
        request = self.json_request(method, path, body, authorised)
        return self.decoded(await self.send(request))

    def json_request(self, method: str, path: str, body: dict[str, Any] | None, authorised: bool = True) -> Request:
        """A request with a JSON body (or none)."""
        raw = b"" if body is None else self.d.codec.dumps(body).encode()
        return Request(method, path, raw, "application/json" if raw else "", authorised)

    def decoded(self, reply: HttpReply) -> Any:
        """The JSON of an answer. Raises ConnectionError when it is none: as good as no answer."""
        try:
            return self.d.codec.loads(reply.body.decode())
        except (BadJson, UnicodeDecodeError) as error:
            raise ConnectionError("answer is not JSON") from error

    async def deliver(self, request: Request) -> HttpReply:
        """Send until it is answered for good: same bytes of body, new signature, back-off between. Raises Refused
        for a final no; a lost token, 429 and 5xx are no final answers."""
        attempt = 0
        while True:
            wait = 0.0
            try:
                return await self.send(request)
            except Refused as refused:
                if not self.worth_retrying(refused.problem, attempt):
                    raise
                wait = refused.problem.retry_after_s
            except OSError as error:
                self.d.log(f"{request.method} {request.path} 未送达：{error}")
            await asyncio.sleep(self.d.backoff.pause(wait, attempt))
            attempt += 1

    def worth_retrying(self, problem: Problem, attempt: int) -> bool:
        """Whether the same request may succeed later."""
        if problem.status == 401 and attempt < 5:
            self.d.registration.again.set()
            return True
        return problem.status == 429 or problem.status >= 500

    def url(self, request: Request) -> str:
        """The target URI. Nothing secret and nothing personal is ever part of it."""
        return self.d.settings.docking + request.path

    def headers(self, request: Request, url: str) -> list[tuple[str, str]]:
        """All fields of a request, signature last."""
        fields: list[tuple[str, str]] = [("accept", "application/json, application/problem+json, application/pdf")]
        if request.body:
            fields.append(("content-type", request.media_type))
            fields.append(("content-digest", self.digest(request.body)))
        if request.authorised and self.token:
            fields.append(("authorization", f"Bearer {self.token}"))
        message = HttpMessage(request.method, url, dict(fields))
        fields += self.signature(message, bool(request.body))
        return self.arranged(fields)

    def arranged(self, fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Order and letter case of the fields as they go out."""
        return fields

    def digest(self, body: bytes) -> str:
        """The Content-Digest field."""
        return content_digest(body)

    def signature(self, message: HttpMessage, has_body: bool) -> list[tuple[str, str]]:
        """The two signature fields."""
        key = self.d.settings.device_key.secret
        return sign(message, self.covered(has_body), self.signature_params(), key, "sig1", self.algorithm())

    def algorithm(self) -> str:
        """What the key is for."""
        return self.d.settings.device_key.algorithm

    def covered(self, has_body: bool) -> list[str]:
        """Covered components."""
        return ["@method", "@target-uri"] + (["content-digest"] if has_body else [])

    def signature_params(self) -> list[tuple[str, int | str]]:
        """Parameters in the order in which they go out."""
        return [
            ("created", self.created()),
            ("nonce", self.nonce()),
            ("keyid", self.d.settings.device_key.keyid),
            ("alg", self.algorithm()),
        ]

    def created(self) -> int:
        """Creation time of a signature, whole seconds."""
        return int(self.d.time.now())

    def nonce(self) -> str:
        """A fresh nonce from the system's random source: the seed must never decide it."""
        return secrets.token_urlsafe(16)

    def problem(self, reply: HttpReply) -> Problem:
        """What the device makes of an error answer."""
        try:
            body = self.d.codec.loads(reply.body.decode())
        except (BadJson, UnicodeDecodeError):
            body = {}
        body = body if isinstance(body, dict) else {}
        wait = 0.0
        if isinstance(body.get("retry_after_ms"), int | float):
            wait = body["retry_after_ms"] / 1000
        if reply.headers.get("retry-after", "").isdigit():
            wait = max(wait, float(reply.headers["retry-after"]))
        slug = str(body.get("type", "")).rpartition(":")[2]
        return Problem(reply.status, slug, str(body.get("title", "")), wait, self.date(reply))

    def date(self, reply: HttpReply) -> float | None:
        """The server's Date, seconds since 1970: coarse, but there before any token is."""
        try:
            return parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
        except ValueError:
            return None
