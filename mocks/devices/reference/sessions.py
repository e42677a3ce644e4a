"""Service sessions: what may be done only inside one, and what is wiped at its end."""

from __future__ import annotations

from typing import Any

from mocks.devices.reference.part import Part
from mocks.devices.reference.wire import UNKNOWN, WRONG_STATE, RpcError, wanted

__all__ = ["Sessions", "Vault"]


class Vault(Part):
    """The only place where the device keeps what belongs to a resident. Memory, never disk."""

    def __init__(self, device: Any) -> None:
        super().__init__(device)
        self.items: dict[str, str | bytes] = {}

    def put(self, name: str, value: str | bytes) -> None:
        """Keep something until the session ends."""
        self.items[name] = value

    def wipe(self) -> None:
        """Forget everything."""
        self.items.clear()

    def residue(self) -> list[str]:
        """What is in memory now, as text."""
        return [f"{n}: {v if isinstance(v, str) else f'{len(v)} bytes'}" for n, v in self.items.items()]


class Sessions(Part):
    """At most one open session; closed ones are known by id."""

    def __init__(self, device: Any) -> None:
        super().__init__(device)
        self.current = ""
        self.ticket_id = ""
        self.case_no = ""
        self.closed: dict[str, str] = {}

    def opened(self, params: dict[str, Any]) -> dict[str, Any]:
        """`session.opened`."""
        wanted(params, "session_id:str ticket_id:str case_no?:str")
        session_id = params["session_id"]
        if session_id == self.current:
            return {}
        if session_id in self.closed or self.unknown_ticket(params["ticket_id"]):
            raise RpcError(UNKNOWN, "unknown session or ticket")
        if self.current:
            raise RpcError(WRONG_STATE, "another session is open")
        self.current, self.ticket_id = session_id, params["ticket_id"]
        self.case_no = str(params.get("case_no", ""))
        self.d.screens.show("窗口已接入，开始办理")
        self.d.remember()
        return {}

    def unknown_ticket(self, ticket_id: str) -> bool:
        """Whether this device holds no such ticket."""
        return ticket_id not in self.d.tickets.open

    def close(self, params: dict[str, Any]) -> dict[str, Any]:
        """`session.closed`."""
        wanted(params, "session_id:str reason:str")
        session_id = params["session_id"]
        if session_id in self.closed:
            return {}
        if session_id != self.current:
            raise RpcError(UNKNOWN, "unknown session")
        self.closed[session_id] = self.ticket_id
        self.current = self.case_no = ""
        self.d.tickets.session_closed(self.ticket_id)
        self.d.commands.abandon("session closed")
        self.d.spawn(self.d.calls.end_for_session(session_id), "hang up")
        self.wipe()
        self.d.remember()
        return {}

    def reset(self) -> None:
        """Give the session up from here."""
        if self.current:
            self.closed[self.current] = self.ticket_id
        self.current = self.case_no = ""

    def wipe(self) -> None:
        """Nothing of the resident stays: memory, screens, cards, spool, numbers of ended tickets."""
        self.d.vault.wipe()
        self.d.screens.wipe()
        self.d.bank.take_everything_off()
        self.d.config.chosen_item = ""

    def is_open(self, session_id: str) -> bool:
        """Whether work for this session may be done now."""
        return bool(session_id) and session_id == self.current

    def known(self, session_id: str) -> bool:
        """Whether this is the open session or one that was closed here."""
        return self.is_open(session_id) or session_id in self.closed

    def lines(self) -> list[str]:
        """The session on the main screen."""
        return [f"办理中 办件编号 {self.case_no}".rstrip()] if self.current else []
