"""How a procedure can end early. None of these is a verdict; the trace holds what was seen and what was not.

- NotObserved: what was waited for did not come within its limit
- NotHome: the device could not be brought into the state that the case is given
- DeviceUnreachable: the upper tester did not answer
- BenchBroken: the bench itself could not start (its clerk, its disk)
- RunAborted: the whole run cannot go on (device absent, disk full)
"""

from __future__ import annotations

from typing import Literal

from conformance.spec.problems import Spoken


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
