"""One device's ordered conversation on one interface, across connections: sequence numbers, resume, pending calls.

Both sides number every message from 1 within an epoch; `seen` says what was processed. After a cut each side sends again,
byte for byte, what the other has not seen; a receiver drops what it has. Pure: bytes and numbers in, bytes and numbers out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Arrival = Literal["fresh", "repeat", "handshake"]


@dataclass(slots=True)
class Link:
    """State of one (device, interface, epoch)."""

    epoch: int
    boot_id: str
    sent: int = 0  # highest sequence number given to a message of ours
    seen: int = 0  # highest sequence number of the device that was processed
    ever_ready: bool = False
    unseen: list[tuple[int, bytes]] = field(default_factory=list)  # ours that the device has not reported as seen

    def renew(self, epoch: int, boot_id: str) -> None:
        """A new boot: counters start again and nothing of before is sent any more."""
        self.epoch, self.boot_id = epoch, boot_id
        self.sent = self.seen = 0
        self.ever_ready = False
        self.unseen.clear()

    def meta(self, *, handshake: bool) -> dict[str, Any]:
        """Sequence values of the next message of ours; handshake messages carry 0 and use no number."""
        if not handshake:
            self.sent += 1
        return {
            "seq": 0 if handshake else self.sent, "seen": self.seen, "epoch": self.epoch, "boot_id": self.boot_id,
        }  # fmt: skip

    def keep(self, seq: int, raw: bytes) -> None:
        """Remember a numbered message until the device has seen it."""
        self.unseen.append((seq, raw))

    def arrived(self, seq: Any, seen: Any) -> Arrival:
        """Note an incoming message's numbers and say what it is."""
        if self.unseen and type(seen) is int:  # no bool, which is an int to isinstance
            self.unseen = [(n, raw) for n, raw in self.unseen if n > seen]
        if type(seq) is not int or seq <= 0:
            return "handshake"
        if seq <= self.seen:
            return "repeat"
        self.seen = seq  # a gap is the rules' business, not a reason to stop
        return "fresh"

    def resume(self, last_seq: Any) -> list[bytes]:
        """The device has processed ours up to `last_seq`: what must be sent again, in order."""
        done = last_seq if type(last_seq) in (int, float) else 0  # 5.0 is an integer as well; no bool
        self.unseen = [(n, raw) for n, raw in self.unseen if n > done]
        return [raw for _, raw in self.unseen]
