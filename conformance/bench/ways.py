"""Ways: how an object of a life cycle is brought into one of its states and held there.

A way tells what passes on it, in roles; which state of which table that ends in is read from the pack. So a story leads to
the states of every pack that binds its roles, whatever these states are called. What a way is for: `wrongstate`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from conformance.bench.case import load_cases
from conformance.bench.stage import Stage
from conformance.protocol.lifecycle import LifecycleTable, MessageUnexpected
from conformance.spec.model import Spec

# Yields the identifiers of the object once it is in the state; it stays there until the block ends.
Lead = Callable[[Stage], AbstractAsyncContextManager[Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class Way:
    """One way. `roles` and `verbs` are what it needs, as with a case."""

    key: str  # canonical field of the object
    lead: Lead
    passes: tuple[str, ...] = ()  # role:kind, in order
    roles: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()

    def end(self, spec: Spec, table: LifecycleTable) -> str | None:
        """The state that the way ends in by this table; None where the table or the pack does not go along."""
        if table.key != self.key:
            return None
        state = table.initial
        for role, _, kind in (passed.partition(":") for passed in self.passes):
            messages = spec.by_role(role)
            after = table.step(state, f"{messages[0].name}:{kind}") if messages else None
            if after is None or isinstance(after, MessageUnexpected):
                return None
            state = after
        return state


WAYS: list[Way] = []


def way(key: str, passes: str, *, roles: str = "", verbs: str = "") -> Callable[[Lead], Lead]:
    """Register an asynchronous context manager as a way; `passes` (role:kind), `roles` and `verbs` are words with spaces."""

    def register(lead: Lead) -> Lead:
        events = tuple(passes.split())
        needed = (*roles.split(), *(event.partition(":")[0] for event in events))
        WAYS.append(Way(key, lead, events, tuple(dict.fromkeys(needed)), tuple(verbs.split())))
        return lead

    return register


def load_ways() -> list[Way]:
    """Every way that a suite module registers."""
    load_cases()
    return WAYS
