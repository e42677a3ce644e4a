"""The channel's path in steps, in one group, so that they are read as ratios of one run. Nothing here is judged by a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from channel_bench import AttachedDevice, on_a_loop

from conformance.protocol import strictjson
from conformance.spec.loader import load
from conformance.trace.journal import read_journal

pytestmark = pytest.mark.benchmark(group="one report on the device channel")


@pytest.fixture(params=[None, 500], ids=["whole transcript", "transcript that forgets"])
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AttachedDevice]:
    with asyncio.Runner() as runner:
        made = on_a_loop(runner, partial(AttachedDevice, tmp_path / "journal.jsonl", keep=request.param))
        yield made
        made.close()


@pytest.fixture(scope="module")
def payload() -> bytes:
    meta = {"seq": 1, "seen": 0, "boot_id": "boot-0001", "epoch": 1}
    body = load().examples["peripheral.report/request"]
    return orjson.dumps({"jsonrpc": "2.0", "id": "h-1", "method": "peripheral.report", "params": body, "meta": meta})


def test_whole_path(device: AttachedDevice, benchmark: Any) -> None:
    answer = orjson.loads(benchmark(device.exchange))
    assert answer["result"] == {"accepted": True}
    device.recorder.flush()
    read = read_journal(device.writer.path)
    assert read.intact
    assert read.observations[-1].raw == device.wire.last
    assert device.recorder.transcript.entries[-1].request.role == "peripheral.report"


def test_decoding_alone(payload: bytes, benchmark: Any) -> None:
    assert benchmark(strictjson.loads, payload)["method"] == "peripheral.report"


def test_orjson_alone(payload: bytes, benchmark: Any) -> None:
    assert benchmark(orjson.loads, payload)["method"] == "peripheral.report"
