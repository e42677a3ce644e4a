"""What an uploaded material is by its own bytes, whatever its header and the report say. Pure; hostile bytes never raise."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["looks"]

# How files of each media type begin. JPEG is asked for more than its first bytes, and a PDF may begin a little later.
_BEGINNINGS: dict[str, bytes | tuple[bytes, ...]] = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/gif": b"GIF8",
    "image/bmp": b"BM",
    "image/tiff": (b"II*\x00", b"MM\x00*"),
    "image/webp": b"RIFF",
}
_DECLARED = frozenset(("image/jpeg", "application/pdf", *_BEGINNINGS))
_PDF_WITHIN = 1024  # readers look for %PDF- in so many bytes, and some writers put something before it
_SEGMENTS = 1024  # more than ten mebibytes hold of the largest; whoever has more is not looked at any longer
_NO_FRAME = frozenset((0xC4, 0xC8, 0xCC))  # DHT, JPG and DAC stand among the numbers of the frame headers
_FILL = re.compile(rb"\xff+")  # any number of them may stand before a marker
_BARE = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a length


def looks(body: bytes, content_type: str) -> dict[str, Any]:
    """The media type that was `declared`, the one that was `found`, and of a JPEG its sides in pixels.

    `declared` is `other` and `found` is `unknown` for what is none of a few well-known types: what a device wrote goes into no
    record by this way. `shorter` and `longer` and not width and height, as Exif may turn what lies in the file.
    """
    named = content_type.split(";")[0].strip().lower()
    facts: dict[str, Any] = {"declared": named if named in _DECLARED else "other", "found": "unknown"}
    if body.startswith(b"\xff\xd8"):
        frame = _frame(body)
        if frame is not None:
            facts["found"] = "image/jpeg"
            if all(frame):  # a height of nought is told after the first scan (ITU-T T.81, DNL)
                facts |= {"shorter": min(frame), "longer": max(frame)}
        return facts
    for media_type, beginning in _BEGINNINGS.items():
        if body.startswith(beginning):
            return facts | {"found": media_type}
    if b"%PDF-" in body[:_PDF_WITHIN]:
        facts["found"] = "application/pdf"
    return facts


def _frame(body: bytes) -> tuple[int, int] | None:
    """Width and height of the first frame header (ITU-T T.81 B.2.2); None where there is none before the picture's data."""
    at = 2
    for _ in range(_SEGMENTS):
        fill = _FILL.match(body, at)
        if fill is None or fill.end() == len(body):
            return None
        at = fill.end()
        marker, size = body[at], int.from_bytes(body[at + 1 : at + 3], "big")
        if marker in _BARE:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            header = body[at + 3 : at + 8]
            return (int.from_bytes(header[3:], "big"), int.from_bytes(header[1:3], "big")) if len(header) == 5 else None
        elif size < 2 or marker in (0x00, 0xD9, 0xDA):  # no length, no marker, the end, or the data of a scan
            return None
        else:
            at += 1 + size
    return None
