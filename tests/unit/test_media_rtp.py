"""Header parsing at the clerk: what is counted must be right before anything is judged by it."""

from __future__ import annotations

import struct

import pytest

from mocks.signaling.clerk import rtp

SPS_640_480 = bytes.fromhex("6742c01fd900a03da10000030001000003003c8f183248")
SPS_360_202 = bytes.fromhex("6742c01fd90171be59210000030001000003003c8f183248")


def packet(
    *, extension: bytes = b"", profile: int = 0xBEDE, csrcs: int = 0, padding: int = 0, payload: bytes = b"abc"
) -> bytes:
    first = 0x80 | csrcs | (0x10 if extension else 0) | (0x20 if padding else 0)
    head = struct.pack("!BBHII", first, 0x80 | 96, 4711, 90_000, 0xCAFE) + bytes(4 * csrcs)
    if extension:
        extension += bytes(-len(extension) % 4)
        head += struct.pack("!HH", profile, len(extension) // 4) + extension
    return head + payload + (bytes(padding - 1) + bytes([padding]) if padding else b"")


def test_fixed_header() -> None:
    header = rtp.parse_rtp(packet())
    assert (header.payload_type, header.sequence, header.timestamp, header.ssrc) == (96, 4711, 90_000, 0xCAFE)
    assert header.marker


def test_payload_is_bounded_by_sources_extension_and_padding() -> None:
    data = packet(extension=b"\x10x", csrcs=2, padding=5, payload=b"picture")
    header = rtp.parse_rtp(data)
    assert data[header.start : header.end] == b"picture"
    assert header.payload_bytes == 7


def test_one_byte_extensions_with_padding_between() -> None:
    assert rtp.parse_rtp(packet(extension=b"\x101\x00\x31\x01\x02")).extensions == {1: b"1", 3: b"\x01\x02"}


def test_identifier_fifteen_ends_one_byte_extensions() -> None:
    assert rtp.parse_rtp(packet(extension=b"\x101\xf0\x31\x31\x01\x02")).extensions == {1: b"1"}


def test_two_byte_extensions() -> None:
    header = rtp.parse_rtp(packet(extension=b"\x20\x03abc\x21\x00", profile=0x1000))
    assert header.extensions == {0x20: b"abc", 0x21: b""}


@pytest.mark.parametrize("data", [b"", b"\x80" * 11, b"\x00" * 20, packet(extension=b"\x101")[:14], packet()[:12][:11]])
def test_what_is_no_rtp_is_named(data: bytes) -> None:
    with pytest.raises(rtp.MalformedRtp):
        rtp.parse_rtp(data)


def test_padding_longer_than_the_packet() -> None:
    data = bytearray(packet(padding=4, payload=b""))
    data[-1] = 200
    with pytest.raises(rtp.MalformedRtp):
        rtp.parse_rtp(bytes(data))


def test_compound_rtcp_is_taken_apart() -> None:
    report = struct.pack("!BBHI", 0x80, 201, 1, 1)
    feedback = rtp.pli(1, 2) + rtp.nack(1, 2, [5])
    assert rtp.rtcp_names(report + feedback + b"\x80\xc8") == ["RR", "PLI", "NACK"]


def test_nack_packs_neighbours_into_the_mask() -> None:
    data = rtp.nack(1, 2, [65_535, 0, 2, 40])
    assert struct.unpack("!BBHII", data[:12]) == (0x81, 205, 4, 1, 2)
    assert struct.unpack("!HHHH", data[12:]) == (65_535, 0b101, 40, 0)


def test_vp8_key_frame_tells_its_size() -> None:
    descriptor = b"\x90\x80\x81\x23"  # extended, first partition, 15-bit picture id
    frame = b"\x10\x00\x00\x9d\x01\x2a" + struct.pack("<HH", 640, 480 | 1 << 14)
    assert rtp.vp8_start(descriptor + frame) == rtp.PictureStart(key=True, width=640, height=480)


def test_vp8_inter_frame_and_continuation() -> None:
    assert rtp.vp8_start(b"\x10\x11\x00\x00") == rtp.PictureStart(key=False)
    assert rtp.vp8_start(b"\x00\x11\x00\x00") is None
    assert rtp.vp8_start(b"\x11\x10\x00\x00") is None
    assert rtp.vp8_start(b"\x90\x80") is None


@pytest.mark.parametrize(
    ("unit", "size"),
    [(SPS_640_480, (640, 480)), (SPS_360_202, (360, 202)), (b"\x67\x64\x00\x1f\xff", (0, 0)), (b"\x67\x42", (0, 0))],
)
def test_parameter_set_tells_its_size(unit: bytes, size: tuple[int, int]) -> None:
    assert rtp.sps_size(unit) == size


def test_h264_pictures_in_each_packaging() -> None:
    aggregated = b"\x78" + b"".join(struct.pack("!H", len(unit)) + unit for unit in (SPS_640_480, b"\x68\xce", b"\x65\x88"))
    assert rtp.h264_start(aggregated) == rtp.PictureStart(key=True, width=640, height=480)
    assert rtp.h264_start(b"\x7c\x85\x11\x22") == rtp.PictureStart(key=True)  # start of a fragmented IDR slice
    assert rtp.h264_start(b"\x7c\x05\x11\x22") is None  # its middle
    assert rtp.h264_start(b"\x41\x9a") == rtp.PictureStart(key=False)
    assert rtp.h264_start(b"") is None


def test_sequence_numbers_wrap() -> None:
    assert rtp.newer(0, 65_535)
    assert not rtp.newer(65_535, 0)
    assert not rtp.newer(7, 7)
