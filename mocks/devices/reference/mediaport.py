"""What the device needs of a media stack. Structural: whichever stack is injected stands behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

__all__ = ["MediaEnd", "MediaFactory", "MediaOffer"]


class MediaOffer(Protocol):
    """A description of the device and what each section shows: mid -> audio, person or page."""

    @property
    def sdp(self) -> str:
        """The session description."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels of the sections."""


class MediaEnd(Protocol):
    """The device's end of one call. `close` never raises and gives the cameras back at once."""

    on_candidate: Callable[[dict[str, Any] | None], None]
    on_state: Callable[[str], None]

    @property
    def cameras_in_use(self) -> Sequence[str]:
        """Labels of the cameras that are open."""

    async def create_offer(self) -> MediaOffer:
        """Open the cameras and describe the media."""

    async def accept_answer(self, sdp: str) -> None:
        """Take the answer to the last offer."""

    async def accept_offer(self, sdp: str) -> str:
        """Answer an offer of the clerk, giving an own unanswered one up first."""

    async def add_candidate(self, candidate: Mapping[str, Any] | None) -> None:
        """One candidate of the clerk, None for the end."""

    async def close(self) -> None:
        """End the call on this side."""


MediaFactory = Callable[[], MediaEnd]
"""Makes the media of one call."""
