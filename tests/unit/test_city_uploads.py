"""An upload is looked at by its own bytes: what it is, how large it is, and that nothing in it stops or slows the city."""

from __future__ import annotations

import struct
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mocks.acceptance.uploads import looks
from mocks.devices.reference.pictures import jpeg, picture_of, signature_picture

JPEG = "image/jpeg"
SMALL = jpeg(16, 24, lambda _c, _r: 200)


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def with_front(front: bytes) -> bytes:
    """A picture with something between its first marker and the rest."""
    return SMALL[:2] + front + SMALL[2:]


def test_the_pictures_of_the_reference_device_are_what_they_say() -> None:
    page, stroke = picture_of("a4-text", 1654, 2339), signature_picture()
    assert looks(page.data, JPEG) == {"declared": JPEG, "found": JPEG, "shorter": 1654, "longer": 2339}
    assert looks(stroke.data, JPEG) == {"declared": JPEG, "found": JPEG, "shorter": 240, "longer": 640}


@pytest.mark.parametrize(
    "front",
    [
        segment(0xE1, b"Exif\x00\x00" + bytes(4000)),
        b"".join(segment(0xE2, b"ICC_PROFILE\x00" + bytes(65000)) for _ in range(150)),
        b"\xff" * 70000,  # fill bytes
        segment(0xE1, b"\xff\xd8" + segment(0xC0, b"\x08\x00\x08\x00\x08") + b"\xff\xd9"),  # the frame of a thumbnail
        segment(0xFE, b"") + b"\xff\x01",  # an empty comment and a marker that has no length
        segment(0xC4, bytes(19)),  # tables have numbers among those of the frames
    ],
    ids=["exif", "long-profile", "fill", "thumbnail", "bare-marker", "tables"],
)
def test_what_may_stand_before_the_frame(front: bytes) -> None:
    assert looks(with_front(front), JPEG) == {"declared": JPEG, "found": JPEG, "shorter": 16, "longer": 24}


def test_every_kind_of_frame_is_one() -> None:
    for marker in (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)):
        progressive = b"\xff\xd8" + segment(marker, struct.pack(">BHHB", 8, 300, 200, 1) + b"\x01\x11\x00")
        assert looks(progressive, JPEG)["longer"] == 300


def test_a_height_that_is_told_later_leaves_the_size_open() -> None:
    later = b"\xff\xd8" + segment(0xC0, struct.pack(">BHHB", 8, 0, 200, 1) + b"\x01\x11\x00")
    assert looks(later, JPEG) == {"declared": JPEG, "found": JPEG}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"%PDF-1.7\n%%EOF", "application/pdf"),
        (b"\xef\xbb\xbf\r\n%PDF-1.4\n", "application/pdf"),
        (bytes(1024) + b"%PDF-1.4\n", "unknown"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "image/png"),
        (b"BM" + bytes(20), "image/bmp"),
        (b"MM\x00*" + bytes(20), "image/tiff"),
        (b"", "unknown"),
        (b"/9j/4AAQSkZJRg==", "unknown"),  # Base64
        (SMALL[:20], "unknown"),  # cut off before the frame
        (b"\xff\xd8\xff", "unknown"),
        (b"\xff\xd8" + segment(0xDA, bytes(10)), "unknown"),  # data without a frame
        (b"\xff\xd8\xff\xe0\x00\x00" * 9, "unknown"),  # a length that leads nowhere
        (b"\xff\xd8\xff\xc0\x00\x0b\x08\x00", "unknown"),  # half a frame
    ],
)
def test_what_it_is(body: bytes, found: str) -> None:
    assert looks(body, JPEG) == {"declared": JPEG, "found": found}


@pytest.mark.parametrize(
    ("header", "declared"),
    [
        ("Image/JPEG; name=page", JPEG),
        ("application/pdf ;x", "application/pdf"),
        ("image/bmp", "image/bmp"),
        ("", "other"),
        ("multipart/form-data; boundary=310101199001011237", "other"),
        ("310101199001011237", "other"),  # no record keeps what a device writes there by this way
    ],
)
def test_what_was_declared(header: str, declared: str) -> None:
    assert looks(b"", header)["declared"] == declared


@given(st.binary(max_size=400), st.text(max_size=20))
@example(b"\xff\xd8\xff", "")
@example(b"\xff\xd8\xff\xe0", "")
@example(b"\xff\xd8\xff\xe0\xff\xff", "")
def test_no_bytes_raise(tail: bytes, header: str) -> None:
    for body in (tail, b"\xff\xd8" + tail, b"\xff\xd8\xff" + tail, SMALL[:2] + segment(0xE0, tail) + tail):
        facts = looks(body, header)
        assert set(facts) <= {"declared", "found", "shorter", "longer"}


@pytest.mark.parametrize("unit", [b"\xff", b"\xff\x01", b"\xff\xe0\x00\x02", b"\xff\xd0\xff", b"%PDF", b"\x00"])
def test_ten_mebibytes_of_malice_take_no_time(unit: bytes) -> None:
    body = b"\xff\xd8" + unit * (10 * 1024 * 1024 // len(unit))
    before = time.process_time()
    assert looks(body, JPEG)["found"] == "unknown"
    assert time.process_time() - before < 0.5  # a few milliseconds; a walk over every byte in Python takes seconds
