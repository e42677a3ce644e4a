"""The world of one run: recorder, city, device. The one place that wires concrete parts together.

Two worlds are built here from the same parts: in memory on a loop in virtual time, and on real sockets. What differs is the
transport and where the device lives; the city, the device's code and everything that judges are the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

from conformance.bench.device import DeviceHandle
from conformance.bench.devicelog import DeviceLog
from conformance.bench.seat import Seat
from conformance.spec.model import Spec
from conformance.trace.recorder import Recorder
from mocks.city import City

Settle = Callable[[], Awaitable[None]]


@dataclass
class World:
    """Everything that a case can touch, and how to leave it."""

    spec: Spec
    recorder: Recorder
    city: City
    device: DeviceHandle
    timers_ms: Mapping[str, float]
    pics: Mapping[str, Any]
    transport: Literal["memory", "sockets"]
    media: bool
    log: DeviceLog | None = None  # the device's own log
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def __post_init__(self) -> None:
        self.seat = Seat(self.city)

    async def settle(self) -> None:
        """Let what was asked of the clerk's media peer come to its end, so that it is recorded in its own case."""
        await self.city.hub.settled()

    async def close(self) -> None:
        """Stop the device, the servers and the children, in the reverse order of their start."""
        await self.stack.aclose()
