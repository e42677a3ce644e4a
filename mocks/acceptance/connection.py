"""One WebSocket connection of a device, and a call of ours that waits for its reply."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from conformance.protocol.envelope import Envelope
from conformance.spec.model import Interface, Message
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Entry
from mocks.acceptance.link import Link
from mocks.acceptance.registry import Registered

TEXT, CONTINUATION, BINARY, CLOSE, PING = 1, 0, 2, 8, 9

State = Literal["new", "challenged", "proven", "ready", "closed"]


class WsPort(Protocol):
    """What a shell gives for one open WebSocket. Calls after the end are harmless."""

    def send(self, opcode: int, payload: bytes, fin: bool = True, rsv1: bool = False) -> None:
        """One frame onto the wire."""
        ...

    def close(self, code: int, reason: str = "") -> None:
        """Close frame, then the connection."""
        ...

    def abort(self) -> None:
        """Cut without a close frame."""
        ...


@dataclass(slots=True)
class Connection:
    """State of one socket on I2 or I3."""

    id: str
    interface: Interface
    port: WsPort
    envelope: Envelope
    state: State = "new"
    nonce: str = ""
    challenge_id: Any = None
    claimed: Registered | None = None  # proven by the challenge or the login, not yet attached
    link: Link | None = None
    held: list[tuple[bytes, dict[str, Any]]] = field(default_factory=list)  # fragments of a message that goes on, with facts
    held_bytes: int = 0

    @property
    def device_id(self) -> str:
        """The proven device's id, or empty."""
        return self.claimed.id if self.claimed is not None else ""


class PendingCall:
    """A call to a device. Await it for the reply's entry; None once the limit has passed (later ones are recorded)."""

    def __init__(self, message: Message, call_id: Any, recorder: Recorder, timer: str, limit_s: float) -> None:
        self.message = message
        self.id = call_id
        self.entry: Entry | None = None  # the request on the wire; None while it waits for a connection
        self.timer = timer
        self.limit_s = limit_s
        self._recorder = recorder
        self._reply: asyncio.Future[Entry | None] = asyncio.get_running_loop().create_future()

    @property
    def done(self) -> bool:
        """Whether the reply is there."""
        return self._reply.done()

    def settle(self, reply: Entry | None) -> None:
        """The reply came, or never will (None)."""
        if not self._reply.done():
            self._reply.set_result(reply)

    def __await__(self) -> Generator[Any, None, Entry | None]:
        return self.reply().__await__()

    async def reply(self) -> Entry | None:
        """The reply's entry, or None at the limit. The wait itself is on the record."""
        if not self._reply.done():
            wait = {"what": f"reply to {self.message.name}", "timer": self.timer, "limit_ms": round(self.limit_s * 1000)}
            self._recorder.observe("", "-", "wait", facts=wait)
            try:
                await asyncio.wait_for(asyncio.shield(self._reply), self.limit_s)
            except TimeoutError:
                self._recorder.observe("", "-", "wait.end", facts={**wait, "ok": False})
                return None
            self._recorder.observe("", "-", "wait.end", facts={**wait, "ok": True})
        return self._reply.result()
