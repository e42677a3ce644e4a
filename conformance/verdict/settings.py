"""What one run fixes for its judgement: limits, the guard band at every moment, the declarations.

Two rules for this file: it knows entries and no slices; what a device was told in the run counts before what the run began with.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from operator import itemgetter
from typing import Any

from conformance.protocol import pointer
from conformance.protocol.pointer import MISSING
from conformance.spec.model import Spec, TimerSet
from conformance.trace.transcript import Entry
from conformance.verdict.predicates import RuleError

CLOCK_MS = 1.0  # resolution of the clock and capture delay that no run can go below
EMPTY: Mapping[str, Any] = {}
LATENESS = frozenset({"bench.lag", "bench.starved"})  # observations that say how late the machine was


class Side(Enum):
    """Where a duration stands against a limit, given the guard band U (decision 5)."""

    BELOW = "below"
    THIN = "thin"
    ABOVE = "above"


@dataclass(frozen=True)
class Settings:
    """What one run fixes for all of its slices; taken from the journal's head."""

    spec: Spec
    timers_ms: Mapping[str, float] = field(default_factory=dict)
    timer_set: TimerSet = "lab"
    u_ms: float = CLOCK_MS  # the guard band where the run measured no lag
    lags: tuple[tuple[float, float], ...] = ()  # (s, ms): the worst lag since the report before
    starved: tuple[tuple[float, float, float], ...] = ()  # (s, s, ms): from, to, how long processes waited to be run
    pics: Mapping[str, Any] = field(default_factory=dict)
    pixit: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)  # by timer: (s, ms), see `told_timers`

    def limit_ms(self, timer: str, t: float | None = None) -> float:
        """The limit for a timer, ms: what the device was last told of it up to `t` (seconds), else the run's.

        Raises RuleError for a timer that neither the run nor the pack knows.
        """
        if t is not None and timer in self.told:
            told = self.told[timer]
            place = bisect_right(told, (t, inf))
            if place and told[place - 1][1] > 0:
                return told[place - 1][1]
        if timer in self.timers_ms:
            return float(self.timers_ms[timer])
        if timer in self.spec.timers:
            return self.spec.timers[timer].value_ms(self.timer_set)
        raise RuleError(f"unknown timer {timer!r}")

    def tolerance(self, timer: str) -> float:
        """The share of the limit that the pack allows on top."""
        known = self.spec.timers.get(timer)
        return known.tolerance if known else 0.0

    def guard_ms(self, start: float, end: float) -> float:
        """U for what happened between `start` and `end` (seconds): the worst lag that the run measured about then, ms."""
        place = bisect_left(self.lags, (start, 0.0))
        worst = self.u_ms
        for t, lag in self.lags[place:]:
            worst = max(worst, lag)
            if t >= end:
                break
        return worst

    def starved_ms(self, start: float, end: float) -> float:
        """How long the machine kept processes of the run waiting between `start` and `end` (seconds), ms."""
        total = 0.0
        for begun, _, waited in self.starved[bisect_left(self.starved, start, key=itemgetter(1)) :]:
            if begun > end:
                break
            total += waited
        return total

    def side(
        self, duration_ms: float, limit_ms: float, end: float, *, fails: Side | None = None, since: float | None = None
    ) -> Side:
        """On which side of a limit a duration that ended at `end` (seconds) surely is; `THIN` inside the guard band.

        Where only one side is a failure, `fails` names it: what the machine held up then widens the band on that side alone,
        for a busy machine excuses lateness and puts no good measurement in doubt. `since` (seconds) is where the measurement
        can have been spoilt from, if that is before the duration began.
        """
        start = end - duration_ms / 1000 if since is None else since
        guard, starved = self.guard_ms(start, end), self.starved_ms(start, end)
        if duration_ms > limit_ms + guard + (0.0 if fails is Side.BELOW else starved):
            return Side.ABOVE
        if duration_ms <= limit_ms - guard - (0.0 if fails is Side.ABOVE else starved):
            return Side.BELOW
        return Side.THIN


def sets_terms(entry: Entry) -> bool:
    """Whether `settings_of` wants an entry: it says how late the bench was, or is of a registration, which tells timers."""
    return entry.obs in LATENESS or entry.role == "registration.register"


def _welcomes(entry: Entry) -> bool:
    return entry.kind == "result" and entry.role == "registration.register"


def settings_of(spec: Spec, head: Mapping[str, Any], terms: Iterable[Entry] = ()) -> Settings:
    """The settings of a run from the facts of `run.start` and those of its entries that set terms.

    U at a time is the lag (p99.9, ms) that the run reported for it, and never less than the clock's own resolution.
    """
    told = list(terms)
    profile = spec.profiles.get(str(head.get("profile", "")))
    timer_set = head.get("timer_set") or (profile.timer_set if profile else "lab")
    return Settings(
        spec=spec,
        timers_ms={str(k): _number(v) for k, v in _mapping(head.get("timers")).items()},
        timer_set="production" if timer_set == "production" else "lab",
        lags=tuple((e.t, _number(e.facts.get("p999_ms"))) for e in told if e.obs == "bench.lag"),
        starved=tuple(
            (_number(e.facts.get("since")), e.t, _number(e.facts.get("ms"))) for e in told if e.obs == "bench.starved"
        ),
        pics=_mapping(head.get("pics")),
        pixit=_mapping(head.get("pixit")),
        told=told_timers(spec, told),
    )


def told_timers(spec: Spec, entries: Iterable[Entry]) -> dict[str, tuple[tuple[float, float], ...]]:
    """By timer that a registration hands over: when (s) the device was told, and which value (ms).

    A device that asks to be registered with another boot has lost what it was told: 0, which stands for the run's value.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    welcomed: Any = MISSING
    for entry in entries:
        if entry.role == "registration.register" and entry.kind == "request" and _boot(entry) != welcomed:
            for values in found.values():
                values.append((entry.t, 0.0))
        if not _welcomes(entry):
            continue
        welcomed = MISSING if entry.request is None else _boot(entry.request)
        for timer, value in _mapping(entry.get("timers")).items():
            known = spec.timers.get(timer)
            if known is not None and known.told and _number(value) > 0:
                found.setdefault(timer, []).append((entry.t, _number(value)))
    return {timer: tuple(values) for timer, values in found.items()}


def _boot(registration: Entry) -> Any:
    """The boot that a registration names in its body; `Entry.get` gives that of an envelope."""
    fields = registration.message.fields.get("request", {}) if registration.message is not None else {}
    return pointer.get(registration.body, fields["boot_id"]) if "boot_id" in fields else MISSING


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else EMPTY


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
