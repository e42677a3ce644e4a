"""How the bench calls what a device serves over HTTP: within a time and a size that hold for the whole answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came: nothing is unpacked, and the fields hold the bytes that were sent (latin-1)."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def call(
    client: httpx.AsyncClient, method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes, *,
    limit_s: float, limit_bytes: int,
) -> Reply:  # fmt: skip
    """One request and its whole answer. Raises OSError where none comes, or none within the limits.

    A limit of httpx is one for each read, which a byte now and then never reaches; and a body that is packed can be short
    on the wire and fill the memory. So the time counts from the start to the last byte, and the body is taken as it is sent.
    """
    asked = [*headers, ("accept-encoding", "identity")]
    try:
        async with asyncio.timeout(limit_s), client.stream(method, url, headers=asked, content=body, timeout=None) as reply:
            reply.headers.encoding = "latin-1"
            return Reply(reply.status_code, dict(reply.headers), await _body(reply, limit_bytes))
    except TimeoutError:
        raise OSError(f"no whole answer within {limit_s:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:  # the device chose the address: it can be anything
        raise OSError(f"{type(error).__name__}: {error}") from error


async def _body(reply: httpx.Response, limit: int) -> bytes:
    body = bytearray()
    async for part in reply.aiter_raw():
        body += part
        if len(body) > limit:
            raise OSError(f"its answer is longer than {limit} bytes")
    return bytes(body)
