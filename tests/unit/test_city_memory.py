"""The city over the network in memory, spoken to by a client of a few lines: what is on the record, what is refused."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from city_bench import RESIDENT, Rig, bench_errors, frames, in_virtual_time

from mocks.acceptance.dialect import OMIT


def code(reply: Any) -> str:
    return json.loads(reply.body)["type"].rsplit(":", 1)[-1]


def test_a_device_registers_attaches_and_takes_a_ticket() -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        assert not rig.city.missing()
        first = await rig.ticket()
        again = await rig.ticket()
        assert (first["status"], again["status"]) == (201, 200)
        assert first["ticket"] == again["ticket"]
        facts = frames(rig.city, "ticket.issue")[0].facts
        assert facts["signature"]["ok"]
        assert facts["digest"]["ok"]
        assert facts["token"] == "ok"
        answered = frames(rig.city, "auth.challenge", "result")[0].facts["signature"]
        assert (answered["ok"], answered["device_id"]) == (True, "RVW-TEST-1")
        assert bench_errors(rig.city) == []
        journal = b"".join(e.raw for e in rig.city.recorder.transcript)
        assert rig.client.token.encode() not in journal
        assert RESIDENT.encode() in journal  # a synthetic resident is evidence

    in_virtual_time(story)


@pytest.mark.parametrize(
    ("change", "status", "slug"),
    [
        ({"secret": b"x" * 32}, 401, "bad-signature"), ({"created": 1.0}, 401, "stale"),
        ({"nonce": "again"}, 401, "bad-signature"),
        ({"token": "never-issued-token"}, 401, "not-registered"), ({"body": {"request_id": 7}}, 422, "invalid"),
        ({"raw": b'{"a":1,"a":2}'}, 400, "malformed"),
    ],
)  # fmt: skip
def test_requests_are_refused_for_one_reason_each(change: dict[str, Any], status: int, slug: str) -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        if "nonce" in change:
            assert (await rig.client.ask("GET", "/time", **change)).status == 200
        method, path = ("POST", "/tickets") if {"body", "raw"} & set(change) else ("GET", "/time")
        reply = await rig.client.ask(method, path, **change)
        assert (reply.status, code(reply)) == (status, slug)
        assert bench_errors(rig.city) == []

    in_virtual_time(story)


def test_unsigned_unrouted_and_revoked_requests() -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        client, http = rig.client, rig.client.http
        assert (await http("GET", client.docking + "/time", [], b"")).status == 401
        assert (await client.ask("GET", "/nothing")).status == 404
        assert (await client.ask("DELETE", "/time")).status == 405
        preflight = await http("OPTIONS", client.docking + "/tickets", [("origin", "null")], b"")
        assert preflight.status == 204
        assert "signature-input" in preflight.headers["access-control-allow-headers"]
        await rig.city.faults.start("token.revoked")
        assert (await client.ask("GET", "/time")).status == 401
        last = [e for e in rig.city.recorder.transcript if e.obs == "http.request"][-1]
        assert last.facts["token"] == "unknown"

    in_virtual_time(story)


def test_a_token_is_revoked_when_a_message_of_the_role_comes() -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        async with rig.city.faults.during("token.revoked", role="catalogue.list", times=1):
            assert (await rig.client.ask("GET", "/time")).status == 200
            assert (await rig.client.ask("GET", "/service-items")).status == 401
            await rig.client.register()
            assert (await rig.client.ask("GET", "/service-items")).status == 200  # once

    in_virtual_time(story)


def test_an_http_request_that_is_none_is_recorded_and_answered_400() -> None:
    async def story() -> None:
        rig = Rig.make()
        action = rig.city.http("c1", b"GET nonsense\r\n\r\n")
        assert action.close
        assert action.raw.startswith(b"HTTP/1.1 400")
        assert rig.city.recorder.transcript[action.to].kind == "malformed"

    in_virtual_time(story)


def test_the_gate_and_the_hours_are_asked_over_the_wire() -> None:
    async def story() -> None:
        rig = Rig.make()
        rig.city.set_counter("applied")
        assert code(await rig.client.register()) == "not-activated"
        rig.city.set_counter("opened")
        assert (await rig.client.register()).status == 201
        now = rig.city.office.now()
        rig.city.set_hours([{"days": [1, 2, 3, 4, 5, 6, 7], "from": "00:00", "to": "00:00"}])
        assert not rig.city.world.counter.serves_at(now)
        assert (await rig.ticket())["type"].endswith("outside-service-hours")
        rig.city.set_items(191)
        assert len(json.loads((await rig.client.ask("GET", "/service-items")).body)["items"]) == 191
        assert bench_errors(rig.city) == []

    in_virtual_time(story)


def test_a_whole_visit_from_swipe_to_sealed_record() -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        city, client = rig.city, rig.client
        city.on_site_ticket()
        ticket_id = (await rig.ticket())["ticket"]["ticket_id"]
        ticket, called = city.call_next()
        assert ticket.id == ticket_id
        assert (await called).kind == "result"
        session, opened = city.open_session(ticket)
        assert (await opened).kind == "result"
        call, invited = city.invite(session.id)
        assert (await invited).kind == "result"
        ws = rig.ws["I3"]
        await client.tell(ws, "I3", {"id": "a", "method": "call.answer", "params": {"call_id": call.id}})
        sdp = city.spec.examples["media.offer/request"]["sdp"]
        offer = {"call_id": call.id, "sdp": sdp, "labels": city.spec.examples["media.offer/request"]["labels"]}
        await client.tell(ws, "I3", {"id": "o", "method": "media.offer", "params": offer})
        state = {"call_id": call.id, "state": "connected", "notice_shown": True}
        await asyncio.sleep(1)
        await client.tell(ws, "I3", {"id": "s", "method": "media.state", "params": state})
        await asyncio.sleep(1)
        assert call.state == "connected"
        assert {"media.answer", "media.candidate"} <= {m.get("method") for m in client.got}
        assert (await city.hang_up(call.id)).kind == "result"
        assert (await city.close_session(session.id)).kind == "result"
        row, asked = city.ask_rating(session.id)
        assert (await asked).kind == "result"
        rating = {"rating_id": row.id, "session_id": session.id, "ticket_id": ticket.id, "outcome": "not_rated",
                  "rated_at": "2026-11-22T10:00:00Z"}  # fmt: skip
        assert [(await client.ask("POST", "/ratings", rating)).status for _ in range(2)] == [201, 200]
        record = city.world.records.of_session(session.id)
        assert record.sealed
        assert record.media[0].ended is not None
        await city.hub.settled()
        kinds = {e.obs for e in city.recorder.transcript}
        assert {"media.sdp", "media.first_frame", "media.release"} <= kinds
        assert all(e.facts.get("simulated") for e in city.recorder.transcript if e.obs == "media.first_frame")
        assert bench_errors(city) == []

    in_virtual_time(story)


def test_after_a_cut_what_was_not_seen_comes_again_byte_for_byte() -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        city, client = rig.city, rig.client
        await city.send("status.query")
        async with city.faults.during("cut.channel"):
            await asyncio.sleep(0.1)
            waiting = city.send("maintenance.set", {"mode": "on"})
            assert (city.ready("I2"), city.ready("I3")) == (False, True)
            with pytest.raises(ConnectionError):
                await rig.open("I2")
        assert waiting.entry is None
        seen = client.seen["I2"]
        reply = await client.attach(await rig.open("I2"), "I2", "channel.resume")
        assert reply["result"]["resumed"] is True
        assert reply["result"]["last_seq"] == client.seq["I2"]
        assert (await waiting).kind == "result"
        assert client.seen["I2"] == seen + 1
        # A device that claims to have seen nothing gets the same bytes once more, and answers nothing twice.
        sent = frames(city, "maintenance.set")[0]
        assert sent.seq == seen + 1
        kinds = [e.obs for e in city.recorder.transcript if e.obs.startswith("fault")]
        assert kinds == ["fault.start", "fault.end"]

    in_virtual_time(story)


def test_a_repeated_message_of_the_device_is_not_processed_twice() -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        report = dict(rig.city.spec.examples["peripheral.report/request"])
        message = {"id": "r", "method": "peripheral.report", "params": report}
        await rig.client.tell(rig.ws["I2"], "I2", message, seq=1)
        await rig.client.tell(rig.ws["I2"], "I2", message, seq=1)
        await asyncio.sleep(0.1)
        assert len(rig.city.world.reports) == 1
        assert len([m for m in rig.client.got if m.get("id") == "r"]) == 1
        reports = [e.repeat for e in rig.city.recorder.transcript if e.name == "peripheral.report" and e.dir == "iut"]
        assert reports == [False, True]

    in_virtual_time(story)


def test_a_new_boot_starts_the_count_again() -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        await rig.city.send("status.query")
        client = rig.client
        client.boot_id, client.seq, client.seen = "boot-0002", {}, {}
        await client.register()
        assert client.welcome["epoch"] == 2
        reply = await client.attach(await rig.open("I2"), "I2", "channel.resume")
        assert (reply["result"]["resumed"], reply["result"]["last_seq"]) == (False, 0)
        assert (await rig.city.send("status.query")).seq == 1
        closed = [e.facts for e in rig.city.recorder.transcript if e.obs == "ws.close"]
        assert [(f["code"], f["by"]) for f in closed] == [(4001, "bench")]

    in_virtual_time(story)


def test_a_wrong_answer_to_the_challenge_closes_4002() -> None:
    async def story() -> None:
        rig = Rig.make()
        await rig.client.register()
        ws = await rig.open("I2")
        challenge = json.loads(await ws.recv())
        answer = {"remote_device_id": "RVW-TEST-1", "boot_id": rig.client.boot_id, "keyid": rig.client.key[0],
                  "alg": "hmac-sha256", "signature": "AAAA"}  # fmt: skip
        await rig.client.tell(ws, "I2", {"id": challenge["id"], "result": answer}, seq=0)
        with pytest.raises(ConnectionError) as closed:
            await ws.recv()
        assert closed.value.code == 4002
        assert not frames(rig.city, "auth.challenge", "result")[0].facts["signature"]["ok"]

    in_virtual_time(story)


def test_before_the_handshake_nothing_is_served_and_the_subprotocol_is_asked() -> None:
    async def story() -> None:
        rig = Rig.make()
        await rig.client.register()
        with pytest.raises(ConnectionError, match="400"):
            await rig.network.transport().websocket(rig.city.world.endpoints.urls["I2"], "other.v1")
        ws = await rig.open("I2")
        await ws.recv()
        await rig.client.tell(ws, "I2", {"id": "h", "method": "heartbeat", "params": {}}, seq=1)
        assert json.loads(await ws.recv())["error"]["code"] == -32001

    in_virtual_time(story)


@pytest.mark.parametrize(
    ("raw", "expected"), [(b"{", -32700), (b"[]", -32600), (b'{"jsonrpc":"1.0","id":1,"method":"x"}', -32600)]
)
def test_bad_frames_get_an_error_and_the_channel_lives_on(raw: bytes, expected: int) -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        await rig.ws["I2"].send_frame(1, raw)
        await asyncio.sleep(0.1)
        assert rig.client.got[-1]["error"]["code"] == expected
        assert (await rig.city.send("status.query")).kind == "result"

    in_virtual_time(story)


def test_oversize_closes_1009_and_fragments_are_joined() -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        ws = rig.ws["I2"]
        meta = {"seq": 1, "seen": 0, "boot_id": "boot-0001", "epoch": 1}
        text = json.dumps({"jsonrpc": "2.0", "id": "x", "method": "nothing", "params": {}, "meta": meta}).encode()
        await ws.send_frame(1, text[:10], False)
        await ws.send_frame(0, text[10:], True)
        await asyncio.sleep(0.1)
        assert rig.client.got[-1]["error"]["code"] == -32601
        await ws.send_frame(1, b'{"x":"' + b"a" * 262144 + b'"}')
        await asyncio.sleep(0.1)
        assert [e.facts["code"] for e in rig.city.recorder.transcript if e.obs == "ws.close"] == [1009]

    in_virtual_time(story)


@pytest.mark.parametrize("piece", [b"a" * 9, b""], ids=["large", "empty"])
def test_a_message_that_never_ends_is_closed_1009_and_recorded(piece: bytes) -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        connection = next(c for c in rig.city.channels.connections.values() if c.interface.id == "I2")
        connection.interface = replace(connection.interface, max_message_bytes=40)
        closed: list[int] = []
        for number in range(100):
            if closed := [e.facts["code"] for e in rig.city.recorder.transcript if e.obs == "ws.close"]:
                break
            await rig.ws["I2"].send_frame(0 if number else 1, piece, False)
        pieces = [e for e in rig.city.recorder.transcript if e.obs == "ws.frame" and not e.facts["fin"]]
        assert (closed, len(pieces)) == ([1009], 5 if piece else 41)

    in_virtual_time(story)


def test_what_we_send_badly_by_mistake_is_our_error_and_on_purpose_is_not() -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        rig.city.send("rating.request", {"rating_id": OMIT}, facts={"intended": {"stimulus": "bad-params"}})
        assert bench_errors(rig.city) == []
        rig.city.send("rating.request", {"rating_id": OMIT})
        assert "rating.request" in bench_errors(rig.city)[0]["what"]
        intended = {"intended": {"stimulus": "unknown-method"}}
        reply = await rig.city.inject("I2", {"jsonrpc": "2.0", "id": 4711, "method": "nope", "params": {}}, facts=intended)
        assert reply.id == 4711
        sent = [e for e in rig.city.recorder.transcript if e.facts.get("intended", {}).get("stimulus") == "unknown-method"]
        assert sent[0].seq == 3

    in_virtual_time(story)


def test_a_reply_that_never_comes_is_none_and_the_wait_is_on_the_record() -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        await rig.city.faults.start("black_hole")
        assert await rig.city.send("status.query") is None
        waits = [e.facts for e in rig.city.recorder.transcript if e.obs == "wait.end"]
        assert waits[-1]["ok"] is False

    in_virtual_time(story)


def test_who_is_enrolled_has_keys_that_are_masked_as_keys() -> None:
    async def story() -> None:
        rig = Rig.make()
        for key in (*rig.client.identity.device_keys.values(), rig.client.identity.city_key):
            entry = rig.city.recorder.observe("I1", "iut", "http.fragment", base64.b64encode(key))
            assert [row["kind"] for row in entry.facts["masked"]] == ["key"]

    in_virtual_time(story)
