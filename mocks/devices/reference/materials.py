"""Upload of materials to the open session."""

from __future__ import annotations

from typing import Any

from mocks.devices.reference.docking import Refused, Request
from mocks.devices.reference.part import Part
from mocks.devices.reference.pictures import Picture
from mocks.devices.reference.signing import content_digest
from mocks.devices.reference.wire import TOO_LARGE, UNKNOWN, WRONG_STATE, RpcError

__all__ = ["Materials"]


class Materials(Part):
    """Uploads, each named by its material id, so that a repeat replaces nothing and doubles nothing."""

    async def upload(self, session_id: str, material_id: str, picture: Picture) -> str:
        """Send until acknowledged; the digest that both sides know. Raises RpcError with the reason of a refusal."""
        data = self.content(picture)
        request = Request("PUT", self.path(session_id, material_id), data, picture.media_type)
        try:
            reply = await self.d.docking.deliver(request)
        except Refused as refused:
            code = {404: UNKNOWN, 409: WRONG_STATE, 413: TOO_LARGE}.get(refused.problem.status, WRONG_STATE)
            raise RpcError(code, f"upload refused: {refused.problem.slug}") from refused
        self.after_upload(session_id, material_id, picture)
        return self.digest(data, self.d.docking.decoded(reply))

    def path(self, session_id: str, material_id: str) -> str:
        """Where it belongs."""
        return f"/sessions/{session_id}/materials/{material_id}"

    def content(self, picture: Picture) -> bytes:
        """The bytes that go out."""
        return picture.data

    def digest(self, data: bytes, _answer: Any) -> str:
        """The digest that the device reports for what it sent."""
        return content_digest(data)

    def after_upload(self, session_id: str, material_id: str, picture: Picture) -> None:
        """What the device does with its own copy: it stays in memory until the session ends."""
