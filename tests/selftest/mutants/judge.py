"""The transcript and the judge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from conformance.bench.lag import LagMeter
from conformance.spec.validators import Validators
from conformance.trace.transcript import Reader
from conformance.verdict import findings, judge
from conformance.verdict.model import Outcome, Violation

from .registry import every, explode, mutant, wrap


@mutant("judge", "replies are not paired with their requests")
def transcript_pairs_nothing(patch: pytest.MonkeyPatch) -> None:
    def make(name: Any) -> Any:
        def unpaired(self: Reader, entry: Any, wire: str) -> None:
            name(self, entry, wire)
            if entry.request is not None:
                entry.request.reply = None
                entry.request = None

        return unpaired

    wrap(patch, Reader, "_name", make)


@mutant("judge", "replies are paired with another request")
def transcript_pairs_wrongly(patch: pytest.MonkeyPatch) -> None:
    last: dict[int, Any] = {}

    def make(name: Any) -> Any:
        def wrong(self: Reader, entry: Any, wire: str) -> None:
            name(self, entry, wire)
            if entry.kind == "request" and entry.dir == "bench":
                last[id(self)] = entry
            elif entry.request is not None and id(self) in last and last[id(self)] is not entry.request:
                entry.request.reply, entry.request = None, last[id(self)]
                entry.request.reply = entry

        return wrong

    wrap(patch, Reader, "_name", make)


@mutant("judge", "the transcript cannot read some frames")
def transcript_raises(patch: pytest.MonkeyPatch) -> None:
    tenth = every(10)
    wrap(patch, Reader, "_frame", lambda read: lambda *args: explode() if tenth() else read(*args))


def _bend_rule(patch: pytest.MonkeyPatch, kind: str, rule: Any) -> None:
    patch.setattr(findings, "RULES", {**findings.RULES, kind: rule})


@mutant("judge", "a rule raises")
def rule_raises(patch: pytest.MonkeyPatch) -> None:
    _bend_rule(patch, "within", explode)


@mutant("judge", "a rule returns nothing")
def rule_returns_nothing(patch: pytest.MonkeyPatch) -> None:
    _bend_rule(patch, "each", lambda *_: None)


@mutant("judge", "a rule returns a word where an outcome is asked")
def rule_returns_a_word(patch: pytest.MonkeyPatch) -> None:
    _bend_rule(patch, "never", lambda *_: "pass")


@mutant("judge", "a rule returns occasions that are no numbers")
def rule_returns_rubbish(patch: pytest.MonkeyPatch) -> None:
    _bend_rule(patch, "count", lambda *_: Outcome(held=("all",), violated=("none",)))  # type: ignore[arg-type]


@mutant("judge", "a rule blames an observation that does not exist")
def rule_blames_the_void(patch: pytest.MonkeyPatch) -> None:
    _bend_rule(patch, "schema", lambda *_: Outcome(violated=(Violation(10_000_000, "something", "nothing"),)))


@mutant("judge", "a rule is missing")
def rule_is_missing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(findings, "RULES", {kind: rule for kind, rule in findings.RULES.items() if kind != "preceded"})


@mutant("judge", "a timer is missing")
def timer_is_missing(patch: pytest.MonkeyPatch) -> None:
    def make(settings_of: Any) -> Any:
        def without(*args: Any) -> Any:
            settings = settings_of(*args)
            rest = {name: timer for name, timer in settings.spec.timers.items() if name != "T-ACK"}
            limits = {name: limit for name, limit in settings.timers_ms.items() if name != "T-ACK"}
            told = {name: values for name, values in settings.told.items() if name != "T-ACK"}
            return replace(settings, spec=replace(settings.spec, timers=rest), timers_ms=limits, told=told)

        return without

    wrap(patch, judge, "settings_of", make)


@mutant("judge", "the validators raise")
def validators_raise(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Validators, "valid", explode)
    patch.setattr(Validators, "errors", explode)


@mutant("judge", "the validators refuse everything")
def validators_refuse(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Validators, "valid", lambda *_: False)


@mutant("judge", "the measured lag is rubbish")
def lag_is_rubbish(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LagMeter, "report", explode)
