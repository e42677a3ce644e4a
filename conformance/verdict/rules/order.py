"""Rules about what must come first: `preceded`."""

from __future__ import annotations

from conformance.verdict.context import Context
from conformance.verdict.model import Outcome
from conformance.verdict.rules._common import Pairs, Params, Tally, need


def preceded(params: Params, ctx: Context) -> Outcome:
    """Before each `each` there was a `by` that belongs to it, and since then no `not_since`.

    The run before the slice counts as well: what was set up once need not be set up again in every case. What a crash of
    the bench may have swallowed is doubted, not blamed.
    """
    tally = Tally()
    matches = ctx.matches(need(params, "each"))
    if not matches:
        return tally.outcome()
    causes = Pairs(ctx.whole, need(params, "by"), params.get("join"))
    spoils = Pairs(ctx.whole, params["not_since"], None) if "not_since" in params else None
    expected = f"{ctx.matcher(params['by']).text} before"
    for entry in matches:
        cause = causes.last_before(entry)
        spoil = spoils.last_before(entry) if spoils else None
        if cause is None and any(cut.n < entry.n for cut in ctx.whole.observed("segment")):
            tally.doubt(entry.n, "trace-ended", expected)
        elif cause is None:
            tally.violated(entry.n, expected, "absent")
        elif spoil is not None and spoil.n > cause.n:
            what = f"{spoil.name}:{spoil.kind}" if spoil.name else spoil.obs
            tally.violated(entry.n, expected, f"{what} since", cause.n, spoil.n)
        else:
            tally.held(entry.n)
    return tally.outcome()
