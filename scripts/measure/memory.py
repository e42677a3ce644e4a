"""What one connected device costs the simulated city in memory."""

from __future__ import annotations

import asyncio

from conformance.bench.loop import new_loop
from measure import Figure
from measure.desk import Desk
from measure.swarm import attach, server

TITLE = "Memory of the city for one connected device (registered, attached on I2 and I3)"
AIM = "at most 20 KiB without TLS"
WARM, COUNT = 50, 200


def measure(desk: Desk) -> list[Figure]:
    """Growth of the server's resident memory over 200 devices, after 50 that warm it up."""
    del desk
    plain, secure = _per_device(tls=False), _per_device(tls=True)
    return [
        Figure("without TLS", f"{plain / 1024:.0f} KiB", plain <= 20 * 1024, f"{COUNT} devices, recorded messages included"),
        Figure("with TLS", f"{secure / 1024:.0f} KiB"),
    ]


def _per_device(*, tls: bool) -> float:
    with server("city", WARM + COUNT, tls=tls) as city, asyncio.Runner(loop_factory=new_loop) as runner:
        kept = runner.run(attach(city.told, 0, WARM, None))
        before = city.memory()
        kept += runner.run(attach(city.told, WARM, WARM + COUNT, None))
        grown = city.memory() - before
    return grown / COUNT
