"""Odd bytes of a device are evidence and nothing else: they are on the record, and no error of the bench comes of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from city_bench import Rig, bench_errors, in_virtual_time
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conformance.bench.sockets import device_client
from conformance.iut.upper_tester import HttpUpperTester
from conformance.protocol.signature import verify_document
from conformance.trace.transcript import UNREAD
from mocks.acceptance.docking import Docking
from mocks.acceptance.handshake import Handshake
from mocks.city import City
from mocks.servers.ws import raw_upgrade

METHODS = st.one_of(st.sampled_from([b"GET", b"POST", b"OPTIONS", b"HEAD"]), st.binary(max_size=6))
TARGETS = st.one_of(
    st.sampled_from([
        b"/docking/v1/devices", b"//[", b"//]", b"http://[", b"http://[::1/x", b"//a:b:c/d", b"*", b"/%zz", b"/?[", b"#",
        b"//\xe2\x84\xa0/", b"http://city.test/docking/v1/devices",
    ]),
    st.binary(max_size=40),
)  # fmt: skip
NAMES = st.sampled_from([
    b"signature", b"signature-input", b"content-digest", b"authorization", b"content-type", b"sec-websocket-protocol",
])  # fmt: skip
VALUES = st.one_of(
    st.sampled_from([
        b'sig1=("@method" "@target-uri");created=999999999999999;nonce="n";keyid="dev-RVW-TEST-1";alg="hmac-sha256"',
        b"sig1=();created=@99999999999999", b'sig1=("@method");created=1.5', b'sig1=("a" 5 1.5 ?1 :AA==: @5)', b"sig1=:AA==:",
        b'sig1=%"a"', b"sha-256=:A:", b"sha-256=(1 2)", b"9" * 5000, b"Bearer \xff",
    ]),
    st.binary(max_size=60),
)  # fmt: skip


@settings(max_examples=150, deadline=None, derandomize=True)
@example(b"GET", b"//[", [], b"")
@example(b"GET", b"http://[", [], b"")
@given(METHODS, TARGETS, st.lists(st.tuples(NAMES, VALUES), max_size=4), st.sampled_from([b"", b"{}", b"[]", b'{"a":1}']))
def test_no_request_troubles_the_bench(method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    lines = [method + b" " + target + b" HTTP/1.1", b"host: city.test", *(name + b": " + value for name, value in headers)]
    raw = b"\r\n".join([*lines, b"content-length: %d" % len(body), b"", body])

    async def story() -> None:
        city = Rig.make().city
        city.http("c1", raw)
        city.ws_open("c2", raw)
        await city.faults.start("http.503", times=1, role="time.get")
        city.http("c3", raw)
        assert_recorded(city, [("http.request", raw), ("ws.upgrade", raw), ("http.request", raw)])

    in_virtual_time(story)


def assert_recorded(city: City, what: list[tuple[str, bytes]]) -> None:
    entries = [entry for entry in city.recorder.transcript if entry.dir == "iut"]
    assert [(entry.obs, entry.raw) for entry in entries] == what
    assert [entry.problem for entry in entries if entry.problem.startswith(UNREAD)] == []
    assert bench_errors(city) == []


@pytest.mark.parametrize("given_id", ["[]", "{}", "true", "null", "1.0", "1e300"])
def test_a_reply_with_an_odd_id_answers_no_call(given_id: str) -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        call = rig.city.send("status.query")
        meta = '{"seq":1,"seen":0,"boot_id":"boot-0001","epoch":1}'
        await rig.ws["I2"].send(f'{{"jsonrpc":"2.0","id":{given_id},"result":{{}},"meta":{meta}}}')
        assert not call.done
        assert bench_errors(rig.city) == []
        for task in rig.client.tasks:
            task.cancel()
        await asyncio.sleep(0)

    in_virtual_time(story)


@pytest.mark.parametrize("created", ["9" * 400, "9" * 5000, 10**400, "", [], {}, True, -1, 1e308])
@pytest.mark.parametrize("unit", ["s", "ms"])
def test_no_moment_of_signing_is_too_odd(created: object, unit: str) -> None:
    scheme = {
        "scheme": "concat", "keyid": "/k", "created": "/t", "created_unit": unit, "nonce": "/n", "sign": "/s", "parts": ["/k"],
        "algorithm": "hmac-sha256",
    }  # fmt: skip
    facts = verify_document(scheme, {"k": "a", "t": created, "n": "n", "s": "00"}, {"a": b"key"}, 1000.0, 300.0)
    assert (facts.present, facts.ok) == (True, False)


def test_an_upgrade_is_recorded_with_the_bytes_that_its_fields_have() -> None:
    # picows reads values as ASCII and keeps what is none as surrogates (RFC 9110 section 5.5 allows such octets as opaque data).
    request: Any = SimpleNamespace(method=b"GET", path=b"/", version=b"HTTP/1.1", headers={"X": "\udcff\udce4"})
    assert raw_upgrade(request) == b"GET / HTTP/1.1\r\nX: \xff\xe4\r\n\r\n"


ASKED = b"GET /docking/v1/time HTTP/1.1\r\nhost: h\r\n\r\n"
CALLED = b'{"jsonrpc":"2.0","id":1,"method":"channel.resume","params":{}}'


@pytest.mark.parametrize(
    ("owner", "name", "raw", "send"),
    [
        (Docking, "_examine", ASKED, lambda city: city.http("c1", ASKED)),
        (Handshake, "facts", CALLED, lambda city: city.ws_frame(next(iter(city.channels.connections)), 1, True, False, CALLED)),
    ],
    ids=["http", "ws"],
)
def test_a_mistake_of_ours_loses_no_evidence(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str, raw: bytes, send: Callable[[City], object]
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("a mistake of ours")

    async def story() -> None:
        rig = Rig.make()
        await rig.client.register()
        await rig.open("I2")
        monkeypatch.setattr(owner, name, fails)
        send(rig.city)
        *_, recorded, error = rig.city.recorder.transcript
        assert (recorded.dir, recorded.raw, error.obs) == ("iut", raw, "bench.error")

    in_virtual_time(story)


NO_ADDRESSES = ["https://[", "https://[/x", "nonsense", "https://", "https://设备.test/接口", "https://h\r\nx: y/", "?"]


@pytest.mark.parametrize("url", NO_ADDRESSES)
def test_an_address_that_no_device_can_have_is_one_that_nobody_answers_at(url: str) -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        rig.city.registered().facts["remote_device_url"] = url
        assert await rig.city.call_device_api("device_api.info") is None
        *_, sent, closed = rig.city.recorder.transcript
        assert (sent.obs, closed.obs, closed.facts["by"]) == ("http.request", "conn.close", "iut")
        assert sent.problem == ""
        for task in rig.client.tasks:
            task.cancel()
        await asyncio.sleep(0)

    in_virtual_time(story)


@pytest.mark.parametrize("url", ["https://h\n/x", "https://xn--/x", "https://" + "a" * 70_000])
def test_what_httpx_calls_no_address_cannot_be_reached(url: str) -> None:
    async def story() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            with pytest.raises(OSError, match=r"InvalidURL|IDNAError"):
                await device_client(client)("GET", url, [], b"")
        tester = HttpUpperTester(url)
        with pytest.raises(OSError, match=r"InvalidURL|IDNAError"):
            await tester.verbs()
        await tester.close()

    asyncio.run(story())
