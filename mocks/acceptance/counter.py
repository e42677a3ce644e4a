"""The remote counter: activation gate (远程受理柜台维护), service hours, public information."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from mocks.acceptance.refusal import Refused
from mocks.acceptance.times import local, minutes, weekday

CounterState = Literal["applied", "opened", "changed", "closed"]


@dataclass(frozen=True, slots=True)
class Hours:
    """One row of service hours: ISO weekdays, from and to in minutes of the day at the extension point."""

    days: frozenset[int]
    start: int
    end: int

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Hours:
        """From `{days, from, to}`. Raises ValueError."""
        return cls(frozenset(weekday(day) for day in row["days"]), minutes(row["from"]), minutes(row["to"]))


ALWAYS: Final[list[Mapping[str, Any]]] = [{"days": list(range(1, 8)), "from": "00:00", "to": "24:00"}]


@dataclass
class RemoteCounter:
    """One counter and its access record (附件1 applied, 附件2 changed, 附件3 closed)."""

    name: str = ""
    phone: str | None = None
    state: CounterState = "opened"
    rows: list[Mapping[str, Any]] = field(default_factory=list)  # as the wire shows them; none means always open
    version: int = 1
    utc_offset: str = "+00:00"  # of the service hours

    def set_state(self, state: str) -> None:
        """Move the access record. Raises ValueError for a state that is none."""
        if state not in get_args(CounterState):
            raise ValueError(f"no counter state: {state!r}; valid are {', '.join(get_args(CounterState))}")
        self.state = state  # type: ignore[assignment]
        self.version += 1

    def set_hours(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """New service hours; an empty list means always open. Raises ValueError or KeyError before anything changes."""
        fresh = list(rows)
        for row in fresh:
            Hours.from_row(row)
        self.rows = fresh
        self.version += 1

    @property
    def active(self) -> bool:
        """Whether devices of this counter may register and work."""
        return self.state in ("opened", "changed")

    def admit(self) -> None:
        """The activation gate. Raises Refused."""
        if self.state == "closed":
            raise Refused("closed", "the counter is closed")
        if not self.active:
            raise Refused("not-activated", "the counter is not activated yet")

    def serves_at(self, epoch_s: float) -> bool:
        """Whether the moment lies in service hours."""
        if not self.rows:
            return True
        here = local(epoch_s, self.utc_offset)
        minute = here.hour * 60 + here.minute
        hours = (Hours.from_row(row) for row in self.rows)
        return any(here.isoweekday() in h.days and h.start <= minute < h.end for h in hours)

    def admit_ticket(self, epoch_s: float) -> None:
        """Activation and service hours. Raises Refused."""
        self.admit()
        if not self.serves_at(epoch_s):
            raise Refused("outside-service-hours", "no tickets are given outside service hours")
