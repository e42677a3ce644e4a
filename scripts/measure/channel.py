"""The device channel's whole path (frame, journal, decoding, validation, state, answer) against a bare WebSocket echo."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import picows

from conformance.bench.loop import new_loop
from measure import Figure
from measure.desk import Desk, median
from measure.swarm import EchoLink, Link, Server, answered_in, attach, heartbeat, heartbeat_bytes, server

TITLE = "Device channel against a raw picows echo, exchanges per processor second of the server"
AIM = "at least 0.40 of the echo, without TLS"
LINKS = 16
SECONDS = 2.0
ROUNDS = 3


def measure(desk: Desk) -> list[Figure]:
    """Heartbeats in a closed loop on 16 connections, the two servers in turn; the ratio is the median of the rounds."""
    del desk
    with (
        server("echo") as echo, server("city", LINKS) as plain, server("city", LINKS, tls=True) as secure,
        asyncio.Runner(loop_factory=new_loop) as runner,
    ):  # fmt: skip
        rows = runner.run(_rounds(echo, plain, secure))
    raw, channel, tls = zip(*rows, strict=True)
    ratio = median([c / e for e, c, _ in rows])
    spread = max(raw) / min(raw)
    note = f"the echo alone varied by {spread:.2f} between rounds" if spread > 1.25 else ""
    return [
        Figure("raw echo of the same bytes", f"{median(raw):,.0f} a CPU second", None, f"{len(heartbeat_bytes())} bytes"),
        Figure("heartbeat through the channel, journal written", f"{median(channel):,.0f} a CPU second"),
        Figure("ratio", f"{ratio:.3f}", ratio >= 0.40, note),
        Figure("the same with TLS", f"{median(tls):,.0f} a CPU second"),
    ]


async def _rounds(echo: Server, plain: Server, secure: Server) -> list[tuple[float, float, float]]:
    echoes = []
    for _ in range(LINKS):
        link = EchoLink(heartbeat_bytes())
        await picows.ws_connect(lambda link=link: link, echo.told["ws"])
        echoes.append(link)
    ours = await attach(plain.told, 0, LINKS, heartbeat())
    ours_tls = await attach(secure.told, 0, LINKS, heartbeat())
    return [
        (await _rate(echo, echoes), await _rate(plain, ours), await _rate(secure, ours_tls)) for _ in range(ROUNDS)
    ]


async def _rate(of: Server, links: Sequence[Link | EchoLink]) -> float:
    before = of.cpu_s()
    count = await answered_in(links, SECONDS)
    return count / max(of.cpu_s() - before, 1e-6)
