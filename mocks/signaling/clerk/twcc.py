"""Transport-wide congestion feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01).

The media stack offers only receiver estimates per stream, each told as if it were the whole link: a device with two cameras
then starves for ever at the bench's fault. Telling arrival times instead leaves the estimate to the device.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
TICK = 0.00025  # seconds of one delta
REFERENCE_TICKS = 256  # 64 ms, the unit of the reference time
MOST_PACKETS = 1000  # one feedback message stays below an MTU


class ArrivalLog:
    """Arrivals of numbered packets since the last feedback."""

    def __init__(self) -> None:
        self._arrivals: dict[int, float] = {}
        self._next: int | None = None
        self._count = 0

    def add(self, number: int, now: float) -> None:
        """A packet with this transport-wide sequence number arrived at `now` seconds."""
        if self._next is None:
            self._next = number
        unwrapped = self._next + ((number - self._next + 0x8000) & 0xFFFF) - 0x8000
        self._arrivals.setdefault(unwrapped, now)

    def feedback(self, sender: int, media: int) -> bytes | None:
        """The next RTCP packet, or None when nothing arrived since the last one."""
        if not self._arrivals or self._next is None:
            return None
        last = max(self._arrivals)
        first = max(min(self._next, min(self._arrivals)), last - MOST_PACKETS)
        packet = build_feedback(first, last, self._arrivals, self._count, sender, media)
        self._count = (self._count + 1) & 0xFF
        self._next = last + 1
        self._arrivals.clear()
        return packet


def build_feedback(first: int, last: int, arrivals: Mapping[int, float], count: int, sender: int, media: int) -> bytes:
    """Feedback about the packets `first`..`last` (unwrapped numbers); `arrivals` in seconds, absent = not received."""
    start = min((at for number, at in arrivals.items() if number >= first), default=0.0)
    reference = int(start / (TICK * REFERENCE_TICKS))
    before = reference * REFERENCE_TICKS
    symbols: list[int] = []
    deltas = b""
    for number in range(first, last + 1):
        at = arrivals.get(number)
        if at is None:
            symbols.append(0)
            continue
        ticks = int(at / TICK)
        delta = ticks - before
        before = ticks
        if 0 <= delta <= 0xFF:
            symbols.append(1)
            deltas += struct.pack("!B", delta)
        else:
            symbols.append(2)
            deltas += struct.pack("!h", max(-0x8000, min(0x7FFF, delta)))
    body = struct.pack("!HHI", first & 0xFFFF, len(symbols), (reference & 0xFFFFFF) << 8 | count) + _chunks(symbols) + deltas
    padding = -len(body) % 4
    if padding:
        body += bytes(padding - 1) + bytes([padding])
    head = struct.pack("!BBHII", 0x80 | (0x20 if padding else 0) | 15, 205, 2 + len(body) // 4, sender, media)
    return head + body


def _chunks(symbols: list[int]) -> bytes:
    """Status vector chunks of seven two-bit symbols (section 3.1.4)."""
    out = b""
    for at in range(0, len(symbols), 7):
        word = 0xC000
        for place, symbol in enumerate(symbols[at : at + 7]):
            word |= symbol << (12 - 2 * place)
        out += struct.pack("!H", word)
    return out
