"""A clerk seat on paper, for runs in memory: it answers SDP as text and pretends that media flow.

What it reports is a simulation and says so (`facts.simulated`): no rule may certify media on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

FIRST_FRAME_S: Final = 0.12
STATS_EVERY_S: Final = 0.25
PACKETS_PER_S: Final = 50
BYTES_PER_PACKET: Final = 900

_MIRROR: Final[Mapping[str, str]] = {
    "a=sendrecv": "a=sendrecv", "a=sendonly": "a=recvonly", "a=recvonly": "a=sendonly", "a=inactive": "a=inactive",
}  # fmt: skip
_OWN: Final = ("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:", "a=candidate:", "a=end-of-candidates", "a=ssrc")
_FINGERPRINT: Final = "a=fingerprint:sha-256 " + ":".join(f"{n:02X}" for n in range(1, 33))


def _first_offer() -> str:
    """Sound and two pictures (RFC 9429 section 5.2.1), as a device would offer them that has offered nothing yet."""
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1 2"]
    for mid, (kind, codec, way) in enumerate(
        (("audio 9 UDP/TLS/RTP/SAVPF 111", "111 opus/48000/2", "sendrecv"),
         ("video 9 UDP/TLS/RTP/SAVPF 96", "96 VP8/90000", "sendrecv"),
         ("video 9 UDP/TLS/RTP/SAVPF 96", "96 VP8/90000", "sendonly"))
    ):  # fmt: skip
        lines += [f"m={kind}", "c=IN IP4 0.0.0.0", f"a=mid:{mid}", f"a={way}", "a=rtcp-mux", f"a=rtpmap:{codec}"]
    return "\r\n".join(lines) + "\r\n"


def answer_to(offer: str, session: int = 1) -> str:
    """A minimal lawful answer (RFC 9429 section 5.3.1): same sections in the same order, directions turned round, our own
    transport identity, the active DTLS role."""
    lines: list[str] = []
    in_media = False
    for line in _lively(offer).strip("\n").split("\n"):
        if line.startswith("m="):
            in_media = True
            lines += [line, *(_identity() if not _rejected(line) else [])]
        elif line.startswith("o="):
            lines.append(f"o=- {session} {session} IN IP4 127.0.0.1")
        elif line.startswith(_OWN) or (in_media and line.startswith("a=msid")):
            continue
        else:
            lines.append(_MIRROR.get(line, line))
    return "\r\n".join(_media_order(lines)) + "\r\n"


def _lively(sdp: str) -> str:
    """Line feeds as line ends, and sections that are bundle-only with a port like the others: port 0 does not reject them
    (RFC 9143 section 7.1.3), and no answer says bundle-only."""
    head, *parts = sdp.replace("\r\n", "\n").split("\nm=")
    for at, part in enumerate(parts):
        if "\na=bundle-only\n" in f"{part}\n":
            kind, _, rest = part.partition(" 0 ")
            parts[at] = f"{kind} 9 {rest}".replace("\na=bundle-only", "")
    return "\nm=".join([head, *parts])


def _rejected(line: str) -> bool:
    return line.split(" ")[1] == "0"


def _identity() -> list[str]:
    return ["a=ice-ufrag:pape", "a=ice-pwd:paperpaperpaperpaperpape", _FINGERPRINT, "a=setup:active"]


def _media_order(lines: list[str]) -> list[str]:
    """`c=` and `b=` come before attributes in a section (RFC 8866 section 5): move our identity behind them."""
    result: list[str] = []
    held: list[str] = []
    for line in lines:
        if line.startswith(("m=", "s=")) or not line.startswith(("c=", "b=", "i=", "a=")):
            result += held
            held = []
        if line.startswith("a="):
            held.append(line)
        else:
            result.append(line)
    return result + held


def sections(sdp: str) -> list[tuple[str, str, str]]:
    """(mid, kind, direction) of every media section that is not rejected."""
    rows: list[tuple[str, str, str]] = []
    for part in _lively(sdp).split("\nm=")[1:]:
        lines = part.split("\n")
        mid = next((line[6:] for line in lines if line.startswith("a=mid:")), str(len(rows)))
        direction = next((line[2:] for line in lines if line in _MIRROR), "sendrecv")
        if not _rejected("m=" + lines[0]):
            rows.append((mid, lines[0].split(" ")[0], direction))
    return rows


class PaperClerk:
    """The pretended media peer. Everything happens on the loop's time, also where that is virtual."""

    def __init__(self) -> None:
        self.on_candidate: Callable[[str, Any], None] | None = None
        self.on_observation: Callable[..., None] | None = None
        self._flows: dict[str, asyncio.Task[None]] = {}
        self._offers: dict[str, str] = {}
        self._answers = 0

    async def offer(self, call_id: str, sdp: str, labels: Mapping[str, str]) -> str:
        """Answer, and let media flow a moment later."""
        self._answers += 1
        self._offers[call_id] = sdp
        self._tell("media.sdp", {"call_id": call_id, "type": "offer", "by": "iut"}, sdp.encode())
        sending = [(mid, kind) for mid, kind, way in sections(sdp) if way in ("sendrecv", "sendonly")]
        self._stop(call_id)
        self._flows[call_id] = asyncio.get_running_loop().create_task(self._flow(call_id, sending, dict(labels)))
        answer = answer_to(sdp, self._answers)
        self._tell("media.sdp", {"call_id": call_id, "type": "answer", "by": "bench"}, answer.encode())
        return answer

    async def make_offer(self, call_id: str) -> str:
        """The sections of the device's last offer again, offered by the clerk (RFC 9429 section 5.2.2), or of any device's
        where this call has none yet (glare), or one of our own in the first call of a run."""
        self._answers += 1
        like = self._offers.get(call_id) or next(iter(self._offers.values()), None) or _first_offer()
        offer = answer_to(like, self._answers).replace("a=setup:active", "a=setup:actpass")
        self._tell("media.sdp", {"call_id": call_id, "type": "offer", "by": "bench"}, offer.encode())
        return offer

    async def answer(self, call_id: str, sdp: str) -> None:
        """Take the device's answer to an offer of ours."""
        self._tell("media.sdp", {"call_id": call_id, "type": "answer", "by": "iut"}, sdp.encode())

    async def candidate(self, call_id: str, candidate: Any) -> None:
        """Note a candidate of the device."""
        self._tell("media.candidate", {"call_id": call_id, "by": "iut", "end": candidate is None})

    async def bye(self, call_id: str) -> None:
        """Media end; on paper nothing is ever sent after that."""
        if self._stop(call_id):
            self._tell("media.state", {"call_id": call_id, "state": "closed"})
            self._tell("media.silence", {"call_id": call_id})
            self._tell("media.release", {"call_id": call_id})

    async def _flow(self, call_id: str, sending: list[tuple[str, str]], labels: Mapping[str, str]) -> None:
        if self.on_candidate is not None:
            line = "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host"
            mid = sending[0][0] if sending else "0"
            # After the answer: the loop runs who asked for it first.
            await asyncio.sleep(FIRST_FRAME_S / 4)
            self.on_candidate(call_id, {"candidate": line, "sdpMid": mid, "sdpMLineIndex": 0})
            self.on_candidate(call_id, None)
        await asyncio.sleep(FIRST_FRAME_S)
        self._tell("media.state", {"call_id": call_id, "state": "connected"})
        for mid, kind in sending:
            self._tell("media.first_frame", {"call_id": call_id, "mid": mid, "label": labels.get(mid, ""), "kind": kind})
        elapsed = 0.0
        while True:
            await asyncio.sleep(STATS_EVERY_S)
            elapsed += STATS_EVERY_S
            packets = int(elapsed * PACKETS_PER_S)
            rtp = {mid: {"packets": packets, "bytes": packets * BYTES_PER_PACKET} for mid, _ in sending}
            self._tell("media.stats", {"call_id": call_id, "rtp": rtp})

    def _stop(self, call_id: str) -> bool:
        task = self._flows.pop(call_id, None)
        if task is None:
            return False
        task.cancel()
        return True

    def _tell(self, kind: str, facts: Mapping[str, Any], raw: bytes = b"") -> None:
        if self.on_observation is not None:
            self.on_observation(kind, {**facts, "simulated": True}, raw)
