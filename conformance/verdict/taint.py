"""What trouble of the bench or its environment taints: only what is causally after it (decision 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from conformance.trace.transcript import Entry
from conformance.verdict.model import Blame, Violation

_NEVER: Final = 1 << 62  # later than any observation


@dataclass(frozen=True, slots=True)
class Taint:
    """One trouble: from observation `n` on, in one attempt at a case, on one connection of it, or in the whole run."""

    n: int
    until: int  # the next attempt at the case, which starts clean
    case: str
    conn: str
    whole_run: bool
    blame: Blame
    reason: str

    def reaches(self, n: int, case: str, conn: str) -> bool:
        """Whether something decided at observation `n` lies in its shadow."""
        if n < self.n:
            return False
        return self.whole_run or (n < self.until and case == self.case and (not self.conn or not conn or conn == self.conn))


def taints_of(entries: Sequence[Entry]) -> tuple[Taint, ...]:
    """Every trouble that taints: `bench.error` always, `environment` where its facts say `taints`.

    `entries` need to hold these two kinds and `case.start`, nothing else.
    """
    found: list[Taint] = []
    restarts: dict[str, int] = {}
    for entry in reversed(entries):
        if entry.obs == "case.start":
            restarts[entry.case] = entry.n
        elif _is_trouble(entry):
            found.append(_taint(entry, restarts.get(entry.case, _NEVER)))
    return tuple(reversed(found))


def _is_trouble(entry: Entry) -> bool:
    return entry.obs == "bench.error" or (entry.obs == "environment" and entry.facts.get("taints") is True)


def _taint(entry: Entry, until: int) -> Taint:
    where, what = entry.facts.get("where", ""), entry.facts.get("what", entry.obs)
    return Taint(
        n=entry.n, until=until, case=entry.case, conn=entry.conn, whole_run=entry.facts.get("scope") == "run",
        blame=Blame.BENCH if entry.obs == "bench.error" else Blame.ENVIRONMENT,
        reason=f"{where}: {what}" if where else str(what),
    )  # fmt: skip


def taint_on(violation: Violation, conn: str, case: str, taints: Sequence[Taint]) -> Taint | None:
    """The first trouble that may have caused a violation.

    A violation is decided at the last observation that it names: a reply that never came is decided when its time was up,
    so a trouble between call and deadline taints it.
    """
    decided = max(violation.n, *violation.around) if violation.around else violation.n
    return next((taint for taint in taints if taint.reaches(decided, case, conn)), None)
