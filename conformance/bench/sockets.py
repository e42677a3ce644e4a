"""The world on real sockets: TLS servers at the run's place, a clerk in a child process, a device that is anything."""

from __future__ import annotations

import socket
import ssl
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from conformance.bench.device import DeviceHandle, Power
from conformance.bench.devicelog import CommandLog, DeviceLog, StderrLog
from conformance.bench.identity import Identity
from conformance.bench.place import Place
from conformance.bench.spawned import NotThere, SpawnedDevice
from conformance.bench.trail import Trail
from conformance.bench.world import World
from conformance.iut.calls import call
from conformance.iut.device_file import DeviceFile
from conformance.iut.operator import OperatorUpperTester
from conformance.iut.prompt import Prompt, UpperTester
from conformance.iut.review import declared
from conformance.iut.upper_tester import CommandUpperTester, HttpUpperTester
from conformance.trace.masking import MIN_SECRET, Masker
from conformance.trace.recorder import Recorder
from mocks.city import City
from mocks.servers.listeners import Listeners, authority_of, listen
from mocks.signaling.clerk.proxy import ClerkProcess

if TYPE_CHECKING:
    from conformance.bench.prepare import Prepared

API_LIMIT_S: Final = 10.0  # how long a call of a device's own API may take as a whole; not a limit of the specification
API_LIMIT_BYTES: Final = 1 << 20  # of the body of one answer

Show = Callable[[Prompt], None]


async def sockets_world(prepared: Prepared, trail: Trail, show: Show = lambda _: None) -> World:
    """Build it on the running loop. Raises ListenError, ClerkError, LabError, OSError (of a file or a child process)."""
    stack = AsyncExitStack()
    try:
        return await _built(prepared, trail, show, stack)
    except BaseException:
        await stack.aclose()
        raise


async def _built(p: Prepared, trail: Trail, show: Show, stack: AsyncExitStack) -> World:
    clock, place = trail.clock, p.place
    stack.callback(trail.writer.close)
    recorder = Recorder(trail.transcript, clock, trail.writer, Masker(declared(p.device, p.spec).secrets))
    # Also where the profile leaves media clauses out: a device on real sockets connects to nothing less than a real peer.
    city_clerk = ClerkProcess(clock.from_machine)
    await city_clerk.start()
    stack.push_async_callback(city_clerk.close)
    city = City(p.spec, recorder, clock, timers_ms=p.timers_ms, seed=p.seed, clerk=city_clerk)
    listeners = await listen(
        city, host=place.listen, advertise=place.advertise, names=place.names, ports=place.ports, ca=place.ca, good=place.good
    )
    stack.push_async_callback(listeners.close)
    client = httpx.AsyncClient(verify=_trust(place, listeners), trust_env=False)
    stack.push_async_callback(client.aclose)
    city.device_api.client = device_client(client)
    handle, log = _device(p, city, listeners, stack, show)
    return World(p.spec, recorder, city, handle, p.timers_ms, p.pics, "sockets", media=p.means.media, log=log, stack=stack)


def _trust(place: Place, listeners: Listeners) -> ssl.SSLContext:
    """Whom the bench believes when it calls the device's own API: its own CA, and the vendor's where one is named."""
    context = ssl.create_default_context(cadata=listeners.ca.pem)
    if place.device_ca_pem:
        context.load_verify_locations(cadata=place.device_ca_pem)
    return context


def device_client(client: httpx.AsyncClient) -> Any:
    """How the bench calls a device's own API. Raises OSError for an address that cannot be reached, or is none, and for an
    answer that does not end: what a device sends can neither hold the run nor fill the memory."""
    async def request(method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> Any:
        reply = await call(client, method, url, headers, body, limit_s=API_LIMIT_S, limit_bytes=API_LIMIT_BYTES)
        return reply.status, reply.headers, reply.body

    return request


@dataclass(frozen=True)
class _Wiring:
    """What a device is joined to, whoever started it."""

    p: Prepared
    recorder: Recorder
    listeners: Listeners
    stack: AsyncExitStack
    identity: Identity
    ports: tuple[int, int]  # for a device that is started here: its own API, its upper tester
    operator: OperatorUpperTester

    def handle(self, tester: Callable[[], UpperTester], power: Power | None) -> DeviceHandle:
        person = self.operator if self.p.person else None
        return DeviceHandle(self.recorder, tester, power, operator=person)

    def fixed(self) -> UpperTester:
        tester = fixed_tester(self.p.device, self.operator)
        self.stack.push_async_callback(tester.close)
        return tester


def _device(
    p: Prepared, city: City, listeners: Listeners, stack: AsyncExitStack, show: Show
) -> tuple[DeviceHandle, DeviceLog | None]:
    device, recorder = p.device, city.recorder
    api_port, tester_port = free_ports(2)
    url = device.remote_device_url or f"https://{authority_of(p.place.device_host)}:{api_port}/device/v1"
    identity = p.place.identity(device.remote_device_id, url).owning(declared(device, p.spec))
    city.enrol(identity.enrolment())
    for value in p.secrets:
        recorder.add_secret(value)
    operator = OperatorUpperTester(show, allowed=p.options.prompts)
    wiring = _Wiring(p, recorder, listeners, stack, identity, (api_port, tester_port), operator)
    said = CommandLog(device.logs, device.directory(), recorder.clock, recorder) if device.logs else None
    if device.driver.kind != "spawn":
        return _running(wiring), said
    stderr = StderrLog(recorder.clock)
    return _spawned(wiring, stderr), said or stderr


def _running(wiring: _Wiring) -> DeviceHandle:
    """A device that is there already: nothing can switch it."""
    tester = wiring.fixed()
    handle = wiring.handle(lambda: tester, None)
    handle.powered = True
    return handle


def _spawned(wiring: _Wiring, stderr: StderrLog) -> DeviceHandle:
    """A device that the bench starts by its command, and that may bring its upper tester with it."""
    p, recorder, place = wiring.p, wiring.recorder, wiring.p.place
    state = wiring.stack.enter_context(tempfile.TemporaryDirectory(prefix="rvw-state-", ignore_cleanup_errors=True))
    host, (api_port, tester_port), authority = place.device_host, wiring.ports, wiring.listeners.ca
    leaf = authority.leaf([host, "localhost"])
    for line in leaf.key.decode().splitlines():  # each by itself: JSON and logs break a PEM text at other places
        if not line.startswith("-") and len(line) >= MIN_SECRET:
            recorder.add_secret(line, "key")
    document = wiring.identity.spawn_document(
        wiring.listeners.docking_url, seed=p.seed, ca_pem=place.root_pem or authority.pem, timers=p.profile.timer_set,
        timers_ms=dict(p.timers_ms), defect=p.device.defect.id if p.device.defect is not None else None, state_dir=state,
        upper_tester={"host": host, "port": tester_port},
        device_api={"host": host, "port": api_port, "cert_pem": leaf.chain.decode(), "key_pem": leaf.key.decode()},
    )  # fmt: skip
    spawned = SpawnedDevice(
        p.device, document, on_line=stderr.add, mask=recorder.masked,
        on_exit=lambda code: _observe(recorder, "device.exit", {"code": code}),
        on_ready=lambda ready: _observe(recorder, "device.ready", {"firmware": str(ready.get("firmware", ""))}),
    )  # fmt: skip
    wiring.stack.push_async_callback(spawned.close)
    fixed = None if p.device.upper_tester.kind == "http" else wiring.fixed()
    absent: UpperTester = NotThere()
    return wiring.handle(lambda: fixed or spawned.tester() or absent, spawned)


def _observe(recorder: Recorder, kind: str, facts: Mapping[str, Any]) -> None:
    recorder.observe("", "iut", kind, facts=facts)


def fixed_tester(device: DeviceFile, operator: OperatorUpperTester) -> UpperTester:
    """The upper tester that the device file names, where it is not the device's own of this run."""
    link = device.upper_tester
    if link.kind == "http" and link.url:
        return HttpUpperTester(link.url)
    return CommandUpperTester(list(link.command), device.directory()) if link.kind == "command" else operator


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Ports that nobody has now. Taken together, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((host, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
