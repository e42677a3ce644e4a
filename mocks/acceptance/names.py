"""Identifiers in the shape that the pack's examples show, so that a new dialect needs no new generator."""

from __future__ import annotations

import random
import re
import uuid
from collections import Counter
from collections.abc import Callable

_TAIL = re.compile(r"^(.*?)([0-9]+)$", re.DOTALL)


class Names:
    """Fresh identifiers. Seeded: they are public and a run must be repeatable; secrets never come from here."""

    def __init__(self, seed: int, sample: Callable[[str], object]) -> None:
        self._random = random.Random(f"names-{seed}")  # noqa: S311  public identifiers
        self._sample = sample
        self._count: Counter[str] = Counter()

    def new(self, what: str) -> str:
        """A fresh value of the canonical field `what`, shaped like its example: UUID, or text with a running number."""
        sample = self._sample(what)
        self._count[what] += 1
        number = self._count[what]
        if not isinstance(sample, str) or _is_uuid(sample):
            return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        tail = _TAIL.match(sample)
        if tail is None:
            return f"{sample}-{number}"
        width = len(tail[2])
        return tail[1] + str(number % 10**width).zfill(width)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
