"""How long the processes of a run wait for a processor: lateness of this machine, which is nobody's on the other end.

A device that the bench starts, a browser around it and the clerk's media peer share the machine with whatever else runs there.
The kernel knows of every thread how long it stood ready and was not run; where it does not tell (not Linux), nothing is known
and nothing is excused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil

_PROC: Final = Path("/proc")
_MS: Final = 1_000_000  # nanoseconds


class Starvation:
    """Asked now and then, it says how long the bench's child processes have waited since it was asked before."""

    def __init__(self) -> None:
        self._children: list[int] = []
        self._seen: dict[tuple[int, str], int] = {}

    def look_around(self) -> None:
        """Take note of the processes that there are now."""
        self._children = [child.pid for child in psutil.Process(os.getpid()).children(recursive=True)]
        alive = set(self._children)
        self._seen = {key: waited for key, waited in self._seen.items() if key[0] in alive}

    def since_last(self) -> float:
        """Milliseconds: of every process the thread that waited longest, added up, since one process may await another."""
        return sum(self._waited(pid) for pid in self._children) / _MS

    def _waited(self, pid: int) -> int:
        worst = 0
        for thread, waited in _threads(pid):
            before = self._seen.get((pid, thread), 0)
            self._seen[pid, thread] = waited
            worst = max(worst, waited - before)
        return worst


def _threads(pid: int) -> Iterator[tuple[str, int]]:
    """(thread, nanoseconds that it waited since it was made); nothing for a process that is gone."""
    try:
        with os.scandir(_PROC / str(pid) / "task") as tasks:
            for task in tasks:
                with open(f"{task.path}/schedstat", "rb") as file:  # noqa: PTH123  asked for often: pathlib costs as much again
                    yield task.name, int(file.read().split()[1])
    except (OSError, ValueError, IndexError):
        return
