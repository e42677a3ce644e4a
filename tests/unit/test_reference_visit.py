"""The reference device through a whole visit, against a small acceptance system on virtual time."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from mocks.devices.reference.device import Device
from mocks.devices.reference.screens import LEVELS
from mocks.devices.reference.storage import MemoryStorage
from tests.unit.reference_city import CARD, FakeCity, story


async def open_session(city: FakeCity, device: Device) -> None:
    await device.upper_tester("card", {"card": CARD})
    await city.until(lambda: device.tickets.open)
    called = await city.call("I2", "ticket.called", ticket_id="k1", number="Y001", window_no="3", staff_no="0007")
    assert called["result"] == {}
    assert (await city.call("I2", "session.opened", session_id="s1", ticket_id="k1", case_no="C1"))["result"] == {}


async def command(city: FakeCity, command_id: str, peripheral: str, action: str, **args: Any) -> dict[str, Any]:
    return await city.call(
        "I2", "peripheral.command", command_id=command_id, session_id="s1", peripheral=peripheral, action=action,
        args=args, timeout_ms=2000,
    )  # fmt: skip


async def result_of(city: FakeCity, command_id: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        events = city.events("command.completed") + city.events("command.failed")
        return next((e["data"] for e in events if e["data"]["command_id"] == command_id), None)

    data: dict[str, Any] = await city.until(found)
    return data.get("result") or data["error"]


def test_registers_once_reports_everything_and_beats() -> None:
    async def work(city: FakeCity, device: Device) -> None:
        await asyncio.sleep(4)
        assert len(city.sent("POST /devices")) == 1
        assert len(city.events("peripheral.status")) == 12
        assert 5 <= len(city.got("I2", "heartbeat")) <= 7
        seqs = [d["meta"]["seq"] for d in city.sides["I2"].received]
        assert seqs == list(range(1, len(seqs) + 1))

    story(work)


def test_token_is_refreshed_before_its_end() -> None:
    async def work(city: FakeCity, device: Device) -> None:
        await asyncio.sleep(10)
        assert len(city.sent("POST /tokens")) == 2
        assert len(city.sent("POST /devices")) == 1

    story(work)


def test_whole_visit_leaves_nothing_behind() -> None:
    storage = MemoryStorage()

    async def work(city: FakeCity, device: Device) -> None:
        await open_session(city, device)
        body = city.sent("POST /tickets")[0]
        assert body["holder"] == {"card_type": "id_card", "id_number": CARD["id_number"], "name": "张三"}
        await command(city, "m1", "id_card_reader", "read")
        await device.upper_tester("card", {"card": CARD, "remove_after_ms": 1000})
        assert await result_of(city, "m1") == CARD
        screen = await device.upper_tester("screen")
        assert any("310***********1237" in line for line in screen["main"])
        await device.upper_tester("document", {"picture": "a4-text"})
        await command(city, "m2", "document_camera", "capture", material_id="p1", min_width=1600, min_height=2000)
        captured = await result_of(city, "m2")
        assert captured["width"] >= 1600
        assert city.sent("PUT /sessions/s1/materials/p1")
        await command(city, "m3", "printer", "print", job_id="j1", copies=1, duplex=False)
        assert await result_of(city, "m3") == {"job_id": "j1", "pages": 2}
        await command(city, "m4", "printer", "print", job_id="j1", copies=1, duplex=False)
        assert await result_of(city, "m4") == {"job_id": "j1", "pages": 2}
        assert device.printing.sheets == ["j1"]
        screen = await device.upper_tester("screen")
        assert CARD["id_number"] not in json.dumps(screen)
        prompt = {"rating_id": "r1", "session_id": "s1", "ticket_id": "k1", "levels": list(LEVELS), "timeout_ms": 900}
        assert (await city.call("I2", "rating.request", **prompt))["result"] == {}
        assert (await device.upper_tester("rate", {"level": "dissatisfied"}))["taken"]
        rated = (await city.until(lambda: city.sent("POST /ratings")))[0]
        assert (rated["outcome"], rated["level"]) == ("rated", "dissatisfied")
        assert (await city.call("I2", "session.closed", session_id="s1", reason="finished"))["result"] == {}
        residue = await device.upper_tester("residue")
        assert residue["memory"] == []
        assert CARD["id_number"] not in json.dumps(residue, ensure_ascii=False)
        assert "张三" not in json.dumps(await device.upper_tester("logs"), ensure_ascii=False)

    story(work, storage=storage)
    assert list(storage.texts) == ["state.json"]


def test_cut_loses_nothing_and_doubles_nothing() -> None:
    async def work(city: FakeCity, device: Device) -> None:
        side = city.sides["I2"]
        seen = device.channel.seen
        await city.cut("I2")
        await device.upper_tester("fault", {"peripheral": "printer", "fault": "paper_out"})
        before = len(side.texts)
        await city.until(lambda: [e for e in city.events("peripheral.status") if e["data"].get("fault") == "paper_out"])
        assert len(side.texts) > before
        seqs = [d["meta"]["seq"] for d in side.received]
        assert seqs == list(range(1, len(seqs) + 1))
        ids = [e["id"] for e in city.events("peripheral.status")]
        assert len(ids) == len(set(ids))
        assert side.last_seqs[1] == seen

    story(work)


def test_bad_messages_get_the_defined_errors() -> None:
    async def work(city: FakeCity, device: Device) -> None:
        def codes() -> list[int]:
            return [d["error"]["code"] for d in city.sides["I2"].received if "error" in d]

        await city.raw("I2", "{")
        await city.raw("I2", '{"a":1,"a":2}')
        await city.raw("I2", "[" * 9000 + "]" * 9000)
        await city.raw("I2", "[]")
        await city.raw("I2", '{"jsonrpc":"1.0","id":1,"method":"status.query"}')
        assert codes() == [-32700, -32700, -32700, -32600, -32600]
        assert (await city.call("I2", "no.such"))["error"]["code"] == -32601
        assert (await city.call("I2", "ticket.called", ticket_id=7))["error"]["code"] == -32602
        assert (await city.call("I2", "ticket.called", ticket_id="zz"))["error"]["code"] == -32011
        assert (await city.call("I2", "status.query", filler="x" * 300_000))["error"]["code"] == -32016
        deep: Any = []
        for _ in range(200):
            deep = [deep]
        assert (await city.call("I2", "status.query", deep=deep))["error"]["code"] == -32600
        assert (await city.call("I2", "status.query"))["result"]["mode"] == "normal"

    story(work)


def test_call_is_answered_connected_and_released() -> None:
    async def work(city: FakeCity, device: Device) -> None:
        await open_session(city, device)
        invite = {"call_id": "c1", "session_id": "s1", "ticket_id": "k1", "ring_timeout_ms": 5000,
                  "clerk": {"window_no": "3", "staff_no": "7"}}  # fmt: skip
        assert (await city.call("I3", "call.invite", **invite))["result"] == {"state": "ringing"}
        assert (await city.call("I3", "call.invite", **invite))["result"] == {"state": "ringing"}
        busy = await city.call("I3", "call.invite", **{**invite, "call_id": "c2"})
        assert busy["error"]["code"] == -32010
        offer = (await city.until(lambda: city.got("I3", "media.offer")))[0]
        assert sorted(offer["labels"].values()) == ["audio", "page", "person"]
        await city.call("I3", "media.answer", call_id="c1", sdp=offer["sdp"])
        state = (await city.until(lambda: city.got("I3", "media.state")))[0]
        assert state == {"call_id": "c1", "state": "connected", "notice_shown": True}
        assert (await device.upper_tester("resources"))["cameras_in_use"]
        assert (await city.call("I3", "call.bye", call_id="c1", reason="finished"))["result"] == {}
        assert (await device.upper_tester("resources"))["cameras_in_use"] == []
        assert (await city.call("I3", "media.candidate", call_id="c1", candidate=None))["error"]["code"] == -32011
        assert len(city.got("I3", "call.answer")) == 1

    story(work)


def test_faults_timeouts_and_cancel_are_told_apart() -> None:
    async def work(city: FakeCity, device: Device) -> None:
        await open_session(city, device)
        await command(city, "m1", "code_scanner", "scan")
        assert (await city.call("I2", "peripheral.cancel", command_id="m1"))["result"] == {"cancelled": True}
        assert (await result_of(city, "m1"))["code"] == -32015
        await command(city, "m2", "code_scanner", "scan")
        assert (await result_of(city, "m2"))["code"] == -32014
        await device.upper_tester("plug", {"peripheral": "printer", "in": False})
        await command(city, "m3", "printer", "print", job_id="j", copies=1)
        failed = await result_of(city, "m3")
        assert (failed["code"], failed["data"]["fault"]) == (-32013, "unplugged")
        assert (await city.call("I2", "peripheral.cancel", command_id="m3"))["result"] == {"cancelled": False}
        assert (await city.call("I2", "peripheral.cancel", command_id="zz"))["error"]["code"] == -32011

    story(work)


def test_power_loss_keeps_ids_and_says_what_was_lost() -> None:
    storage = MemoryStorage()

    async def before(city: FakeCity, device: Device) -> None:
        await open_session(city, device)
        await device.upper_tester("card", {"card": CARD})
        await command(city, "m1", "code_scanner", "scan")
        storage.texts["at-power-loss"] = storage.texts["state.json"]

    story(before, storage=storage)
    kept = storage.texts.pop("at-power-loss")
    assert CARD["id_number"] not in kept
    storage.texts.update({"state.json": kept, "spool/page.jpg": "picture"})

    async def after(city: FakeCity, device: Device) -> None:
        lost = await city.until(lambda: city.events("command.failed"))
        assert lost[0]["data"]["command_id"] == "m1"
        assert list(storage.texts) == ["state.json"]
        assert "k1" in device.tickets.open

    story(after, storage=storage)


def test_rating_is_retried_under_one_id_and_times_out_once() -> None:
    async def work(city: FakeCity, device: Device) -> None:
        await open_session(city, device)
        refusals = iter([(503, {}), (503, {})])
        city.answers["POST /ratings"] = lambda _: next(refusals, (201, {"accepted": True}))
        await city.call("I2", "rating.request", rating_id="r1", session_id="s1", ticket_id="k1", timeout_ms=500)
        await asyncio.sleep(5)
        bodies = city.sent("POST /ratings")
        assert len(bodies) == 3
        assert bodies[0] == bodies[1] == bodies[2]
        assert bodies[0]["outcome"] == "not_rated"

    story(work)
