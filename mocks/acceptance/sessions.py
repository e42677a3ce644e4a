"""Service sessions and what is handed in during them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from mocks.acceptance.refusal import Refused


@dataclass(frozen=True, slots=True)
class Material:
    """One uploaded document: type and digest stay, for the record; so does the size in bytes."""

    id: str
    media_type: str
    sha256: str
    size: int


@dataclass
class Session:
    """One service session (窗口服务), from the clerk's opening until it is sealed."""

    id: str
    ticket_id: str
    case_no: str
    device: str
    state: str = "opened"
    reason: str = ""
    materials: dict[str, Material] = field(default_factory=dict)
    commands: dict[str, str] = field(default_factory=dict)  # command id -> open | completed | failed | cancelled

    @property
    def is_open(self) -> bool:
        """Whether things may still be read, captured, signed or printed in it."""
        return self.state == "opened"


@dataclass
class Sessions:
    """All sessions of the city. Nothing is handed in outside an open one (decision 25)."""

    new_id: Callable[[], str]
    new_case_no: Callable[[], str]
    media_types: frozenset[str] = frozenset({"image/jpeg", "application/pdf"})
    max_bytes: int = 20 * 1024 * 1024
    rows: dict[str, Session] = field(default_factory=dict)

    def open(self, ticket_id: str, device: str) -> Session:
        """A new session for a ticket."""
        session = Session(self.new_id(), ticket_id, self.new_case_no(), device)
        self.rows[session.id] = session
        return session

    def get(self, session_id: object) -> Session:
        """Raises Refused for an unknown session."""
        session = self.rows.get(session_id) if isinstance(session_id, str) else None
        if session is None:
            raise Refused("unknown-object", "no such session")
        return session

    def current(self, device: str) -> Session | None:
        """The open session of a device, if any."""
        return next((s for s in self.rows.values() if s.device == device and s.is_open), None)

    def close(self, session_id: str, reason: str) -> Session:
        """Close a session. Raises Refused where it is not open."""
        session = self.get(session_id)
        if not session.is_open:
            raise Refused("wrong-state", f"the session is {session.state}")
        session.state, session.reason = "closed", reason
        return session

    def seal(self, session_id: str) -> Session:
        """The records are complete. Raises Refused where the session is still open."""
        session = self.get(session_id)
        if session.is_open:
            raise Refused("wrong-state", "an open session cannot be sealed")
        session.state = "sealed"
        return session

    def take_material(
        self, session_id: object, material_id: object, media_type: str, body: bytes, device: str
    ) -> tuple[Material, bool]:
        """File an upload; the same bytes again are the same material. Second value: is it new. Raises Refused."""
        session = self.rows.get(session_id) if isinstance(session_id, str) else None
        if session is None or session.device != device or not session.is_open:
            raise Refused("wrong-session", "materials are taken in the device's open session only")
        if not isinstance(material_id, str) or not material_id:
            raise Refused("invalid", "no material id")
        if media_type not in self.media_types:
            raise Refused("unsupported-type", f"{media_type or 'nothing'} is not taken")
        if len(body) > self.max_bytes:
            raise Refused("too-large", f"more than {self.max_bytes} bytes")
        material = Material(material_id, media_type, hashlib.sha256(body).hexdigest(), len(body))
        known = session.materials.get(material_id)
        if known is not None and known != material:
            raise Refused("conflict", "another document was handed in under this id")
        session.materials[material_id] = material
        return material, known is None
