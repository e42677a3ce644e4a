"""What is kept of bytes that are no whole request is masked as a whole and cut afterwards: no half of a secret stays."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from city_bench import Rig, bench_errors, in_virtual_time

from mocks.servers.http import EVIDENCE, Deadlines, HttpConnection

FOREIGN = b"110101199003071233"  # nobody's, and no resident of the pack
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


def split(text: bytes, *at: int) -> list[bytes]:
    return [text[begin:end] for begin, end in itertools.pairwise((0, *at, len(text)))]


@pytest.mark.parametrize("value", [FOREIGN, SECRET], ids=["id number", "secret"])
@pytest.mark.parametrize("pieces", [2, 3, 40])
def test_what_is_split_over_fragments_is_masked_and_counted(value: bytes, pieces: int) -> None:
    async def story() -> None:
        rig = await Rig.make().online()
        city, ws = rig.city, rig.ws["I2"]
        city.recorder.add_secret(SECRET)
        meta = b'{"seq":1,"seen":0,"boot_id":"boot-0001","epoch":1}'
        text = b'{"jsonrpc":"2.0","id":"x","method":"nothing","params":{"a":"' + value + b'"},"meta":' + meta + b"}"
        cuts = [text.index(value) + 9] if pieces == 2 else [len(text) * n // pieces for n in range(1, pieces)]
        before = city.recorder.last
        parts = split(text, *cuts)
        for n, part in enumerate(parts):
            await ws.send_frame(0 if n else 1, part, fin=n == len(parts) - 1)
            await ws.send_frame(9, b"a ping in between")
        frames = [e for e in city.recorder.transcript.since(before + 1) if e.obs == "ws.frame" and e.dir == "iut"]
        told = [e for e in frames if e.facts["opcode"] < 8]
        assert [len(e.raw) for e in told] == [len(part) for part in parts]
        assert value not in b"".join(e.raw for e in told)
        assert sum(len(e.facts.get("masked", ())) for e in told) == 1
        assert (told[-1].kind, told[-1].facts["ids"]) == ("request", int(value == FOREIGN))
        assert [e.facts["k"] for e in frames] == sorted(e.facts["k"] for e in frames)
        assert rig.client.got[-1]["error"]["code"] == -32601
        assert bench_errors(city) == []
        for task in rig.client.tasks:
            task.cancel()
        await asyncio.sleep(0)

    in_virtual_time(story)


@pytest.mark.parametrize("ending", ["close", "run"])
def test_a_message_without_an_end_is_evidence_too(ending: str) -> None:
    async def story() -> None:
        rig = Rig.make()
        assert (await rig.client.register()).status == 201
        ws = await rig.open("I2")
        await ws.send_frame(1, b'{"json', fin=False)
        await (ws.close() if ending == "close" else asyncio.sleep(0))
        rig.city.put_down()
        frames = [e for e in rig.city.recorder.transcript if e.obs == "ws.frame" and e.dir == "iut"]
        assert [(e.raw, e.facts["fin"]) for e in frames] == [(b'{"json', False)]
        kinds = [e.obs for e in rig.city.recorder.transcript]
        assert "ws.close" not in kinds[: kinds.index("ws.frame")]

    in_virtual_time(story)
