"""The journal on disk: append-only JSON lines, each naming the SHA-256 of the exact bytes of the line before.

A cut at any byte leaves everything before it readable; an edit shows as a break. Payloads over 16 KiB lie beside it as blobs
named by their digest. A start after a crash opens a segment that names the last good line (decision 10).
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from conformance.trace.observation import Observation

GENESIS: Final = "0" * 64
FLUSH_S: Final = 0.05
TOGETHER: Final = 100  # lines made at once, at most: a third of a millisecond


class JournalWriter:
    """Writes one run's journal. Everything is on its way to the disk at most 50 ms after `append`, and at `flush`.

    Lines are made and chained some at a time, in order: one after another they cost half as much as each between other work.
    Nobody may change an observation that was appended. Raises OSError from `append` or `flush` when the disk is full; what was
    written stays readable.
    """

    def __init__(self, path: Path, *, prev: str = GENESIS) -> None:
        self.path = path
        self._prev = prev
        self._waiting: list[Observation] = []
        self._file: BinaryIO = path.open("ab", buffering=256 * 1024)
        self._blobs = path.parent / "blobs"
        self._timer: asyncio.TimerHandle | None = None
        self.failed: OSError | None = None  # a background flush that failed; raised at the next append

    def append(self, observation: Observation) -> None:
        """Add one line."""
        if self.failed is not None:
            raise self.failed
        self._waiting.append(observation)
        if len(self._waiting) >= TOGETHER:
            self._write()
        if self._timer is None:
            self._schedule()

    def _write(self) -> None:
        """Make the lines of what waits and put them into the file's buffer."""
        waiting, self._waiting = self._waiting, []
        lines, prev = [], self._prev
        try:
            for observation in waiting:
                line = observation.as_line(prev)
                prev = hashlib.sha256(line).hexdigest()
                lines.append(line)
        except (TypeError, ValueError) as error:
            raise OSError(errno.EINVAL, f"an observation that is no JSON: {error}") from error
        finally:
            lines.append(b"")
            self._prev = prev
            self._file.write(b"\n".join(lines))

    def store_blob(self, raw: bytes) -> str:
        """Put a large payload beside the journal; returns its name."""
        name = hashlib.sha256(raw).hexdigest()
        self._blobs.mkdir(exist_ok=True)
        target = self._blobs / name
        if not target.exists():
            target.write_bytes(raw)
        return name

    def _schedule(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._timer = loop.call_later(FLUSH_S, self._tick)

    def _tick(self) -> None:
        self._timer = None
        try:
            self.flush()
        except OSError as error:
            self.failed = error

    def flush(self, *, to_disk: bool = False) -> None:
        """Hand everything to the operating system, with `to_disk` also to the disk."""
        if self._waiting:
            self._write()
        self._file.flush()
        if to_disk:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Flush to the disk and close. A disk that is full now is remembered in `failed`: what it took stays readable."""
        if self._timer is not None:
            self._timer.cancel()
        acts: tuple[Callable[[], object], ...] = (lambda: self.flush(to_disk=True), self._file.close)
        for act in acts:
            try:
                act()
            except OSError as error:
                self.failed = self.failed or error


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the journal is not what was written."""

    line: int  # 1-based
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


@dataclass
class JournalRead:
    """What could be read, and where the chain breaks. `torn` is a cut last line: normal after a kill."""

    observations: list[Observation] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    torn: bool = False
    last_digest: str = GENESIS

    @property
    def intact(self) -> bool:
        """Whether every line follows from the one before."""
        return not self.breaks


def read_journal(path: Path) -> JournalRead:
    """Read as far as it goes. Raises OSError where there is no file; anything else is told in the result."""
    result = JournalRead()
    data = path.read_bytes()
    *complete, last = data.split(b"\n")
    if _is_whole(last):  # only its line end was cut off
        complete.append(last)
        last = b""
    result.torn = last != b""
    for number, line in enumerate(complete, start=1):
        _read_line(result, number, line, path.parent / "blobs")
    return result


def _is_whole(line: bytes) -> bool:
    """An object's text is no JSON before its last brace, so a line that parses is whole."""
    try:
        return type(orjson.loads(line)) is dict
    except orjson.JSONDecodeError:
        return False


def _read_line(result: JournalRead, number: int, line: bytes, blobs: Path) -> None:
    try:
        parsed = orjson.loads(line)
        blob = (blobs / _blob_name(parsed["blob"])).read_bytes() if "blob" in parsed else None
        observation = Observation.from_json(parsed, blob)
        prev = parsed["prev"]
    except (ValueError, KeyError, TypeError, OSError) as error:
        result.breaks.append(Break(number, f"unreadable: {type(error).__name__}: {error}"))
        return
    if blob is not None and hashlib.sha256(blob).hexdigest() != observation.blob:
        result.breaks.append(Break(number, "the blob is not the one that was recorded"))
    if prev != result.last_digest:
        result.breaks.append(Break(number, "does not follow from the line before"))
    elif observation.kind == "segment" and result.breaks and observation.facts.get("after") == prev:
        # A crash tore the line between: the segment names the last good line, so nothing was taken out unseen.
        result.breaks = [b for b in result.breaks if b.line != number - 1]
    result.last_digest = hashlib.sha256(line).hexdigest()
    result.observations.append(observation)


def _blob_name(name: Any) -> str:
    if not (isinstance(name, str) and len(name) == 64 and all(c in "0123456789abcdef" for c in name)):
        raise ValueError(f"no blob name: {name!r}")
    return name


def reopen(path: Path) -> tuple[JournalWriter, JournalRead]:
    """Go on with a journal after a crash: a torn last line is closed off, the caller then writes a `segment` line whose
    `after` is `JournalRead.last_digest`."""
    read = read_journal(path)
    if not path.read_bytes().endswith(b"\n"):
        with path.open("ab") as file:
            file.write(b"\n")
    return JournalWriter(path, prev=read.last_digest), read


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The parsed lines, unchecked, for tools and tests."""
    with path.open("rb") as file:
        for line in file:
            yield orjson.loads(line)
