"""Pictures of the simulated document camera and signature pad: real baseline JPEG files, made without a library.

Each 8x8 block has one grey value, which is enough for a decoder to accept the file and for a person to see lines.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Picture", "jpeg", "picture_of", "signature_picture"]

_DC_CODES = {0: "00", 1: "010", 2: "011", 3: "100", 4: "101", 5: "110", 6: "1110", 7: "11110", 8: "111110"}
_QUANT = 16


@dataclass(frozen=True)
class Picture:
    """One encoded picture. `empty` is what the device's own check of the frame says."""

    data: bytes
    width: int
    height: int
    empty: bool = False
    media_type: str = "image/jpeg"


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _bits(values: list[int]) -> str:
    """Huffman-coded DC differences, each followed by the one-bit end of block."""
    out: list[str] = []
    before = 0
    for value in values:
        diff, before = value - before, value
        size = abs(diff).bit_length()
        out.append(_DC_CODES[size])
        if size:
            out.append(format(diff if diff > 0 else diff + (1 << size) - 1, f"0{size}b"))
        out.append("0")
    return "".join(out)


def jpeg(width: int, height: int, grey: Callable[[int, int], int]) -> bytes:
    """A grey baseline JPEG; `grey(column, row)` is the value 0-255 of a block of 8x8 pixels."""
    columns, rows = (width + 7) // 8, (height + 7) // 8
    values = [(grey(c, r) - 128) * 8 // _QUANT for r in range(rows) for c in range(columns)]
    bits = _bits(values)
    bits += "1" * (-len(bits) % 8)
    scan = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
    dc_lengths = bytes([0, 1, 5, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\x00\x01\x01\x01\x00\xc8\x00\xc8\x00\x00"),
            _segment(0xDB, b"\x00" + bytes([_QUANT]) * 64),
            _segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"),
            _segment(0xC4, b"\x00" + dc_lengths + bytes(range(9))),
            _segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\x00"),
            _segment(0xDA, b"\x01\x01\x00\x00\x3f\x00"),
            scan,
            b"\xff\xd9",
        )
    )


@lru_cache(maxsize=8)
def picture_of(name: str, width: int, height: int) -> Picture:
    """The page that the tester laid under the camera: `blank` is an empty plate, every other name a page of lines."""
    if name in {"blank", "empty"}:
        return Picture(jpeg(width, height, lambda _c, _r: 240), width, height, empty=True)
    salt = sum(name.encode())

    def grey(column: int, row: int) -> int:
        in_line = row % 4 == 1 and 12 < column < width // 8 - 12 and row > 12
        return 40 if in_line and (column * 7 + row * 3 + salt) % 5 else 235

    return Picture(jpeg(width, height, grey), width, height)


@lru_cache(maxsize=1)
def signature_picture() -> Picture:
    """A stroke on a white pad."""
    return Picture(jpeg(640, 240, lambda c, r: 20 if (c * 3 // 8 + 4) % 30 == r else 250), 640, 240)
