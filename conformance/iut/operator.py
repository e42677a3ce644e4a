"""The operator in the terminal: the I6 driver that is a person. A prompt closes by Enter, or by what was asked being seen."""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Final, TextIO

from conformance.iut.prompt import Answer, By, NotAvailable, Prompt, known_verbs

PATIENCE_S: Final = 600.0  # after that the operator has gone: inconclusive, never a hang
_NO: Final = ("n", "无", "否")


class OperatorUpperTester:
    """The person in the lab. `observed` may be set while a prompt is open: what was asked was seen to happen, so the prompt
    closes by itself. Without prompts allowed every question is NotAvailable: inconclusive, never a hang."""

    by: By = "operator"

    def __init__(
        self, show: Callable[[Prompt], None], source: TextIO | None = None, *, allowed: bool = True,
        patience_s: float = PATIENCE_S,
    ) -> None:  # fmt: skip
        self._show = show
        self._source = sys.stdin if source is None else source
        self._allowed = allowed
        self._patience_s = patience_s
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._ended = False
        self._reader: threading.Thread | None = None
        self.observed = asyncio.Event()

    async def verbs(self) -> frozenset[str]:
        return known_verbs() if self._allowed else frozenset()

    async def ask(self, prompt: Prompt) -> Answer:
        if not self._allowed:
            raise NotAvailable("prompts are switched off and no program serves this stimulus")
        self.observed.clear()
        self._forget_early_keys()
        self._show(prompt)
        try:
            return await asyncio.wait_for(self._answered(prompt), self._patience_s)
        except TimeoutError:
            raise NotAvailable(f"nobody answered the prompt within {self._patience_s:.0f} s") from None

    async def _answered(self, prompt: Prompt) -> Answer:
        lines: list[str] = []
        while True:
            line = await self._next_line()
            if line is None or not prompt.wants_text or line == "":
                break
            lines.append(line)
        if line is None and not self.observed.is_set():
            raise NotAvailable("the operator's terminal was closed")
        if not prompt.wants_text and (line or "").strip().lower().startswith(_NO):
            raise NotAvailable("the operator said that it cannot be done")
        return Answer(ok=True, result={"text": lines} if prompt.wants_text else {})

    async def _next_line(self) -> str | None:
        """The next typed line; None at the end of input or when the event was observed."""
        if self._reader is None:
            self._reader = threading.Thread(target=self._read, name="rvw-operator", daemon=True)
            self._reader.start()
        while not self.observed.is_set():
            try:
                line = self._lines.get_nowait()
            except queue.Empty:
                if self._ended:
                    return None
                await self._look_again()
                continue
            self._ended = self._ended or line is None
            if line is not None:
                return line
        return None

    async def _look_again(self) -> None:
        """A look at the keyboard ten times a second, at once when the event is observed."""
        try:
            await asyncio.wait_for(self.observed.wait(), 0.1)
        except TimeoutError:
            return

    def _forget_early_keys(self) -> None:
        """Enter pressed after the event had closed a prompt must not answer the next one. A script is read line by line."""
        while self._source.isatty() and not self._lines.empty():
            if self._lines.get_nowait() is None:
                self._ended = True

    def _read(self) -> None:
        for line in _typed(self._source):
            self._lines.put(line.rstrip("\r\n"))
        self._lines.put(None)

    async def close(self) -> None:
        return


def _typed(source: TextIO) -> Iterator[str]:
    """Lines as they are typed. A pipe or terminal is read by its number: a thread that waits inside the interpreter's own
    buffered stdin would keep the program from ending."""
    try:
        number = source.fileno()
    except (OSError, ValueError):
        yield from source
        return
    rest = b""
    while chunk := os.read(number, 4096):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(source.encoding or "utf-8", "replace") for line in lines)
    if rest:
        yield rest.decode(source.encoding or "utf-8", "replace")
