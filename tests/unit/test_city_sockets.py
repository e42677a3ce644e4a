"""The city behind real sockets and real TLS: what is shown, what is seen, and who is not allowed to hold a connection."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvloop
from city_bench import Client, bench_errors, frames, make_city
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from conformance.protocol.httpwire import parse_response, render_request
from mocks.acceptance.registry import DeviceIdentity
from mocks.city import City
from mocks.memory import MemoryReply
from mocks.pki import RunCa
from mocks.servers.http import Deadlines
from mocks.servers.listeners import Listeners, authority_of, listen
from mocks.servers.tls import alert_of
from mocks.signaling.paper_clerk import PaperClerk

pytestmark = pytest.mark.sockets
LOOPS: list[Any] = [asyncio.new_event_loop, uvloop.new_event_loop]
both_loops = pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"])


def run(loop: Callable[[], asyncio.AbstractEventLoop], story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(asyncio.wait_for(story(), 8))


@asynccontextmanager
async def listening(**options: Any) -> AsyncIterator[tuple[City, Listeners]]:
    city = make_city(clerk=PaperClerk())
    listeners = await listen(city, tls_timeout_s=0.5, **options)
    try:
        yield city, listeners
    finally:
        await listeners.close()


def trusting(listeners: Listeners) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=listeners.ca.pem)


async def until(city: City, kind: str, **facts: Any) -> dict[str, Any]:
    found = await city.recorder.wait_for(
        lambda e: e.obs == kind and all(e.facts.get(k) == v for k, v in facts.items()), -1, 5
    )
    assert found is not None, f"no {kind} {facts}: {[e.obs for e in city.recorder.transcript]}"
    return dict(found.facts)


def dial(host: str, port: int, context: ssl.SSLContext) -> None:
    """A blocking client on OpenSSL, which says why it refuses."""
    with socket.create_connection((host, port), 5) as plain, context.wrap_socket(plain, server_hostname=host):
        pass


async def exchange(url: str, raw: bytes, context: ssl.SSLContext | None) -> bytes:
    """Send bytes, read until the other side closes."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=context)
    writer.write(raw)
    data = await reader.read()
    writer.close()
    return data


@both_loops
@pytest.mark.parametrize(
    ("kind", "alert"),
    [("wrong_host", "bad_certificate"), ("expired", "certificate_expired"), ("unknown_ca", "unknown_ca")],
)
def test_a_client_that_refuses_a_bad_certificate_is_seen_with_its_alert(loop: Any, kind: str, alert: str) -> None:
    async def story() -> None:
        async with listening() as (city, listeners):
            for url in (listeners.docking_url, city.world.endpoints.urls["I2"]):
                parts = urlsplit(url)
                await city.faults.start(f"tls.{kind}")
                with pytest.raises(ssl.SSLCertVerificationError):
                    await asyncio.to_thread(dial, parts.hostname, parts.port, trusting(listeners))
                iface = "I1" if parts.scheme == "https" else "I2"
                failed = await until(city, "tls.failed", presented=kind)
                assert failed["alert"] == alert
                assert [e.iface for e in city.recorder.transcript if e.obs == "tls.failed"][-1] == iface
                await city.faults.stop(f"tls.{kind}")  # the next connection is shown the good one again
                _, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=trusting(listeners))
                writer.close()
            offers = [e.facts["presented"] for e in city.recorder.transcript if e.obs == "tls.offer"]
            assert offers == [kind, "good", kind, "good"]

    run(loop, story)


@both_loops
def test_a_client_that_refuses_in_silence_is_seen_at_once(loop: Any) -> None:
    """asyncio's own client closes without an alert: still a refusal, and long before the deadline."""

    async def story() -> None:
        async with listening() as (city, listeners):
            parts = urlsplit(listeners.docking_url)
            await city.faults.start("tls.unknown_ca")
            with pytest.raises(ssl.SSLCertVerificationError):
                await asyncio.open_connection(parts.hostname, parts.port, ssl=trusting(listeners))
            failed = await until(city, "tls.failed")
            assert (failed["alert"], failed["presented"]) == (None, "unknown_ca")
            assert failed["reason"].startswith("closed by the peer")

    run(loop, story)


@both_loops
def test_a_client_without_tls_11_refuses_tls_11_and_silence_is_seen_too(loop: Any) -> None:
    async def story() -> None:
        async with listening() as (city, listeners):
            parts = urlsplit(listeners.docking_url)
            async with city.faults.during("tls.tls11"):
                with pytest.raises(ssl.SSLError):
                    await asyncio.open_connection(parts.hostname, parts.port, ssl=trusting(listeners))
                failed = await until(city, "tls.failed", presented="tls11")
                assert failed["reason"]
            _, writer = await asyncio.open_connection(parts.hostname, parts.port)  # says nothing at all
            assert (await until(city, "tls.failed", presented="good"))["alert"] is None
            writer.close()
            _, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")  # plain text to a TLS port
            await until(city, "tls.failed", reason="HTTP_REQUEST")
            writer.close()

    run(loop, story)


@both_loops
def test_tls_facts_of_a_good_connection_and_an_old_client_is_refused(loop: Any) -> None:
    async def story() -> None:
        async with listening() as (city, listeners):
            context = trusting(listeners)
            context.set_alpn_protocols(["http/1.1"])
            parts = urlsplit(listeners.docking_url)
            raw = render_request("OPTIONS", parts.path + "/time", [("host", parts.netloc), ("connection", "close")], b"")
            assert (await exchange(listeners.docking_url, raw, context)).startswith(b"HTTP/1.1 204")
            opened = await until(city, "conn.open")
            assert opened["peer"].startswith("127.0.0.1:")
            assert opened["tls"]["version"] == "TLSv1.3"
            assert (opened["tls"]["alpn"], opened["tls"]["presented"]) == ("http/1.1", "good")
            assert (await until(city, "conn.close"))["conn"] == opened["conn"]
            old = trusting(listeners)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
            old.set_ciphers("DEFAULT:@SECLEVEL=0")
            with pytest.raises(ssl.SSLError):
                await asyncio.open_connection(parts.hostname, parts.port, ssl=old)
            assert (await until(city, "tls.failed"))["reason"] == "UNSUPPORTED_PROTOCOL"

    run(loop, story)


@both_loops
@pytest.mark.parametrize(
    ("sent", "reason"),
    [(b"POST /docking/v1/tickets HT", "no request head in time"),
     (b"POST /docking/v1/tickets HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{", "no request body in time")],
)  # fmt: skip
def test_a_slow_request_ends_at_its_deadline_with_408(loop: Any, sent: bytes, reason: str) -> None:
    async def story() -> None:
        async with listening(deadlines=Deadlines(head_s=0.2, body_s=0.3)) as (city, listeners):
            assert (await exchange(listeners.docking_url, sent, trusting(listeners))).startswith(b"HTTP/1.1 408")
            closed = await until(city, "conn.close")
            assert (closed["by"], closed["reason"]) == ("bench", reason)
            assert [e.raw for e in city.recorder.transcript if e.obs == "http.fragment"] == [sent]

    run(loop, story)


@both_loops
def test_what_is_too_large_is_refused_with_evidence_of_its_beginning(loop: Any) -> None:
    async def story() -> None:
        async with listening() as (city, listeners):
            limit = city.spec.interfaces["I1"].max_message_bytes
            head = b"PUT /docking/v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % (limit + 200_000)
            parts = urlsplit(listeners.docking_url)
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=trusting(listeners))
            writer.write(head + b"a" * (limit + 200_000))
            assert (await reader.readline()).startswith(b"HTTP/1.1 413")
            writer.close()
            fragment = next(e for e in city.recorder.transcript if e.obs == "http.fragment")
            assert (fragment.facts["reason"], len(fragment.raw)) == ("too large", 4096)
            long_line = b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n"
            assert (await exchange(listeners.docking_url, long_line, trusting(listeners))).startswith(b"HTTP/1.1 400")

    run(loop, story)


@both_loops
def test_keep_alive_serves_one_after_the_other_and_pipelining_is_refused(loop: Any) -> None:
    async def story() -> None:
        async with listening() as (city, listeners):
            parts = urlsplit(listeners.docking_url)
            raw = render_request("OPTIONS", parts.path + "/time", [("host", parts.netloc)], b"")
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=trusting(listeners))
            for _ in range(3):
                writer.write(raw)
                answer = await reader.readuntil(b"\r\n\r\n")
                assert parse_response(answer, "OPTIONS").status == 204
            writer.write(raw + raw)
            rest = await reader.read()
            assert rest.count(b"HTTP/1.1 204") == 1
            writer.close()
            assert next(e for e in city.recorder.transcript if e.obs == "http.stray").raw == raw
            requests = [e for e in city.recorder.transcript if e.obs == "http.request"]
            assert [e.raw for e in requests] == [raw] * 4

    run(loop, story)


@both_loops
def test_a_lost_answer_ends_inside_its_status_line_and_is_no_answer_on_record(loop: Any) -> None:
    async def story() -> None:
        async with listening() as (city, listeners):
            parts = urlsplit(listeners.docking_url)
            raw = render_request("OPTIONS", parts.path + "/time", [("host", parts.netloc), ("connection", "close")], b"")
            async with city.faults.during("http.lost", times=1):
                assert await exchange(listeners.docking_url, raw, trusting(listeners)) == b"HTTP/1.1 "
                assert (await exchange(listeners.docking_url, raw, trusting(listeners))).startswith(b"HTTP/1.1 204")
            told = [e for e in city.recorder.transcript if e.obs in ("http.request", "http.response")]
            assert [e.obs for e in told] == ["http.request", "http.request", "http.response"]

    run(loop, story)


class Reader(WSListener):
    """Texts and the close of a client's socket."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[bytes | tuple[int, str]] = asyncio.Queue()
        self.code: tuple[int, str] = (1006, "")

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            self.code = (frame.get_close_code(), frame.get_close_reason() or "")
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT:
            self.inbox.put_nowait(frame.get_payload_as_bytes())

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        self.inbox.put_nowait(self.code)


class SocketWs:
    """A client's WebSocket with the methods that the test client uses."""

    def __init__(self, transport: WSTransport, listener: Reader) -> None:
        self.transport, self.listener = transport, listener

    async def send(self, text: str) -> None:
        self.transport.send(WSMsgType.TEXT, text.encode())

    async def recv(self) -> str:
        item = await self.listener.inbox.get()
        if isinstance(item, tuple):
            raise ConnectionError(f"closed {item[0]} {item[1]}")
        return item.decode()


async def device(city: City, listeners: Listeners) -> Client:
    identity = DeviceIdentity.fresh("RVW-SOCK-1", "https://device.test")
    city.enrol(identity)

    async def http(method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> MemoryReply:
        parts = urlsplit(url)
        raw = render_request(method, parts.path, [("host", parts.netloc), *headers, ("connection", "close")], body)
        reply = parse_response(await exchange(url, raw, trusting(listeners)), method)
        return MemoryReply(reply.status, dict(reply.headers), reply.body)

    return Client(city, identity, http, listeners.docking_url)


async def websocket(city: City, listeners: Listeners, iface: str, subprotocol: str | None = None) -> SocketWs:
    wanted = city.spec.interfaces[iface].subprotocol if subprotocol is None else subprotocol
    transport, listener = await ws_connect(
        Reader, city.world.endpoints.urls[iface], ssl_context=trusting(listeners), use_aiofastnet=False,
        extra_headers={"Sec-WebSocket-Protocol": wanted or ""},
    )  # fmt: skip
    assert isinstance(listener, Reader)
    return SocketWs(transport, listener)


@both_loops
def test_a_device_registers_attaches_and_talks_over_sockets(loop: Any) -> None:
    async def story() -> None:
        async with listening() as (city, listeners):
            client = await device(city, listeners)
            assert (await client.register()).status == 201
            ws = await websocket(city, listeners, "I2")
            assert ws.transport.response.headers["Sec-WebSocket-Protocol"] == "rvw.channel.v1"
            assert "result" in await client.attach(ws, "I2", "channel.resume")  # type: ignore[arg-type]
            signaling = await websocket(city, listeners, "I3")
            await client.attach(signaling, "I3", "signaling.attach")  # type: ignore[arg-type]
            assert not city.missing()
            assert (await city.send("status.query")).kind == "result"
            ws.transport.send_ping(b"hi")
            ping = await city.recorder.wait_for(lambda e: e.obs == "ws.frame" and e.facts["opcode"] == 9, -1, 5)
            assert (ping.raw, ping.facts["header_hex"]) == (b"hi", "89")
            upgrade = next(e for e in city.recorder.transcript if e.obs == "ws.upgrade")
            assert upgrade.raw.startswith(b"GET /channel/v1 HTTP/1.1\r\n")
            assert b"Sec-WebSocket-Protocol: rvw.channel.v1" in upgrade.raw
            assert upgrade.facts["presented"] == "good"
            conns = {e.conn for e in city.recorder.transcript if e.obs == "conn.open"}
            assert {f.conn for f in frames(city, "status.query")} <= conns
            await city.faults.start("cut.channel")
            await until(city, "ws.close", by="bench", code=1006)
            assert bench_errors(city) == []

    run(loop, story)


@both_loops
def test_close_codes_are_told_and_heard(loop: Any) -> None:
    async def story() -> None:
        async with listening() as (city, listeners):
            client = await device(city, listeners)
            await client.register()
            first = await websocket(city, listeners, "I2")
            await client.attach(first, "I2", "channel.resume")  # type: ignore[arg-type]
            second = await websocket(city, listeners, "I2")
            await client.attach(second, "I2", "channel.resume")  # type: ignore[arg-type]
            await until(city, "ws.close", by="bench", code=4001)
            assert int(first.listener.code[0]) == 4001
            second.transport.send_close(4003, b"enough")
            assert (await until(city, "ws.close", by="iut"))["code"] == 4003
            with pytest.raises(Exception, match="400"):
                await websocket(city, listeners, "I2", "other.v9")
            assert (await until(city, "ws.refuse"))["status"] == 400
            big = await websocket(city, listeners, "I2")
            await big.recv()
            big.transport.send(WSMsgType.TEXT, b"x" * 300_000)
            await until(city, "ws.close", by="bench", code=1009)

    run(loop, story)


@both_loops
def test_an_outage_and_a_restart_are_felt_on_sockets(loop: Any) -> None:
    async def story() -> None:
        async with listening() as (city, listeners):
            client = await device(city, listeners)
            await client.register()
            ws = await websocket(city, listeners, "I2")
            await client.attach(ws, "I2", "channel.resume")  # type: ignore[arg-type]
            await city.faults.start("city.restart")
            await until(city, "ws.close", code=1012)
            with pytest.raises((ConnectionError, ssl.SSLError, ValueError)):
                await client.ask("GET", "/time")
            with pytest.raises((ConnectionError, ssl.SSLError)):
                await websocket(city, listeners, "I2")
            await city.faults.stop("city.restart")
            assert (await client.register()).status == 201
            assert json.loads((await client.ask("GET", "/time")).body)["server_time"].endswith("Z")

    run(loop, story)


def test_certificates_are_right_or_wrong_in_one_way() -> None:
    from cryptography import x509

    ca = RunCa()
    good = x509.load_pem_x509_certificate(ca.leaf(["127.0.0.1", "bench.test"]).chain)
    names = good.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["bench.test"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert (good.not_valid_after_utc - good.not_valid_before_utc).days <= 825
    root = x509.load_pem_x509_certificate(ca.pem.encode())
    good.verify_directly_issued_by(root)
    expired = x509.load_pem_x509_certificate(ca.leaf(["a.test"], expired=True).chain)
    assert expired.not_valid_after_utc < root.not_valid_after_utc


def test_alerts_and_authorities_are_read_as_they_are_written() -> None:
    assert alert_of("TLSV1_ALERT_UNKNOWN_CA") == "unknown_ca"
    assert alert_of("SSLV3_ALERT_BAD_CERTIFICATE") == "bad_certificate"
    assert alert_of("UNSUPPORTED_PROTOCOL") is None
    assert [authority_of("::1"), authority_of("10.0.0.1")] == ["[::1]", "10.0.0.1"]
