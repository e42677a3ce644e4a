"""The signaling endpoint: calls between a device and a clerk seat, and the way of SDP and candidates between them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol

from mocks.acceptance.connection import PendingCall
from mocks.acceptance.dialect import OMIT
from mocks.acceptance.office import Office
from mocks.acceptance.refusal import Refused
from mocks.acceptance.world import Answer, Ask, Handler


class Clerk(Protocol):
    """The media peer at the clerk seat. A real one lives in a child process; `paper_clerk` only pretends."""

    on_candidate: Callable[[str, Any], None] | None
    on_observation: Callable[..., None] | None

    async def offer(self, call_id: str, sdp: str, labels: Mapping[str, str]) -> str:
        """Answer an offer of the device."""
        ...

    async def candidate(self, call_id: str, candidate: Any) -> None:
        """Take a candidate of the device; None ends them."""
        ...

    async def make_offer(self, call_id: str) -> str:
        """Offer anew in a running call."""
        ...

    async def answer(self, call_id: str, sdp: str) -> None:
        """Take the device's answer to an offer of ours."""
        ...

    async def bye(self, call_id: str) -> None:
        """Stop everything of a call. Unknown calls are fine."""
        ...


class Send(Protocol):
    """Sends a message of a role to a device; facts go on record with it."""

    def __call__(
        self, role: str, fields: Mapping[str, Any], device: str, facts: Mapping[str, Any] | None = None, /
    ) -> PendingCall:
        """Send it."""
        ...



ENDED: Final = "ended"


@dataclass
class Call:
    """One call as the city knows it: invited, ringing, negotiating, connected, ended."""

    id: str
    device_id: str
    session_id: str
    state: str = "invited"
    ended_by: str = ""
    reason: str = ""
    connection: Any = OMIT  # which of several media connections the last offer was about
    labels: Mapping[str, str] = field(default_factory=dict)  # of the device's last offer: mid to person, page, audio
    crossing: bool = False  # the clerk offers at the same time: the device's first offer gets ours instead of an answer
    tail: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def alive(self) -> bool:
        """Whether the call has not ended."""
        return self.state != ENDED


class Hub:
    """All calls. Handlers answer the device; what the clerk does follows in order, one step after another per call."""

    def __init__(self, office: Office, send: Send, clerk: Clerk | None) -> None:
        self._office = office
        self._send = send
        self.clerk = clerk
        self.calls: dict[str, Call] = {}
        self.handlers: Mapping[str, Handler] = {
            "call.answer": self._answered, "call.reject": self._rejected, "call.bye": self._bye,
            "media.offer": self._offered, "media.answer": self._media_answered, "media.candidate": self._candidate,
            "media.state": self._state,
        }  # fmt: skip
        if clerk is not None:
            clerk.on_candidate = self._clerk_candidate
            clerk.on_observation = self.observe

    # What the city does

    def invited(self, call_id: str, device_id: str, session_id: str) -> Call:
        """An invite goes out."""
        return self.calls.setdefault(call_id, Call(call_id, device_id, session_id))

    def end(self, call_id: str, by: str, reason: str) -> Call | None:
        """The call is over: the clerk stops, the audio/video record is closed. Ending twice is harmless."""
        call = self.calls.get(call_id)
        if call is None or not call.alive:
            return call
        call.state, call.ended_by, call.reason = ENDED, by, reason
        self._office.world.records.hung_up(call_id, self._office.now())
        if self.clerk is not None:
            self._after(call, partial(self.clerk.bye, call_id))
        return call

    def current(self, device_id: str) -> Call | None:
        """The device's call that has not ended."""
        return next((c for c in self.calls.values() if c.device_id == device_id and c.alive), None)

    def observe(self, kind: str, facts: Mapping[str, Any], raw: bytes = b"", t: float | None = None) -> None:
        """A fact of the clerk's media peer, on the same trace."""
        self._office.recorder.observe("I5", "-", kind, raw, facts, t=t)

    async def settled(self) -> None:
        """Until everything that the clerk still had to do is done."""
        while tails := [c.tail for c in self.calls.values() if c.tail is not None and not c.tail.done()]:
            await asyncio.wait(tails)

    def give_up(self) -> None:
        """Leave what the clerk still had to do."""
        for call in self.calls.values():
            if call.tail is not None:
                call.tail.cancel()

    # What the device asks

    def _known(self, ask: Ask) -> Call:
        """The call, also one that has ended: what crossed our hang-up on the wire is lawful."""
        call = self.calls.get(str(ask.fields.get("call_id", "")))
        if call is None or call.device_id != ask.device_id:
            raise Refused("unknown-object", "no such call")
        return call

    def _call(self, ask: Ask) -> Call:
        call = self._known(ask)
        if not call.alive:
            raise Refused("unknown-object", "the call has ended")
        return call

    def _answered(self, ask: Ask) -> Answer:
        call = self._call(ask)
        if call.state not in ("invited", "ringing"):
            raise Refused("wrong-state", f"the call is {call.state}")
        call.state = "negotiating"
        return Answer()

    def _rejected(self, ask: Ask) -> Answer:
        call = self._call(ask)
        self.end(call.id, "iut", str(ask.fields.get("reason", "rejected")))
        return Answer()

    def _bye(self, ask: Ask) -> Answer:
        call = self._known(ask)
        self.end(call.id, "iut", str(ask.fields.get("reason", "")))
        return Answer()

    def _offered(self, ask: Ask) -> Answer:
        call = self._call(ask)
        call.connection = ask.fields.get("connection", OMIT)
        if call.crossing:
            call.crossing = False
            call.labels = dict(ask.fields.get("labels") or {})
            self._after(call, partial(self._offer_against, call))
        else:
            self._after(call, partial(self._answer_offer, call, ask.fields))
        return Answer()

    def _media_answered(self, ask: Ask) -> Answer:
        call = self._call(ask)
        if self.clerk is not None:
            self._after(call, partial(self.clerk.answer, call.id, str(ask.fields.get("sdp", ""))))
        return Answer()

    def _candidate(self, ask: Ask) -> Answer:
        call = self._known(ask)
        if self.clerk is not None and call.alive:
            self._after(call, partial(self.clerk.candidate, call.id, ask.fields.get("candidate")))
        return Answer()

    def _state(self, ask: Ask) -> Answer:
        call = self._known(ask)
        if ask.fields.get("state") == "connected" and call.alive and call.state != "connected":
            call.state = "connected"
            self._office.world.records.connected(call.session_id, call.id, self._office.now())
        return Answer()

    # The clerk

    async def _offer_against(self, call: Call) -> None:
        """Glare (RFC 9429 section 4.1.10.2): the clerk is impolite and leaves the device's offer unanswered."""
        if self.clerk is not None:
            sdp = await self.clerk.make_offer(call.id)
            fields = {"call_id": call.id, "sdp": sdp, "labels": dict(call.labels), "connection": call.connection}
            self._send("media.offer", fields, call.device_id, {"lawful": "glare"})

    async def _answer_offer(self, call: Call, fields: Mapping[str, Any]) -> None:
        if self.clerk is None:
            return
        sdp = str(fields.get("sdp", ""))
        call.labels = dict(fields.get("labels") or {})
        answer = await self.clerk.offer(call.id, sdp, call.labels)
        if not call.alive:
            return
        told = {"call_id": call.id, "sdp": answer, "connection": call.connection}
        self._send("media.answer", told, call.device_id)

    def _clerk_candidate(self, call_id: str, candidate: Any) -> None:
        call = self.calls.get(call_id)
        if call is not None and call.alive:
            told = {"call_id": call_id, "candidate": candidate, "connection": call.connection}
            self._send("media.candidate", told, call.device_id)

    def _after(self, call: Call, step: Callable[[], Awaitable[Any]]) -> None:
        """Do a step when the earlier steps of the call are done; its failure is an error of the bench."""
        before = call.tail

        async def run() -> None:
            if before is not None:
                await asyncio.wait([before])
            try:
                await step()
            except Exception as error:
                self._office.bench_error("clerk", f"{type(error).__name__}: {error}", scope="case")

        call.tail = asyncio.get_running_loop().create_task(run())
