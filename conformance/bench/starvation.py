"""How long the processes of a run wait for a processor or the disk: lateness of this machine, nobody's on the other end.

A device that the bench starts, a browser around it and the clerk's media peer share the machine with whatever else runs there.
The kernel knows of every thread how long it stood ready and was not run, and of the machine how long something on it could not go
on because of the disk; where it does not tell (not Linux), nothing is known and nothing is excused. Who waited for the disk is
not told without root, so all of it counts: an excuse makes a failure inconclusive and never a pass.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil

_PROC: Final = Path("/proc")
_MS: Final = 1_000_000  # nanoseconds
_DISK_MS: Final = 1_000  # microseconds, in which the kernel counts the stalls of the whole machine


class Starvation:
    """Asked now and then, it says how long the bench's child processes have waited since it was asked before."""

    def __init__(self) -> None:
        self._children: list[int] = []
        self._seen: dict[tuple[int, str], int] = {}
        self._disk = _disk_stalled()

    def look_around(self) -> None:
        """Take note of the processes that there are now."""
        self._children = [child.pid for child in psutil.Process(os.getpid()).children(recursive=True)]
        alive = set(self._children)
        self._seen = {key: waited for key, waited in self._seen.items() if key[0] in alive}

    def since_last(self) -> float:
        """Milliseconds: of every process the thread that waited longest, added up, since one process may await another; and
        how long the disk held something up, where there is a process that this can have been."""
        disk_ms = self._held_up() / _DISK_MS
        return sum(self._waited(pid) for pid in self._children) / _MS + (disk_ms if self._children else 0.0)

    def _held_up(self) -> int:
        before, self._disk = self._disk, _disk_stalled()
        return max(0, self._disk - before)

    def _waited(self, pid: int) -> int:
        worst = 0
        for thread, waited in _threads(pid):
            before = self._seen.get((pid, thread), 0)
            self._seen[pid, thread] = waited
            worst = max(worst, waited - before)
        return worst


def _disk_stalled() -> int:
    """Microseconds since the machine started in which something that had work to do waited for the disk; 0 where untold."""
    try:
        with open(_PROC / "pressure" / "io", "rb") as file:  # noqa: PTH123  as below
            some = next(line for line in file if line.startswith(b"some"))
        return int(some.rpartition(b"total=")[2])
    except (OSError, ValueError, StopIteration):
        return 0


def _threads(pid: int) -> Iterator[tuple[str, int]]:
    """(thread, nanoseconds that it waited since it was made); nothing for a process that is gone."""
    try:
        with os.scandir(_PROC / str(pid) / "task") as tasks:
            for task in tasks:
                with open(f"{task.path}/schedstat", "rb") as file:  # noqa: PTH123  asked for often: pathlib costs as much again
                    yield task.name, int(file.read().split()[1])
    except (OSError, ValueError, IndexError):
        return
