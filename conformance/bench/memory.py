"""A world in memory: no sockets, no processes, any loop; in virtual time a whole run takes seconds."""

from __future__ import annotations

import asyncio
import importlib
import random
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from conformance.bench.device import NO_KEYS, DeviceHandle, Keys
from conformance.bench.identity import Identity
from conformance.bench.world import World
from conformance.iut.device_file import DeviceFile
from conformance.iut.prompt import Answer, By, NotAvailable, Prompt
from conformance.iut.review import declared
from conformance.spec.model import Spec, TimerSet
from conformance.trace.clock import LoopClock
from conformance.trace.journal import JournalWriter
from conformance.trace.masking import Masker
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Transcript
from mocks.city import City
from mocks.memory import MemoryConnectionClosedError, MemoryNetwork
from mocks.signaling.paper_clerk import PaperClerk

# A fixed date, so that two runs with one seed are the same to the byte except for secrets.
WALL_AT_START = 1_780_279_200.0  # 2026-06-01T10:00:00+08:00
DEVICE_API = "https://device.test/device/v1"


class MemoryDevice(Protocol):
    """What a device that can live in the bench's process has to offer; one with an API of its own also has `handle_http`.

    Its module offers the entry that `driver.in_process` names: (spawn document, transport, clock, media, random, storage) ->
    device. It may offer more: `MemoryStorage` (a dict serves where it does not), `PaperMedia`, and `ConnectionClosed`, its
    own name for the error of a dead connection.
    """

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def upper_tester(self, verb: str, args: Mapping[str, Any]) -> Any: ...


class NoMemoryDevice(Exception):
    """The device file names no in-process entry: this device needs sockets."""


class InProcess:
    """Power and upper tester of a device that lives in this process. Its storage outlives its power."""

    by: By = "command"

    def __init__(
        self, entry: tuple[ModuleType, Callable[..., MemoryDevice]], document: Mapping[str, Any], network: MemoryNetwork,
        clock: LoopClock, seed: int,
    ) -> None:  # fmt: skip
        self._module, self._build = entry
        self._document, self._network, self._clock = document, network, clock
        self._seed = seed
        self._boots = 0
        self._storage: Any = getattr(self._module, "MemoryStorage", dict)()
        self._device: MemoryDevice | None = None

    async def on(self, keys: Keys = NO_KEYS) -> None:
        """Build it anew on its old storage and start it."""
        self._boots += 1
        document = {**self._document, "keys": {**self._document["keys"], **keys}}
        device: MemoryDevice = self._build(
            document, self._network.transport(verify=self._document.get("defect") not in self._careless()), self._clock,
            getattr(self._module, "PaperMedia", None), random.Random(f"{self._seed}/{self._boots}"), self._storage,  # noqa: S311  jitter
        )  # fmt: skip
        self._device = device
        if hasattr(device, "handle_http"):
            self._network.mount(DEVICE_API, device.handle_http)
        await device.start()

    def _careless(self) -> frozenset[str]:
        """Defects that do not look at certificates: in memory that is a property of the transport."""
        return frozenset(getattr(self._module, "CARELESS", ()))

    async def off(self) -> None:
        """Pull the plug."""
        self._network.unmount(DEVICE_API)
        if self._device is not None:
            device, self._device = self._device, None
            await device.stop()

    async def verbs(self) -> frozenset[str]:
        """The device's own verbs; while it is off nobody answers."""
        if self._device is None:
            raise OSError("the device is off")
        answer = await self._device.upper_tester("hello", {})
        return frozenset(answer["verbs"])

    async def ask(self, prompt: Prompt) -> Answer:
        """Pass a stimulus on."""
        if self._device is None:
            raise OSError("the device is off")
        if prompt.verb not in await self.verbs():
            raise NotAvailable(f"the device has no verb {prompt.verb!r}")
        try:
            result = await self._device.upper_tester(prompt.verb, prompt.args)
        except (KeyError, ValueError, LookupError) as error:
            return Answer(ok=False, error=str(error))
        return Answer(ok=True, result=result if isinstance(result, Mapping) else {})

    async def close(self) -> None:
        """Nothing to let go."""


async def memory_world(
    spec: Spec, device: DeviceFile, *, timers_ms: Mapping[str, float], pics: Mapping[str, Any], seed: int,
    defect: str | None = None, journal: Path | None = None, timer_set: TimerSet = "lab",
) -> World:  # fmt: skip
    """Build it on the running loop. The device is off. Raises NoMemoryDevice."""
    if not device.driver.in_process:
        raise NoMemoryDevice(f"{device.path.name} names no in-process entry (driver.in_process)")
    loop = asyncio.get_running_loop()
    clock = LoopClock(loop, WALL_AT_START)
    writer = JournalWriter(journal) if journal is not None else None
    told = declared(device, spec)
    recorder = Recorder(Transcript(spec), clock, writer, Masker(told.secrets))
    city = City(spec, recorder, clock, timers_ms=timers_ms, seed=seed, clerk=PaperClerk())
    entry = _entry(device)
    closed: Any = getattr(entry[0], "ConnectionClosed", MemoryConnectionClosedError)
    network = MemoryNetwork(city, closed_error=closed)
    identity = Identity.fresh(device.remote_device_id, DEVICE_API).owning(told)
    city.enrol(identity.enrolment())
    document = identity.spawn_document(
        network.docking_url, seed=seed, defect=defect, ca_pem="", timers=timer_set, timers_ms=dict(timers_ms)
    )
    power = InProcess(entry, document, network, clock, seed)
    handle = DeviceHandle(recorder, lambda: power, power)
    world = World(spec, recorder, city, handle, timers_ms, pics, "memory", media=True)

    async def stop() -> None:
        await power.off()
        if writer is not None:
            writer.close()

    world.stack.push_async_callback(stop)
    return world


def _entry(device: DeviceFile) -> tuple[ModuleType, Callable[..., MemoryDevice]]:
    """The module and the builder of a device; it is looked for where its command would run, too."""
    module, _, name = device.driver.in_process.partition(":")
    if device.driver.cwd:
        home = str(device.directory(device.driver.cwd).resolve())
        if home not in sys.path:
            sys.path.append(home)
    found = importlib.import_module(module)
    return found, getattr(found, name)
