"""What the hash chain costs: appends through the journal against plain appends of the same lines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import orjson

from conformance.trace.journal import JournalWriter, read_journal
from conformance.trace.observation import Observation
from measure import Figure
from measure.desk import Desk, median

TITLE = "Journal: chained append against plain append"
AIM = "at least 0.6 of the plain append; reading back finds an unbroken chain"
COUNT = 100_000
BATCH = 500  # lines between two looks of the loop at its timers
ROUNDS = 5


def measure(desk: Desk) -> list[Figure]:
    """Both ways in turn, so that the machine's moods hit both; the ratio is the median of the rounds.

    Both run on an event loop that looks at its timers between batches: the journal is flushed every 50 ms as in a run, the plain
    file when its buffer is full and at the end.
    """
    payload = orjson.dumps(
        {"jsonrpc": "2.0", "id": "c-1", "method": "heartbeat", "params": {"state": "idle", "mode": "normal", "uptime_ms": 123456,
         "device_time": "2026-06-01T10:00:00.000+08:00", "peripherals": [{"id": f"p{n}", "status": "ready"} for n in range(8)]}}
    )  # fmt: skip
    observations = [
        Observation(n, n / 1000, "hbt.steady", "I2", "iut", "ws.frame", payload, {"conn": "ws-1", "opcode": 1, "fin": True}, "")
        for n in range(COUNT)
    ]
    chained, plain, ratios = [], [], []
    for number in range(ROUNDS):
        plain.append(_plain(desk.scratch / f"plain-{number}.jsonl", observations))
        chained.append(_chained(desk.scratch / f"chained-{number}.jsonl", observations))
        ratios.append(chained[-1] / plain[-1])
    begin = time.perf_counter()
    read = read_journal(desk.scratch / "chained-0.jsonl")
    verify = COUNT / (time.perf_counter() - begin)
    return [
        Figure("plain append", f"{median(plain):,.0f} lines/s", None, f"{len(payload)} bytes of payload a line"),
        Figure("chained append", f"{median(chained):,.0f} lines/s"),
        Figure("ratio", f"{median(ratios):.2f}", median(ratios) >= 0.6, f"rounds {min(ratios):.2f} to {max(ratios):.2f}"),
        Figure("reading back and checking the chain", f"{verify:,.0f} lines/s", read.intact and len(read.observations) == COUNT),
    ]


def _chained(path: Path, observations: list[Observation]) -> float:
    writer = JournalWriter(path)
    rate = asyncio.run(_rate(observations, writer.append, writer.flush))
    writer.close()
    return rate


def _plain(path: Path, observations: list[Observation]) -> float:
    """The same lines with a constant in the place of the digest."""
    with path.open("ab", buffering=256 * 1024) as file:
        nothing = "0" * 64

        def append(observation: Observation) -> None:
            file.write(observation.as_line(nothing) + b"\n")

        return asyncio.run(_rate(observations, append, file.flush))


async def _rate(observations: list[Observation], append: Callable[[Observation], None], flush: Callable[[], None]) -> float:
    begin = time.perf_counter()
    for start in range(0, len(observations), BATCH):
        for observation in observations[start : start + BATCH]:
            append(observation)
        await asyncio.sleep(0)
    flush()
    return len(observations) / (time.perf_counter() - begin)
