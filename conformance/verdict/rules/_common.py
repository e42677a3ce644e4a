"""What rules share: the tally of an outcome, pairs of entries, groups, durations."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from conformance.protocol.pointer import MISSING
from conformance.trace.transcript import Entry
from conformance.verdict.context import Context, Group, group_key
from conformance.verdict.match import FieldTest, Matcher
from conformance.verdict.model import Doubt, Outcome, Violation
from conformance.verdict.predicates import RuleError, Undecided, show
from conformance.verdict.settings import Side

Params = Mapping[str, Any]
_NOTHING = Group()


class Tally:
    """Collects the occasions of one rule on one slice."""

    def __init__(self) -> None:
        self._held: list[int] = []
        self._violated: list[Violation] = []
        self._doubts: list[Doubt] = []

    def held(self, n: int) -> None:
        """The occasion at observation `n` was met."""
        self._held.append(n)

    def violated(self, n: int, expected: str, seen: str, *around: int) -> None:
        """The occasion was broken by observation `n`."""
        self._violated.append(Violation(n, expected, seen, tuple(a for a in around if a != n)))

    def doubt(self, n: int, reason: str, note: str = "") -> None:
        """The occasion cannot be decided."""
        self._doubts.append(Doubt(n, reason, note))

    def thin(self, n: int, note: str, ctx: Context, begun: float, end: float) -> None:
        """What was measured between these seconds lies inside the guard band of its limit."""
        busy = ctx.settings.starved_ms(begun, end) > ctx.settings.guard_ms(begun, end)
        self._doubts.append(Doubt(n, "thin", note, busy=busy))

    def running(self, opening: Entry, note: str, ctx: Context, closes: float) -> None:
        """The occasion cannot be decided: the slice ended before the limit that closes at that second of the run, or before
        what the machine held up since the opening had been made good."""
        over = max(closes, ctx.end)
        late_ms = ctx.settings.guard_ms(opening.t, over) + ctx.settings.starved_ms(opening.t, over)
        self._doubts.append(Doubt(opening.n, "trace-ended", note, until=closes + late_ms / 1000))

    def outcome(self) -> Outcome:
        """What was collected, in order of observation."""
        return Outcome(
            tuple(sorted(self._held)),
            tuple(sorted(self._violated, key=lambda v: v.n)),
            tuple(sorted(self._doubts, key=lambda d: d.n)),
        )


def need(params: Params, name: str) -> Any:
    """A parameter that the rule cannot do without. Raises RuleError."""
    if name not in params:
        raise RuleError(f"parameter {name!r} is missing")
    return params[name]


def names(value: Any) -> tuple[str, ...]:
    """A field name or a list of them."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(map(str, value))


def ms_between(earlier: Entry, later: Entry) -> float:
    """Milliseconds from one entry to the other."""
    return (later.t - earlier.t) * 1000


def ms_text(value: float) -> str:
    """A duration for the card, rounded to what the guard band can bear."""
    return f"{value:.0f} ms"


def groups(params: Params, ctx: Context) -> Iterator[list[Entry]]:
    """The matches of `of` by the values of the fields in `per`; one group of all without them."""
    return (group.entries for group in ctx.groups(need(params, "of"), names(params.get("per"))).values())


def check_field(test: FieldTest, entry: Entry, ctx: Context) -> bool:
    """Whether one `that` line holds. Raises Undecided where the bench took no such fact or the reply is still due."""
    if test.holds(entry, None, ctx.settings):
        return True
    if not test.predicate.absent_ok and entry.get(test.field) is MISSING:
        _explain_absence(test.field, entry)
    return False


def _explain_absence(field: str, entry: Entry) -> None:
    if field.startswith("facts.") and field.split(".")[1] not in entry.facts:
        raise Undecided("unreadable", f"{field} was not taken")
    if field.startswith("reply.") and entry.reply is None:
        raise Undecided("trace-ended", "no reply yet")


def seen_text(field: str, entry: Entry) -> str:
    """`field: value` for the card."""
    return f"{field}: {show(entry.get(field))}"


class Pairs:
    """Finds, for an entry, the entries of another matcher that belong to it: by `join` fields and `joined` predicates.

    `join` is {field of the entry sought: field of the entry given}.
    """

    def __init__(self, ctx: Context, data: Any, join: Any) -> None:
        self._ctx = ctx
        self._matcher: Matcher = ctx.matcher(data)
        if join is not None and not isinstance(join, Mapping):
            raise RuleError("join is a map of field sought to field given")
        self._ours = tuple(str(f) for f in (join or {}).values())
        self._groups = ctx.groups(data, tuple(str(f) for f in (join or {})))

    def _group(self, entry: Entry) -> Group:
        key = group_key(entry, self._ours)
        return _NOTHING if key is None else self._groups.get(key, _NOTHING)

    def _fits(self, candidate: Entry, entry: Entry) -> bool:
        return not self._matcher.pair or self._matcher.admits_pair(candidate, entry, self._ctx.settings)

    def after(self, entry: Entry, before: Entry | None = None) -> Iterable[Entry]:
        """The ones after `entry` and, where that is given, before the other, in order."""
        group = self._group(entry)
        end = len(group.ns) if before is None else bisect_left(group.ns, before.n)
        for place in range(bisect_right(group.ns, entry.n), end):
            if self._fits(group.entries[place], entry):
                yield group.entries[place]

    def first_after(self, entry: Entry, before: Entry | None = None) -> Entry | None:
        """The first one after `entry`, and before the other where that is given."""
        return next(iter(self.after(entry, before)), None)

    def last_before(self, entry: Entry) -> Entry | None:
        """The last one before `entry`."""
        group = self._group(entry)
        for place in range(bisect_right(group.ns, entry.n - 1) - 1, -1, -1):
            if self._fits(group.entries[place], entry):
                return group.entries[place]
        return None


def told_text(ctx: Context, timer: str, t: float) -> str:
    """What the card adds to a limit that is not the run's: the device was told another value by the second `t`."""
    value = ctx.settings.limit_ms(timer, t)
    return "" if value == ctx.settings.limit_ms(timer) else f" ({timer} told as {ms_text(value)})"


def decide_upper(
    tally: Tally, ctx: Context, found: Entry, duration_ms: float, limit_ms: float, what: str, *around: int, told: str = ""
) -> None:
    """Book a duration that ended with `found` and must not exceed a limit; `told` is added where the limit is named."""
    n, end = found.n, found.t
    side = ctx.settings.side(duration_ms, limit_ms, end, fails=Side.ABOVE)
    if side is Side.BELOW:
        tally.held(n)
    elif side is Side.ABOVE:
        tally.violated(n, f"{what} within {ms_text(limit_ms)}{told}", f"after {ms_text(duration_ms)}", *around)
    else:
        tally.thin(n, f"{ms_text(duration_ms)} against {ms_text(limit_ms)}", ctx, end - duration_ms / 1000, end)
