"""Pictures out of packets under order, loss and retransmission."""

from __future__ import annotations

import struct

from mocks.signaling.clerk.video import GIVE_UP, Picture, VideoStream

KEY = b"\x10\x10\x00\x00\x9d\x01\x2a" + struct.pack("<HH", 320, 240)
DELTA = b"\x10\x11\x00\x00"
REST = b"\x00\xff\xff"


def stream() -> tuple[VideoStream, list[Picture]]:
    pictures: list[Picture] = []
    return VideoStream("VP8", pictures.append), pictures


def feed(video: VideoStream, *packets: tuple[int, int, bool, bytes], now: float = 0.0) -> None:
    for sequence, timestamp, marker, payload in packets:
        video.add(sequence & 0xFFFF, timestamp, marker, payload, now)


def test_pictures_in_order() -> None:
    video, pictures = stream()
    feed(video, (1, 10, False, KEY), (2, 10, True, REST), (3, 20, True, DELTA))
    assert [(each.timestamp, each.key, len(each.payloads)) for each in pictures] == [(10, True, 2), (20, False, 1)]
    assert (pictures[0].width, pictures[0].height) == (320, 240)
    assert (video.counters.frames, video.counters.key_frames) == (2, 1)


def test_packets_out_of_order_and_over_the_wrap() -> None:
    video, pictures = stream()
    feed(video, (65_534, 10, True, KEY), (0, 20, True, REST), (65_535, 20, False, DELTA), (1, 30, True, DELTA))
    assert [each.timestamp for each in pictures] == [10, 20, 30]


def test_pictures_before_the_first_key_frame_are_not_given_out() -> None:
    video, pictures = stream()
    feed(video, (1, 10, True, DELTA), (2, 20, True, KEY))
    assert [each.timestamp for each in pictures] == [20]
    assert video.counters.frames == 2


def test_a_hole_is_asked_for_again_until_it_is_filled() -> None:
    video, pictures = stream()
    feed(video, (1, 10, True, KEY), (3, 30, True, DELTA))
    assert video.wanted(0.0).sequences == [2]
    assert video.wanted(0.02).sequences == []
    assert video.wanted(0.04).sequences == [2]
    feed(video, (2, 20, True, DELTA), now=0.05)
    assert [each.timestamp for each in pictures] == [10, 20, 30]
    assert video.wanted(0.1).sequences == []


def test_a_hole_that_stays_costs_a_key_frame() -> None:
    video, pictures = stream()
    feed(video, (1, 10, True, KEY), (3, 30, True, DELTA))
    wanted = video.wanted(GIVE_UP + 0.01)
    assert wanted.key_frame
    assert video.counters.given_up == 1
    feed(video, (4, 40, True, DELTA), (5, 50, True, KEY), now=0.4)
    assert [each.timestamp for each in pictures] == [10, 50]
    assert not video.wanted(2.0).key_frame


def test_a_far_jump_is_a_new_stream() -> None:
    video, pictures = stream()
    feed(video, (1, 10, True, KEY), (30_000, 20, True, KEY))
    assert len(pictures) == 2
    assert video.wanted(0.0).sequences == []


def test_probes_without_payload_are_no_pictures() -> None:
    video, pictures = stream()
    feed(video, (1, 10, True, KEY), (2, 15, False, b""), (3, 20, True, DELTA))
    assert [each.timestamp for each in pictures] == [10, 20]
    assert video.counters.frames == 2
