"""What the reference device needs of a media stack, whichever one stands behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

AUDIO, PERSON, PAGE = "audio", "person", "page"
ALL_LABELS = (AUDIO, PERSON, PAGE)

CandidateSink = Callable[[dict[str, Any] | None], None]
StateSink = Callable[[str], None]


class MediaError(RuntimeError):
    """The media stack refused a description or a candidate."""


class CameraMode(StrEnum):
    """What a simulated camera shows."""

    LIVE = "live"
    BLACK = "black"
    FROZEN = "frozen"
    STALLED = "stalled"  # gives no pictures at all


@dataclass(frozen=True, slots=True)
class Offer:
    """A description of the device and what each of its sections shows: mid -> audio, person or page."""

    sdp: str
    labels: Mapping[str, str]


@dataclass(slots=True)
class MediaStats:
    """What the device received of the clerk and sent itself; claims of the device, not evidence."""

    frames_received: int = 0
    width: int = 0
    height: int = 0
    audio_packets_received: int = 0
    frames_sent: dict[str, int] = field(default_factory=dict)  # label -> pictures given to the encoder


@dataclass(frozen=True, slots=True)
class MediaOptions:
    """Sizes in pixels, rates in pictures a second."""

    person_size: tuple[int, int] = (640, 480)
    page_size: tuple[int, int] = (1280, 720)
    frame_rate: int = 18
    page_rate: int = 8
    loopback: bool = True


class DeviceMedia(Protocol):
    """The device's end of one call. Methods raise MediaError; `close` never raises and releases cameras at once."""

    on_candidate: CandidateSink
    on_state: StateSink

    @property
    def state(self) -> str:
        """new, connecting, connected, disconnected, failed or closed."""
        ...

    @property
    def cameras_in_use(self) -> Sequence[str]:
        """Labels of the cameras that are open now."""
        ...

    async def create_offer(self, labels: Sequence[str] = ALL_LABELS) -> Offer:
        """Open the cameras and describe the media: audio and person both ways, the page outwards."""
        ...

    async def accept_answer(self, sdp: str) -> None:
        """Take the clerk's answer to the last offer."""
        ...

    async def accept_offer(self, sdp: str) -> str:
        """Answer an offer of the clerk, giving an own unanswered offer up first (RFC 9429 section 4.1.10.2, polite side)."""
        ...

    async def add_candidate(self, candidate: Mapping[str, Any] | None) -> None:
        """One candidate of the clerk, or None for the end."""
        ...

    async def stats(self) -> MediaStats:
        """Counters up to now."""
        ...

    def set_camera(self, label: str, mode: CameraMode) -> None:
        """What the camera of this label shows from now on."""
        ...

    async def close(self) -> None:
        """End the call on this side and give the cameras back."""
        ...


def labels_of(sdp: str, labels: Sequence[str]) -> dict[str, str]:
    """mid -> label, the labels in the order of the sections they were made for."""
    mids = [line[len("a=mid:") :].strip() for line in sdp.splitlines() if line.startswith("a=mid:")]
    return dict(zip(mids, labels, strict=False))


def ignore_candidate(_candidate: dict[str, Any] | None) -> None:
    """Default sink."""


def ignore_state(_state: str) -> None:
    """Default sink."""
