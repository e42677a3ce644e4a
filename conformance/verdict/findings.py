"""From rules to findings: runs the rules of obligations over a slice, splits off what is tainted, names the blame.

A rule that raises is the bench's own error: its finding is tainted, and no device pays for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from conformance.spec.model import Obligation
from conformance.trace.transcript import Entry
from conformance.verdict.blame import ABSENT
from conformance.verdict.context import Context
from conformance.verdict.model import Blame, Doubt, Finding, Outcome, Violation
from conformance.verdict.rules import RULES
from conformance.verdict.taint import Taint, taint_on

RULE_ERROR = "rule-error"  # reason of the doubt that a raising rule leaves


def findings_on(
    ctx: Context, case: str, obligations: Iterable[Obligation], taints: Sequence[Taint], *, absent: bool = False
) -> list[Finding]:
    """The findings of obligations on one slice; an obligation whose rule met no occasion there leaves none.

    `case` is the id of the test case, empty for the run session. `absent`: up to the end of the slice no device was ever
    seen, so nothing there speaks for or against one.
    """
    found: list[Finding] = []
    for obligation in obligations:
        outcome = _answers(ctx, obligation) if obligation.rule is None else _run(ctx, obligation)
        if absent:
            outcome = _vacuous(outcome)
        if outcome.triggered:
            found.extend(_booked(obligation, ctx, case, outcome, taints))
    return found


def _run(ctx: Context, obligation: Obligation) -> Outcome:
    rule = obligation.rule
    assert rule is not None
    try:
        return _checked(RULES[rule.kind](rule.params, ctx), ctx)
    except Exception as exc:
        # Whatever a device sent, and whatever a pack asks, a rule that fails is our mistake and is booked as such.
        n = ctx.entries[0].n if ctx.entries else 0
        return Outcome(undecidable=(Doubt(n, RULE_ERROR, f"{rule.kind}: {type(exc).__name__}: {exc}"),))


def _checked(outcome: Outcome, ctx: Context) -> Outcome:
    """What a rule returned, if it is an outcome about observations of the run. Raises TypeError, LookupError."""
    if not isinstance(outcome, Outcome):
        raise TypeError(f"a rule returned {type(outcome).__name__}")
    for violation in outcome.violated:
        if ctx.whole.at(violation.n) is None:
            raise LookupError(f"a rule blames observation {violation.n}, which does not exist")
    return outcome


def _vacuous(outcome: Outcome) -> Outcome:
    """The occasions of an outcome with nobody to blame for them."""
    ns = (*outcome.held, *(v.n for v in outcome.violated))
    return Outcome(undecidable=(*outcome.undecidable, *(Doubt(n, ABSENT) for n in ns)))


def _booked(obligation: Obligation, ctx: Context, case: str, outcome: Outcome, taints: Sequence[Taint]) -> list[Finding]:
    kind = obligation.rule.kind if obligation.rule else "answer"
    failed = [d for d in outcome.undecidable if d.reason == RULE_ERROR]
    if failed:
        why = f"{RULE_ERROR}: {failed[0].note}"
        return [Finding(obligation.id, obligation.clause, case, kind, outcome, Blame.BENCH, True, why)]
    causes = {v: taint_on(v, *_where(ctx, v.n, case), taints) for v in outcome.violated} if taints else {}
    clean = tuple(v for v in outcome.violated if causes.get(v) is None)
    plain = Outcome(outcome.held, clean, outcome.undecidable)
    blame = Blame.DEVICE if clean else None
    found = [Finding(obligation.id, obligation.clause, case, kind, plain, blame)] if plain.triggered else []
    tainted = tuple(v for v in outcome.violated if causes.get(v) is not None)
    if tainted:
        cause = causes[tainted[0]]
        assert cause is not None
        found.append(
            Finding(obligation.id, obligation.clause, case, kind, Outcome(violated=tainted), cause.blame, True, cause.reason)
        )
    return found


def _where(ctx: Context, n: int, case: str) -> tuple[str, str]:
    """Connection and case of an observation of the slice; in the session each observation keeps its own case."""
    entry = ctx.at(n)
    if entry is None:
        return "", case
    return entry.conn, case or entry.case


def _answers(ctx: Context, obligation: Obligation) -> Outcome:
    """What a person answered about an obligation that no rule can judge: `prompt.answer` with the obligation's id."""
    held, broken, open_questions = [], [], []
    asked: dict[str, Entry] = {}
    for entry in ctx.observed("prompt", "prompt.answer"):
        key = str(entry.facts.get("id", ""))
        if entry.obs == "prompt":
            if obligation.id in _obligations(entry.facts):
                asked[key] = entry
            continue
        if key not in asked and obligation.id not in _obligations(entry.facts):
            continue
        asked.pop(key, None)
        answer = entry.facts.get("ok")
        if answer is True:
            held.append(entry.n)
        elif answer is False:
            broken.append(entry)
        else:
            open_questions.append(entry)
    open_questions.extend(asked.values())
    return Outcome(
        tuple(held),
        tuple(_said_no(entry) for entry in broken),
        tuple(Doubt(entry.n, "unanswered") for entry in open_questions),
    )


def _said_no(entry: Entry) -> Violation:
    return Violation(entry.n, "yes", str(entry.facts.get("text", "no")))


def _obligations(facts: Mapping[str, Any]) -> tuple[str, ...]:
    listed = facts.get("obligations", facts.get("obligation", ()))
    return (listed,) if isinstance(listed, str) else tuple(map(str, listed)) if isinstance(listed, list | tuple) else ()
