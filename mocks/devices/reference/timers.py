"""Named limits that the device obeys. Those of its start, or else built-in ones, hold until a registration brings others."""

from __future__ import annotations

from collections.abc import Mapping

from mocks.devices.reference.part import Part

__all__ = ["Timers"]

# id: (production ms, lab ms); the text of the specification
BUILT_IN: dict[str, tuple[int, int]] = {
    "T-HEARTBEAT": (30000, 800),
    "T-ACK": (3000, 600),
    "T-REGISTER": (5000, 1000),
    "T-CHANNEL": (5000, 1200),
    "T-BACKOFF": (1000, 100),
    "T-BACKOFF-CAP": (60000, 800),
    "T-RECONNECT": (60000, 2500),
    "T-TOKEN": (3600000, 4000),
    "T-CLOCK-WINDOW": (300000, 300000),
    "T-STATUS": (5000, 600),
    "T-TICKET": (3000, 800),
    "T-SHOW": (2000, 500),
    "T-RING": (3000, 600),
    "T-ANSWER": (5000, 500),
    "T-OFFER": (3000, 1500),
    "T-MEDIA": (15000, 5000),
    "T-COMMAND": (30000, 2500),
    "T-CANCEL": (3000, 600),
    "T-RATING": (60000, 1200),
    "T-RATE": (5000, 800),
    "T-HANGUP": (3000, 500),
    "T-WIPE": (10000, 800),
    "T-BOOT": (120000, 8000),
    "T-RECOVER": (60000, 4000),
    "T-PRINT": (60000, 3000),
    "T-UPLOAD": (30000, 2000),
    "T-QUIET": (2000, 300),
}


class Timers(Part):
    """The limits in force."""

    told: Mapping[str, int] = {}

    def take(self, timers: object) -> None:
        """Take over what the acceptance system hands out; what is not a positive number is left alone."""
        if isinstance(timers, Mapping):
            self.told = {str(k): int(v) for k, v in timers.items() if isinstance(v, int | float) and v > 0}

    def s(self, timer: str) -> float:
        """The limit in seconds."""
        built_in = BUILT_IN[timer][1 if self.d.settings.timers == "lab" else 0]
        return self.told.get(timer, self.d.settings.timers_ms.get(timer, built_in)) / 1000

    def pace(self, timer: str, share: float) -> float:
        """How long the device itself takes where it must be done within `timer`: a share of the limit, in seconds."""
        return self.s(timer) * share
