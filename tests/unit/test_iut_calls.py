"""A device's own server can neither hold the bench nor fill its memory, and what it sends goes on the record as it came."""

from __future__ import annotations

import asyncio
import gzip
import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from conformance.bench import sockets
from conformance.bench.sockets import device_client
from conformance.iut import upper_tester
from conformance.iut.upper_tester import HttpUpperTester
from conformance.protocol.httpwire import parse_response, render_response
from reports.details import in_chinese

LIMIT_S = 0.4
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
SLOW = f"no whole answer within {LIMIT_S:g} s"
Story = Callable[[str], Any]


def told_of(story: Story, parts: Iterable[bytes]) -> tuple[Any, bytes]:
    """What the story makes of a server that sends these parts, and what the server was asked."""
    asked: list[bytes] = []

    served: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        served.append(task)
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        with suppress(OSError, asyncio.CancelledError):
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async def whole() -> Any:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        try:
            return await asyncio.wait_for(story(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"), 20)
        finally:
            server.close()
            for task in served:
                task.cancel()
            await asyncio.wait(served, timeout=5)

    return asyncio.run(whole()), asked[0]


async def api(url: str) -> tuple[int, dict[str, str], bytes]:
    async with httpx.AsyncClient(trust_env=False) as client:
        reply: tuple[int, dict[str, str], bytes] = await device_client(client)("GET", url, [("accept", "a/b")], b"")
        return reply


async def device_api_fails(url: str) -> str:
    with pytest.raises(OSError, match="answer") as told:
        await api(url)
    return str(told.value)


async def upper_tester_fails(url: str) -> str:
    tester = HttpUpperTester(url)
    try:
        with pytest.raises(OSError, match="upper tester at") as told:
            await tester.verbs()
        return str(told.value).partition("/upper-tester: ")[2]
    finally:
        await tester.close()


def endless(head: bytes, part: bytes) -> Iterator[bytes]:
    return itertools.chain([head], itertools.repeat(part))


@pytest.mark.parametrize("story", [device_api_fails, upper_tester_fails])
@pytest.mark.parametrize(
    ("head", "part"),
    [(HEAD + b"content-length: 100000\r\n\r\n", b" "), (b"", b"HTTP/1.1 100 Continue\r\n\r\n"), (b"", b"")],
    ids=["a byte now and then", "1xx without end", "silence"],
)
def test_an_answer_without_an_end_ends_with_the_time_for_all_of_it(
    monkeypatch: pytest.MonkeyPatch, story: Story, head: bytes, part: bytes
) -> None:
    monkeypatch.setattr(sockets, "API_LIMIT_S", LIMIT_S)
    monkeypatch.setattr(upper_tester, "ANSWER_LIMIT_S", LIMIT_S)
    told, _ = told_of(story, endless(head, part))
    assert told == SLOW
    assert in_chinese(told) == f"{LIMIT_S:g} 秒内没有收到完整的回答"


@pytest.mark.parametrize(
    ("story", "limit"), [(device_api_fails, sockets.API_LIMIT_BYTES), (upper_tester_fails, upper_tester.LINE_LIMIT)]
)
def test_a_body_without_an_end_ends_with_its_size(story: Story, limit: int) -> None:
    told, _ = told_of(story, endless(HEAD + b"\r\n", b" " * 100_000))
    assert told == f"its answer is longer than {limit} bytes"
    assert in_chinese(told) == f"它的回答超过 {limit} 字节"


def test_a_body_of_the_device_is_not_unpacked() -> None:
    packed = gzip.compress(b" " * 3_000_000)
    (status, headers, body), asked = told_of(api, [HEAD + b"content-encoding: gzip\r\n\r\n", packed])
    assert (status, headers["content-encoding"], body) == (200, "gzip", packed)
    assert asked.lower().count(b"accept-encoding: identity\r\n") == asked.lower().count(b"accept-encoding") == 1


def test_fields_of_a_device_go_on_the_record_with_the_bytes_that_they_have() -> None:
    (status, headers, body), _ = told_of(api, ["HTTP/1.1 200 OK\r\nServer: 设备\r\nx-a: \xe9\r\n\r\n{}".encode()])
    raw = render_response(status, "OK", list(headers.items()), body)
    assert "server: 设备\r\n".encode() in raw
    assert parse_response(raw).body == b"{}"


def test_there_is_no_text_that_cannot_be_put_into_a_field() -> None:
    raw = render_response(200, "OK", [("server", "设备 \ud800"), ("x", "é")], b"")
    assert raw.startswith("HTTP/1.1 200 OK\r\nserver: 设备 ?\r\nx: ".encode() + b"\xe9\r\n")
