"""RTP, RTCP and codec headers as far as the clerk counts and measures: pure functions over bytes, no network, no decoder.

Written apart from the media stack so that the evidence of a run does not depend on what that stack happens to understand.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

ONE_BYTE_PROFILE = 0xBEDE  # RFC 8285 section 4.2
FIXED_HEADER = 12
RTCP_NAMES = {200: "SR", 201: "RR", 202: "SDES", 203: "BYE", 204: "APP", 207: "XR"}
FEEDBACK_NAMES = {(205, 1): "NACK", (205, 15): "TWCC", (206, 1): "PLI", (206, 4): "FIR", (206, 15): "AFB"}


class MalformedRtp(ValueError):
    """The bytes are no RTP packet (RFC 3550 section 5.1)."""


@dataclass(frozen=True, slots=True)
class RtpHeader:
    """The header of one packet; `start` and `end` bound its payload, padding excluded."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    marker: bool
    extensions: Mapping[int, bytes]
    start: int
    end: int

    @property
    def payload_bytes(self) -> int:
        return self.end - self.start


def parse_rtp(data: bytes) -> RtpHeader:
    """Header of a decrypted RTP packet. Raises MalformedRtp."""
    if len(data) < FIXED_HEADER or data[0] >> 6 != 2:
        raise MalformedRtp("not RTP version 2")
    marker_and_type, sequence, timestamp, ssrc = struct.unpack_from("!xBHII", data)
    start = FIXED_HEADER + 4 * (data[0] & 0x0F)
    extensions: dict[int, bytes] = {}
    if data[0] & 0x10:
        if len(data) < start + 4:
            raise MalformedRtp("header extension is cut")
        profile, words = struct.unpack_from("!HH", data, start)
        body = data[start + 4 : start + 4 + 4 * words]
        start += 4 + 4 * words
        extensions = dict(_extensions(profile, body))
    padding = data[-1] if data[0] & 0x20 else 0
    end = len(data) - padding
    if end < start:
        raise MalformedRtp("header or padding longer than the packet")
    return RtpHeader(
        payload_type=marker_and_type & 0x7F, sequence=sequence, timestamp=timestamp, ssrc=ssrc,
        marker=bool(marker_and_type & 0x80), extensions=extensions, start=start, end=end,
    )


def _extensions(profile: int, body: bytes) -> Iterator[tuple[int, bytes]]:
    """Elements of one-byte (RFC 8285 section 4.2) and two-byte (4.3) header extensions."""
    at = 0
    while at < len(body):
        if body[at] == 0:  # padding between elements
            at += 1
            continue
        if profile == ONE_BYTE_PROFILE:
            identifier, length = body[at] >> 4, (body[at] & 0x0F) + 1
            at += 1
            if identifier == 15:  # reserved: stop (RFC 8285 section 4.2)
                return
        else:
            if at + 1 >= len(body):
                return
            identifier, length = body[at], body[at + 1]
            at += 2
        yield identifier, body[at : at + length]
        at += length


def rtcp_names(data: bytes) -> list[str]:
    """Names of the parts of a compound RTCP packet, in order; a cut tail is left out."""
    names = []
    at = 0
    while at + 4 <= len(data):
        kind, words = data[at + 1], struct.unpack_from("!H", data, at + 2)[0]
        names.append(RTCP_NAMES.get(kind) or FEEDBACK_NAMES.get((kind, data[at] & 0x1F)) or f"{kind}/{data[at] & 0x1F}")
        at += 4 * (words + 1)
    return names


def nack(sender: int, media: int, sequences: Sequence[int]) -> bytes:
    """Generic NACK for these sequence numbers (RFC 4585 section 6.2.1); `sequences` ascend modulo 2^16."""
    entries = b""
    rest = list(sequences)
    while rest:
        first = rest.pop(0)
        bits = 0
        while rest and 1 <= (rest[0] - first) & 0xFFFF <= 16:
            bits |= 1 << (((rest.pop(0) - first) & 0xFFFF) - 1)
        entries += struct.pack("!HH", first, bits)
    return struct.pack("!BBHII", 0x80 | 1, 205, 2 + len(entries) // 4, sender, media) + entries


def pli(sender: int, media: int) -> bytes:
    """Picture loss indication (RFC 4585 section 6.3.1)."""
    return struct.pack("!BBHII", 0x80 | 1, 206, 2, sender, media)


@dataclass(frozen=True, slots=True)
class PictureStart:
    """What the first packet of a picture says: key frame or not, and for key frames the size in pixels (0 = not told)."""

    key: bool
    width: int = 0
    height: int = 0


def vp8_start(payload: bytes) -> PictureStart | None:
    """Picture header when this payload begins a VP8 frame (RFC 7741 section 4.2 and 4.3), else None."""
    if not payload or not payload[0] & 0x10 or payload[0] & 0x0F:
        return None  # not the start of the first partition
    at = 1
    if payload[0] & 0x80:
        if len(payload) < 2:
            return None
        flags = payload[1]
        at = 2
        if flags & 0x80:
            if at >= len(payload):
                return None
            at += 2 if payload[at] & 0x80 else 1
        at += bool(flags & 0x40) + bool(flags & 0x30)
    if at >= len(payload):
        return None
    if payload[at] & 1:
        return PictureStart(key=False)
    if payload[at + 3 : at + 6] == b"\x9d\x01\x2a" and len(payload) >= at + 10:
        width, height = struct.unpack_from("<HH", payload, at + 6)
        return PictureStart(key=True, width=width & 0x3FFF, height=height & 0x3FFF)
    return PictureStart(key=True)


def h264_units(payload: bytes) -> list[bytes]:
    """NAL units that begin in this payload (RFC 6184 section 5); the start of a fragmented one gives its head."""
    if not payload:
        return []
    kind = payload[0] & 0x1F
    if kind == 24:
        units = []
        at = 1
        while at + 2 < len(payload):
            size = struct.unpack_from("!H", payload, at)[0]
            units.append(payload[at + 2 : at + 2 + size])
            at += 2 + size
        return units
    if kind == 28:
        if len(payload) < 2 or not payload[1] & 0x80:
            return []
        return [bytes([payload[0] & 0xE0 | payload[1] & 0x1F]) + payload[2:]]
    return [payload]


def h264_start(payload: bytes) -> PictureStart | None:
    """Picture header when H.264 units begin in this payload: key where an IDR slice or a sequence parameter set begins."""
    kinds = {unit[0] & 0x1F: unit for unit in h264_units(payload) if unit}
    if not kinds:
        return None
    if 7 in kinds:
        width, height = sps_size(kinds[7])
        return PictureStart(key=True, width=width, height=height)
    return PictureStart(key=5 in kinds)


class _Bits:
    """Bits of an H.264 parameter set, emulation prevention removed (ITU-T H.264 section 7.4.1)."""

    def __init__(self, unit: bytes) -> None:
        self._data = unit.replace(b"\x00\x00\x03", b"\x00\x00")
        self._at = 0

    def read(self, count: int) -> int:
        value = 0
        for _ in range(count):
            byte = self._data[self._at >> 3]
            value = value << 1 | byte >> (7 - (self._at & 7)) & 1
            self._at += 1
        return value

    def golomb(self) -> int:
        """ue(v), ITU-T H.264 section 9.1."""
        zeros = 0
        while not self.read(1):
            zeros += 1
        return (1 << zeros) - 1 + self.read(zeros)


def sps_size(unit: bytes) -> tuple[int, int]:
    """Width and height of a sequence parameter set of the baseline and main profiles; (0, 0) for others."""
    try:
        bits = _Bits(unit[1:])
        profile = bits.read(8)
        bits.read(16)
        bits.golomb()
        if profile not in (66, 77, 88):
            return 0, 0  # high profiles carry scaling lists, which no clause asks for
        return _size_of_plain_sps(bits)
    except IndexError:
        return 0, 0


def _size_of_plain_sps(bits: _Bits) -> tuple[int, int]:
    bits.golomb()  # log2_max_frame_num_minus4
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.read(1)
        bits.golomb()
        bits.golomb()
        for _ in range(bits.golomb()):
            bits.golomb()
    bits.golomb()
    bits.read(1)
    width = (bits.golomb() + 1) * 16
    rows = bits.golomb() + 1
    progressive = bits.read(1)
    height = (2 - progressive) * rows * 16
    if not progressive:
        bits.read(1)
    bits.read(1)
    if bits.read(1):
        left, right, top, bottom = bits.golomb(), bits.golomb(), bits.golomb(), bits.golomb()
        width -= 2 * (left + right)
        height -= 2 * (2 - progressive) * (top + bottom)
    return width, height


def newer(sequence: int, than: int) -> bool:
    """Serial number comparison of 16-bit sequence numbers (RFC 1982)."""
    return 0 < (sequence - than) & 0xFFFF < 0x8000
