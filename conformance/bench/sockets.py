"""The world on real sockets: TLS servers with a CA made for the run, a clerk in a child process, a device that is anything."""

from __future__ import annotations

import socket
import ssl
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from conformance.bench.device import DeviceHandle
from conformance.bench.identity import Identity
from conformance.bench.outputs import JOURNAL
from conformance.bench.world import World
from conformance.iut.device_file import DeviceFile
from conformance.iut.process import DeviceProcess
from conformance.iut.prompt import Answer, By, Prompt, UpperTester
from conformance.iut.upper_tester import CommandUpperTester, HttpUpperTester, OperatorUpperTester
from conformance.trace.clock import SystemClock
from conformance.trace.journal import JournalWriter
from conformance.trace.masking import Masker
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Transcript
from mocks.city import City
from mocks.servers.listeners import Listeners, listen
from mocks.signaling.clerk.proxy import ClerkProcess

if TYPE_CHECKING:
    from conformance.bench.live import Prepared

HOST = "127.0.0.1"


class SpawnedDevice:
    """Power and upper tester of a device that the bench starts itself (`rvw-spawn/1`). Its state directory outlives its power."""

    def __init__(
        self, device: DeviceFile, document: Mapping[str, Any], directory: Path, on_exit: Callable[[int], None],
        on_log: Callable[[list[str]], None],
    ) -> None:  # fmt: skip
        self._device = device
        self._document = document
        self._directory = directory
        self._on_exit = on_exit
        self._on_log = on_log
        self._process: DeviceProcess | None = None
        self._tester: UpperTester | None = None

    async def on(self) -> None:
        """Start the process and wait for its ready line. Raises DeviceAbsent."""
        self._process = DeviceProcess(list(self._device.driver.command), self._directory, self._exited)
        ready = await self._process.start(self._document)
        await self._drop_tester()
        if self._device.upper_tester.kind == "http":
            self._tester = HttpUpperTester(str(ready.get("upper_tester") or self._device.upper_tester.url))

    def _exited(self, code: int) -> None:
        self._report_log()
        self._on_exit(code)

    def _report_log(self) -> None:
        if self._process is not None and self._process.log:
            self._on_log(list(self._process.log)[-200:])

    async def off(self) -> None:
        """Kill it without a word, as a power cut does."""
        await self._stop(power_cut=True)

    async def _stop(self, *, power_cut: bool) -> None:
        await self._drop_tester()
        if self._process is not None:
            process, self._process = self._process, None
            await process.stop(power_cut=power_cut)

    async def _drop_tester(self) -> None:
        if self._tester is not None:
            await self._tester.close()
            self._tester = None

    async def close(self) -> None:
        """End it by the contract: end of its stdin."""
        await self._stop(power_cut=False)

    def tester(self) -> UpperTester | None:
        """The process's own upper tester while it runs."""
        return self._tester


class _NotThere:
    """Stands for the upper tester of a device that is off."""

    by: By = "http"

    async def verbs(self) -> frozenset[str]:
        raise OSError("the device is off")

    async def ask(self, prompt: Prompt) -> Answer:
        raise OSError(f"the device is off; nobody hears {prompt.verb}")

    async def close(self) -> None:
        return


async def sockets_world(prepared: Prepared, out: Path, show: Callable[[Prompt], None] = lambda _: None) -> World:
    """Build it on the running loop. Raises OSError where a port is taken, DeviceAbsent, ClerkError."""
    stack = AsyncExitStack()
    try:
        return await _built(prepared, out, show, stack)
    except BaseException:
        await stack.aclose()
        raise


async def _built(p: Prepared, out: Path, show: Callable[[Prompt], None], stack: AsyncExitStack) -> World:
    clock = SystemClock()
    writer = JournalWriter(out / JOURNAL)
    stack.callback(writer.close)
    recorder = Recorder(Transcript(p.spec), clock, writer, Masker())
    clerk = ClerkProcess(clock.from_machine)
    if p.means.media:
        await clerk.start()
        stack.push_async_callback(clerk.close)
    city = City(p.spec, recorder, clock, timers_ms=p.timers_ms, seed=p.seed, clerk=clerk if p.means.media else None)
    listeners = await listen(city, host=HOST)
    stack.push_async_callback(listeners.close)
    client = httpx.AsyncClient(verify=ssl.create_default_context(cadata=listeners.ca.pem), trust_env=False, timeout=10.0)
    stack.push_async_callback(client.aclose)
    city.device_api.client = _device_client(client)
    handle = await _device(p, city, recorder, listeners, stack, show)
    return World(p.spec, recorder, city, handle, p.timers_ms, p.pics, "sockets", media=p.means.media, stack=stack)


def _device_client(client: httpx.AsyncClient) -> Any:
    async def request(method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> Any:
        try:
            reply = await client.request(method, url, headers=headers, content=body)
        except httpx.HTTPError as error:
            raise OSError(f"{type(error).__name__}: {error}") from error
        return reply.status_code, dict(reply.headers), reply.content

    return request


async def _device(
    p: Prepared, city: City, recorder: Recorder, listeners: Listeners, stack: AsyncExitStack, show: Callable[[Prompt], None]
) -> DeviceHandle:
    device = p.device
    api_port, tester_port = _free_ports(2)
    url = device.remote_device_url or f"https://{HOST}:{api_port}/device/v1"
    identity = Identity.fresh(device.remote_device_id, url)
    city.enrol(identity.enrolment())
    for secret in identity.secrets():
        recorder.add_secret(secret, "key")
    operator = OperatorUpperTester(show, allowed=p.options.prompts)
    if device.driver.kind != "spawn":
        reached = _fixed_tester(device, operator)
        stack.push_async_callback(reached.close)
        handle = DeviceHandle(recorder, lambda: reached, None, identity.secret_texts)
        handle.powered = True
        return handle
    state = stack.enter_context(tempfile.TemporaryDirectory(prefix="rvw-state-", ignore_cleanup_errors=True))
    leaf = listeners.ca.leaf([HOST, "localhost"])
    document = identity.spawn_document(
        listeners.docking_url, seed=p.seed, ca_pem=listeners.ca.pem, timers=p.profile.timer_set, defect=_defect(p),
        device_api={"host": HOST, "port": api_port, "cert_pem": leaf.chain.decode(), "key_pem": leaf.key.decode()},
        upper_tester={"host": HOST, "port": tester_port}, state_dir=state,
    )  # fmt: skip
    spawned = SpawnedDevice(
        device, document, _working_directory(device),
        on_exit=lambda code: _observe(recorder, "device.exit", {"code": code}),
        on_log=lambda lines: _observe(recorder, "device.log", {"lines": lines}),
    )  # fmt: skip
    stack.push_async_callback(spawned.close)
    fixed = None if device.upper_tester.kind == "http" else _fixed_tester(device, operator)
    if fixed is not None:
        stack.push_async_callback(fixed.close)
    absent: UpperTester = _NotThere()
    return DeviceHandle(recorder, lambda: fixed or spawned.tester() or absent, spawned, identity.secret_texts)


def _observe(recorder: Recorder, kind: str, facts: dict[str, Any]) -> None:
    recorder.observe("", "iut", kind, facts=facts)


def _defect(p: Prepared) -> str | None:
    return p.options.defect or (p.device.defect.id if p.device.defect is not None else None)


def _working_directory(device: DeviceFile) -> Path:
    return (device.path.parent / device.driver.cwd) if device.driver.cwd else Path.cwd()


def _fixed_tester(device: DeviceFile, operator: OperatorUpperTester) -> UpperTester:
    link = device.upper_tester
    if link.kind == "http":
        return HttpUpperTester(link.url)
    return CommandUpperTester(list(link.command)) if link.kind == "command" else operator


def _free_ports(count: int) -> list[int]:
    """Ports that nobody has now. Taken together, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


