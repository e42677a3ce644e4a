"""What survives a power loss: ids and counters. Payloads do not, and their loss is said."""

from __future__ import annotations

import json
from typing import Any

from mocks.devices.reference.part import Part
from mocks.devices.reference.wire import CANCELLED, RpcError

__all__ = ["Memory"]

_NAME = "state.json"


class Memory(Part):
    """One small document on the disk."""

    def __init__(self, device: Any) -> None:
        super().__init__(device)
        self.boots = 0
        self.frozen = False
        self.lost_commands: list[dict[str, str]] = []
        self.lost_ratings: list[dict[str, str]] = []

    def document(self) -> dict[str, Any]:
        """Ids and counters, nothing of a person."""
        d = self.d
        return {
            "boots": self.boots,
            "tickets": [[t.ticket_id, t.number, t.state, t.ahead] for t in d.tickets.open.values()],
            "session": [d.sessions.current, d.sessions.ticket_id] if d.sessions.current else [],
            "closed": list(d.sessions.closed.items())[-20:],
            "commands": [{**command.document(), "peripheral": command.peripheral} for command, _ in d.commands.running.values()],
            "printed": list(d.printing.printed.items())[-50:],
            "ratings": d.ratings.pending_ids(),
            "rated": list(d.ratings.done.items())[-20:],
        }

    def save(self) -> None:
        """Write it down."""
        if self.frozen:
            return
        self.d.storage.write(_NAME, json.dumps(self.document(), ensure_ascii=False))

    def restore(self) -> None:
        """After power on. A damaged document is as good as none."""
        kept = self.kept()
        d = self.d
        self.boots = int(kept.get("boots", 0)) + 1
        d.tickets.restore(kept.get("tickets", []))
        d.sessions.closed.update(kept.get("closed", []))
        if kept.get("session"):  # a session does not outlive the power: what belonged to it is gone
            session_id, ticket_id = kept["session"]
            d.sessions.closed[session_id] = ticket_id
        d.printing.printed.update(kept.get("printed", []))
        d.ratings.done.update(kept.get("rated", []))
        self.lost_commands = kept.get("commands", [])
        self.lost_ratings = kept.get("ratings", [])
        self.clear_spool()
        self.save()

    def kept(self) -> dict[str, Any]:
        """What the disk says."""
        try:
            value = json.loads(self.d.storage.read(_NAME) or "{}")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def clear_spool(self) -> None:
        """Anything else on the disk is of no known use: away with it."""
        for name in self.d.storage.names():
            if name != _NAME:
                self.d.storage.remove(name)

    def report_losses(self) -> None:
        """Commands cut off by the power loss have failed; their data are gone. A rating cut off was not given."""
        for lost in self.lost_commands:
            error = RpcError(CANCELLED, "power loss, payload lost", {"lost": True})
            data = {"command_id": lost["command_id"], "session_id": lost["session_id"], "error": error.document()}
            self.d.reports.send("cn.rvw.command.failed", lost["peripheral"], data)
            self.d.commands.ended[lost["command_id"]] = "failed"
        for lost in self.lost_ratings:
            body = {**lost, "outcome": "not_rated", "rated_at": self.d.time.text()}
            self.d.spawn(self.d.ratings.submit(body), "rating")
        self.lost_commands, self.lost_ratings = [], []
