"""The generic rules: each is a pure function (parameters of the pack, one slice) -> outcome. A pack names them by kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from conformance.verdict.context import Context
from conformance.verdict.model import Outcome
from conformance.verdict.rules.lifecycle import lifecycle
from conformance.verdict.rules.order import preceded
from conformance.verdict.rules.pointwise import each, schema
from conformance.verdict.rules.timing import growing, interval, within
from conformance.verdict.rules.values import constant, distinct, ordered, sequence
from conformance.verdict.rules.windows import count, never

Rule = Callable[[Mapping[str, Any], Context], Outcome]

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "each": each,
        "schema": schema,
        "within": within,
        "never": never,
        "preceded": preceded,
        "count": count,
        "distinct": distinct,
        "constant": constant,
        "interval": interval,
        "growing": growing,
        "sequence": sequence,
        "ordered": ordered,
        "lifecycle": lifecycle,
    }
)

POINTWISE = frozenset({"each", "schema"})  # they need no stretch of time, so they also judge what happens between cases
