"""The device's time: its monotonic clock plus an offset that the acceptance system gave."""

from __future__ import annotations

import asyncio

from mocks.devices.reference.part import Part
from mocks.devices.reference.wire import parse_time

__all__ = ["DeviceTime"]


class DeviceTime(Part):
    """Nothing that carries a time of ours leaves the device before the first synchronisation."""

    offset: float | None = None

    @property
    def synced(self) -> bool:
        """Whether a server time was ever seen since power on."""
        return self.offset is not None

    def sync(self, server_time: object, asked_at: float | None = None) -> None:
        """Take over a server time; `asked_at` (loop time of the question) halves the way."""
        if not isinstance(server_time, str):
            return
        try:
            told = parse_time(server_time)
        except ValueError:
            return
        loop_now = asyncio.get_running_loop().time()
        way = 0.0 if asked_at is None else max(0.0, loop_now - asked_at) / 2
        self.offset = told + way - loop_now

    def take(self, epoch_s: float | None) -> None:
        """Take over a coarse time, where nothing better is known or ours was refused."""
        if epoch_s is not None:
            self.offset = epoch_s - asyncio.get_running_loop().time()

    def now(self) -> float:
        """Seconds since 1970: synced time, before that the battery clock (good enough to sign the first request)."""
        if self.offset is None:
            return self.d.clock.wall()
        return asyncio.get_running_loop().time() + self.offset

    def text(self) -> str:
        """Now, as the wire has it. Only for use after the first synchronisation."""
        return self.d.codec.time(self.now())
