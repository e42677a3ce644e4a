"""`rvw bench`: the simulated city stays up, for a vendor's first steps."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from conformance.bench.errors import told_of
from conformance.bench.head import timer_values
from conformance.bench.lab import LabError
from conformance.bench.outputs import JOURNAL
from conformance.bench.place import NOTHING, Place, PlaceError, place_of
from conformance.bench.prepare import no_profile
from conformance.iut.device_file import DeviceFile, DeviceFileError, load_device
from conformance.iut.review import SECRET, declared, review
from conformance.spec.loader import load
from conformance.spec.model import Spec, Text
from conformance.spec.problems import PackError, lines_of
from conformance.trace.clock import SystemClock
from conformance.trace.journal import JournalWriter
from conformance.trace.masking import Masker
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Entry, Transcript
from conformance.verdict import exitcode
from mocks.city import City
from mocks.servers.listeners import ListenError, listen
from mocks.signaling.paper_clerk import PaperClerk
from reports.words import Lang
from reports.words import say as in_lang

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """What the user asked for; empty fields leave it to the lab, the device file, or loopback."""

    pack: str = ""
    profile: str = "core"
    lab: Path | None = None
    device: Path | None = None
    host: str = ""
    advertise: str = ""
    port: int = 0
    lang: Lang = "both"


def explore(wanted: Wanted, say: Say) -> int:
    """Serve until Ctrl-C. Returns an exit code."""
    try:
        spec = load(wanted.pack) if wanted.pack else load()
        if wanted.profile not in spec.profiles:
            say(in_lang(no_profile(wanted.profile, spec), wanted.lang))
            return exitcode.USAGE
        device = load_device(wanted.device) if wanted.device is not None else None
        wrong = [problem for problem in review(device, spec) if problem.code in SECRET] if device is not None else []
        if wrong:
            say("\n".join(in_lang(problem.line, wanted.lang) for problem in wrong))
            return exitcode.USAGE
        place = _place(wanted, device)
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(spec, wanted.profile, device, place, say, wanted.lang))
    except (PackError, DeviceFileError, PlaceError, LabError) as error:
        say("\n".join(line if isinstance(line, str) else in_lang(line, wanted.lang) for line in lines_of(error)))
        return exitcode.USAGE
    except ListenError as error:
        say(in_lang(Text(
            f"测试台无法监听：{error}；见 --host、--port 和 [bench] ports",
            f"the bench cannot listen: {error}; see --host, --port and [bench] ports",
        ), wanted.lang))  # fmt: skip
        return exitcode.USAGE
    except OSError as error:
        told = told_of(error)
        say(in_lang(Text(f"测试台无法启动：{told}", f"the bench cannot be set up: {told}"), wanted.lang))
        return exitcode.BENCH
    return exitcode.PASS


def _place(wanted: Wanted, device: DeviceFile | None) -> Place:
    place = place_of(device, wanted.lab)
    if wanted.host or wanted.advertise:
        listen_on = wanted.host or place.listen
        place = replace(place, listen=listen_on, advertise=wanted.advertise or (wanted.host or place.advertise))
    return replace(place, ports=(wanted.port, wanted.port + 1)) if wanted.port else place


async def _serve(spec: Spec, profile: str, device: DeviceFile | None, place: Place, say: Say, lang: Lang) -> None:
    timers_ms = timer_values(spec, spec.profiles[profile])
    clock = SystemClock()
    directory = Path(tempfile.mkdtemp(prefix="rvw-bench-"))
    told = declared(device, spec) if device is not None else NOTHING
    writer = JournalWriter(directory / JOURNAL)
    recorder = Recorder(Transcript(spec), clock, writer, Masker(told.secrets))
    city = City(spec, recorder, clock, timers_ms=timers_ms, seed=0, clerk=PaperClerk())
    device_id = device.remote_device_id if device is not None else "RVW-LAB-0001"
    url = device.remote_device_url if device is not None else ""
    identity = place.identity(device_id, url or f"https://{place.advertise}/device/v1").owning(told)
    city.enrol(identity.enrolment())
    listeners = await listen(
        city, host=place.listen, advertise=place.advertise, names=place.names, ports=place.ports, ca=place.ca, good=place.good
    )
    ca_file = directory / "ca.pem"
    ca_file.write_text(place.root_pem or listeners.ca.pem, encoding="ascii")
    keyid, key = next(iter(identity.row.device_keys.items()))
    urls = city.world.endpoints.urls
    bound = replace(place, ports=(listeners.http[0].port, listeners.ws.port))
    for line in bound.instructions(device, spec.docking.path, lang, told):
        say(line)
    rows: list[tuple[Text, str]] = [
        (Text(f"对接接口 {spec.docking.id}", f"docking API ({spec.docking.id})"), listeners.docking_url),
        *((Text(f"{i} WebSocket", f"{i} WebSocket"), at) for i, at in urls.items() if at.startswith("wss")),
        (Text("根证书", "root certificate"), str(ca_file)),
        (Text("远程设备ID", "remote_device_id"), identity.row.remote_device_id), (Text("设备 keyid", "keyid"), keyid),
        (Text("设备密钥 base64", "device key (base64)"), _shown(key, told.device_key, lang)),
        (Text("城市 keyid", "city keyid"), identity.row.city_keyid),
        (Text("城市密钥 base64", "city key (base64)"), _shown(identity.row.city_key, told.city_key, lang)),
        (Text("日志", "journal"), str(directory / JOURNAL)),
    ]  # fmt: skip
    for name, value in rows:
        say(f"{in_lang(name, lang)}: {value}")
    say(in_lang(Text(
        "这里的坐席音视频只是模拟，rvw run 才有真实音视频。按 Ctrl-C 结束。",
        "the clerk's media are on paper here; `rvw run` brings real ones. Ctrl-C ends.",
    ), lang))  # fmt: skip
    try:
        await _follow(recorder, say)
    finally:
        await listeners.close()
        writer.close()


def _shown(key: bytes, own: bytes | None, lang: Lang) -> str:
    if own is not None:
        return in_lang(Text("厂商自己的，见设备文件", "yours, from the device file"), lang)
    return base64.b64encode(key).decode()


async def _follow(recorder: Recorder, say: Say) -> None:
    """Print one line for every message, until cancelled."""
    seen = -1
    while True:
        entry = await recorder.wait_for(_worth_a_line, seen, 3600.0)
        if entry is not None:
            seen = entry.n
            if entry.obs == "doctor":
                told = ", ".join(f"{key} {entry.facts[key]}" for key in _TOLD_BY_PAGE if key in entry.facts)
                say(f"{entry.t:9.3f}  doctor page: {told}")
                continue
            way = "device ->" if entry.dir == "iut" else "bench  ->"
            say(f"{entry.t:9.3f}  {entry.iface}  {way}  {entry.name or entry.obs} {entry.kind} {entry.problem}".rstrip())


_TOLD_BY_PAGE: Final = ("asked", "peer", "skew_ms", "ws", "udp")


def _worth_a_line(entry: Entry) -> bool:
    return bool(entry.kind) or entry.obs in ("tls.failed", "ws.close", "conn.open", "doctor")
