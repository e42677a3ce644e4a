"""How long the device waits before it tries again."""

from __future__ import annotations

from mocks.devices.reference.part import Part

__all__ = ["Backoff"]


class Backoff(Part):
    """Doubling from T-BACKOFF to T-BACKOFF-CAP, with jitter so that a street of devices does not come back at once."""

    def delay(self, attempt: int) -> float:
        """Seconds before attempt `attempt + 2`; `attempt` counts failures so far, from 0."""
        base, cap = self.d.timers.s("T-BACKOFF"), self.d.timers.s("T-BACKOFF-CAP")
        grown: float = base * self.growth() ** min(attempt, 30)
        if grown >= cap:
            return cap * (1 - 0.1 * self.spread())
        return min(grown * (1 + 0.25 * self.spread()), cap)

    def pause(self, asked_s: float, attempt: int) -> float:
        """Seconds to wait when the answer asked for `asked_s`: never before that, and not all devices at that very moment."""
        spread = 0.1 * self.delay(0) if asked_s else 0.0
        return max(asked_s + spread, self.delay(attempt))

    def growth(self) -> float:
        """Factor from one delay to the next."""
        return 2.0

    def spread(self) -> float:
        """Jitter, 0 to 1."""
        return self.d.rng.random()
