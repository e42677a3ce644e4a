"""Resident identity numbers (GB 11643-1999): recognising them strictly, making ones that can belong to nobody living."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import re
from typing import Final

WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS: Final = "10X98765432"  # ISO 7064 MOD 11-2
PROVINCES: Final = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82".split()
)
# Boundaries keep an SDP identifier or a timestamp from being taken for a person: no digit or letter may touch it, but for the
# last one of an escape in JSON or in an address, which stands for something else.
CANDIDATE: Final = re.compile(
    rb"(?:(?<![0-9A-Za-z])|(?<=\\[bfnrtu])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2}))[1-8][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx](?![0-9A-Za-z])"
)

STAND_IN: Final = "110101"  # division of every stand-in: the one of the masked number would tell where somebody is from

_DIGITS: Final = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
_BODY: Final = b"0" * 17


def may_hold_one(raw: bytes) -> bool:
    """Whether 17 digits stand in a row anywhere, without which no number is there. A tenth of what the search costs."""
    return _BODY in raw.translate(_DIGITS)


def check_digit(body: str) -> str:
    """The 18th character for the first 17 digits."""
    return CHECKS[sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True)) % 11]


def is_id_number(text: str) -> bool:
    """Whether the text is a well-formed identity number: division, date and check digit hold."""
    if len(text) != 18 or not (text[:17].isascii() and text[:17].isdigit()) or text[:2] not in PROVINCES:
        return False
    try:
        dt.date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    return text[17].upper() == check_digit(text[:17])


def synthetic_id(rng: random.Random, division: str) -> str:
    """An identity number with a birth date in the 1880s: valid in form, of nobody living."""
    day = dt.date(1880, 1, 1) + dt.timedelta(days=rng.randrange(3650))
    body = f"{division}{day:%Y%m%d}{rng.randrange(1, 999):03d}"
    return body + check_digit(body)


def replacement(number: str, key: bytes) -> str:
    """The format-preserving stand-in for a number that must not reach the journal: same number and key, same stand-in."""
    rng = random.Random(hashlib.blake2b(number.upper().encode(), key=key).digest())  # noqa: S311  not a key
    return synthetic_id(rng, STAND_IN)


def masked(number: str) -> str:
    """3 + stars + 4, as reports and screens show it: digits 1 to 14 give away place and birth."""
    return number[:3] + "*" * (len(number) - 7) + number[-4:]
