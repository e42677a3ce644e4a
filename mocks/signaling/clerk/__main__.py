"""The clerk's media peer as a process: commands as JSON lines on stdin, events as JSON lines on stdout.

A process of its own keeps encryption, encoding and decoding away from the loop that times the wire. Commands:
`offer`, `make_offer`, `answer`, `candidate`, `bye`, `stop`; the end of stdin stops it too. Every event carries `t`, seconds
of the monotonic clock, which parent and child share.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson

from mocks.signaling.clerk import stack
from mocks.signaling.clerk.peer import ApplyError, ClerkCall

LINE_LIMIT = 4 * 1024 * 1024  # bytes; a description is far below


class ClerkSeat:
    """All calls of one process."""

    def __init__(self) -> None:
        self._calls: dict[str, ClerkCall] = {}
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pictures")
        self._commands: dict[str, Callable[[Mapping[str, Any]], Awaitable[None]]] = {
            "offer": self._offer, "make_offer": self._make_offer, "answer": self._answer,
            "candidate": self._candidate, "bye": self._bye,
        }
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until `stop` or the end of stdin."""
        reader = asyncio.StreamReader(limit=LINE_LIMIT)
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        _event({"event": "ready"})
        while line := await reader.readline():
            command = orjson.loads(line)
            if command["cmd"] == "stop":
                break
            self._begin(command)
        for call in list(self._calls.values()):
            await call.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, command: Mapping[str, Any]) -> None:
        handler = self._commands.get(command["cmd"])
        if handler is None:
            _observe("bench.error", {"where": "clerk", "what": f"unknown command {command['cmd']}"})
            return
        task = asyncio.get_running_loop().create_task(self._guard(handler(command), command))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _guard(self, work: Awaitable[None], command: Mapping[str, Any]) -> None:
        """No command may end the process; what goes wrong is told as the bench's own error."""
        try:
            await work
        except ApplyError as error:
            _event({"event": "refused", "call_id": command["call_id"], "ref": command.get("ref"), "reason": str(error)})
        except Exception as error:
            what = f"{command['cmd']}: {type(error).__name__}: {error}"
            logging.getLogger("clerk").exception("%s", what)
            _observe("bench.error", {"where": "clerk", "what": what, "call_id": command.get("call_id")})
            _event({"event": "refused", "call_id": command.get("call_id"), "ref": command.get("ref"), "reason": what})

    def _call(self, call_id: str) -> ClerkCall:
        call = self._calls.get(call_id)
        if call is None:
            call = self._calls[call_id] = ClerkCall(call_id, _observe, _candidate, self._pool)
        return call

    async def _offer(self, command: Mapping[str, Any]) -> None:
        text = await self._call(command["call_id"]).answer(command["sdp"], command["labels"])
        _event({"event": "answer", "call_id": command["call_id"], "ref": command["ref"], "sdp": text})

    async def _make_offer(self, command: Mapping[str, Any]) -> None:
        text = await self._call(command["call_id"]).make_offer()
        _event({"event": "offer", "call_id": command["call_id"], "ref": command["ref"], "sdp": text})

    async def _answer(self, command: Mapping[str, Any]) -> None:
        await self._call(command["call_id"]).take_answer(command["sdp"])
        _event({"event": "taken", "call_id": command["call_id"], "ref": command["ref"]})

    async def _candidate(self, command: Mapping[str, Any]) -> None:
        call = self._calls.get(command["call_id"])
        if call is not None:
            await call.candidate(command["candidate"])

    async def _bye(self, command: Mapping[str, Any]) -> None:
        call = self._calls.get(command["call_id"])
        if call is not None:
            await call.bye()


def _event(event: Mapping[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps({**event, "t": time.monotonic()}) + b"\n")
    sys.stdout.buffer.flush()


def _observe(kind: str, facts: Mapping[str, Any], raw: str = "") -> None:
    _event({"event": "observation", "kind": kind, "facts": facts, "raw": raw})


def _candidate(call_id: str, candidate: Mapping[str, Any] | None) -> None:
    _event({"event": "candidate", "call_id": call_id, "candidate": candidate})


def main() -> int:
    """Exit code 0 after `stop`, 3 when the media stack is not the one that was asked for."""
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    try:
        stack.install()
    except stack.StackMismatch as error:
        _event({"event": "fatal", "reason": f"media stack: {error}"})
        return 3
    asyncio.run(ClerkSeat().run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
