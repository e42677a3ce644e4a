"""What one connected device costs the simulated city in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from conformance.bench.loop import new_loop
from measure import Figure
from measure.desk import Desk
from measure.swarm import attach, server

TITLE = "Memory of the city for one connected device"
AIM = "at most 20 KiB on the device channel, without TLS"
WARM, SOME, MANY = 100, 1_000, 3_000
SECURE = 300


def measure(desk: Desk) -> list[Figure]:
    """Growth of the server's resident memory over registered and attached devices, after 100 that warm it up.

    What the kernel keeps for sockets is not in it. Recorded messages are in the journal, not in memory.
    """
    del desk
    some, many = _per_device((SOME, MANY), channels=("I2",))
    (both,) = _per_device((SOME,), channels=("I2", "I3"))
    (secure,) = _per_device((SECURE,), channels=("I2",), tls=True)
    return [
        Figure(f"channel, {SOME} devices", f"{some / 1024:.1f} KiB a device", some <= 20 * 1024),
        Figure(f"channel, {MANY} devices", f"{many / 1024:.1f} KiB a device", many <= 20 * 1024),
        Figure(f"channel and signaling, two connections, {SOME} devices", f"{both / 1024:.1f} KiB a device"),
        Figure(f"channel with TLS, {SECURE} devices", f"{secure / 1024:.1f} KiB a device"),
    ]


def _per_device(counts: Sequence[int], *, channels: Sequence[str], tls: bool = False) -> list[float]:
    with server("city", WARM + counts[-1], tls=tls) as city, asyncio.Runner(loop_factory=new_loop) as runner:
        there = WARM
        kept = runner.run(attach(city.told, 0, WARM, None, channels=channels))
        before = city.memory()
        costs = []
        for count in counts:
            kept += runner.run(attach(city.told, there, WARM + count, None, channels=channels))
            there = WARM + count
            costs.append((city.memory() - before) / count)
        return costs
