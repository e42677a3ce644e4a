"""The page `/doctor`: UDP is checked by real STUN requests, by aioice's own client and by a page in a real browser."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aioice.stun
import pytest
import uvloop

from conformance.spec.loader import load
from conformance.trace.clock import SystemClock
from conformance.trace.masking import Masker
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Transcript
from mocks.city import City
from mocks.devices.kiosk.browser import NAMES, Browser
from mocks.servers import doctor
from mocks.servers.listeners import Listeners, listen
from mocks.servers.stun import MAPPED, reply_to, serve_stun
from mocks.signaling.paper_clerk import PaperClerk

LIMIT_S = 20.0


def in_browser(test: Callable[..., None]) -> Callable[..., None]:
    """The real page in a real Chromium."""
    for mark in (
        pytest.mark.browser, pytest.mark.sockets,
        pytest.mark.skipif(not any(map(shutil.which, NAMES)), reason="chromium is not installed"),
        pytest.mark.skipif(shutil.which("certutil") is None, reason="certutil is not installed"),
    ):  # fmt: skip
        test = mark(test)
    return test


def _request(**more: Any) -> bytes:
    return bytes(aioice.stun.Message(aioice.stun.Method.BINDING, more.pop("kind", aioice.stun.Class.REQUEST), **more))


def test_a_binding_request_is_answered_with_an_address_that_no_host_has() -> None:
    asked = aioice.stun.Message(aioice.stun.Method.BINDING, aioice.stun.Class.REQUEST)
    reply = reply_to(bytes(asked))
    assert reply is not None
    told = aioice.stun.parse_message(reply)
    assert (told.message_class, told.transaction_id) == (aioice.stun.Class.RESPONSE, asked.transaction_id)
    assert told.attributes["XOR-MAPPED-ADDRESS"] == MAPPED


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00\x01", b"\x00" * 20, _request()[:-1], _request() + b"more", _request() + b"\x00" * 600,
     _request(kind=aioice.stun.Class.RESPONSE), _request(kind=aioice.stun.Class.INDICATION),
     _request().replace(b"\x21\x12\xa4\x42", b"\x00\x00\x00\x00")],
    ids=["nothing", "cut", "zeros", "length", "tail", "large", "response", "indication", "cookie"],
)  # fmt: skip
def test_anything_else_is_left_without_an_answer(data: bytes) -> None:
    assert reply_to(data) is None


def _asked(port: int) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(LIMIT_S)
        client.sendto(_request(), ("127.0.0.1", port))
        data, peer = client.recvfrom(1024)
    assert peer == ("127.0.0.1", port)
    return data


@contextlib.asynccontextmanager
async def _listening() -> AsyncIterator[tuple[City, Listeners]]:
    spec = load()
    clock = SystemClock()
    recorder = Recorder(Transcript(spec), clock, None, Masker())
    timers = {timer.id: timer.lab_ms for timer in spec.timers.values()}
    city = City(spec, recorder, clock, timers_ms=timers, clerk=PaperClerk())
    listeners = await listen(city)
    try:
        yield city, listeners
    finally:
        await listeners.close()


@pytest.mark.sockets
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_the_bench_answers_on_the_number_of_its_http_port_and_on_a_free_one(loop: Callable[[], Any]) -> None:
    async def scenario() -> None:
        async with _listening() as (city, listeners):
            assert len(listeners.stun.ports) == 2
            assert listeners.stun.ports[0] == listeners.http[0].port
            assert city.world.endpoints.udp == listeners.stun.ports
            for port in listeners.stun.ports:
                assert "XOR-MAPPED-ADDRESS" in aioice.stun.parse_message(await asyncio.to_thread(_asked, port)).attributes

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(scenario())


@pytest.mark.sockets
def test_a_udp_port_that_somebody_else_has_stops_nothing() -> None:
    async def scenario() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            server = await serve_stun("127.0.0.1", (taken.getsockname()[1], 0))
            assert len(server.ports) == 1
            assert server.ports[0] != taken.getsockname()[1]
            server.close()

    asyncio.run(scenario())


async def _told_by_page(city: City, listeners: Listeners, home: Path) -> dict[str, Any]:
    """What the page found out in a browser, as it told the bench."""
    browser = Browser(home)
    port = listeners.http[0].port
    try:
        await browser.start(f"https://127.0.0.1:{port}/doctor", listeners.ca.pem, ["127.0.0.1"])
        result = await city.recorder.wait_for(lambda e: e.obs == "doctor" and e.facts.get("asked") == "result", -1, LIMIT_S)
    finally:
        await browser.stop()
    assert result is not None, [entry.facts for entry in city.recorder.transcript if entry.obs == "doctor"]
    return dict(result.facts)


@in_browser
def test_udp_that_comes_through_is_seen(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with _listening() as (city, listeners):
            told = await _told_by_page(city, listeners, tmp_path)
            assert (told["udp"], told["ws"]) == ("ok", "ok")

    asyncio.run(scenario())


@in_browser
def test_the_port_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "UDP_LIMIT_MS", 1500)

    async def scenario() -> None:
        async with _listening() as (city, listeners):
            listeners.stun.transports[1].close()  # as behind a firewall that lets only the first through
            told = await _told_by_page(city, listeners, tmp_path)
            assert told["udp"] == f"failed {listeners.stun.ports[1]}"

    asyncio.run(scenario())
