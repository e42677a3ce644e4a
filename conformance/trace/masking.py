"""What may not reach the journal is replaced at the byte level, before parsing, malformed input included.

Residents of a run are synthetic and listed: their numbers are evidence and stay. A foreign identity number is replaced by
a synthetic one of the same form (so that no schema breaks on our mask); a secret by a mask of the same length (so that
Content-Length and offsets stay true). What was replaced is told as facts: kind, length and a keyed digest, never the value.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote

from conformance.trace import personal

MIN_SECRET = 8  # shorter values would mask ordinary text
_HEAD: Final = MIN_SECRET  # secrets are found by their first bytes, of which every form has this many
_OUTSIDE: Final = b" "
_INSIDE: Final = b"x"


class _Needles:
    """Many secrets, few of which stand in any one message: says where they do, quickly where they do not.

    A secret in text lies in an unbroken run of the bytes that secrets are made of, and is no shorter than the shortest of
    them. Most messages hold no run that long, which two passes in C show. Forms with bytes outside ASCII (keys as they are)
    are looked for one by one, and only in messages that hold such bytes.
    """

    def __init__(self) -> None:
        self._text: dict[bytes, list[bytes]] = {}  # first bytes -> forms that begin so, longest first
        self._binary: set[bytes] = set()
        self._made_of: set[int] = set()
        self._runs = bytes(256)
        self._least = b""

    def add(self, form: bytes) -> None:
        """Look for this one, too."""
        if not form.isascii():
            self._binary.add(form)
            return
        rows = self._text.setdefault(form[:_HEAD], [])
        if form in rows:
            return
        rows.append(form)
        rows.sort(key=len, reverse=True)
        if not self._least or len(form) < len(self._least):
            self._least = _INSIDE * len(form)
        if not self._made_of.issuperset(form):
            self._made_of.update(form)
            self._runs = bytes(_INSIDE[0] if byte in self._made_of else _OUTSIDE[0] for byte in range(256))

    def absent(self, raw: bytes) -> bool:
        """Whether a quick look settles that there is none, as in most messages."""
        return not (self._least and self._least in raw.translate(self._runs)) and not (self._binary and not raw.isascii())

    def find(self, raw: bytes) -> list[tuple[int, bytes]]:
        """(place, form) of every secret, in order and without overlap; the longest where several begin at one place."""
        found: list[tuple[int, bytes]] = []
        if self._least and self._least in (marks := raw.translate(self._runs)):
            found += self._in_runs(raw, marks)
        if self._binary and not raw.isascii():
            for form in self._binary:
                if form in raw:
                    found += _occurrences(raw, form)
        return _apart(found) if len(found) > 1 else found

    def _in_runs(self, raw: bytes, marks: bytes) -> Iterator[tuple[int, bytes]]:
        least = len(self._least)
        begin = marks.find(self._least)
        while begin >= 0:
            end = marks.find(_OUTSIDE, begin)
            end = len(marks) if end < 0 else end
            if end - begin - least < len(self._text):
                for at in range(begin, end - least + 1):
                    for form in self._text.get(raw[at : at + _HEAD], ()):
                        if raw.startswith(form, at):
                            yield at, form
            else:  # a picture or a document: fewer secrets than places
                for head, forms in self._text.items():
                    for at, _ in _occurrences(raw, head, begin, end):
                        yield from ((at, form) for form in forms if raw.startswith(form, at))
            begin = marks.find(self._least, end)


def _occurrences(raw: bytes, form: bytes, begin: int = 0, end: int | None = None) -> Iterator[tuple[int, bytes]]:
    at = raw.find(form, begin, end)
    while at >= 0:
        yield at, form
        at = raw.find(form, at + 1, end)


def _apart(found: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    kept: list[tuple[int, bytes]] = []
    for at, form in sorted(found, key=lambda hit: (hit[0], -len(hit[1]))):
        if not kept or at >= kept[-1][0] + len(kept[-1][1]):
            kept.append((at, form))
    return kept


class Masker:
    """The masks of one run. Its key comes from the operating system and dies with the run (decision 14)."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        """`known` are secrets from before the run, such as a vendor declares. Raises ValueError for one under 8 bytes."""
        self._key = secrets.token_bytes(32)
        self._residents: set[bytes] = set()
        self._secrets: dict[bytes, str] = {}
        self._needles = _Needles()
        self.digits = False  # whether the bytes of the last call had what an identity number cannot do without
        for value in known:
            self.add_secret(value)

    def add_secret(self, value: bytes | str, kind: str = "secret") -> None:
        """Mask this value from now on: as it is, URL-encoded, in base64, in hex, and as JSON may write it. Values under 8 bytes
        are refused."""
        data = value.encode() if isinstance(value, str) else value
        if len(data) < MIN_SECRET:
            raise ValueError(f"a secret has at least {MIN_SECRET} bytes")
        forms = {data, quote(data).encode(), quote(data, safe="").encode(), data.hex().encode(), data.hex().upper().encode()}
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            forms |= {encode(data), encode(data).rstrip(b"=")}
        forms |= {form.replace(b"/", b"\\/") for form in forms}
        for form in forms:
            self._secrets[form] = kind
            self._needles.add(form)

    def allow_person(self, id_number: str) -> None:
        """List a synthetic resident, whose number is evidence and stays."""
        self._residents.add(id_number.upper().encode())

    def __call__(self, raw: bytes) -> tuple[bytes, list[dict[str, Any]]]:
        """(bytes that may be written, facts about what was replaced)."""
        found: list[dict[str, Any]] = []
        if not self._needles.absent(raw):
            for at, value in self._needles.find(raw):
                raw = raw[:at] + self._mask_secret(at, value, found) + raw[at + len(value) :]
        self.digits = personal.may_hold_one(raw)
        if self.digits:
            raw = personal.CANDIDATE.sub(lambda m: self._mask_person(m, found), raw)
        return raw, found

    def text(self, text: str) -> str:
        """A text that people are shown beside the journal, such as the last words of a device: through the same mask."""
        return self(text.encode("utf-8", "surrogateescape"))[0].decode("utf-8", "replace")

    def _mask_secret(self, at: int, value: bytes, found: list[dict[str, Any]]) -> bytes:
        kind, digest = self._secrets[value], self._digest(value)
        found.append({"kind": kind, "length": len(value), "digest": digest, "at": at})
        return f"~{kind}.{digest}~".encode().ljust(len(value), b"~")[: len(value)]

    def _mask_person(self, match: re.Match[bytes], found: list[dict[str, Any]]) -> bytes:
        value = match.group()
        if value.upper() in self._residents or not personal.is_id_number(value.decode("ascii")):
            return value
        found.append({"kind": "id_number", "length": 18, "digest": self._digest(value.upper()), "at": match.start()})
        return personal.replacement(value.decode("ascii"), self._key).encode()

    def _digest(self, value: bytes) -> str:
        return hashlib.blake2b(value, key=self._key, digest_size=4).hexdigest()
