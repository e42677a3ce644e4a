"""Rules that look at one entry at a time: `each` and `schema`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conformance.protocol import pointer as json_pointer
from conformance.protocol.pointer import MISSING
from conformance.spec.validators import SchemaError, schema_for, validators_of
from conformance.trace.transcript import Entry
from conformance.verdict.context import Context
from conformance.verdict.model import Outcome
from conformance.verdict.predicates import Undecided, show
from conformance.verdict.rules._common import Params, Tally, check_field, names, need, seen_text


def each(params: Params, ctx: Context) -> Outcome:
    """Every match of `of` satisfies all of `that`."""
    tally = Tally()
    tests = ctx.compiled.tests(need(params, "that"))
    for entry in ctx.matches(need(params, "of")):
        try:
            broken = [test for test in tests if not check_field(test, entry, ctx)]
        except Undecided as undecided:
            tally.doubt(entry.n, undecided.reason, undecided.note)
            continue
        if broken:
            expected = "; ".join(t.unmet(entry, ctx.settings) for t in broken)
            tally.violated(entry.n, expected, "; ".join(seen_text(t.field, entry) for t in broken))
        else:
            tally.held(entry.n)
    return tally.outcome()


def schema(params: Params, ctx: Context) -> Outcome:
    """Every match of `of` is valid against the schema of its part; `only` and `except` are pointer prefixes."""
    tally = Tally()
    only, spared = names(params.get("only")), names(params.get("except"))
    for entry in ctx.matches(need(params, "of")):
        if entry.kind == "malformed":
            tally.violated(entry.n, "well-formed message", entry.problem or "malformed")
            continue
        errors = _errors(entry, ctx)
        if errors is None:
            continue
        errors = [e for e in errors if _counts(e.pointer, only, spared)]
        if errors:
            expected = "; ".join(f"{e.pointer or '/'} {e.keyword}: {show(e.text)}" for e in errors[:3])
            seen = "; ".join(_value_at(entry, e.pointer) for e in errors[:3])
            tally.violated(entry.n, expected, seen)
        else:
            tally.held(entry.n)
    return tally.outcome()


def _value_at(entry: Entry, pointer: str) -> str:
    value = json_pointer.get(entry.body, pointer, MISSING)
    return f"{pointer or '/'}: {show(value)}"


def _counts(pointer: str, only: Sequence[str], spared: Sequence[str]) -> bool:
    return (not only or any(_under(pointer, p) for p in only)) and not any(_under(pointer, p) for p in spared)


def _under(pointer: str, prefix: str) -> bool:
    return pointer == prefix or pointer.startswith(prefix.rstrip("/") + "/")


def _errors(entry: Entry, ctx: Context) -> list[SchemaError] | None:
    if entry.message is None or schema_for(entry.message, entry.part) is None:
        return None
    key: Any = ("schema", entry.n)
    answers = ctx.answers
    if key not in answers:
        validators = validators_of(ctx.spec)
        valid = validators.valid(entry.message, entry.part, entry.body)
        answers[key] = [] if valid else list(validators.errors(entry.message, entry.part, entry.body))
    kept: list[SchemaError] = answers[key]
    return kept
