"""Transport-wide feedback, read back with a reader of its own."""

from __future__ import annotations

import struct

from mocks.signaling.clerk.twcc import ArrivalLog, build_feedback


def read(packet: bytes) -> tuple[int, dict[int, float | None]]:
    """(feedback count, number -> arrival in seconds or None), by the draft's section 3.1."""
    flags, kind, words, _, _ = struct.unpack_from("!BBHII", packet)
    assert (flags & 0x1F, kind, len(packet)) == (15, 205, 4 * (words + 1))
    first, total, reference = struct.unpack_from("!HHI", packet, 12)
    at, symbols = 20, []
    while len(symbols) < total:
        (chunk,) = struct.unpack_from("!H", packet, at)
        assert chunk >> 14 == 3
        symbols += [chunk >> (12 - 2 * place) & 3 for place in range(7)]
        at += 2
    now = (reference >> 8) * 0.064
    found: dict[int, float | None] = {}
    for offset, symbol in enumerate(symbols[:total]):
        if symbol == 0:
            found[first + offset & 0xFFFF] = None
            continue
        size, form = (1, "!B") if symbol == 1 else (2, "!h")
        now += struct.unpack_from(form, packet, at)[0] * 0.00025
        at += size
        found[first + offset & 0xFFFF] = now
    return reference & 0xFF, found


def test_arrivals_and_losses_come_back() -> None:
    arrivals = {10: 100.0, 11: 100.002, 13: 100.250, 14: 100.1}
    _, found = read(build_feedback(10, 14, arrivals, 0, 1, 2))
    assert found[12] is None
    for number, at in arrivals.items():
        told = found[number]
        assert told is not None
        assert abs(told - at) < 0.0006


def test_each_packet_is_told_once_and_counts_rise() -> None:
    log = ArrivalLog()
    for number in range(20):
        log.add(number, 1.0 + number / 100)
    first = log.feedback(1, 2)
    assert first is not None
    assert log.feedback(1, 2) is None
    log.add(22, 2.0)
    second = log.feedback(1, 2)
    assert second is not None
    count, found = read(second)
    assert count == 1
    assert list(found) == [20, 21, 22]
    assert [found[20], found[21]] == [None, None]


def test_numbers_wrap() -> None:
    log = ArrivalLog()
    for number in (65_534, 65_535, 0, 1):
        log.add(number, 5.0)
    packet = log.feedback(1, 2)
    assert packet is not None
    assert list(read(packet)[1]) == [65_534, 65_535, 0, 1]
