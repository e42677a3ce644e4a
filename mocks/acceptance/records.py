"""Two records joined by the service case: the session log (ticket to rating or time-out) and the audio/video record
(connected to hang-up), see decision 25."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class AvRecord:
    """One audio/video record; times are epoch seconds."""

    call_id: str
    started: float
    ended: float | None = None


@dataclass
class CaseRecord:
    """Everything kept of one service case."""

    ticket_id: str
    session_id: str | None = None
    log: list[tuple[float, str]] = field(default_factory=list)
    media: list[AvRecord] = field(default_factory=list)
    sealed: bool = False


@dataclass
class Records:
    """The records of all cases, by ticket."""

    rows: dict[str, CaseRecord] = field(default_factory=dict)

    def log(self, ticket_id: str, what: str, at: float, session_id: str | None = None) -> CaseRecord:
        """Add a line to the session log. A sealed record takes none."""
        row = self.rows.setdefault(ticket_id, CaseRecord(ticket_id))
        row.session_id = session_id or row.session_id
        if not row.sealed:
            row.log.append((at, what))
        return row

    def of_session(self, session_id: str) -> CaseRecord | None:
        """The record that a session belongs to."""
        return next((row for row in self.rows.values() if row.session_id == session_id), None)

    def connected(self, session_id: str, call_id: str, at: float) -> None:
        """Media flow: the audio/video record starts, once a call."""
        row = self.of_session(session_id)
        if row is not None and all(record.call_id != call_id for record in row.media):
            row.media.append(AvRecord(call_id, at))

    def hung_up(self, call_id: str, at: float) -> None:
        """The call ended: its record is closed; the session log goes on."""
        for row in self.rows.values():
            for record in row.media:
                if record.call_id == call_id and record.ended is None:
                    record.ended = at

    def seal(self, ticket_id: str, at: float) -> None:
        """Rated, or the rating timed out: nothing is added any more."""
        row = self.rows.get(ticket_id)
        if row is None or row.sealed:
            return
        for record in row.media:
            record.ended = at if record.ended is None else record.ended
        row.log.append((at, "sealed"))
        row.sealed = True
