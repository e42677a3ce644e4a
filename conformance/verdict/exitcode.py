"""Exit codes of every command by one table (decision 2), in this order: 2 usage, 1 fail, 4 bench, 3 inconclusive, 0."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from conformance.verdict.model import Verdict

PASS: Final = 0
FAIL: Final = 1
USAGE: Final = 2
INCONCLUSIVE: Final = 3
BENCH: Final = 4

_PRECEDENCE: Final = (USAGE, FAIL, BENCH, INCONCLUSIVE, PASS)
_OF_VERDICT: Final = {
    Verdict.PASS: PASS,
    Verdict.FAIL: FAIL,
    Verdict.ERROR: BENCH,
    Verdict.INCONCLUSIVE: INCONCLUSIVE,
    Verdict.NOT_APPLICABLE: PASS,
    Verdict.NOT_SELECTED: PASS,
}


def of_verdict(verdict: Verdict) -> int:
    """The exit code of one verdict."""
    return _OF_VERDICT[verdict]


def worst(codes: Iterable[int]) -> int:
    """The code that stands when several apply; 0 for none. A code outside the table counts as the bench's failure."""
    found = {code if code in _PRECEDENCE else BENCH for code in codes}
    return next((code for code in _PRECEDENCE if code in found), PASS)
