"""Everything that a bench needs to run this device inside its own process, under the names that it looks for."""

from __future__ import annotations

from mocks.devices.media import PaperMedia
from mocks.devices.reference.assembly import build
from mocks.devices.reference.storage import MemoryStorage
from mocks.devices.reference.transport import ConnectionClosed

__all__ = ["ConnectionClosed", "MemoryStorage", "PaperMedia", "build"]
