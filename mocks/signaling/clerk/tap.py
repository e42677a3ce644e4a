"""Decrypted RTP and RTCP of one call, counted per section of the session description.

The tap sits between SRTP and the receivers of the media stack. It reads headers and sizes; pictures go to `VideoStream` and
from there to a decoder that keeps two numbers of each picture (mean brightness, change since the last), never the picture.
"""
# ruff: noqa: SLF001 - the transport's hooks are private; `stack` checks at start that they are there

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mocks.signaling.clerk import rtp, sdp, twcc
from mocks.signaling.clerk.decode import PictureReader
from mocks.signaling.clerk.video import Picture, VideoStream

MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
NACK_TICK = 0.015
FEEDBACK_TICK = 0.05


@dataclass(slots=True)
class SectionCount:
    """Counters of one m= section, cumulative over the call."""

    mid: str
    label: str
    kind: str
    packets: int = 0
    bytes: int = 0
    seen_first: bool = False
    last: float | None = None
    quiet: bool = False
    width: int = 0
    height: int = 0
    codec: str = ""
    stream: VideoStream | None = None
    reader: PictureReader | None = None

    def facts(self) -> dict[str, Any]:
        """The section as observation facts; video adds pictures and what they look like."""
        told: dict[str, Any] = {
            "label": self.label, "kind": self.kind, "codec": self.codec, "packets": self.packets, "bytes": self.bytes,
        }
        if self.kind == "video":
            counters = self.stream.counters if self.stream else None
            told |= {
                "frames": counters.frames if counters else 0, "key_frames": counters.key_frames if counters else 0,
                "retransmitted": counters.retransmitted if counters else 0, "given_up": counters.given_up if counters else 0,
                "width": self.width, "height": self.height,
            }
            if self.reader is not None:
                told |= self.reader.facts()
        return told


@dataclass(slots=True)
class FormatTable:
    """Payload types of one section."""

    codec: dict[int, str]
    retransmits: dict[int, int]


@dataclass(slots=True)
class RtpTap:
    """Attach once per call; `now` is a monotonic clock."""

    dtls: Any
    own_ssrc: int
    now: Callable[[], float]
    on_first: Callable[[SectionCount], None]
    pool: ThreadPoolExecutor
    sections: dict[str, SectionCount] = field(default_factory=dict)
    rtcp_in: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    last_rtp: float | None = None
    packets: int = 0
    malformed: int = 0
    _formats: dict[str, FormatTable] = field(default_factory=dict)
    _owner: dict[int, str] = field(default_factory=dict)  # SSRC -> mid
    _primary: dict[str, int] = field(default_factory=dict)  # mid -> SSRC of its pictures
    _mid_id: int | None = None
    _twcc_id: int | None = None
    _arrivals: twcc.ArrivalLog = field(default_factory=twcc.ArrivalLog)
    _media_ssrc: int = 0
    _forward: Any = None

    def learn(self, offer: str, answer: str, labels: Mapping[str, str]) -> None:
        """Take over sections, formats and extension identifiers of a finished negotiation; counters continue."""
        asked, given = sdp.parse(offer), sdp.parse(answer)
        self._mid_id = sdp.extension_id(given, MID_URI)
        self._twcc_id = sdp.extension_id(given, twcc.URI)
        for section in asked.sections:
            mid = section.attribute("mid")
            if mid is None or section.media not in ("audio", "video"):
                continue
            label = labels.get(mid, section.media)
            if mid in self.sections:
                self.sections[mid].label = label
            else:
                self.sections[mid] = SectionCount(mid, label, section.media)
            self._formats[mid] = FormatTable(sdp.codecs(section), sdp.retransmission_of(section))
            for source in sdp.sources(section):
                self._owner[source] = mid

    def attach(self) -> None:
        """Step between the transport and the receivers of the stack."""
        self._forward = self.dtls._handle_rtp_data
        forward_rtcp, send = self.dtls._handle_rtcp_data, self.dtls._send_rtp

        async def handle_rtp(data: bytes, arrival_time_ms: int) -> None:
            self._take(data)
            await self._forward(data, arrival_time_ms=arrival_time_ms)

        async def handle_rtcp(data: bytes) -> None:
            self.rtcp_in.update(rtp.rtcp_names(data))
            await forward_rtcp(data)

        async def send_counted(data: bytes) -> None:
            self.sent.update(rtp.rtcp_names(data) if 192 <= data[1] <= 223 else ["RTP"])
            await send(data)

        self.dtls._handle_rtp_data, self.dtls._handle_rtcp_data, self.dtls._send_rtp = handle_rtp, handle_rtcp, send_counted

    async def run_feedback(self) -> None:
        """Ask for lost packets and key frames, and tell arrival times, until cancelled or the transport is gone."""
        since = 0.0
        while True:
            await asyncio.sleep(NACK_TICK)
            since += NACK_TICK
            try:
                for section in self.sections.values():
                    await self._ask(section)
                if since >= FEEDBACK_TICK:
                    since = 0.0
                    packet = self._arrivals.feedback(self.own_ssrc, self._media_ssrc)
                    if packet is not None:
                        await self.dtls._send_rtp(packet)
            except ConnectionError:
                return

    async def _ask(self, section: SectionCount) -> None:
        source = self._primary.get(section.mid)
        if section.stream is None or source is None:
            return
        wanted = section.stream.wanted(self.now())
        if wanted.sequences:
            await self.dtls._send_rtp(rtp.nack(self.own_ssrc, source, wanted.sequences))
        if wanted.key_frame:
            await self.dtls._send_rtp(rtp.pli(self.own_ssrc, source))

    def _take(self, data: bytes) -> None:
        now = self.now()
        try:
            header = rtp.parse_rtp(data)
        except rtp.MalformedRtp:
            self.malformed += 1
            return
        self.last_rtp = now
        self.packets += 1
        if self._twcc_id is not None and len(number := header.extensions.get(self._twcc_id, b"")) == 2:
            self._arrivals.add(struct.unpack("!H", number)[0], now)
            self._media_ssrc = header.ssrc
        mid = self._mid_of(header)
        if mid is None:
            return
        section = self.sections[mid]
        section.packets += 1
        section.bytes += header.payload_bytes
        section.last = now
        payload = data[header.start : header.end]
        if section.kind == "video":
            self._video(section, header, payload, now)
        elif payload and not section.seen_first:
            section.codec = self._formats[mid].codec.get(header.payload_type, "")
            section.seen_first = True
            self.on_first(section)

    def _mid_of(self, header: rtp.RtpHeader) -> str | None:
        """Section of a packet: by its MID extension, else by a known SSRC, else by a payload type of one section only."""
        told = header.extensions.get(self._mid_id) if self._mid_id is not None else None
        if told is not None and (mid := told.decode("ascii", "replace")) in self.sections:
            self._owner[header.ssrc] = mid
            return mid
        if header.ssrc in self._owner:
            return self._owner[header.ssrc]
        fitting = [mid for mid, table in self._formats.items() if header.payload_type in table.codec]
        if len(fitting) == 1:
            self._owner[header.ssrc] = fitting[0]
            return fitting[0]
        return None

    def _video(self, section: SectionCount, header: rtp.RtpHeader, payload: bytes, now: float) -> None:
        table = self._formats[section.mid]
        if header.payload_type in table.retransmits:
            if section.stream is not None and len(payload) > 2:  # RFC 4588 section 4: original sequence number first
                section.stream.counters.retransmitted += 1
                section.stream.add(int.from_bytes(payload[:2], "big"), header.timestamp, header.marker, payload[2:], now)
            return
        codec = table.codec.get(header.payload_type, "")
        if codec not in ("VP8", "H264"):
            return
        if section.stream is None or section.codec != codec or self._primary.get(section.mid) != header.ssrc:
            self._primary[section.mid] = header.ssrc
            section.codec = codec
            section.stream = VideoStream(codec, partial(self._picture, section))
            section.reader = PictureReader(codec, self.pool)
        section.stream.add(header.sequence, header.timestamp, header.marker, payload, now)

    def _picture(self, section: SectionCount, picture: Picture) -> None:
        if picture.width:
            section.width, section.height = picture.width, picture.height
        if not section.seen_first and picture.key:
            section.seen_first = True
            self.on_first(section)
        if section.reader is not None:
            section.reader.read(picture)
