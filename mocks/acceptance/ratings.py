"""Ratings and their relay to 好差评: each service case reaches it exactly once, whatever the device repeats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mocks.acceptance.queue import InvariantBrokenError
from mocks.acceptance.refusal import Refused


@dataclass
class RatingRequest:
    """One question to the resident: the session it is about, and the answer once there is one."""

    id: str
    session_id: str
    ticket_id: str
    answer: Mapping[str, Any] | None = None


@dataclass
class Ratings:
    """Questions asked and answers relayed."""

    new_id: Callable[[], str]
    rows: dict[str, RatingRequest] = field(default_factory=dict)
    relayed: list[Mapping[str, Any]] = field(default_factory=list)

    def ask(self, session_id: str, ticket_id: str) -> RatingRequest:
        """The question of a session; asked twice it is the same question."""
        for row in self.rows.values():
            if row.session_id == session_id:
                return row
        row = RatingRequest(self.new_id(), session_id, ticket_id)
        self.rows[row.id] = row
        return row

    def submit(self, answer: Mapping[str, Any]) -> tuple[RatingRequest, bool]:
        """Take an answer. A repeat of it is acknowledged and not relayed again; a different one is refused.

        Second value: was it relayed now. Raises Refused.
        """
        row = self.rows.get(answer.get("rating_id", ""))
        if row is None:
            raise Refused("unknown-object", "no rating was asked under this id")
        for key, known in (("session_id", row.session_id), ("ticket_id", row.ticket_id)):
            if key in answer and answer[key] != known:
                raise Refused("invalid", f"{key} is not the one that was asked about")
        if row.answer is None:
            row.answer = dict(answer)
            self._relay(row.answer, row.session_id)
            return row, True
        if any(row.answer.get(key) != answer.get(key) for key in ("outcome", "level", "reasons")):
            raise Refused("conflict", "this rating was already given with another content")
        return row, False

    def _relay(self, answer: Mapping[str, Any], session_id: str) -> None:
        if any(done["session_id"] == session_id for done in self.relayed):
            raise InvariantBrokenError(f"the rating of session {session_id} would reach the rating system twice")
        self.relayed.append({**answer, "session_id": session_id})
