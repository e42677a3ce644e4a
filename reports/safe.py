"""The one place where text from a device becomes text for people.

Whatever a device says may end up in a terminal, a web page or an XML file. Three things happen to it here, in this order:
resident numbers are masked, characters that act instead of being read (control, direction, invisible) are spelled out, and
the length is capped. Escaping for a format (HTML, XML, JSON) stays with its writer. `clean` is idempotent.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from typing import Any, Final

from conformance.trace import personal

LINE_CAP: Final = 400  # characters of one short value: expected, seen, a name
BLOCK_CAP: Final = 6_000  # characters of one message shown to people
MAX_MARKS: Final = 3  # combining marks on one letter; more climb over the lines above

# Six digits of division, a birth date, three of sequence, one check character; people and devices also write it in groups.
_NUMBER: Final = re.compile(
    r"(?:(?<![0-9])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2}))"  # the last character of an escape is no digit before it
    r"([0-9]{6})[ \-]?([0-9]{8})[ \-]?([0-9]{3}[0-9Xx])(?![0-9])"
)
_WIDE: Final = str.maketrans("０１２３４５６７８９Ｘｘ", "0123456789Xx")  # full-width digits hide a number from a search
_HAS_WIDE: Final = re.compile("[０-９]")
_FIRST_YEAR: Final = 1800  # synthetic residents are born where nobody living is: far back or ahead
_LAST_YEAR: Final = 2199
_PLAIN: Final = re.compile(r"[ -~\n\u3001-\u3029\u4e00-\u9fff\uff00-\uff60]*")
_SECRET_HEADER: Final = re.compile(r"(?im)^((?:proxy-)?authorization|cookie|set-cookie)([ \t]*:[ \t]*)([^\n]*)")
_BEARER: Final = re.compile(r"(?i)\b(bearer)(\s+)[A-Za-z0-9._~+/=-]{8,}")


def is_resident_number(number: str) -> bool:
    """Whether 18 characters form a resident identity number: real calendar date, right check digit (GB 11643).

    Wider than `personal.is_id_number`, which decides what may reach a journal: any division, so that a report masks the
    numbers of synthetic residents of invented places too. A mask too many costs a reader nothing.
    """
    if len(number) != 18 or not (number[:17].isascii() and number[:17].isdigit()):
        return False
    year, month, day = int(number[6:10]), int(number[10:12]), int(number[12:14])
    if not (_FIRST_YEAR <= year <= _LAST_YEAR and 1 <= month <= 12):
        return False
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        return False
    return personal.check_digit(number[:17]) == number[17].upper()


def _mask_match(match: re.Match[str]) -> str:
    number = "".join(match.groups())
    return personal.masked(number) if is_resident_number(number) else match.group(0)


def mask_numbers(text: str) -> str:
    """Resident numbers anywhere in the text as 3 digits, 11 stars, 4 characters. Other digits stay as they are."""
    if _HAS_WIDE.search(text):
        narrow = text.translate(_WIDE)
        if _NUMBER.search(narrow):
            return _NUMBER.sub(_mask_match, narrow)
    return _NUMBER.sub(_mask_match, text)


def mask_secrets(text: str) -> str:
    """Credentials in header lines. The recorder masks what it issued; this covers what a device made up itself."""
    return _BEARER.sub(r"\1\2***", _SECRET_HEADER.sub(r"\1\2***", text))


def _spell(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"<U+{code:04X}>"


def printable(text: str, *, keep_lines: bool = False) -> str:
    """Control characters as ``\\xNN``; direction marks, invisible and impossible characters as ``<U+NNNN>``.

    `keep_lines` lets line feeds and tabs stand, for blocks.
    """
    if _PLAIN.fullmatch(text) and (keep_lines or "\n" not in text):
        return text
    out: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if keep_lines and char in "\n\t":
            out.append(char)
        elif category in {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"} or marks > MAX_MARKS:
            out.append(_spell(char))
        else:
            out.append(char)
    return "".join(out)


def cap(text: str, limit: int) -> str:
    """At most `limit` characters, with the number left out said at the end."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… (+{len(text) - limit})"


def clean(value: Any, limit: int = LINE_CAP) -> str:
    """One line of safe text from any value: masked, spelled out, capped."""
    return cap(printable(mask_secrets(mask_numbers(_as_text(value)))), limit)


def clean_block(value: Any, limit: int = BLOCK_CAP) -> str:
    """Several lines of safe text; line feeds stay, everything else as in `clean`."""
    text = _as_text(value).replace("\r\n", "\n")
    return cap(printable(mask_secrets(mask_numbers(text)), keep_lines=True), limit)


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="backslashreplace")
    return value if isinstance(value, str) else str(value)


def ascii_name(text: str, limit: int = 200) -> str:
    """A stable ASCII name for test registries: other characters as ``\\uNNNN``."""
    return clean(text, limit=10_000).encode("ascii", "backslashreplace").decode("ascii")[:limit]


def for_console(text: str, encoding: str | None) -> str:
    """What may be printed on a console of this encoding: no character acts (a device's words may hold escape sequences),
    and what the encoding lacks is spelled out instead of failing. Line feeds and tabs stay."""
    name = encoding or "ascii"
    return printable(text, keep_lines=True).encode(name, "backslashreplace").decode(name)
