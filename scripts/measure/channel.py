"""The device channel's whole path (frame, decoding, schema, state, journal, answer) against a bare WebSocket echo.

Whole path: picows, masking, strict decoding, the handshake's and the link's state, the schema, the city's handler, the answer's
schema, two lines of the chained journal. The transcript keeps few entries and reads none that nobody asks for; life cycles are
judged from the journal afterwards and are no part of the path. Every round asks all servers in turn and gives one ratio, so that
what else the machine does hits both sides; processor seconds are those of the server's process alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import picows

from conformance.bench.loop import new_loop
from measure import Figure
from measure.desk import Desk, median
from measure.swarm import EchoLink, Link, Server, answered_in, attach, heartbeat, report, server, wire

TITLE = "Device channel against a raw picows echo, exchanges per processor second of the server"
AIM = "at least 0.40 of the echo, without TLS"
LINKS = 16
SECONDS = 1.5
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Round:
    """Exchanges per processor second of each server."""

    echo: float
    event: float
    beat: float
    secure: float


def measure(desk: Desk) -> list[Figure]:
    """Events and heartbeats in a closed loop on 16 connections, the servers in turn; the ratio is the median of the rounds."""
    del desk
    with (
        server("echo") as echo, server("city", LINKS) as events, server("city", LINKS) as beats,
        server("city", LINKS, tls=True) as secure, asyncio.Runner(loop_factory=new_loop) as runner,
    ):  # fmt: skip
        rows = runner.run(_rounds(echo, events, beats, secure))
    ratios = [row.event / row.echo for row in rows]
    spread = max(row.echo for row in rows) / min(row.echo for row in rows)
    size = len(wire("peripheral.report", report()))
    return [
        Figure("raw echo of the same bytes", f"{median([r.echo for r in rows]):,.0f} a CPU second", None,
               f"{size} bytes; between rounds it varied by {spread:.2f}"),
        Figure("event through the channel, journal written", f"{median([r.event for r in rows]):,.0f} a CPU second"),
        Figure("ratio", f"{median(ratios):.3f}", median(ratios) >= 0.40, f"rounds {min(ratios):.3f} to {max(ratios):.3f}"),
        Figure("the same with TLS", f"{median([r.secure for r in rows]):,.0f} a CPU second", None,
               f"{median([r.secure / r.echo for r in rows]):.3f} of the echo without TLS"),
        Figure("heartbeat with eleven peripherals", f"{median([r.beat for r in rows]):,.0f} a CPU second", None,
               f"{len(wire('heartbeat', heartbeat()))} bytes"),
    ]  # fmt: skip


async def _rounds(echo: Server, events: Server, beats: Server, secure: Server) -> list[Round]:
    echoes = []
    for _ in range(LINKS):
        link = EchoLink(wire("peripheral.report", report()))
        await picows.ws_connect(lambda link=link: link, echo.told["ws"])
        echoes.append(link)
    reporting = await attach(events.told, 0, LINKS, report())
    beating = await attach(beats.told, 0, LINKS, heartbeat())
    safely = await attach(secure.told, 0, LINKS, report())
    return [
        Round(await _rate(echo, echoes), await _rate(events, reporting), await _rate(beats, beating), await _rate(secure, safely))
        for _ in range(ROUNDS)
    ]


async def _rate(of: Server, links: Sequence[Link | EchoLink]) -> float:
    before = of.cpu_s()
    count = await answered_in(links, SECONDS)
    return count / max(of.cpu_s() - before, 1e-6)
