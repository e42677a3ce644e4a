"""The vocabulary that packs are checked against is the one that rules understand, and the shipped pack speaks it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from verdict_helpers import Tape

from conformance.spec.loader import default_pack, examine
from conformance.verdict import match, predicates
from conformance.verdict.context import Context
from conformance.verdict.rules import RULES
from conformance.verdict.settings import Settings

META = Path(__file__).resolve().parents[2] / "specs/meta"
WORDS: dict[str, Any] = yaml.safe_load((META / "rules.yaml").read_text(encoding="utf-8"))


def test_rule_kinds_matchers_and_predicates_are_the_declared_ones() -> None:
    assert set(RULES) == set(WORDS["kinds"])
    assert set(match._KEYS) == set(WORDS["matcher"])
    assert set(predicates._OPERATORS) == set(WORDS["predicate"])
    assert set(predicates._TYPES) == set(WORDS["json_types"])


def test_every_rule_of_the_shipped_pack_runs() -> None:
    spec, _ = examine(default_pack())
    assert spec is not None
    tape = Tape(spec)
    tape.start("any")
    tape.call("bench", "status.query")
    tape.end()
    context = Context(tape.transcript.entries, Settings(spec))
    rules = [o for clause in spec.clauses.values() for o in clause.obligations if o.rule is not None]
    assert rules
    for obligation in rules:
        assert obligation.rule is not None
        RULES[obligation.rule.kind](obligation.rule.params, context)  # an unknown word would raise RuleError
