"""The measured side as a process of its own: the simulated city without TLS or with it, or a bare WebSocket echo.

One JSON line on stdin says what to be, one on stdout says where it listens, the end of stdin stops it. Its processor time and
memory can so be taken apart from those of whoever loads it.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import picows

from conformance.bench.head import timer_values
from conformance.bench.loop import new_loop
from conformance.spec.loader import load
from conformance.trace.clock import SystemClock
from conformance.trace.journal import JournalWriter
from conformance.trace.masking import Masker
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Transcript
from mocks.acceptance.registry import DeviceIdentity
from mocks.city import City
from mocks.servers.http import serve_http
from mocks.servers.listeners import listen
from mocks.servers.ws import serve_ws
from mocks.signaling.paper_clerk import PaperClerk

HOST = "127.0.0.1"
KEEP = 500  # entries of the transcript


class Echo(picows.WSListener):
    """Sends every text frame back."""

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """One frame."""
        transport.send(picows.WSMsgType.TEXT, frame.get_payload_as_bytes())


async def echo() -> dict[str, Any]:
    """A WebSocket server with nothing behind it."""
    server = await picows.ws_create_server(lambda _: Echo(), HOST, 0)
    return {"ws": f"ws://{HOST}:{server.sockets[0].getsockname()[1]}/"}


async def city(devices: int, tls: bool, journal: Path) -> dict[str, Any]:
    """A whole city that keeps a journal, with devices enrolled. Its transcript forgets: nobody judges here."""
    spec = load()
    clock = SystemClock()
    recorder = Recorder(Transcript(spec, keep=KEEP), clock, JournalWriter(journal), Masker())
    timers = timer_values(spec, spec.profiles["core"])
    it = City(spec, recorder, clock, timers_ms={**timers, "T-TOKEN": 3_600_000.0}, seed=0, clerk=PaperClerk())
    rows = []
    for number in range(devices):
        identity = DeviceIdentity.fresh(f"RVW-LOAD-{number:05d}", "https://device.test/device/v1")
        it.world.registry.enrol(identity)  # not through `enrol`: masks for the keys of thousands are no city's everyday
        keyid, key = next(iter(identity.device_keys.items()))
        rows.append({"id": identity.remote_device_id, "keyid": keyid, "key": base64.b64encode(key).decode()})
    if tls:
        listeners = await listen(it, host=HOST)
        return {"urls": dict(it.world.endpoints.urls), "ca_pem": listeners.ca.pem, "devices": rows}
    http = [(i, (await serve_http(it, i.id, HOST, 0)).port) for i in it.office.dialect.http_interfaces]
    ws = await serve_ws(it, HOST, 0)
    urls = {i.id: f"https://{HOST}:{port}{i.path}" for i, port in http}
    urls |= {i.id: f"wss://{HOST}:{ws.port}{i.path}" for i in it.office.dialect.ws_interfaces}
    it.set_endpoints(urls)
    return {"urls": urls, "ca_pem": "", "devices": rows}


async def serve(what: dict[str, Any]) -> None:
    """Until the end of stdin."""
    with tempfile.TemporaryDirectory(prefix="rvw-measure-", ignore_cleanup_errors=True) as directory:
        journal = Path(directory) / "journal.jsonl"
        told = await echo() if what["be"] == "echo" else await city(what["devices"], what["tls"], journal)
        gc.collect()
        gc.freeze()  # the pack and the modules stay for good and need no looking through
        gc.set_threshold(20_000)
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main() -> int:
    """Exit 0 at the end of stdin."""
    what = json.loads(sys.stdin.readline())
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(serve(what))
    return 0


if __name__ == "__main__":
    sys.exit(main())
