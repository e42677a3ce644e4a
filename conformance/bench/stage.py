"""What a procedure may do: stimulate the device, speak for the city, and wait for observations or for named timers.

A stage never judges. `expect` that is not met ends the procedure with `NotObserved`; what that means for a clause is for the
rules to say. It never sleeps either: every wait is on the trace, with a limit that the pack names.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from conformance.bench.device import DeviceHandle
from conformance.bench.errors import NotObserved
from conformance.bench.patience import TellWait, told
from conformance.bench.people import Resident, residents
from conformance.bench.seat import Seat
from conformance.spec.model import Spec
from conformance.trace.recorder import Predicate, Recorder
from conformance.trace.transcript import Entry

# How far beyond a limit a wait goes on, so that a late event is seen and judged late instead of missing.
LATENESS = 1.35
LATENESS_FLOOR_S = 0.15
CONNECTS = 8  # how often a device may connect and be gone again before nobody waits for it any longer
CHANNEL_OPENED = ("channel.resume", "channel.login")
SIGNALING_OPENED = ("signaling.attach",)
MOMENT_S = 0.001


class Stage:
    """The bench as one case sees it."""

    def __init__(
        self, case_id: str, spec: Spec, city: Seat, device: DeviceHandle, recorder: Recorder, timers_ms: Mapping[str, float],
        seed: int, pics: Mapping[str, Any], waiting: TellWait | None = None,
    ) -> None:  # fmt: skip
        self.case_id = case_id
        self.spec = spec
        self.city = city
        self.device = device
        self.recorder = recorder
        self.timers_ms = timers_ms
        self.pics = pics
        self._waiting = waiting
        self.mark = recorder.last  # waits look at what came after this observation
        self._people: Sequence[Resident] = residents(seed, case_id, spec.city)
        for person in self._people:
            recorder.allow_person(person.id_number)

    def resident(self, index: int = 0) -> Resident:
        """A synthetic resident of this case."""
        return self._people[index]

    def limit_s(self, timer: str) -> float:
        """A timer of this run in seconds. Raises KeyError for a name that the pack lacks."""
        return self.timers_ms[timer] / 1000

    def now(self) -> int:
        """The newest observation: give it as `after` to a later `expect` to look only at what follows."""
        return self.recorder.last

    async def wait(self, predicate: Predicate, *, timer: str, after: int | None = None, what: str = "the event") -> Entry:
        """The first entry after `after` (or the start of the case) that satisfies. Raises NotObserved."""
        limit = self.limit_s(timer)
        return await self.wait_s(predicate, limit_s=limit, name=timer, after=after, what=what)

    async def wait_s(
        self, predicate: Predicate, *, limit_s: float, name: str, after: int | None = None, what: str = "the event"
    ) -> Entry:
        """As `wait`, with a limit that a message named instead of the pack."""
        start = self.mark if after is None else after
        patience = max(limit_s * LATENESS, limit_s + LATENESS_FLOOR_S)
        with told(self._waiting, self.case_id, what, patience):
            found = await self.recorder.wait_for(predicate, start, patience)
        if found is None:
            facts = {"what": what, "timer": name, "limit_ms": limit_s * 1000, "ok": False}
            self.recorder.observe("", "-", "wait.end", facts=facts)
            raise NotObserved(what, name)
        return found

    async def expect(
        self, role: str, kind: str = "request", *, timer: str, after: int | None = None, **fields: Any
    ) -> Entry:
        """A message of the IUT by role and kind, with these canonical fields."""

        def matches(entry: Entry) -> bool:
            return (
                entry.role == role and entry.kind == kind and entry.dir == "iut" and not entry.repeat
                and all(entry.get(name) == value for name, value in fields.items())
            )  # fmt: skip

        return await self.wait(matches, timer=timer, after=after, what=f"{role} {kind} {fields or ''}".strip())

    async def observe(self, kind: str, *, timer: str, after: int | None = None, **facts: Any) -> Entry:
        """An observation that is no message (`media.first_frame`, `tls.failed`), with these facts."""

        def matches(entry: Entry) -> bool:
            return entry.obs == kind and all(entry.facts.get(name) == value for name, value in facts.items())

        return await self.wait(matches, timer=timer, after=after, what=f"{kind} {facts or ''}".strip())

    async def reply(self, request: Entry, *, timer: str = "T-ACK") -> Entry:
        """The IUT's answer to something that the city asked. Raises NotObserved."""
        if request.reply is not None:
            return request.reply
        return await self.wait(
            lambda entry: entry.request is request, timer=timer, after=request.n, what=f"the answer to {request.name}"
        )

    async def tell(self, role: str, *, facts: Mapping[str, Any] | None = None, **fields: Any) -> Entry:
        """The city sends a message of this role and waits for the answer. Returns the answer. Raises NotObserved."""
        return await self.reply(self.say(role, facts=facts, **fields))

    def say(self, role: str, *, facts: Mapping[str, Any] | None = None, **fields: Any) -> Entry:
        """The city sends a message of this role; returns it as recorded."""
        return self.city.say(role, fields, facts=facts)

    async def still_usable(self, timer: str = "T-ACK") -> None:
        """After whatever was thrown at it the device answers a plain question.

        One that did not is asked again until `timer`, in which it may come to itself, is surely over.
        """
        if not self.spec.by_role("status.query"):
            return
        for _ in range(2 + math.ceil(self.limit_s(timer) / self.limit_s("T-ACK"))):
            with suppress(NotObserved):
                if (await self.tell("status.query")).kind == "result":
                    return
            await self.quiet("T-ACK")

    async def quiet(self, timer: str = "T-QUIET") -> None:
        """Let a window pass in which something must not happen; the rules look at it."""
        limit = self.limit_s(timer)
        self.recorder.observe("", "-", "wait", facts={"what": "quiet", "timer": timer, "limit_ms": limit * 1000})
        with told(self._waiting, self.case_id, "the end of a time in which nothing may happen", limit * 1.05):
            await self.recorder.wait_for(lambda _: False, self.now(), limit * 1.05)
        self.recorder.observe("", "-", "wait.end", facts={"what": "quiet", "timer": timer, "ok": True})

    @asynccontextmanager
    async def fault(self, name: str, *, recovery: str = "T-RECOVER", **params: Any) -> AsyncIterator[None]:
        """Switch a named fault of the city on for a while. Its end is recorded with the timer in which the IUT recovers."""
        # A moment of its own: what came before it lies before it in time too, also where time stands still between events.
        await self.recorder.wait_for(lambda _: False, self.now(), MOMENT_S)
        await self.city.faults.start(name, recovery=recovery, **params)
        try:
            yield
        finally:
            await self.city.faults.stop(name)

    async def connected(self, role: str = "", *, timer: str = "T-RECONNECT") -> None:
        """Wait until the device holds the connection on which this role travels; without a role, each that the pack has."""
        wanted = {message.interface for message in self.spec.by_role(role)} if role else self.city.missing()
        for _ in range(CONNECTS):
            if not wanted & self.city.missing():
                return
            # The answer that opens a connection, not what follows it: that may be a heartbeat, a whole interval later. A pack
            # whose connections need no such answer is waited for by whatever comes next.
            await self.wait(
                lambda e: (e.iface in wanted and e.role in CHANNEL_OPENED + SIGNALING_OPENED and e.kind == "result")
                or not wanted & self.city.missing(),
                timer=timer, after=self.now(), what="the device's connection",
            )  # fmt: skip
        raise NotObserved("the device's connection", timer)

    async def online(self, *, after: int | None = None, timer: str = "T-BOOT") -> None:
        """Wait until the device has its channel and, where the pack has one, its signaling."""
        start = self.mark if after is None else after
        for roles in (CHANNEL_OPENED, SIGNALING_OPENED):
            if any(self.spec.by_role(role) for role in roles):
                await self.wait(
                    lambda e, roles=roles: e.role in roles and e.kind == "result" and e.dir == "bench",  # type: ignore[misc]
                    timer=timer, after=start, what=f"{roles[0]} answered",
                )  # fmt: skip
