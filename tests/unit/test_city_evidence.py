"""What is kept of bytes that are no whole request is masked as a whole and cut afterwards: no half of a secret stays."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from city_bench import Rig, in_virtual_time

from mocks.servers.http import EVIDENCE, Deadlines, HttpConnection

SECRET = b"a-very-secret-token-of-a-device"
REQUEST = b"OPTIONS /docking/v1/time HTTP/1.1\r\nhost: city.test\r\n\r\n"


class Wire(asyncio.Transport):
    """Takes what is written, and nothing more."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        del name
        return default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Gone."""

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """Left to the test."""


@pytest.mark.parametrize(
    ("kind", "chunks"),
    [
        ("http.stray", [REQUEST, b"GET /?" + SECRET[:9], SECRET[9:] + b" HTTP"]),
        ("http.stray", [REQUEST + SECRET[:9], SECRET[9:]]),
        ("http.stray", [REQUEST, b"x" * (EVIDENCE - 9) + SECRET]),
        ("http.fragment", [b"GET /?" + b"x" * (EVIDENCE - 20) + SECRET]),
    ],
)
def test_no_half_of_a_secret_is_recorded(kind: str, chunks: list[bytes]) -> None:
    async def story() -> None:
        city = Rig.make().city
        city.recorder.add_secret(SECRET)
        await city.faults.start("slow", ms=1000)  # the answer is owed while the rest comes
        connection = HttpConnection(city, "I1", itertools.count(1), set(), Deadlines())
        connection.connection_made(Wire())
        for chunk in chunks:
            connection.data_received(chunk)
        connection.connection_lost(None)
        (entry,) = [entry for entry in city.recorder.transcript if entry.obs == kind]
        assert SECRET[:8] not in entry.raw
        assert len(entry.raw) <= EVIDENCE
        assert [row["kind"] for row in entry.facts["masked"]] == ["secret"]

    in_virtual_time(story)
