# ruff: noqa: N802 - the names of the stack's own methods
"""Candidates that come while the clerk still applies a description: none is lost, and the end of candidates overtakes none."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mocks.signaling.clerk.peer import ClerkCall

HOST = "candidate:1 1 udp 2122194687 127.0.0.1 {port} typ host"


class SlowStack:
    """A connection whose description is in force, and gathering goes on, before `setRemoteDescription` returns."""

    def __init__(self) -> None:
        self.remoteDescription: Any = None
        self.gathered = asyncio.Event()
        self.applied: list[int | None] = []

    def getReceivers(self) -> list[Any]:
        return []

    async def setRemoteDescription(self, description: Any) -> None:
        self.remoteDescription = description
        await self.gathered.wait()

    async def addIceCandidate(self, candidate: Any) -> None:
        turn = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(turn.set_result, None)  # other commands come in between
        await turn
        self.applied.append(candidate and candidate.port)


def test_candidates_wait_for_the_description_and_keep_their_order() -> None:
    async def scenario() -> list[int | None]:
        with ThreadPoolExecutor(1) as pool:
            call = ClerkCall("call-1", lambda *_: None, lambda *_: None, pool)
            stack = call.connection = SlowStack()
            answer = asyncio.create_task(call.take_answer("v=0\r\n"))
            told = [asyncio.create_task(call.candidate({"candidate": HOST.format(port=port)})) for port in (1, 2)]
            await asyncio.gather(*told)
            assert stack.remoteDescription is not None
            assert stack.applied == []
            stack.gathered.set()
            late = [asyncio.create_task(call.candidate(each)) for each in ({"candidate": HOST.format(port=3)}, None)]
            await asyncio.gather(answer, *late)
            return stack.applied

    assert asyncio.run(scenario()) == [1, 2, 3, None]
