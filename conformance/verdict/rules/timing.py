"""Rules about time: `within`, `interval`, `growing`."""

from __future__ import annotations

from itertools import pairwise

from conformance.trace.transcript import Entry
from conformance.verdict.context import Context
from conformance.verdict.model import Outcome
from conformance.verdict.predicates import RuleError
from conformance.verdict.rules._common import (
    Pairs,
    Params,
    Tally,
    decide_upper,
    groups,
    ms_between,
    ms_text,
    need,
    told_text,
)
from conformance.verdict.settings import Side


def within(params: Params, ctx: Context) -> Outcome:
    """After each `after` comes an `expect` that belongs to it: not later than `timer`, not earlier than `at_least` (a timer) and
    than `not_before` less its share `early`: a field of `after` that tells seconds, as Retry-After does, or milliseconds where
    its name ends in `_ms`.

    `reply` demands that it is the reply to `after`; `until` cancels the occasion when it comes first; `needs` is the bench's own
    step without which nothing is due: where it was not taken in time, the want of `expect` says nothing.
    """
    tally = Tally()
    openings = ctx.matches(need(params, "after"))
    if not openings:
        return tally.outcome()
    replies = bool(params.get("reply", False))
    expected = ctx.matcher(need(params, "expect"))
    pairs = None if replies else Pairs(ctx, params["expect"], params.get("join"))
    ends = Pairs(ctx, params["until"], None) if "until" in params else None
    for opening in openings:
        if pairs is not None:
            found = pairs.first_after(opening)
            wrong = None
        else:
            reply = opening.reply
            fits = reply is not None and expected.admits(reply, ctx.settings)
            fits = fits and reply is not None and expected.admits_pair(reply, opening, ctx.settings)
            found, wrong = (reply, None) if fits else (None, reply)
        _book(tally, ctx, params, (opening, found, wrong), _upper_limit(params, ctx, opening), ends, expected.text)
    return tally.outcome()


def _upper_limit(params: Params, ctx: Context, opening: Entry) -> float | None:
    timer = params.get("timer")
    if timer is None:
        return None
    settings = ctx.settings
    return settings.limit_ms(timer, opening.t) * float(params.get("factor", 1.0)) * (1 + settings.tolerance(timer))


def _book(
    tally: Tally, ctx: Context, params: Params, occasion: tuple[Entry, Entry | None, Entry | None],
    limit: float | None, ends: Pairs | None, what: str,
) -> None:  # fmt: skip
    opening, found, wrong = occasion
    began = ctx.begins(opening)
    deadline = ctx.end if limit is None else began + limit / 1000
    settled = found or wrong
    if _cancelled(ends, opening, settled, deadline):
        return
    closes = min(deadline, settled.t) if settled else deadline
    if not params.get("under_fault", False) and ctx.suspended(opening.t, closes):
        return
    if wrong is not None:
        answer = f"{wrong.name}:{wrong.kind}" + (f" {wrong.code}" if wrong.code not in (None, "") else "")
        tally.violated(wrong.n, what, answer, opening.n)
    elif found is not None:
        _book_found(tally, ctx, params, opening, found, limit, what)
    elif not _asked_for(ctx, params, opening, deadline):
        tally.doubt(opening.n, "trace-ended", what)
    elif limit is not None and _surely_over(ctx, began, limit):
        told = told_text(ctx, params["timer"], opening.t)
        tally.violated(opening.n, f"{what} within {ms_text(limit)}{told}", "absent", ctx.last_before(deadline))
    elif limit is not None:
        tally.running(opening, what, ctx, deadline)
    else:
        tally.doubt(opening.n, "trace-ended", what)


def _asked_for(ctx: Context, params: Params, opening: Entry, deadline: float) -> bool:
    if "needs" not in params:
        return True
    step = Pairs(ctx, params["needs"], None).first_after(opening)
    return step is not None and step.t <= deadline


def _surely_over(ctx: Context, began: float, limit: float) -> bool:
    return ctx.settings.side((ctx.end - began) * 1000, limit, ctx.end, fails=Side.ABOVE) is Side.ABOVE


def _cancelled(ends: Pairs | None, opening: Entry, settled: Entry | None, deadline: float) -> bool:
    if ends is None:
        return False
    end = ends.first_after(opening)
    return end is not None and end.t <= deadline and (settled is None or end.n < settled.n)


def _book_found(tally: Tally, ctx: Context, params: Params, opening: Entry, found: Entry, limit: float | None, what: str) -> None:
    took = max(found.t - ctx.begins(opening), 0.0) * 1000
    floor = _floor(params, ctx, opening)
    if floor is not None:
        side = ctx.settings.side(took, floor, found.t, fails=Side.BELOW)
        if side is Side.BELOW:
            told = told_text(ctx, params["at_least"], opening.t) if "at_least" in params else ""
            tally.violated(found.n, f"{what} not before {ms_text(floor)}{told}", f"after {ms_text(took)}", opening.n)
            return
        if side is Side.THIN:
            tally.thin(found.n, f"{ms_text(took)} against {ms_text(floor)}", ctx, found.t - took / 1000, found.t)
            return
    if limit is None:
        tally.held(found.n)
    else:
        decide_upper(tally, ctx, found, took, limit, what, opening.n, told=told_text(ctx, params["timer"], opening.t))


def _floor(params: Params, ctx: Context, opening: Entry) -> float | None:
    """The least time, ms. Raises RuleError where the field that tells it holds no number."""
    floors = []
    if "at_least" in params:
        timer = params["at_least"]
        floors.append(ctx.settings.limit_ms(timer, opening.t) * (1 - ctx.settings.tolerance(timer)))
    if "not_before" in params:
        field = str(params["not_before"])
        told, unit_ms = opening.get(field), 1 if field.endswith("_ms") else 1000
        try:
            floors.append(float(told) * unit_ms * (1 - float(params.get("early", 0.0))))
        except (TypeError, ValueError):
            raise RuleError(f"{field} tells no time: {told!r}") from None
    return max(floors, default=None)


def interval(params: Params, ctx: Context) -> Outcome:
    """The gap between consecutive matches of `of` is the timer, give or take the tolerance.

    A silence at the end of the slice that is longer than the timer allows is a broken gap too. A `reset_by` between two
    matches, or another WebSocket connection, begins anew; the first match then may have waited for the connection, so that the
    gap after it may be shorter.
    """
    tally = Tally()
    matches = ctx.matches(need(params, "of"))
    if not matches:
        return tally.outcome()
    timer = need(params, "timer")
    share = float(params.get("tolerance", ctx.settings.tolerance(timer)))
    resets = Pairs(ctx, params["reset_by"], None) if "reset_by" in params else None
    for group in groups(params, ctx):
        waited = _reconnected(group[0], resets)
        for earlier, later in pairwise(group):
            goes_on = _continues(earlier, later, resets)
            if goes_on and not _excused(params, ctx, earlier.t, later.t):
                value = ctx.settings.limit_ms(timer, earlier.t)
                low, high = 0.0 if waited else value * (1 - share), value * (1 + share)
                # Who keeps to a plan makes up for a message that the machine held up: the gap after it is as much shorter.
                told = told_text(ctx, timer, earlier.t)
                _book_gap(tally, ctx, (earlier, later), (low, high), told, since=earlier.t - high / 1000)
            waited = resets is not None and not goes_on
        last = group[-1]
        _book_tail(tally, ctx, params, last, ctx.settings.limit_ms(timer, last.t) * (1 + share), resets)
    return tally.outcome()


def _excused(params: Params, ctx: Context, start: float, end: float) -> bool:
    return not params.get("under_fault", False) and ctx.suspended(start, end)


def _continues(earlier: Entry, later: Entry, resets: Pairs | None) -> bool:
    if earlier.obs == "ws.frame" and earlier.conn != later.conn:
        return False
    reset = resets.first_after(earlier) if resets else None
    return reset is None or reset.n > later.n


def _reconnected(first: Entry, resets: Pairs | None) -> bool:
    """Whether there was a connection before the one on which the first match came."""
    opened = resets.last_before(first) if resets else None
    return opened is not None and resets is not None and resets.last_before(opened) is not None


def _book_gap(
    tally: Tally, ctx: Context, pair: tuple[Entry, Entry], bounds: tuple[float, float], told: str,
    since: float | None = None,
) -> None:  # fmt: skip
    earlier, later = pair
    low, high = bounds
    gap = ms_between(earlier, later)
    under = ctx.settings.side(gap, low, later.t, fails=Side.BELOW, since=since) if low else Side.ABOVE
    over = ctx.settings.side(gap, high, later.t, fails=Side.ABOVE)
    if under is Side.BELOW or over is Side.ABOVE:
        tally.violated(later.n, f"gap {ms_text(low)}..{ms_text(high)}{told}", ms_text(gap), earlier.n)
    elif under is Side.ABOVE and over is Side.BELOW:
        tally.held(later.n)
    else:
        begun = earlier.t if since is None else since
        tally.thin(later.n, f"{ms_text(gap)} against {ms_text(low)}..{ms_text(high)}", ctx, begun, later.t)


def _book_tail(tally: Tally, ctx: Context, params: Params, last: Entry, high: float, resets: Pairs | None) -> None:
    silence = (ctx.end - last.t) * 1000
    if ctx.settings.side(silence, high, ctx.end, fails=Side.ABOVE) is not Side.ABOVE:
        return
    due = last.t + high / 1000
    reset = resets.first_after(last) if resets else None
    if (reset is None or reset.t > due) and not _excused(params, ctx, last.t, due):
        told = told_text(ctx, params["timer"], last.t)
        tally.violated(last.n, f"next within {ms_text(high)}{told}", f"silent for {ms_text(silence)}", ctx.last_before(due))


def growing(params: Params, ctx: Context) -> Outcome:
    """Gaps between matches of `of` grow from `floor` by `factor` up to `cap`; a `reset_by` begins anew.

    With `jitter` a gap may lie between half of its base value and one and a half of the cap: a fleet must not come back
    in step.
    """
    tally = Tally()
    settings = ctx.settings
    floor_timer, cap_timer = need(params, "floor"), need(params, "cap")
    factor = float(params.get("factor", 1.5))
    slack = 0.5 if params.get("jitter", True) else 0.0
    resets = Pairs(ctx, params["reset_by"], None) if "reset_by" in params else None
    for group in groups(params, ctx):
        grown = 1.0
        for earlier, later in pairwise(group):
            reset = resets.first_after(earlier) if resets else None
            if reset is not None and reset.n <= later.n:
                grown = 1.0
            elif not _excused(params, ctx, earlier.t, later.t):
                cap = settings.limit_ms(cap_timer, earlier.t)
                base = min(cap, settings.limit_ms(floor_timer, earlier.t) * grown)
                lowest = base * (1 - slack) * (1 - settings.tolerance(floor_timer))
                told = told_text(ctx, floor_timer, earlier.t) + told_text(ctx, cap_timer, earlier.t)
                _book_gap(tally, ctx, (earlier, later), (lowest, cap * (1 + slack) * (1 + settings.tolerance(cap_timer))), told)
                grown *= factor
    return tally.outcome()
