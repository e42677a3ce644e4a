"""A run's directory, held by one run: whoever creates the journal in it has it, and everybody else is told."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from conformance.bench.errors import UsageProblem, unwritable
from conformance.bench.outputs import JOURNAL, PACK
from conformance.spec.model import Text


class Claim:
    """Makes an empty journal in a new or empty directory. Raises UsageProblem, BenchBroken; then the directory is as it was."""

    def __init__(self, out: Path) -> None:
        self._out = out
        try:
            _vacant(out)
            self._made = _made(out)
            self._take()
        except OSError as error:
            raise unwritable(error, out) from error

    def _take(self) -> None:
        try:
            (self._out / JOURNAL).touch(exist_ok=False)  # the system lets one of several do that
        except FileExistsError as error:
            raise _held(self._out) from error
        except OSError:
            self._remove_directory()
            raise

    def give_back(self) -> None:
        """Take away what the run has made there, and nothing else: what is not ours stays, with the directory around it."""
        for name in (PACK, "blobs"):
            shutil.rmtree(self._out / name, ignore_errors=True)
        with contextlib.suppress(OSError):
            (self._out / JOURNAL).unlink()
        self._remove_directory()

    def _remove_directory(self) -> None:
        if self._made:
            with contextlib.suppress(OSError):  # it is not empty: somebody else has put something there
                self._out.rmdir()


def _vacant(out: Path) -> None:
    """Raises UsageProblem where there is something already, OSError where nobody can see that."""
    try:
        there = {path.name for path in out.iterdir()}
    except FileNotFoundError:
        return
    except NotADirectoryError:
        if not out.exists():
            raise  # something above it is no directory
        there = {""}
    if JOURNAL in there:
        raise _held(out)
    if there:
        raise UsageProblem([Text(
            f"{out} 不是空目录；请用 --out 另选一个", f"{out} is not empty; name another --out"
        )])  # fmt: skip


def _made(out: Path) -> bool:
    """Make the directory; whether it was not there before."""
    try:
        out.mkdir(parents=True)
    except FileExistsError:
        return False
    return True


def _held(out: Path) -> UsageProblem:
    return UsageProblem([Text(
        f"{out} 中已有一次运行，正在进行或已经停止；请用 --out 另选一个，已停止的可以继续：rvw resume {out}",
        f"{out} has a run in it, under way or stopped; name another --out, or go on with one that has stopped: rvw resume {out}",
    )])  # fmt: skip
