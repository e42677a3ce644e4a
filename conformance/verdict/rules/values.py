"""Rules about values over time: `distinct`, `constant`, `sequence`, `ordered`."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from conformance.protocol.pointer import MISSING
from conformance.trace.transcript import Entry
from conformance.verdict.context import Context, GroupKey, freeze, group_key
from conformance.verdict.model import Outcome
from conformance.verdict.predicates import RuleError, same, show
from conformance.verdict.rules._common import Pairs, Params, Tally, groups, names, need


def _fields(params: Params) -> tuple[str, ...]:
    fields = names(params.get("fields", params.get("field")))
    if not fields:
        raise RuleError("parameter 'field' is missing")
    return fields


def distinct(params: Params, ctx: Context) -> Outcome:
    """The value of `field` (or the tuple of `fields`) never comes twice, inside each group of `per`.

    With `until` it may come again as long as no such observation lies between; that is no occasion of its own.
    """
    tally = Tally()
    fields = _fields(params)
    ends = Pairs(ctx, params["until"], None) if "until" in params else None
    for group in groups(params, ctx):
        latest: dict[GroupKey, Entry] = {}
        for entry in group:
            key = group_key(entry, fields)
            if key is None:
                continue
            earlier, latest[key] = latest.get(key), entry
            if earlier is None:
                tally.held(entry.n)
            elif ends is None or _ended(ends, earlier, entry):
                seen = ", ".join(f"{f}: {show(entry.get(f))}" for f in fields)
                tally.violated(entry.n, f"{', '.join(fields)} never repeats", seen, earlier.n)
    return tally.outcome()


def _ended(ends: Pairs, earlier: Entry, later: Entry) -> bool:
    end = ends.first_after(earlier)
    return end is not None and end.n < later.n


def constant(params: Params, ctx: Context) -> Outcome:
    """The value of `field` never changes inside a group; the first of a group is the measure and no occasion.

    Entries without the field are passed over, or with `or_none` have none: what is absent, null or empty is then a value as well.
    With `reset_by` the next one after such an observation is the measure from there on, and no occasion either.
    """
    tally = Tally()
    fields = _fields(params)
    key_of = _key_or_none if params.get("or_none") else group_key
    resets = Pairs(ctx, params["reset_by"], None) if "reset_by" in params else None
    for group in groups(params, ctx):
        present = [(entry, key_of(entry, fields)) for entry in group]
        present = [(entry, key) for entry, key in present if key is not None]
        if not present:
            continue
        first, measure = present[0]
        for entry, key in present[1:]:
            if resets is not None and _ended(resets, first, entry):
                first, measure = entry, key
            elif key == measure:
                tally.held(entry.n)
            else:
                expected = ", ".join(f"{f}: {show(first.get(f))}" for f in fields)
                tally.violated(entry.n, expected, ", ".join(f"{f}: {show(entry.get(f))}" for f in fields), first.n)
    return tally.outcome()


def _key_or_none(entry: Entry, fields: tuple[str, ...]) -> GroupKey:
    values = (entry.get(field) for field in fields)
    return tuple(None if value is MISSING or value in (None, "", [], {}) else freeze(value) for value in values)


def _numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def sequence(params: Params, ctx: Context) -> Outcome:
    """`field` goes up by `step` inside each group of `per`, from `start` where the run shows the group's beginning."""
    tally = Tally()
    field, per = str(need(params, "field")), names(params.get("per"))
    step, start = params.get("step", 1), params.get("start")
    for key, group in ctx.groups(need(params, "of"), per).items():
        present = [entry for entry in group.entries if entry.get(field) is not MISSING]
        if present and start is not None and _begins(params, ctx, key, per, present[0]):
            _book_value(tally, field, present[0], start)
        for earlier, later in pairwise(present):
            before = earlier.get(field)
            if _numeric(before):
                _book_value(tally, field, later, before + step, earlier.n)
    return tally.outcome()


def _begins(params: Params, ctx: Context, key: GroupKey, per: tuple[str, ...], first: Entry) -> bool:
    """Whether nothing of the group came before this slice."""
    earlier = (e for e in ctx.whole.matches(params["of"]) if e.n < first.n)
    return not any(group_key(e, per) == key for e in earlier) and not any(
        cut.n < first.n for cut in ctx.whole.observed("segment")
    )


def _book_value(tally: Tally, field: str, entry: Entry, expected: Any, *around: int) -> None:
    value = entry.get(field)
    if same(value, expected):
        tally.held(entry.n)
    else:
        tally.violated(entry.n, f"{field}: {show(expected)}", f"{field}: {show(value)}", *around)


def ordered(params: Params, ctx: Context) -> Outcome:
    """`field` never goes down inside each group of `per`."""
    tally = Tally()
    field = str(need(params, "field"))
    for group in groups(params, ctx):
        present = [entry for entry in group if entry.get(field) is not MISSING]
        for earlier, later in pairwise(present):
            left, right = earlier.get(field), later.get(field)
            comparable = (_numeric(left) and _numeric(right)) or (isinstance(left, str) and isinstance(right, str))
            if not comparable:
                tally.doubt(later.n, "unreadable", f"{field}: {show(left)}, {show(right)}")
            elif left <= right:
                tally.held(later.n)
            else:
                tally.violated(later.n, f"{field} >= {show(left)}", f"{field}: {show(right)}", earlier.n)
    return tally.outcome()
