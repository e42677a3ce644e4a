"""The paper clerk's answers, and the hub's order of things."""

# ruff: noqa: ARG002  the slow clerk stands in for a protocol

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from city_bench import Rig, bench_errors, in_virtual_time

from mocks.signaling.paper_clerk import PaperClerk, answer_to, sections

OFFER = "\r\n".join([
    "v=0", "o=- 1 2 IN IP4 10.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1 2", "a=fingerprint:sha-256 AA:BB", "a=setup:actpass",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", "a=mid:0", "a=sendrecv", "a=rtpmap:111 opus/48000/2",
    "a=ice-ufrag:dev", "a=ice-pwd:devicedevicedevicedevice", "a=rtcp-mux", "a=ssrc:1 cname:x",
    "m=video 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "b=AS:800", "a=mid:1", "a=sendonly", "a=rtpmap:96 VP8/90000",
    "m=video 0 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=mid:2", "a=inactive", "",
])  # fmt: skip


def test_an_answer_mirrors_sections_and_directions_with_its_own_transport() -> None:
    answer = answer_to(OFFER)
    assert sections(answer) == [("0", "audio", "sendrecv"), ("1", "video", "recvonly")]
    assert "a=group:BUNDLE 0 1 2" in answer
    assert "dev" not in answer.replace("device", "")
    assert "AA:BB" not in answer
    assert answer.count("a=setup:active") == 2  # a rejected section carries no transport
    assert "a=setup:actpass" not in answer
    video = answer.split("m=video")[1].split("\r\n")
    assert [line[:2] for line in video[1:3]] == ["c=", "b="]  # RFC 8866 section 5: before the attributes
    assert answer.endswith("\r\n")


def test_media_on_paper_live_as_long_as_the_call() -> None:
    async def story() -> None:
        told: list[tuple[str, Mapping[str, Any]]] = []
        candidates: list[Any] = []
        clerk = PaperClerk()
        clerk.on_observation = lambda kind, facts, _raw=b"", _t=None: told.append((kind, facts))
        clerk.on_candidate = lambda _, candidate: candidates.append(candidate)
        await clerk.offer("c", OFFER, {"1": "person"})
        await asyncio.sleep(2)
        assert candidates[-1] is None
        assert [(f["mid"], f["label"]) for k, f in told if k == "media.first_frame"] == [("0", ""), ("1", "person")]
        packets = [f["rtp"]["1"]["packets"] for k, f in told if k == "media.stats"]
        assert packets == sorted(packets)
        assert len(set(packets)) == len(packets) > 3
        await clerk.bye("c")
        await clerk.bye("c")
        count = len(told)
        await asyncio.sleep(5)
        assert [k for k, _ in told[-3:]] == ["media.state", "media.silence", "media.release"]
        assert len(told) == count
        assert all(f["simulated"] for _, f in told)

    in_virtual_time(story)


class SlowClerk:
    """Takes its time, notes the order, fails where told."""

    def __init__(self) -> None:
        self.on_candidate: Callable[[str, Any], None] | None = None
        self.on_observation: Callable[..., None] | None = None
        self.steps: list[str] = []

    async def offer(self, call_id: str, sdp: str, labels: Mapping[str, str]) -> str:
        await asyncio.sleep(1)
        self.steps.append("offer")
        if "fail" in sdp:
            raise RuntimeError("no codec")
        return answer_to(sdp)

    async def candidate(self, call_id: str, candidate: Any) -> None:
        self.steps.append("candidate")

    async def make_offer(self, call_id: str) -> str:
        return ""

    async def answer(self, call_id: str, sdp: str) -> None:
        self.steps.append("answer")

    async def bye(self, call_id: str) -> None:
        self.steps.append("bye")


@pytest.mark.parametrize("fails", [False, True])
def test_the_clerk_takes_steps_in_the_order_of_the_wire_and_its_failure_is_ours(fails: bool) -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        clerk = SlowClerk()
        rig.city.hub.clerk = clerk
        await rig.ticket()
        ticket, _ = rig.city.call_next()
        session, _ = rig.city.open_session(ticket)
        call, invited = rig.city.invite(session.id)
        await invited
        ws, client = rig.ws["I3"], rig.client
        await client.tell(ws, "I3", {"id": 1, "method": "call.answer", "params": {"call_id": call.id}})
        sdp = rig.city.spec.examples["media.offer/request"]["sdp"] + ("a=x-fail\r\n" if fails else "")
        labels = rig.city.spec.examples["media.offer/request"]["labels"]
        await client.tell(
            ws, "I3", {"id": 2, "method": "media.offer", "params": {"call_id": call.id, "sdp": sdp, "labels": labels}}
        )
        await client.tell(
            ws, "I3", {"id": 3, "method": "media.candidate", "params": {"call_id": call.id, "candidate": None}}
        )
        await client.tell(ws, "I3", {"id": 4, "method": "call.bye", "params": {"call_id": call.id, "reason": "resident"}})
        await asyncio.sleep(0.5)
        assert [m["id"] for m in client.got if "result" in m] == [1, 2, 3, 4]
        await rig.city.hub.settled()
        assert clerk.steps == ["offer", "candidate", "bye"]
        assert (call.state, call.ended_by) == ("ended", "iut")
        assert [e["where"] for e in bench_errors(rig.city) if e["where"] == "clerk"] == (["clerk"] if fails else [])
        # No answer goes out for a call that has ended meanwhile.
        assert "media.answer" not in [m.get("method") for m in client.got]

    in_virtual_time(story)


def test_stale_and_crossing_messages_of_a_call() -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        await rig.ticket()
        ticket, _ = rig.city.call_next()
        session, _ = rig.city.open_session(ticket)
        call, _ = rig.city.invite(session.id)
        ws, client = rig.ws["I3"], rig.client
        await rig.city.cancel_call(call.id)
        for number, (method, params) in enumerate([
            ("call.answer", {"call_id": call.id}), ("call.bye", {"call_id": call.id, "reason": "resident"}),
            ("media.state", {"call_id": call.id, "state": "closed", "notice_shown": True}),
            ("call.bye", {"call_id": "c-none", "reason": "resident"}),
        ]):  # fmt: skip
            await client.tell(ws, "I3", {"id": number, "method": method, "params": params})
        await asyncio.sleep(0.2)
        replies = {m["id"]: m.get("error", {}).get("code", "ok") for m in client.got if "method" not in m}
        assert replies == {0: -32011, 1: "ok", 2: "ok", 3: -32011}

    in_virtual_time(story)
