"""The device's disk, as a directory or in memory."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

__all__ = ["DirStorage", "MemoryStorage"]


class MemoryStorage:
    """A disk for runs in memory. Hand the same object to the next boot and it is a power loss."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def read(self, name: str) -> str | None:
        """The text, or None."""
        return self.texts.get(name)

    def write(self, name: str, text: str) -> None:
        """Replace the text."""
        self.texts[name] = text

    def remove(self, name: str) -> None:
        """Remove it."""
        self.texts.pop(name, None)

    def names(self) -> list[str]:
        """Everything stored."""
        return sorted(self.texts)


class DirStorage:
    """One directory, no sub-directories of its own making.

    What is written reaches the disk in a thread, in order: a disk may take a second or two to put a file in the place of another,
    and a device that waits for it meanwhile misses its heartbeats. Who reads here sees what was written last.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._unsaved: dict[str, str | None] = {}  # newest text of what is on its way; None: to be removed
        self._lock = threading.Lock()
        self._writer = ThreadPoolExecutor(1, "disk")  # its work is done to the end before the interpreter exits

    def read(self, name: str) -> str | None:
        """The text, or None. What is no text is read as replacement characters: it is there all the same."""
        with self._lock:
            if name in self._unsaved:
                return self._unsaved[name]
        try:
            return (self.directory / name).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None

    def write(self, name: str, text: str) -> None:
        """Replace the text in one step, so that a power loss leaves the old or the new one."""
        self._later(name, text)

    def remove(self, name: str) -> None:
        """Remove it."""
        self._later(name, None)

    def names(self) -> list[str]:
        """Every file, whoever wrote it."""
        with self._lock:
            unsaved = dict(self._unsaved)
        there = {p.relative_to(self.directory).as_posix() for p in self.directory.rglob("*") if p.is_file()}
        there -= {_fresh(name) for name in unsaved}  # half written, by us
        gone = {name for name, text in unsaved.items() if text is None}
        return sorted((there | set(unsaved)) - gone)

    def settle(self) -> None:
        """Wait until everything is on the disk."""
        self._writer.submit(lambda: None).result()

    def _later(self, name: str, text: str | None) -> None:
        with self._lock:
            self._unsaved[name] = text
        self._writer.submit(self._save, name)

    def _save(self, name: str) -> None:
        with self._lock:
            if name not in self._unsaved:
                return  # a newer text went ahead of this turn
            text = self._unsaved[name]
        try:
            self._put(name, text)
        except OSError as error:
            sys.stderr.write(f"disk: {name}: {error}\n")
            return  # who reads still gets it; the next write tries again
        with self._lock:
            if self._unsaved[name] is text:
                del self._unsaved[name]

    def _put(self, name: str, text: str | None) -> None:
        target = self.directory / name
        if text is None:
            target.unlink(missing_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.directory / _fresh(name)
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(target)


def _fresh(name: str) -> str:
    return name + ".new"
