"""What trouble of the bench or its environment taints: only what is causally after it (decision 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from conformance.trace.transcript import Entry
from conformance.verdict.model import Blame, Violation

_BLAME: Final = {"bench.error": Blame.BENCH, "stimulus.done": Blame.CONFIGURATION}
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
    only: int | None = None  # the one observation that a violation must name to be reached

    def reaches(self, n: int, case: str, conn: str) -> bool:
        """Whether something decided at observation `n` lies in its shadow."""
        if n < self.n:
            return False
        return self.whole_run or (n < self.until and case == self.case and (not self.conn or not conn or conn == self.conn))


def taints_of(entries: Sequence[Entry]) -> tuple[Taint, ...]:
    """Every trouble that taints: `bench.error`, and a stimulus that was refused.

    `entries` need to hold these kinds, `stimulus`, `stimulus.done` and `case.start`, nothing else.
    """
    found: list[Taint] = []
    restarts: dict[str, int] = {}
    given = {str(e.facts.get("id", "")): e for e in entries if e.obs == "stimulus"}
    for entry in reversed(entries):
        if entry.obs == "case.start":
            restarts[entry.case] = entry.n
        elif _is_trouble(entry):
            cause = given.get(str(entry.facts.get("id", "")), entry) if entry.obs == "stimulus.done" else entry
            found.append(_taint(entry, cause, restarts.get(entry.case, _NEVER)))
    return tuple(reversed(found))


def _perhaps_given(done: Entry, stimulus: Entry) -> bool:
    """Nobody answered (no verb), or a person said no, which may also tell what the device did: only the want of it is excused."""
    return "verb" not in done.facts or stimulus.facts.get("by") == "operator"


def _about(entry: Entry) -> int:
    """The observation from which on there is trouble: the one that a `bench.error` names, or itself."""
    named = entry.facts.get("about")
    return named if isinstance(named, int) and 0 <= named < entry.n else entry.n


def _is_trouble(entry: Entry) -> bool:
    if entry.obs == "stimulus.done":  # what was not given cannot be missed
        return entry.facts.get("ok") is False
    return entry.obs == "bench.error"


def _taint(entry: Entry, cause: Entry, until: int) -> Taint:
    where, what = entry.facts.get("where", ""), entry.facts.get("what", entry.obs)
    if entry.obs == "stimulus.done":
        where, what = "stimulus-failed", f"{entry.facts.get('verb', '')} {entry.facts.get('error') or ''}".strip()
    return Taint(
        n=_about(cause), until=until, case=entry.case, conn=entry.conn, whole_run=entry.facts.get("scope") == "run",
        blame=_BLAME[entry.obs], reason=f"{where}: {what}" if where else str(what),
        only=cause.n if entry.obs == "stimulus.done" and _perhaps_given(entry, cause) else None,
    )  # fmt: skip


def taint_on(violation: Violation, conn: str, case: str, taints: Sequence[Taint]) -> Taint | None:
    """The first trouble that may have caused a violation.

    A violation is decided at the last observation that it names: a reply that never came is decided when its time was up,
    so a trouble between call and deadline taints it.
    """
    decided = max(violation.n, *violation.around) if violation.around else violation.n
    named = (violation.n, *violation.around)
    return next((t for t in taints if t.reaches(decided, case, conn) and (t.only is None or t.only in named)), None)
