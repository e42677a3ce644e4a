"""The bench's handle on the clerk's media process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

ObservationSink = Callable[[str, dict[str, Any], bytes, float], None]
"""(kind, facts, raw, seconds as `stamp` gives them)"""
CandidateSink = Callable[[str, dict[str, Any] | None], None]
"""(call_id, candidate or None for the end of candidates)"""

READY_LIMIT = 10.0  # seconds from start to ready; about one on an idle machine
ANSWER_LIMIT = 10.0
STOP_LIMIT = 3.0
LINE_LIMIT = 4 * 1024 * 1024
SOURCE_ROOT = Path(__file__).resolve().parents[3]  # so that the child finds the package from any working directory


class ClerkError(RuntimeError):
    """The clerk's media peer could not do it: the description was not applicable, or the process is gone."""


class ClerkProcess:
    """One child process with the clerk's media peer. All methods belong to the loop that called `start`.

    `on_observation` and `on_candidate` may be set at any time. `stamp` turns seconds of the monotonic clock, which child and
    bench share, into the clock that observations are told in, such as `SystemClock.from_machine`.
    """

    def __init__(self, stamp: Callable[[float], float] | None = None) -> None:
        self.on_observation: ObservationSink | None = None
        self.on_candidate: CandidateSink | None = None
        self._stamp: Callable[[float], float] = stamp or (lambda monotonic: monotonic)
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] | None = None
        self._pending: dict[int, asyncio.Future[str]] = {}
        self._ref = 0
        self._closing = False

    @property
    def pid(self) -> int | None:
        """Process id while the process runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(
        self, on_observation: ObservationSink | None = None, on_candidate: CandidateSink | None = None
    ) -> None:
        """Start the child and wait until it is ready. Raises ClerkError with the reason it gave."""
        self.on_observation = on_observation or self.on_observation
        self.on_candidate = on_candidate or self.on_candidate
        self._ready = asyncio.get_running_loop().create_future()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "mocks.signaling.clerk", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            # Ctrl-C in the bench's terminal is for the bench: it ends the clerk itself, in order.
            start_new_session=True, creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            limit=LINE_LIMIT, env={**os.environ, "PYTHONPATH": os.pathsep.join(_search_path())},
        )
        self._reader = asyncio.get_running_loop().create_task(self._read())
        try:
            await asyncio.wait_for(asyncio.shield(self._ready), READY_LIMIT)
        except TimeoutError:
            await self.close()
            raise ClerkError(f"not ready within {READY_LIMIT:.0f} s") from None

    async def offer(self, call_id: str, sdp: str, labels: Mapping[str, str]) -> str:
        """The clerk's answer to an offer of the device; labels say what each mid shows. Raises ClerkError."""
        return await self._ask({"cmd": "offer", "call_id": call_id, "sdp": sdp, "labels": dict(labels)})

    async def make_offer(self, call_id: str) -> str:
        """An offer of the clerk on an established call. Raises ClerkError."""
        return await self._ask({"cmd": "make_offer", "call_id": call_id})

    async def answer(self, call_id: str, sdp: str) -> None:
        """The device's answer to `make_offer`. Raises ClerkError."""
        await self._ask({"cmd": "answer", "call_id": call_id, "sdp": sdp})

    async def candidate(self, call_id: str, candidate: Mapping[str, Any] | None) -> None:
        """A candidate of the device: {candidate, sdpMid, sdpMLineIndex}, or None for the end."""
        self._send({"cmd": "candidate", "call_id": call_id, "candidate": dict(candidate) if candidate else None})

    async def bye(self, call_id: str) -> None:
        """The call is over. The peer goes on watching; `media.end` tells when the device's media stopped."""
        self._send({"cmd": "bye", "call_id": call_id})

    async def close(self) -> None:
        """Stop the child: by word, then by force after three seconds."""
        self._closing = True
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ClerkError):
                self._send({"cmd": "stop"})
            try:
                await asyncio.wait_for(process.wait(), STOP_LIMIT)
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._reader is not None:
            await self._reader
        self._process = None

    async def _ask(self, command: dict[str, Any]) -> str:
        self._ref += 1
        ref = self._ref
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._pending[ref] = future
        try:
            self._send({**command, "ref": ref})
            return await asyncio.wait_for(future, ANSWER_LIMIT)
        except TimeoutError:
            raise ClerkError(f"no {command['cmd']} result within {ANSWER_LIMIT:.0f} s") from None
        finally:
            self._pending.pop(ref, None)

    def _send(self, command: Mapping[str, Any]) -> None:
        process = self._process
        if process is None or process.returncode is not None or process.stdin is None or process.stdin.is_closing():
            raise ClerkError("the clerk's media process is not running")
        process.stdin.write(orjson.dumps(command) + b"\n")

    async def _read(self) -> None:
        process = self._process
        if process is None or process.stdout is None:
            return
        while line := await process.stdout.readline():
            self._take(orjson.loads(line))
        code = await process.wait()
        self._gone(code)

    def _take(self, event: Mapping[str, Any]) -> None:
        match event["event"]:
            case "observation":
                self._tell(event["kind"], dict(event["facts"]), event["raw"].encode("utf-8"), event["t"])
            case "candidate" if self.on_candidate is not None:
                self.on_candidate(event["call_id"], event["candidate"])
            case "ready" if self._ready is not None and not self._ready.done():
                self._ready.set_result(None)
            case "fatal" if self._ready is not None and not self._ready.done():
                self._ready.set_exception(ClerkError(event["reason"]))
            case "answer" | "offer" | "taken":
                self._settle(event["ref"], event.get("sdp", ""))
            case "refused" if (future := self._pending.get(event["ref"] or 0)) is not None and not future.done():
                future.set_exception(ClerkError(event["reason"]))
            case _:
                pass  # a refusal that nobody waits for any more

    def _tell(self, kind: str, facts: dict[str, Any], raw: bytes, monotonic: float) -> None:
        if self.on_observation is not None:
            self.on_observation(kind, facts, raw, self._stamp(monotonic))

    def _settle(self, ref: int, text: str) -> None:
        future = self._pending.get(ref)
        if future is not None and not future.done():
            future.set_result(text)

    def _gone(self, code: int) -> None:
        """Nobody may wait for a process that is gone, and its death is the bench's error, never the device's."""
        reason = f"the clerk's media process ended with code {code}"
        if not self._closing:
            self._tell("bench.error", {"where": "clerk", "what": reason}, b"", time.monotonic())
        waiting: list[asyncio.Future[Any]] = [*self._pending.values()]
        if self._ready is not None:
            waiting.append(self._ready)
        for future in waiting:
            if not future.done():
                future.set_exception(ClerkError(reason))


def _search_path() -> list[str]:
    inherited = os.environ.get("PYTHONPATH")
    return [str(SOURCE_ROOT), inherited] if inherited else [str(SOURCE_ROOT)]
