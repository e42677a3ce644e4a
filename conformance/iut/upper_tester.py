"""I6 drivers that are programs: one over HTTP, one over JSON lines on stdio. The person is in `operator`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from conformance.iut import documents
from conformance.iut.calls import call
from conformance.iut.process import expand, kill_family
from conformance.iut.prompt import Answer, By, NotAvailable, Prompt

ANSWER_LIMIT_S = 20.0  # how long a program may take to say that it has done a thing; not a limit of the specification
QUOTED = 120  # characters of an answer that cannot be read
LINE_LIMIT = 1 << 22  # bytes of one answer: logs and what is left of a resident can be long


def _answer(document: Any) -> Answer:
    if not isinstance(document, Mapping):
        raise OSError(f"the upper tester answered a {type(document).__name__} where an object is asked")
    result = document.get("result")
    told = result if isinstance(result, Mapping) else {}
    return Answer(ok=document.get("ok") is True, result=told, error=str(document.get("error") or ""))


def _read(body: bytes) -> Any:
    """The document of a reply, None where it is no JSON: the page of some server that is no upper tester. Raises Unusable."""
    try:
        return documents.read(body)
    except documents.Unusable:
        raise
    except ValueError:
        return None


def _verbs(hello: Mapping[str, Any]) -> frozenset[str]:
    """The verbs that a tester names. Raises OSError where it names them in another form than the guide's."""
    named = hello.get("verbs", [])
    if not isinstance(named, list):
        raise OSError(f"the upper tester names its verbs in a {type(named).__name__} where a list is asked")
    return frozenset(map(str, named))


def _beginning(body: str) -> str:
    """How a body begins, on one line and in whole words: the mask, through which it goes later, finds no half of a secret."""
    words = "".join(char if char.isprintable() else " " for char in body[: 8 * QUOTED]).split()
    said = ""
    for word in words:
        if len(said) + len(word) >= QUOTED:
            return said or f"{len(body)} characters"
        said = f"{said} {word}".strip()
    return said


class HttpUpperTester:
    """`POST {base}/upper-tester` with `{id, verb, args}`. Test builds serve it on a lab network; nothing secret is sent."""

    by: By = "http"

    def __init__(self, base_url: str) -> None:
        self._url = f"{base_url.rstrip('/')}/upper-tester"
        self._client = httpx.AsyncClient(trust_env=False)
        self._verbs: frozenset[str] | None = None

    async def verbs(self) -> frozenset[str]:
        if self._verbs is None:
            self._verbs = _verbs(await self.hello())
        return self._verbs

    async def hello(self) -> Mapping[str, Any]:
        """What the tester says of itself: verbs, version, firmware. Raises OSError."""
        return (await self._post({"id": "hello", "verb": "hello", "args": {}})).result

    async def ask(self, prompt: Prompt) -> Answer:
        if prompt.verb not in await self.verbs():
            raise NotAvailable(f"the device's upper tester has no verb {prompt.verb!r}")
        return await self._post({"id": prompt.id, "verb": prompt.verb, "args": dict(prompt.args)})

    async def _post(self, document: Mapping[str, Any]) -> Answer:
        asked, headers = json.dumps(document).encode(), [("content-type", "application/json")]
        try:
            reply = await call(
                self._client, "POST", self._url, headers, asked, limit_s=ANSWER_LIMIT_S, limit_bytes=LINE_LIMIT
            )  # fmt: skip
        except OSError as error:
            raise OSError(f"upper tester at {self._url}: {error}") from error
        try:
            told = _read(reply.body)
        except documents.Unusable as error:
            raise OSError(f"upper tester at {self._url}: its answer cannot be used: {error}") from error
        if told is None or (reply.status >= 400 and not (isinstance(told, Mapping) and "ok" in told)):
            said = _beginning(reply.body.decode("utf-8", "replace"))
            what = f"HTTP {reply.status}, and not its answer: {said}" if said else f"HTTP {reply.status} and no body"
            raise OSError(f"upper tester at {self._url}: {what}")
        return _answer(told)

    async def close(self) -> None:
        await self._client.aclose()


class CommandUpperTester:
    """A command that reads one JSON document a line on stdin and answers one a line on stdout, with the question's id.

    One that gave no answer in time, or none that can be read, is ended and started again for the next question: what it would
    still say belongs to no question of ours any more.
    """

    by: By = "command"

    def __init__(self, command: list[str], directory: Path) -> None:
        self._command = command
        self._directory = directory
        self._process: asyncio.subprocess.Process | None = None
        self._verbs: frozenset[str] | None = None
        self._turn = asyncio.Lock()

    async def verbs(self) -> frozenset[str]:
        if self._verbs is None:
            self._verbs = _verbs((await self._exchange({"id": "hello", "verb": "hello", "args": {}})).result)
        return self._verbs

    async def ask(self, prompt: Prompt) -> Answer:
        if prompt.verb not in await self.verbs():
            raise NotAvailable(f"the upper tester command has no verb {prompt.verb!r}")
        return await self._exchange({"id": prompt.id, "verb": prompt.verb, "args": dict(prompt.args)})

    async def _exchange(self, document: Mapping[str, Any]) -> Answer:
        async with self._turn:
            try:
                process = await self._started()
                return await asyncio.wait_for(self._asked(process, document), ANSWER_LIMIT_S)
            except (OSError, ValueError) as error:  # a TimeoutError is an OSError, too
                await self._end()
                why = str(error) or f"none with its id within {ANSWER_LIMIT_S:g} s"
                raise OSError(f"upper tester command {self._command[0]!r} gave no answer: {why}") from error

    async def _asked(self, process: asyncio.subprocess.Process, document: Mapping[str, Any]) -> Answer:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(document, ensure_ascii=False).encode() + b"\n")
        except RuntimeError:  # uvloop's word for a pipe whose reader is gone already
            raise ValueError("it ended") from None
        await process.stdin.drain()
        while True:
            line = await process.stdout.readline()
            if not line:
                raise ValueError("it ended")
            told = documents.read(line)
            if isinstance(told, Mapping) and told.get("id") == document["id"]:
                return _answer(told)

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *expand(self._command), cwd=self._directory, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL, start_new_session=True, limit=LINE_LIMIT,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )  # fmt: skip
        return self._process

    async def close(self) -> None:
        if self._process is not None and self._process.returncode is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), 3)
        await self._end()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            kill_family(process.pid)
            await process.wait()
