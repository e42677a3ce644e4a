"""How a procedure or a whole run can end early. None of these is a verdict; the trace holds what was seen and what was not.

- NotObserved: what was waited for did not come within its limit
- NotHome: the device could not be brought into the state that the case is given
- DeviceUnreachable: the upper tester did not answer
- BenchBroken: the bench itself could not start (its clerk, its disk)
- RunAborted: the whole run cannot go on (device absent, disk full)
- UsageProblem: the run cannot be started as asked
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from conformance.spec.model import Text
from conformance.spec.problems import Spoken

FULL: Final = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})  # what a disk says that takes no more


class NotObserved(Exception):
    """What the procedure waited for did not come. An observation of an absence, not a verdict."""

    def __init__(self, what: str, timer: str = "") -> None:
        super().__init__(f"{what}, {timer}" if timer else what)


class NotHome(Exception):
    """The device did not come home. Inconclusive, never a failure of the case that was to begin."""


class DeviceUnreachable(Exception):
    """The upper tester did not answer: blame environment, unless the device died, which the trace then shows."""


class BenchBroken(Spoken):
    """The bench could not start for a reason of its own (exit 4)."""


class RunAborted(Exception):
    """The run cannot go on. What was recorded stays and is judged up to here."""

    def __init__(self, reason: str, kind: Literal["environment", "bench"]) -> None:
        super().__init__(reason)
        self.kind = kind


class UsageProblem(Spoken):
    """The run cannot be started as asked (exit 2). `lines` say what, where and what is valid."""

    def __init__(self, lines: Sequence[str | Text]) -> None:
        super().__init__(*lines)


def told_of(error: OSError, place: Path | None = None) -> str:
    """An error of the system as a sentence with the file that it is about."""
    file = error.filename or place
    return f"{file}: {error.strerror or error}" if file else str(error)


def unwritable(error: OSError, out: Path, option: str = "--out") -> UsageProblem | BenchBroken:
    """What it means that `out` cannot be written: the user's business, but a full disk is the bench's."""
    told = told_of(error, out)
    if error.errno in FULL:
        return BenchBroken(Text(f"{told}；请腾出空间，或另选 {option}", f"{told}; make room or name another {option}"))
    return UsageProblem([Text(
        f"{told}；请用 {option} 指定可以写入的目录", f"{told}; name a directory that can be written with {option}"
    )])  # fmt: skip
