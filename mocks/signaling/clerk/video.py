"""Frames out of packets: order, holes, retransmission and loss of one video stream, without the media stack's jitter buffer.

That buffer asks once for a lost packet and then stands for seconds, so what it decodes says nothing about the device. Here a
hole is asked for again every 30 ms, given up after 250 ms, and then a key frame is asked for. Time is an argument: no clock,
no task.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mocks.signaling.clerk.rtp import PictureStart, h264_start, newer, vp8_start

ASK_AGAIN = 0.03
GIVE_UP = 0.25
KEY_AGAIN = 0.3  # seconds between two requests for a key frame
MOST_HOLES = 300  # a jump further than this is a new stream, not loss


@dataclass(frozen=True, slots=True)
class Picture:
    """One complete coded picture: its RTP payloads in order."""

    timestamp: int
    key: bool
    width: int
    height: int
    payloads: tuple[bytes, ...]


@dataclass(slots=True)
class StreamCounters:
    """What happened to one stream since it began."""

    frames: int = 0
    key_frames: int = 0
    retransmitted: int = 0
    asked: int = 0
    given_up: int = 0
    key_requests: int = 0


@dataclass(slots=True)
class Wanted:
    """What the receiver must ask the sender for now."""

    sequences: list[int] = field(default_factory=list)
    key_frame: bool = False


class VideoStream:
    """Reassembles the pictures of one SSRC and tells what to ask for again."""

    def __init__(self, codec: str, on_picture: Callable[[Picture], None]) -> None:
        self.codec = codec
        self.counters = StreamCounters()
        self._start: Callable[[bytes], PictureStart | None] = vp8_start if codec == "VP8" else h264_start
        self._on_picture = on_picture
        self._buffer: dict[int, tuple[int, bool, bytes]] = {}
        self._next: int | None = None
        self._highest = 0
        self._holes: dict[int, list[float]] = {}  # sequence -> [first missed at, last asked at]
        self._need_key = True
        self._key_asked = -1.0

    def add(self, sequence: int, timestamp: int, marker: bool, payload: bytes, now: float) -> None:
        """One packet of the stream, original or retransmitted."""
        if self._next is None or (sequence - self._highest + MOST_HOLES) & 0xFFFF > 2 * MOST_HOLES:
            self._begin(sequence)
        if newer(self._next or 0, sequence):
            return
        self._holes.pop(sequence, None)
        if newer(sequence, self._highest):
            missing = (self._highest + 1) & 0xFFFF
            while missing != sequence:
                self._holes[missing] = [now, -1.0]
                missing = (missing + 1) & 0xFFFF
            self._highest = sequence
        self._buffer[sequence] = (timestamp, marker, payload)
        self._drain()

    def wanted(self, now: float) -> Wanted:
        """What to ask for at `now`; call it every 10 to 20 ms."""
        ask = Wanted()
        expired = [sequence for sequence, (missed, _) in self._holes.items() if now - missed > GIVE_UP]
        if expired:
            self._skip_past(expired)
        base = self._next or 0
        for sequence, hole in sorted(self._holes.items(), key=lambda item: (item[0] - base) & 0xFFFF):
            if now - hole[1] > ASK_AGAIN:
                hole[1] = now
                ask.sequences.append(sequence)
        self.counters.asked += len(ask.sequences)
        if self._need_key and self._next is not None and now - self._key_asked > KEY_AGAIN:
            self._key_asked = now
            self.counters.key_requests += 1
            ask.key_frame = True
        return ask

    def _begin(self, sequence: int) -> None:
        self._buffer.clear()
        self._holes.clear()
        self._next = sequence
        self._highest = (sequence - 1) & 0xFFFF
        self._need_key = True

    def _drain(self) -> None:
        while (run := self._run()) is not None:
            timestamp, payloads, following = run
            while self._next != following:
                self._buffer.pop(self._next or 0, None)
                self._next = ((self._next or 0) + 1) & 0xFFFF
            self._finish(timestamp, payloads)

    def _run(self) -> tuple[int, list[bytes], int] | None:
        """The next complete picture: every packet up to its marker, or up to the first packet of another timestamp."""
        at = self._next or 0
        timestamp: int | None = None
        payloads: list[bytes] = []
        while at in self._buffer:
            stamp, marker, payload = self._buffer[at]
            if timestamp is None:
                timestamp = stamp
            if stamp != timestamp:
                return timestamp, payloads, at
            payloads.append(payload)
            at = (at + 1) & 0xFFFF
            if marker:
                return timestamp, payloads, at
        return None

    def _finish(self, timestamp: int, payloads: list[bytes]) -> None:
        parts = tuple(payload for payload in payloads if payload)  # padding-only probes carry nothing
        if not parts:
            return
        starts = [start for start in map(self._start, parts) if start is not None]
        if not starts:
            return
        key = any(start.key for start in starts)
        self.counters.frames += 1
        self.counters.key_frames += key
        if self._need_key and not key:
            return
        self._need_key = False
        sized = next((start for start in starts if start.width), PictureStart(key=key))
        self._on_picture(Picture(timestamp, key, sized.width, sized.height, parts))

    def _skip_past(self, expired: list[int]) -> None:
        """Give holes up: continue after the newest of them at the next packet that begins a picture."""
        base = self._next or 0
        self.counters.given_up += len(expired)
        newest = max(expired, key=lambda sequence: (sequence - base) & 0xFFFF)
        at = base
        while at != (newest + 1) & 0xFFFF:
            self._buffer.pop(at, None)
            self._holes.pop(at, None)
            at = (at + 1) & 0xFFFF
        while at in self._buffer and self._start(self._buffer[at][2]) is None:
            self._buffer.pop(at)
            at = (at + 1) & 0xFFFF
        self._next = at
        self._need_key = True
        self._drain()
