"""The reference device: a whole, well-behaved remote virtual window terminal, written from the text alone.

It imports nothing of the harness or of the simulators, so that a wrong table cannot fool both sides.
"""

from __future__ import annotations

from mocks.devices.media import PaperMedia
from mocks.devices.reference.assembly import build
from mocks.devices.reference.device import Device
from mocks.devices.reference.storage import MemoryStorage
from mocks.devices.reference.transport import Clock, ConnectionClosed, HttpReply, Storage, Transport, WsConn
from mocks.devices.reference.trust import CARELESS

__all__ = [
    "CARELESS",
    "Clock",
    "ConnectionClosed",
    "Device",
    "HttpReply",
    "MemoryStorage",
    "PaperMedia",
    "Storage",
    "Transport",
    "WsConn",
    "build",
]
