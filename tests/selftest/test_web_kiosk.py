"""The web kiosk in a real browser against the simulated city: a visit with video, and a certificate that it must not trust."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from conformance.spec.loader import load
from conformance.trace.clock import SystemClock
from conformance.trace.masking import Masker
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Entry, Transcript
from mocks.acceptance.registry import DeviceIdentity
from mocks.city import City
from mocks.devices.kiosk.browser import NAMES
from mocks.pki import RunCa
from mocks.servers.listeners import listen
from mocks.signaling.clerk.proxy import ClerkProcess

pytestmark = [
    pytest.mark.browser, pytest.mark.sockets,
    pytest.mark.skipif(not any(map(shutil.which, NAMES)), reason="chromium is not installed"),
    pytest.mark.skipif(shutil.which("certutil") is None, reason="certutil is not installed"),
]
LIMIT = 20.0
CARD = {
    "card_type": "id_card", "sex": "女", "ethnicity": "汉", "birth_date": "1949-12-31", "address": "上海市示范路1号",
    "issuing_authority": "示范分局", "valid_from": "2010-01-01", "valid_until": "长期",
}


@dataclass
class Bench:
    """A city with one kiosk at it."""

    city: City
    recorder: Recorder
    kiosk: asyncio.subprocess.Process
    tester: str
    client: httpx.AsyncClient

    async def seen(self, fits: Callable[[Entry], bool], limit: float = LIMIT) -> Entry:
        found = next((entry for entry in self.recorder.transcript if fits(entry)), None)
        found = found or await self.recorder.wait_for(fits, 0, limit)
        assert found is not None
        return found

    async def verb(self, verb: str, **args: Any) -> dict[str, Any]:
        reply = await self.client.post(f"{self.tester}/upper-tester", json={"id": 1, "verb": verb, "args": args})
        answer = reply.json()
        assert answer["ok"], answer
        result: dict[str, Any] = answer["result"]
        return result

    async def until_shown(self, text: str) -> dict[str, Any]:
        async with asyncio.timeout(LIMIT):
            while text not in "\n".join((shown := await self.verb("screen"))["main"]):
                pass
        return shown


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def bench(state: Path, trusted: RunCa | None = None) -> AsyncIterator[Bench]:
    spec = load()
    clock = SystemClock()
    recorder = Recorder(Transcript(spec), clock, None, Masker())
    async with contextlib.AsyncExitStack() as stack:
        clerk = ClerkProcess(clock.from_machine)
        await clerk.start()
        stack.push_async_callback(clerk.close)
        timers = {timer.id: timer.lab_ms for timer in spec.timers.values()}
        city = City(spec, recorder, clock, timers_ms=timers, clerk=clerk)
        listeners = await listen(city)
        stack.push_async_callback(listeners.close)
        port = free_port()
        identity = DeviceIdentity.fresh("RVW-WEB-0001", f"https://127.0.0.1:{port}/device/v1")
        city.enrol(identity)
        (keyid, secret), = identity.device_keys.items()
        leaf = listeners.ca.leaf(["127.0.0.1"])
        spawn = {
            "contract": "rvw-spawn/1", "seed": 1, "endpoints": {"docking": listeners.docking_url},
            "ca_pem": (trusted or listeners.ca).pem, "remote_device_id": identity.remote_device_id,
            "remote_device_url": identity.remote_device_url, "timers": "lab", "state_dir": str(state), "defect": None,
            "keys": {
                "device": {"keyid": keyid, "secret_b64": base64.b64encode(secret).decode()},
                "city": {"keyid": identity.city_keyid, "secret_b64": base64.b64encode(identity.city_key).decode()},
            },
            "device_api": {"host": "127.0.0.1", "port": port, "cert_pem": leaf.chain.decode(), "key_pem": leaf.key.decode()},
            "upper_tester": {"host": "127.0.0.1", "port": 0},
        }
        kiosk = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mocks.devices.kiosk", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert kiosk.stdin is not None
        assert kiosk.stdout is not None
        stack.push_async_callback(stop, kiosk)
        kiosk.stdin.write(json.dumps(spawn).encode() + b"\n")
        ready = json.loads(await asyncio.wait_for(kiosk.stdout.readline(), LIMIT))
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=LIMIT))
        yield Bench(city, recorder, kiosk, ready["upper_tester"], client)


async def stop(kiosk: asyncio.subprocess.Process) -> None:
    assert kiosk.stdin is not None
    kiosk.stdin.close()
    assert await asyncio.wait_for(kiosk.wait(), LIMIT) == 0


def test_a_visit_with_video(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(tmp_path) as b:
            await b.seen(lambda entry: entry.name == "heartbeat" and entry.kind == "request")
            await b.seen(lambda entry: entry.name == "signaling.attach" and entry.kind == "result")
            person = b.city.spec.city["residents"][0]
            await b.verb("card", card={**CARD, **person})
            issued = await b.seen(lambda entry: entry.name == "ticket.issue" and entry.kind == "result")
            await b.until_shown(str(issued.get("number")))
            ticket, _ = b.city.call_next()
            session, opened = b.city.open_session(ticket)
            await opened
            call, _ = b.city.invite(session.id)
            for label in ("audio", "person", "page"):
                await b.seen(lambda e, label=label: e.obs == "media.first_frame" and e.facts["label"] == label)  # type: ignore[misc]
            await b.until_shown("视频已接通")
            assert (await b.verb("resources"))["cameras_in_use"] == ["person_camera", "document_camera"]
            await b.verb("card", card={**CARD, **person})
            b.city.command(session.id, "id_card_reader", "read")
            shown = await b.until_shown("已读取")
            assert person["id_number"] not in str(shown)
            b.city.hang_up(call.id)
            await b.seen(lambda entry: entry.obs == "media.release")
            assert (await b.verb("resources"))["cameras_in_use"] == []
            await b.city.close_session(session.id)
            assert person["id_number"] not in str(await b.verb("residue"))
            assert not [entry for entry in b.recorder.transcript if entry.obs == "bench.error" or entry.kind == "malformed"]
            family = psutil.Process(b.kiosk.pid).children(recursive=True)
        assert len(family) > 3
        assert psutil.wait_procs(family, timeout=3)[1] == []

    asyncio.run(scenario())
    assert list(tmp_path.iterdir()) == []


def test_a_certificate_of_a_strange_authority_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(tmp_path, trusted=RunCa("Another authority")) as b:
            await b.seen(lambda entry: entry.obs == "tls.failed")
            await b.until_shown("安全连接失败")
            assert not [entry for entry in b.recorder.transcript if entry.obs == "http.request"]

    asyncio.run(scenario())
