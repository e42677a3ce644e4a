"""Named faults over the network in memory, the device API, and what lies between two cases."""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import Any

import pytest
from city_bench import Rig, bench_errors, frames, in_virtual_time

from mocks.acceptance.queue import InvariantBrokenError


def test_a_broken_invariant_of_the_city_is_told_as_bench_error() -> None:
    async def story() -> None:
        rig = await Rig.make().online()

        def broken(_: Any) -> Any:
            raise InvariantBrokenError("twice")

        rig.city._handlers["time.query"] = broken
        assert (await rig.client.ask("GET", "/time")).status == 503
        assert bench_errors(rig.city) == [{"where": "acceptance", "what": "time.query: twice", "scope": "run"}]

    in_virtual_time(story)


@pytest.mark.parametrize(
    ("kind", "alert"), [("expired", "certificate_expired"), ("unknown_ca", "unknown_ca"), ("tls11", "protocol_version")]
)
def test_a_bad_certificate_is_refused_by_a_careful_device_and_taken_by_a_careless_one(kind: str, alert: str) -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        async with rig.city.faults.during(f"tls.{kind}"):
            with pytest.raises(ssl.SSLError):
                await rig.client.ask("GET", "/time")
            failed = [e.facts for e in rig.city.recorder.transcript if e.obs == "tls.failed"]
            assert (failed[0]["alert"], failed[0]["presented"]) == (alert, kind)
            rig.client.http = rig.network.transport(verify=False).http
            if kind != "tls11":
                assert (await rig.client.ask("GET", "/time")).status == 200
        rig.client.http = rig.network.transport().http
        assert (await rig.client.ask("GET", "/time")).status == 200

    in_virtual_time(story)


def test_faults_bend_the_wire_and_end() -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        city, client = rig.city, rig.client
        async with city.faults.during("http.503", retry_after_s=2):
            reply = await client.ask("GET", "/time")
            assert (reply.status, reply.headers["retry-after"]) == (503, "2")
        async with city.faults.during("http.lost", times=1, role="ticket.issue"):
            assert (await client.ask("GET", "/time")).status == 200
            body = city.office.dialect.example(city.spec.messages["ticket.issue"], "request")
            with pytest.raises(ConnectionError):
                await client.ask("POST", "/tickets", body)
            assert (await client.ask("POST", "/tickets", body)).status == 200  # done, though nobody heard of it
        async with city.faults.during("malformed"):
            with pytest.raises(json.JSONDecodeError):
                json.loads((await client.ask("GET", "/time")).body)
            responses = [e for e in city.recorder.transcript if e.obs == "http.response"]
            assert responses[-1].facts["intended"] == {"stimulus": "malformed-answer"}
        async with city.faults.during("slow", ms=700):
            before = asyncio.get_running_loop().time()
            assert (await client.ask("GET", "/time")).status == 200
            assert asyncio.get_running_loop().time() - before >= 0.7
        async with city.faults.during("clock_shift", ms=3_600_000):
            assert (await client.ask("GET", "/time")).status == 401
        async with city.faults.during("outage"):
            with pytest.raises(ConnectionError):
                await client.ask("GET", "/time")
            assert city.missing()
        assert city.faults.active == {}
        with pytest.raises(LookupError, match="there are"):
            await city.faults.start("earthquake")

    in_virtual_time(story)


def test_duplicates_and_reordering_reach_the_device() -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        async with rig.city.faults.during("duplicate"):
            assert (await rig.city.send("status.query")).kind == "result"
        assert [m["meta"]["seq"] for m in rig.client.got] == [1, 1]
        async with rig.city.faults.during("reorder"):
            rig.city.send("status.query")
            rig.city.send("status.query")
            await asyncio.sleep(0.1)
        assert [m["meta"]["seq"] for m in rig.client.got] == [1, 1, 3, 2]

    in_virtual_time(story)


def test_what_is_lost_is_on_the_record_and_wanted_again_after_the_cut() -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        beat = {"id": "hb-1", "method": "heartbeat", "params": rig.city.spec.examples["heartbeat/request"]}
        async with rig.city.faults.during("lost.channel"):
            await rig.client.tell(rig.ws["I2"], "I2", beat)
            await asyncio.sleep(0.1)
        lost = frames(rig.city, "heartbeat")[0]
        assert (lost.facts["lost"], lost.seq, lost.reply) == (True, 1, None)
        assert rig.client.got == []  # nobody answered
        assert {e.iface for e in rig.city.recorder.transcript if e.obs == "ws.close"} == {"I2"}
        resumed = await rig.client.attach(await rig.open("I2"), "I2", "channel.resume")
        assert resumed["result"]["last_seq"] == 0
        await rig.client.tell(rig.ws["I2"], "I2", beat, seq=1)
        await asyncio.sleep(0.1)
        again = frames(rig.city, "heartbeat")[1]
        assert (again.repeat, "lost" in again.facts) == (True, False)
        assert [m["id"] for m in rig.client.got] == ["hb-1"]

    in_virtual_time(story)


def test_the_device_api_is_called_well_and_badly_signed() -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        asked: list[dict[str, str]] = []

        async def handler(method: str, path: str, headers: dict[str, str], body: bytes) -> Any:
            del method, body
            assert path == "/device/v1/info"
            asked.append(headers)
            example = rig.city.spec.examples["device_api.info/result"]
            return 200, [("Content-Type", "application/json")], json.dumps(example).encode()

        rig.network.mount("https://device.test/device/v1", handler)
        with pytest.raises(LookupError, match="replayed"):
            await rig.city.call_device_api("device_api.info", "replayed")
        intended = {"stimulus": "wrong-signature"}
        for signed in ("good", "replayed", "bad", "none"):
            told = None if signed == "good" else intended
            entry = await rig.city.call_device_api("device_api.info", signed, intended=told)
            assert (entry.status, entry.request.name) == (200, "device_api.info")
        assert asked[0]["signature"] == asked[1]["signature"] != asked[2]["signature"]
        assert "signature" not in asked[3]
        await rig.city.call_device_api("device_api.info", age_s=900, intended=intended)
        created = [int(h["signature-input"].split("created=")[1].split(";")[0]) for h in (asked[0], asked[4])]
        assert created[0] - created[1] in (899, 900, 901)
        sent = frames(rig.city, "device_api.info")
        assert ["intended" in e.facts for e in sent] == [False, True, True, True, True]
        rig.network.unmount("https://device.test/device/v1")
        assert await rig.city.call_device_api("device_api.info") is None

    in_virtual_time(story)


def test_between_cases_everything_is_ended() -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        await rig.ticket()
        ticket, _ = rig.city.call_next()
        session, _ = rig.city.open_session(ticket)
        rig.city.invite(session.id)
        await rig.city.end_everything()
        assert not session.is_open
        assert not ticket.is_open
        assert rig.city.hub.current("RVW-TEST-1") is None
        assert {"session.closed", "call.cancel"} <= {m.get("method") for m in rig.client.got}
        assert bench_errors(rig.city) == []

    in_virtual_time(story)


def test_public_identifiers_repeat_with_the_seed() -> None:
    async def ids() -> list[str]:
        return [Rig.make().city.new_id("session_id") for _ in range(2)]

    assert in_virtual_time(ids) == in_virtual_time(ids)
