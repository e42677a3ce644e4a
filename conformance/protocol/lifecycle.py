"""Life cycles as tables.

Two rules for this file: everything that decides whether a message is legal in a state lives in the table that the pack
gives, and nothing here knows which side it serves. An event is `message:kind` (`ticket.called:request`). A row maps
(state, event) to the next state. An event of the alphabet that has no row in the present state is `MessageUnexpected`:
a value, not an exception and not a verdict, and the state stays what it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class MessageUnexpected:
    """An event that the table does not know in this state."""

    lifecycle: str
    state: str
    event: str
    lawful: tuple[str, ...]  # the events that the state does know

    def __str__(self) -> str:
        lawful = ", ".join(self.lawful) or "nothing"
        return f"{self.event} in state {self.state!r} of {self.lifecycle}; lawful there: {lawful}"


@dataclass(frozen=True)
class LifecycleTable:
    """One life cycle of the pack. `key` is the canonical field that tells instances apart; empty means one a device."""

    id: str
    subject: tuple[str, str]  # zh, en
    key: str
    initial: str
    final: tuple[str, ...]
    states: tuple[str, ...]
    rows: Mapping[tuple[str, str], str]
    titles: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    ignores: frozenset[str] = frozenset()

    @property
    def alphabet(self) -> frozenset[str]:
        """Every event that the table speaks of."""
        return frozenset(event for _, event in self.rows) | self.ignores

    def lawful(self, state: str) -> tuple[str, ...]:
        """The events that have a row in `state`, sorted."""
        return tuple(sorted(event for s, event in self.rows if s == state))

    def step(self, state: str, event: str) -> str | MessageUnexpected:
        """The next state, or what was wrong. Events outside the alphabet and ignored ones leave the state as it is."""
        target = self.rows.get((state, event))
        if target is not None:
            return target
        if event in self.ignores or event not in self.alphabet:
            return state
        return MessageUnexpected(self.id, state, event, self.lawful(state))

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> LifecycleTable:
        """Build from the pack's form: `from` may be one state, a list or `*`; `to: "="` stays. First row given wins."""
        states = tuple(state["id"] for state in data["states"])
        rows: dict[tuple[str, str], str] = {}
        for row in data["transitions"]:
            sources = states if row["from"] == "*" else _listed(row["from"])
            for source in sources:
                for event in _listed(row["on"]):
                    rows.setdefault((source, event), source if row["to"] == "=" else row["to"])
        subject = data["subject"]
        return cls(
            id=data["id"], subject=(subject["zh"], subject["en"]), key=data.get("key", ""), initial=data["initial"],
            final=tuple(data.get("final", ())), states=states, rows=rows,
            titles={s["id"]: (s["title"]["zh"], s["title"]["en"]) for s in data["states"] if "title" in s},
            ignores=frozenset(data.get("ignores", ())),
        )  # fmt: skip


def _listed(value: str | Sequence[str]) -> Iterable[str]:
    return (value,) if isinstance(value, str) else value
