"""Offers of the clerk on a call that is already negotiated, with payload types and extension identifiers kept.

The stack numbers them anew in each offer, which RFC 8285 section 7 forbids and browsers refuse.
"""

from __future__ import annotations

from typing import Any

import aiortc.rtcpeerconnection
from aiortc import RTCPeerConnection, RTCSessionDescription

connection_module: Any = aiortc.rtcpeerconnection  # Any: its tables are exchanged below, which types forbid on purpose


async def stable_offer(connection: RTCPeerConnection) -> RTCSessionDescription:
    """createOffer() with the numbers that the call already uses."""
    codecs, extensions = connection_module.CODECS, connection_module.HEADER_EXTENSIONS
    kinds = ("audio", "video")
    try:
        connection_module.CODECS = {kind: _agreed(connection, kind, "_codecs") or codecs[kind] for kind in kinds}
        connection_module.HEADER_EXTENSIONS = {
            kind: _agreed(connection, kind, "_headerExtensions") or extensions[kind] for kind in kinds
        }
        return await connection.createOffer()
    finally:
        connection_module.CODECS, connection_module.HEADER_EXTENSIONS = codecs, extensions


def _agreed(connection: RTCPeerConnection, kind: str, name: str) -> list[Any] | None:
    for transceiver in connection.getTransceivers():
        agreed: list[Any] = getattr(transceiver, name)
        if transceiver.kind == kind and transceiver.mid is not None and agreed:
            return agreed
    return None
