"""The whole device: its parts, its tasks, its log and what it keeps over a power loss."""

from __future__ import annotations

import asyncio
import random
import re
import uuid
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from mocks.devices.reference.actions import Actions
from mocks.devices.reference.backoff import Backoff
from mocks.devices.reference.bank import Bank
from mocks.devices.reference.calls import Calls
from mocks.devices.reference.channel import Channel
from mocks.devices.reference.commands import Commands
from mocks.devices.reference.config import Config
from mocks.devices.reference.deviceapi import DeviceApi
from mocks.devices.reference.devicetime import DeviceTime
from mocks.devices.reference.docking import Docking
from mocks.devices.reference.heartbeat import Heartbeat
from mocks.devices.reference.materials import Materials
from mocks.devices.reference.mediaport import MediaFactory
from mocks.devices.reference.memory import Memory
from mocks.devices.reference.part import Part
from mocks.devices.reference.printing import Printing
from mocks.devices.reference.rating import Ratings
from mocks.devices.reference.registration import Registration
from mocks.devices.reference.reports import Reports
from mocks.devices.reference.screens import Screens
from mocks.devices.reference.sessions import Sessions, Vault
from mocks.devices.reference.settings import Settings
from mocks.devices.reference.tickets import Tickets
from mocks.devices.reference.timers import Timers
from mocks.devices.reference.transport import Clock, HttpAnswer, Storage, Transport
from mocks.devices.reference.trust import Trust
from mocks.devices.reference.uppertester import UpperTester
from mocks.devices.reference.wire import Codec, masked

__all__ = ["PARTS", "Device"]

# name of the attribute: the class that makes it; a patch takes the place of a class here
PARTS: dict[str, type[Part]] = {
    "timers": Timers, "codec": Codec, "time": DeviceTime, "backoff": Backoff, "docking": Docking, "config": Config,
    "bank": Bank, "screens": Screens, "vault": Vault, "registration": Registration, "reports": Reports,
    "tickets": Tickets, "sessions": Sessions, "materials": Materials, "printing": Printing, "actions": Actions,
    "commands": Commands, "ratings": Ratings, "heartbeat": Heartbeat, "memory": Memory, "channel": Channel,
    "calls": Calls, "api": DeviceApi, "tester": UpperTester, "trust": Trust,
}  # fmt: skip

_ID_NUMBER = re.compile(r"(?<![0-9])[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])")


class Device:
    """Made of parts, each of which may be replaced. Runs on the current event loop."""

    timers: Timers
    codec: Codec
    time: DeviceTime
    backoff: Backoff
    docking: Docking
    config: Config
    bank: Bank
    screens: Screens
    vault: Vault
    registration: Registration
    reports: Reports
    tickets: Tickets
    sessions: Sessions
    materials: Materials
    printing: Printing
    actions: Actions
    commands: Commands
    ratings: Ratings
    heartbeat: Heartbeat
    memory: Memory
    channel: Channel
    calls: Calls
    api: DeviceApi
    tester: UpperTester
    trust: Trust

    def __init__(
        self,
        settings: Settings,
        transport: Transport,
        clock: Clock,
        media: MediaFactory,
        rng: random.Random,
        storage: Storage,
        parts: Mapping[str, type[Part]],
    ) -> None:
        self.settings, self.transport, self.clock = settings, transport, clock
        self.media, self.rng, self.storage = media, rng, storage
        self.mode = "normal"
        self.boot_id = str(uuid.uuid4())
        self.lines: deque[str] = deque(maxlen=2000)
        self.on_log: Callable[[str], None] = lambda _line: None
        self.started_at = 0.0
        self.reported_all = False
        self._tasks: set[asyncio.Task[Any]] = set()
        for name, part in parts.items():
            setattr(self, name, part(self))

    # ---- life

    async def start(self) -> None:
        """Power on. Returns at once; registration and everything after it go on by themselves."""
        self.started_at = asyncio.get_running_loop().time()
        self.memory.restore()
        for name, work in (
            ("registration", self.registration.run()),
            ("channel", self.channel.run()),
            ("calls", self.calls.run()),
            ("heartbeat", self.heartbeat.run()),
        ):
            self.spawn(work, name)

    async def stop(self) -> None:
        """Power off: what was being done is not finished any more, so the disk keeps its last word."""
        self.memory.frozen = True
        if self.calls.call is not None:
            await self.calls.release(self.calls.call)
        for link in (self.channel, self.calls):
            if link.conn is not None:
                await link.close(link.conn, 1001)
        await self._cancel_tasks()

    async def _cancel_tasks(self) -> None:
        own = asyncio.current_task()
        # More than once: `wait_for` of Python 3.11 loses a cancellation that comes together with what it waits for.
        while tasks := [t for t in self._tasks if t is not own]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=0.1)

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run something beside everything else; a failure is logged, not lost."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.log(f"{task.get_name()} 失败：{task.exception()!r}")

    def on_channel_ready(self) -> None:
        """First time after power on: tell the state of every peripheral, and what the power loss cost."""
        if not self.reported_all:
            self.reported_all = True
            self.bank.report_all()
            self.memory.report_losses()

    async def reset(self) -> None:
        """Back to the idle screen: no call, no session, no ticket on show, nothing broken."""
        call = self.calls.call
        if call is not None:
            await self.calls.hang_up(call, "reset")
        self.commands.abandon("reset")
        self.sessions.reset()
        self.tickets.reset()
        self.ratings.reset()
        self.bank.reset()
        self.calls.policy = "auto"
        self.mode = "normal"
        self.sessions.wipe()
        self.remember()

    # ---- what others ask

    def state(self) -> str:
        """State of the device in one word."""
        if self.mode == "maintenance":
            return "maintenance"
        if self.ratings.prompt is not None:
            return "rating"
        if self.calls.call is not None:
            return "in_call"
        if self.sessions.current:
            return "in_session"
        if self.tickets.open:
            return "ticketed"
        return "degraded" if any(p.status() in {"fault", "absent"} for p in self.bank.all.values()) else "idle"

    def log(self, text: str) -> None:
        """One line of the device's log. An ID number that slips in is masked."""
        line = _ID_NUMBER.sub(lambda m: masked(m.group()), text)
        self.lines.append(line)
        self.on_log(line)

    def log_id(self, id_number: str) -> str:
        """An ID number as the log may have it."""
        return masked(id_number)

    def remember(self) -> None:
        """Write down what must survive a power loss."""
        self.memory.save()

    async def handle_http(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """I4, for whichever server stands in front."""
        return await self.api.handle(method, path, {k.lower(): v for k, v in headers.items()}, body)

    async def handle_upper_tester(self, method: str, path: str, _headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """I6 over HTTP."""
        return await self.tester.handle(method, path, body)

    async def upper_tester(self, verb: str, args: Mapping[str, Any] | None = None) -> Any:
        """I6 in the same process. Raises ValueError for a verb or an argument that is none."""
        return await self.tester.run(verb, dict(args or {}))
