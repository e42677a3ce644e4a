"""Rules about what happens in a window and how often: `never`, `count`."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.trace.transcript import Entry
from conformance.verdict.context import Context
from conformance.verdict.model import Outcome
from conformance.verdict.rules._common import Pairs, Params, Tally, groups, ms_between, ms_text, need
from conformance.verdict.settings import Side


def never(params: Params, ctx: Context) -> Outcome:
    """`forbid` does not happen: in windows that `after` opens (to `until`, for `for`), else anywhere in the slice.

    What comes before `settles` has passed in a window may have waited since before it, and does not count.
    """
    return _never_after(params, ctx) if "after" in params else _never_at_all(params, ctx)


def _never_at_all(params: Params, ctx: Context) -> Outcome:
    tally = Tally()
    forbidden = ctx.matcher(need(params, "forbid"))
    broken = [e for e in ctx.matches(params["forbid"]) if params.get("under_fault") or not ctx.suspended(e.t, e.t)]
    for entry in broken:
        tally.violated(entry.n, f"never {forbidden.text}", _what(entry))
    bad = {entry.n for entry in broken}
    if "counts" in params:
        occasions: Sequence[Entry] = ctx.matches(params["counts"])
    else:  # a slice in which the device did anything at all is one occasion to keep from it
        occasions = [e for e in ctx.entries if e.dir == "iut"][-1:] if not broken else []
    for entry in occasions:
        if entry.n not in bad:
            tally.held(entry.n)
    return tally.outcome()


def _what(entry: Entry) -> str:
    return f"{entry.name}:{entry.kind}" if entry.name else entry.kind or entry.obs


def _never_after(params: Params, ctx: Context) -> Outcome:
    tally = Tally()
    openings = ctx.matches(params["after"])
    if not openings:
        return tally.outcome()
    text = ctx.matcher(need(params, "forbid")).text
    forbidden = Pairs(ctx, params["forbid"], params.get("join"))
    ends = Pairs(ctx, params["until"], None) if "until" in params else None
    for opening in openings:
        limit = ctx.settings.limit_ms(params["for"], opening.t) if "for" in params else None
        end = ends.first_after(opening) if ends else None
        closes = ctx.end if limit is None else opening.t + limit / 1000
        if end is not None and end.t < closes:
            closes = end.t
        if not params.get("under_fault", False) and ctx.suspended(opening.t, closes):
            continue
        settled = opening.t + (ctx.settings.limit_ms(params["settles"], opening.t) / 1000 if "settles" in params else 0.0)
        found = next((e for e in forbidden.after(opening, end) if e.t >= settled), None)
        _book_window(tally, ctx, opening, found, end, limit, text)
    return tally.outcome()


def _book_window(
    tally: Tally, ctx: Context, opening: Entry, found: Entry | None, end: Entry | None, limit: float | None, text: str
) -> None:
    if found is not None:
        took = ms_between(opening, found)
        side = Side.BELOW if limit is None else ctx.settings.side(took, limit, found.t, fails=Side.BELOW)
        if side is Side.BELOW:
            tally.violated(found.n, f"never {text}", f"{_what(found)} after {ms_text(took)}", opening.n)
            return
        if side is Side.THIN:
            tally.thin(opening.n, f"{_what(found)} after {ms_text(took)}", ctx, opening.t, found.t)
            return
    if limit is not None and end is None and (ctx.end - opening.t) * 1000 < limit:
        watched = f"watched {ms_text((ctx.end - opening.t) * 1000)} of {ms_text(limit)}"
        tally.running(opening, watched, ctx, opening.t + limit / 1000)
    else:
        tally.held(opening.n)


def count(params: Params, ctx: Context) -> Outcome:
    """Between `min` and `max` matches of `of`.

    Counted in each window that `after` opens (to `until`, for `for`), else in each group that `per` makes.
    """
    return _count_after(params, ctx) if "after" in params else _count_groups(params, ctx)


def _bounds(params: Params) -> tuple[int, float]:
    return int(params.get("min", 0)), float(params.get("max", float("inf")))


def _range_text(params: Params, what: str) -> str:
    return f"{params.get('min', 0)}..{params.get('max', '')} of {what}"


def _count_groups(params: Params, ctx: Context) -> Outcome:
    tally = Tally()
    low, high = _bounds(params)
    text = _range_text(params, ctx.matcher(need(params, "of")).text)
    under_fault = params.get("under_fault", False)
    for group in groups(params, ctx):
        if not under_fault and ctx.suspended(group[0].t, group[-1].t):
            continue
        number = len(group)
        if number > high:
            tally.violated(group[int(high)].n, text, str(number), *(e.n for e in group[:8]))
        elif number < low and ctx.cut_short:
            tally.doubt(group[-1].n, "trace-ended", text)
        elif number < low:
            tally.violated(group[-1].n, text, str(number), ctx.entries[-1].n)
        else:
            tally.held(group[-1].n)
    return tally.outcome()


def _count_after(params: Params, ctx: Context) -> Outcome:
    tally = Tally()
    openings = ctx.matches(params["after"])
    if not openings:
        return tally.outcome()
    pairs = Pairs(ctx, need(params, "of"), params.get("join"))
    timer = params.get("for")
    ends = Pairs(ctx, params["until"], None) if "until" in params else None
    for opening in openings:
        limit = None if timer is None else ctx.settings.limit_ms(timer, opening.t) * (1 + ctx.settings.tolerance(timer))
        end = ends.first_after(opening) if ends else None
        closes = ctx.end if limit is None else opening.t + limit / 1000
        if end is not None and end.t < closes:
            closes = end.t
        if not params.get("under_fault", False) and ctx.suspended(opening.t, closes):
            continue
        found = [e for e in pairs.after(opening) if end is None or e.n < end.n]
        _book_count(tally, ctx, params, (opening, end), found, limit)
    return tally.outcome()


def _book_count(
    tally: Tally, ctx: Context, params: Params, window: tuple[Entry, Entry | None], found: list[Entry], limit: float | None
) -> None:
    opening, end = window
    low, high = _bounds(params)
    text = _range_text(params, ctx.matcher(params["of"]).text)
    sides = [Side.BELOW if limit is None else ctx.settings.side(ms_between(opening, e), limit, e.t) for e in found]
    surely = [e for e, side in zip(found, sides, strict=True) if side is Side.BELOW]
    perhaps = sum(side is not Side.ABOVE for side in sides)
    watched = (ctx.end - opening.t) * 1000
    if limit is None:
        closed = passed = end is not None or not ctx.cut_short
    else:
        closed = end is not None or ctx.settings.side(watched, limit, ctx.end, fails=Side.ABOVE) is Side.ABOVE
        passed = end is not None or ctx.settings.side(watched, limit, ctx.end, fails=Side.BELOW) is Side.ABOVE
    if len(surely) > high:
        tally.violated(surely[int(high)].n, text, str(len(surely)), opening.n, *(e.n for e in surely[:8]))
    elif perhaps < low and closed:
        last = ctx.entries[-1].n if limit is None else ctx.last_before(opening.t + limit / 1000)
        tally.violated(opening.n, text, str(perhaps), *(e.n for e in surely[:8]), last)
    elif (not closed and len(surely) < low) or (not passed and "max" in params):  # what comes late is none too many
        if limit is None:
            tally.doubt(opening.n, "trace-ended", text)
        else:
            tally.running(opening, text, ctx, opening.t + limit / 1000)
    elif len(surely) < low or perhaps > high:
        tally.thin(opening.n, text, ctx, opening.t, ctx.end)
    else:
        tally.held(opening.n)
