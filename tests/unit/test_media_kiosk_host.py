"""The kiosk's host without a browser: signature verification of I4 and the small HTTP server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from conformance.protocol.httpwire import HttpRequest
from conformance.protocol.signature import content_digest, sign
from mocks.devices.kiosk.verify import Unauthorised, Verifier
from mocks.devices.kiosk.web import Request, Response, serve

SECRET = b"0123456789abcdef0123456789abcdef"
SCHEME = {
    "scheme": "rfc9421", "label": "sig1", "covered": ["@method", "@target-uri"], "covered_with_body": ["content-digest"],
    "algorithms": ["hmac-sha256"],
}
URL = "https://127.0.0.1:8443/device/v1/wake"
NOW = 1_800_000_000.0


def signed(body: bytes = b"", *, key: bytes = SECRET, keyid: str = "city", created: float = NOW) -> dict[str, str]:
    headers = [("content-digest", content_digest(body))] if body else []
    scheme = {**SCHEME, "covered": [*SCHEME["covered"], *(["content-digest"] if body else [])]}
    request = HttpRequest("POST", "/device/v1/wake", tuple(headers), body)
    return dict([*headers, *sign(scheme, request, URL, key, keyid, created, "nonce-1")])


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@pytest.mark.parametrize("body", [b"", b'{"reason":"call"}'])
def test_what_the_acceptance_system_signs_is_taken_once(body: bytes) -> None:
    verifier = Verifier("city", SECRET)
    headers = lower(signed(body))
    verifier.check("POST", URL, headers, body, NOW + 100)
    with pytest.raises(Unauthorised, match="seen before"):
        verifier.check("POST", URL, headers, body, NOW + 101)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"key": b"x" * 32}, "signature"), ({"keyid": "other"}, "key"), ({"created": NOW - 301}, "too old"),
        ({"created": NOW + 301}, "too old"),
    ],
)
def test_strange_keys_and_times_are_refused(change: dict[str, object], reason: str) -> None:
    with pytest.raises(Unauthorised, match=reason):
        Verifier("city", SECRET).check("POST", URL, lower(signed(**change)), b"", NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [("GET", URL, b"{}"), ("POST", URL + "?x", b"{}"), ("POST", URL, b"{ }")],
)
def test_another_request_under_the_same_signature_is_refused(method: str, url: str, body: bytes) -> None:
    with pytest.raises(Unauthorised):
        Verifier("city", SECRET).check(method, url, lower(signed(b"{}")), body, NOW)


@pytest.mark.parametrize("value", ["", "sig1=", "sig1=();created=1", 'sig1=("@method");keyid="city"', "\x00"])
def test_unreadable_and_thin_signatures_are_refused(value: str) -> None:
    with pytest.raises(Unauthorised):
        Verifier("city", SECRET).check("POST", URL, {"signature-input": value, "signature": "sig1=:AA==:"}, b"", NOW)


def test_server_answers_whole_and_in_pieces() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    async def handler(request: Request) -> Response:
        if request.path == "/stream":
            return Response(200, stream=pieces(), media_type="text/plain")
        return Response(201, request.method.encode() + b" " + request.body)

    async def scenario() -> None:
        server = await serve(handler, "127.0.0.1", 0)
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with httpx.AsyncClient(trust_env=False) as client:
            for body in (b"a", b"b" * 100_000):
                reply = await client.post(f"{base}/x?y", content=body)
                assert (reply.status_code, reply.content) == (201, b"POST " + body)
            assert (await client.get(f"{base}/stream")).text == "one two"
        server.close()
        await server.wait_closed()

    asyncio.run(scenario())
