"""Lines are made some at a time, and nobody who reads the file can tell."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from conformance.trace.journal import FLUSH_S, GENESIS, TOGETHER, JournalWriter, read_journal
from conformance.trace.observation import Observation


def rows(count: int) -> list[Observation]:
    return [Observation(n, n / 10, "case", "I2", "iut", "ws.frame", b'{"n":%d}' % n, {"conn": "c1"}) for n in range(count)]


def one_by_one(observations: list[Observation]) -> bytes:
    written, prev = b"", GENESIS
    for observation in observations:
        line = observation.as_line(prev)
        prev = hashlib.sha256(line).hexdigest()
        written += line + b"\n"
    return written


@pytest.mark.parametrize("count", [0, 1, TOGETHER - 1, TOGETHER, TOGETHER + 1, 3 * TOGETHER])
def test_the_bytes_are_those_of_lines_made_one_by_one(tmp_path: Path, count: int) -> None:
    writer = JournalWriter(tmp_path / "journal.jsonl")
    for number, observation in enumerate(rows(count)):
        writer.append(observation)
        if number % 7 == 0:
            writer.flush()
    writer.close()
    assert writer.path.read_bytes() == one_by_one(rows(count))
    assert writer.failed is None


def test_what_was_appended_is_in_the_file_in_time_though_nobody_asks(tmp_path: Path) -> None:
    async def append() -> bytes:
        for observation in rows(3):
            writer.append(observation)
        await asyncio.sleep(2 * FLUSH_S)
        return writer.path.read_bytes()  # as a kill would leave it

    writer = JournalWriter(tmp_path / "journal.jsonl")
    assert asyncio.run(append()) == one_by_one(rows(3))
    writer.close()


def test_a_line_that_cannot_be_made_is_noticed_and_spares_those_before_it(tmp_path: Path) -> None:
    async def append() -> None:
        for observation in (*rows(2), Observation(2, 0.2, "", "I2", "iut", "ws.frame", b"{}", {"k": 1 << 70})):
            writer.append(observation)
        await asyncio.sleep(2 * FLUSH_S)
        with pytest.raises(OSError, match="no JSON"):
            writer.append(rows(1)[0])

    writer = JournalWriter(tmp_path / "journal.jsonl")
    asyncio.run(append())
    writer.close()
    read = read_journal(writer.path)
    assert read.intact
    assert read.observations == rows(2)


def test_a_journal_of_another_format_is_not_guessed_at(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    file.write_bytes(one_by_one(rows(2)).replace(b'"v":1', b'"v":2'))
    read = read_journal(file)
    assert read.observations == []
    assert "a line of format 2; this harness reads format 1" in read.breaks[0].reason
