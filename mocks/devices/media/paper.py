"""Media on paper: lawful descriptions, states that follow each other, and nothing on any network.

For runs in memory, where time jumps and there are no sockets. The clerk's side is textual too, and answers with text.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

from mocks.devices.media.base import (
    ALL_LABELS,
    AUDIO,
    PAGE,
    CameraMode,
    CandidateSink,
    MediaError,
    MediaOptions,
    MediaStats,
    Offer,
    StateSink,
    ignore_candidate,
    ignore_state,
)

CHECKS_S = 0.02  # about what connectivity checks and DTLS take on one machine
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
AUDIO_FORMATS = ("111 0 8", ("rtpmap:111 opus/48000/2", "fmtp:111 minptime=10;useinbandfec=1", "rtpmap:0 PCMU/8000",
                             "rtpmap:8 PCMA/8000"))
VIDEO_FORMATS = ("96 97 102 103", (
    "rtpmap:96 VP8/90000", "rtcp-fb:96 ccm fir", "rtcp-fb:96 nack", "rtcp-fb:96 nack pli", "rtcp-fb:96 transport-cc",
    "rtpmap:97 rtx/90000", "fmtp:97 apt=96",
    "rtpmap:102 H264/90000", "rtcp-fb:102 ccm fir", "rtcp-fb:102 nack", "rtcp-fb:102 nack pli",
    "rtcp-fb:102 transport-cc",
    "fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", "rtpmap:103 rtx/90000",
    "fmtp:103 apt=102",
))
EXTENSIONS = (
    "1 urn:ietf:params:rtp-hdrext:sdes:mid",
    "3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
)


class PaperMedia:
    """One call without a network. `seed` makes its names and keys the same in each run."""

    def __init__(self, options: MediaOptions | None = None, seed: int = 0) -> None:
        self.options = options or MediaOptions()
        self.on_candidate: CandidateSink = ignore_candidate
        self.on_state: StateSink = ignore_state
        self._random = random.Random(seed)  # noqa: S311 - nothing here protects anything
        self._state = "new"
        self._labels: tuple[str, ...] = ()
        self._version = 1
        self._session = self._random.getrandbits(62)
        self._fragment, self._password = self._token(4), self._token(24)
        self._fingerprint = ":".join(f"{self._random.getrandbits(8):02X}" for _ in range(32))
        self._source = self._random.getrandbits(31)
        self._pending = False

    @property
    def state(self) -> str:
        return self._state

    @property
    def cameras_in_use(self) -> Sequence[str]:
        return sorted(label for label in self._labels if label != AUDIO and self._state != "closed")

    async def create_offer(self, labels: Sequence[str] = ALL_LABELS) -> Offer:
        if self._state == "closed":
            raise MediaError("the call is over")
        self._labels = self._labels or tuple(labels)
        self._pending = True
        sdp = self._describe("actpass", list(self._labels), [str(at) for at in range(len(self._labels))])
        self._version += 1
        self.on_candidate(self._candidate())
        self.on_candidate(None)
        return Offer(sdp, {str(at): label for at, label in enumerate(self._labels)})

    async def accept_answer(self, sdp: str) -> None:
        if not self._pending:
            raise MediaError("no offer is waiting for an answer")
        self._check(sdp)
        self._pending = False
        self._go("connecting")
        # On a network the checks run once both descriptions are there, so nothing is connected before the answer is sent.
        asyncio.get_running_loop().call_later(CHECKS_S, self._connected)

    async def accept_offer(self, sdp: str) -> str:
        self._check(sdp)
        self._pending = False  # the polite side gives its own offer up
        mids = [line[len("a=mid:") :] for line in sdp.splitlines() if line.startswith("a=mid:")]
        self._labels = self._labels or ALL_LABELS[: len(mids)]
        answer = self._describe("active", list(self._labels)[: len(mids)], mids)
        self._version += 1
        self._go("connecting")
        # On a network the checks run once both descriptions are there, so nothing is connected before the answer is sent.
        asyncio.get_running_loop().call_later(CHECKS_S, self._connected)
        return answer

    async def add_candidate(self, candidate: Mapping[str, Any] | None) -> None:
        if candidate and not str(candidate.get("candidate", "")).startswith("candidate:"):
            raise MediaError("not a candidate")

    async def stats(self) -> MediaStats:
        return MediaStats()

    def set_camera(self, label: str, mode: CameraMode) -> None:
        """Paper cameras show nothing, so nothing changes."""

    async def close(self) -> None:
        if self._state != "closed":
            self._go("closed")

    def _connected(self) -> None:
        if self._state != "closed":
            self._go("connected")

    def _go(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self.on_state(state)

    def _check(self, sdp: str) -> None:
        for needed in ("v=0", "m=", "a=fingerprint:", "a=ice-ufrag:"):
            if needed not in sdp:
                raise MediaError(f"description without {needed}")

    def _token(self, length: int) -> str:
        return "".join(self._random.choice(LETTERS) for _ in range(length))

    def _candidate(self) -> dict[str, Any]:
        return {
            "candidate": "candidate:1 1 udp 2122260223 127.0.0.1 50000 typ host generation 0", "sdpMid": "0",
            "sdpMLineIndex": 0,
        }

    def _describe(self, setup: str, labels: list[str], mids: list[str]) -> str:
        lines = [
            "v=0", f"o=- {self._session} {self._version} IN IP4 127.0.0.1", "s=-", "t=0 0",
            f"a=group:BUNDLE {' '.join(mids)}", "a=msid-semantic: WMS",
        ]
        for at, (label, mid) in enumerate(zip(labels, mids, strict=True)):
            lines += self._section(label, mid, setup, at)
        return "\r\n".join(lines) + "\r\n"

    def _section(self, label: str, mid: str, setup: str, at: int) -> list[str]:
        kind = "audio" if label == AUDIO else "video"
        formats, attributes = AUDIO_FORMATS if kind == "audio" else VIDEO_FORMATS
        return [
            f"m={kind} 9 UDP/TLS/RTP/SAVPF {formats}", "c=IN IP4 0.0.0.0", "a=rtcp:9 IN IP4 0.0.0.0",
            f"a=ice-ufrag:{self._fragment}", f"a=ice-pwd:{self._password}", "a=ice-options:trickle",
            f"a=fingerprint:sha-256 {self._fingerprint}", f"a=setup:{setup}", f"a=mid:{mid}",
            *(f"a=extmap:{extension}" for extension in EXTENSIONS),
            "a=sendonly" if label == PAGE else "a=sendrecv", f"a=msid:{label} {label}-track", "a=rtcp-mux", "a=rtcp-rsize",
            *(f"a={attribute}" for attribute in attributes), f"a=ssrc:{self._source + at} cname:{self._session:x}",
        ]
