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
from typing import Any
from urllib.parse import quote

from conformance.trace import personal

MIN_SECRET = 8  # shorter values would mask ordinary text


class Masker:
    """The masks of one run. Its key comes from the operating system and dies with the run (decision 14)."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._residents: set[bytes] = set()
        self._secrets: dict[bytes, str] = {}
        self._pattern: re.Pattern[bytes] | None = None

    def add_secret(self, value: bytes | str, kind: str = "secret") -> None:
        """Mask this value from now on, in literal, URL-encoded and base64 form. Values under 8 bytes are refused."""
        data = value.encode() if isinstance(value, str) else value
        if len(data) < MIN_SECRET:
            raise ValueError(f"a secret has at least {MIN_SECRET} bytes")
        forms = {data, quote(data).encode(), quote(data, safe="").encode()}
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            forms |= {encode(data), encode(data).rstrip(b"=")}
        for form in forms:
            self._secrets[form] = kind
        longest_first = sorted(self._secrets, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(re.escape(form) for form in longest_first))

    def allow_person(self, id_number: str) -> None:
        """List a synthetic resident, whose number is evidence and stays."""
        self._residents.add(id_number.upper().encode())

    def __call__(self, raw: bytes) -> tuple[bytes, list[dict[str, Any]]]:
        """(bytes that may be written, facts about what was replaced)."""
        found: list[dict[str, Any]] = []
        if self._pattern is not None and self._pattern.search(raw):
            raw = self._pattern.sub(lambda m: self._mask_secret(m, found), raw)
        if personal.CANDIDATE.search(raw):
            raw = personal.CANDIDATE.sub(lambda m: self._mask_person(m, found), raw)
        return raw, found

    def _mask_secret(self, match: re.Match[bytes], found: list[dict[str, Any]]) -> bytes:
        value = match.group()
        kind, digest = self._secrets[value], self._digest(value)
        found.append({"kind": kind, "length": len(value), "digest": digest, "at": match.start()})
        return f"~{kind}.{digest}~".encode().ljust(len(value), b"~")[: len(value)]

    def _mask_person(self, match: re.Match[bytes], found: list[dict[str, Any]]) -> bytes:
        value = match.group()
        if value.upper() in self._residents or not personal.is_id_number(value.decode("ascii")):
            return value
        found.append({"kind": "id_number", "length": 18, "digest": self._digest(value.upper()), "at": match.start()})
        return personal.replacement(value.decode("ascii"), self._key).encode()

    def _digest(self, value: bytes) -> str:
        return hashlib.blake2b(value, key=self._key, digest_size=4).hexdigest()
