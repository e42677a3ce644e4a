"""Why the acceptance system says no: a slug that every dialect of the pack turns into its own status, code and text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# Status of a refusal on an HTTP interface where the pack's `city.errors` gives none (RFC 9110 section 15).
STATUS: Final[Mapping[str, int]] = {
    "malformed": 400, "invalid-request": 400, "unauthorized": 401, "bad-signature": 401, "stale": 401,
    "not-registered": 401, "bad-digest": 400,
    "unknown-device": 403, "not-activated": 403, "closed": 403, "outside-service-hours": 403, "not-found": 404,
    "unknown-object": 404, "unknown-method": 404, "method-not-allowed": 405, "duplicate-device": 409,
    "wrong-state": 409, "wrong-session": 409, "conflict": 409, "too-large": 413, "unsupported-type": 415,
    "invalid": 422, "unknown-item": 422, "busy": 409, "maintenance": 503, "unavailable": 503,
}  # fmt: skip

# Codes on a message interface where the pack's `city.errors` gives none: JSON-RPC 2.0 section 5.1 and its server range.
CODES: Final[Mapping[str, int]] = {
    "malformed": -32700, "invalid-request": -32600, "unknown-method": -32601, "invalid": -32602, "unauthorized": -32001,
    "stale": -32001, "busy": -32010, "unknown-object": -32011, "not-found": -32011, "wrong-session": -32012,
    "wrong-state": -32012, "peripheral-fault": -32013, "timeout": -32014, "cancelled": -32015, "too-large": -32016,
    "not-supported": -32017,
}  # fmt: skip


class Refused(Exception):
    """The request is understood and refused. `slug` names the reason, `data` holds further canonical fields."""

    def __init__(self, slug: str, detail: str = "", **data: Any) -> None:
        super().__init__(f"{slug}: {detail}" if detail else slug)
        self.slug = slug
        self.detail = detail
        self.data = data
