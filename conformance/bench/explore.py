"""`rvw bench`: the simulated city stays up, for a vendor's first steps."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from conformance.bench.head import timer_values
from conformance.bench.identity import Identity
from conformance.bench.outputs import JOURNAL
from conformance.spec.loader import load
from conformance.spec.problems import PackError
from conformance.trace.clock import SystemClock
from conformance.trace.journal import JournalWriter
from conformance.trace.masking import Masker
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Entry, Transcript
from conformance.verdict import exitcode
from mocks.city import City
from mocks.servers.listeners import listen
from mocks.signaling.paper_clerk import PaperClerk


def explore(*, pack: str, profile: str, host: str, advertise: str, port: int, say: Callable[[str], None]) -> int:
    """Serve until Ctrl-C. Returns an exit code."""
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(pack, profile, host, advertise, port, say))
    except PackError as error:
        say(str(error))
        return exitcode.USAGE
    except (OSError, KeyError) as error:
        say(f"the bench cannot start: {error}")
        return exitcode.USAGE
    return exitcode.PASS


async def _serve(pack: str, profile: str, host: str, advertise: str, port: int, say: Callable[[str], None]) -> None:
    spec = load(pack) if pack else load()
    timers_ms = timer_values(spec, spec.profiles[profile])
    clock = SystemClock()
    directory = Path(tempfile.mkdtemp(prefix="rvw-bench-"))
    recorder = Recorder(Transcript(spec), clock, JournalWriter(directory / JOURNAL), Masker())
    city = City(spec, recorder, clock, timers_ms=timers_ms, seed=0, clerk=PaperClerk())
    identity = Identity.fresh("RVW-LAB-0001", f"https://{advertise or host}/device/v1")
    city.enrol(identity.enrolment())
    for secret in identity.secrets():
        recorder.add_secret(secret, "key")
    listeners = await listen(city, host=host, advertise=advertise or None, ports=(port, port + 1 if port else 0))
    ca_file = directory / "ca.pem"
    ca_file.write_text(listeners.ca.pem, encoding="ascii")
    keyid, key = next(iter(identity.row.device_keys.items()))
    for name, value in (
        ("docking API (I1)", listeners.docking_url), *((f"{i} WebSocket", url) for i, url in city.world.endpoints.urls.items()
                                                        if url.startswith("wss")),
        ("root certificate", str(ca_file)), ("remote_device_id", identity.row.remote_device_id), ("keyid", keyid),
        ("device key (base64)", base64.b64encode(key).decode()), ("city keyid (I4)", identity.row.city_keyid),
        ("city key (base64)", base64.b64encode(identity.row.city_key).decode()), ("journal", str(directory / JOURNAL)),
    ):  # fmt: skip
        say(f"{name:<22} {value}")
    say("the clerk's media are on paper here; `rvw run` brings real ones. Ctrl-C ends.\n")
    await _follow(recorder, say)


async def _follow(recorder: Recorder, say: Callable[[str], None]) -> None:
    """Print one line for every message, until cancelled."""
    seen = -1
    while True:
        entry = await recorder.wait_for(_worth_a_line, seen, 3600.0)
        if entry is not None:
            seen = entry.n
            way = "device ->" if entry.dir == "iut" else "bench  ->"
            say(f"{entry.t:9.3f}  {entry.iface}  {way}  {entry.name or entry.obs} {entry.kind} {entry.problem}".rstrip())


def _worth_a_line(entry: Entry) -> bool:
    return bool(entry.kind) or entry.obs in ("tls.failed", "ws.close", "conn.open")
