"""Long waits are told: which case waits, for what, and for how long at most. They are told to people and are no observation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

LONG_S: Final = 10.0  # a limit beyond this is worth a line
BEGUN_S: Final = 2.0  # most waits with a long limit are over by then: a line for each would bury the others
TellWait = Callable[[str, str, float], None]  # case, what it waits for, seconds at most


@contextmanager
def told(tell: TellWait | None, case: str, what: str, limit_s: float) -> Iterator[None]:
    """Around one wait: tells it once, where its limit is long and it is not over at once."""
    if tell is None or limit_s <= LONG_S:
        yield
        return
    telling = asyncio.get_running_loop().call_later(BEGUN_S, tell, case, what, limit_s)
    try:
        yield
    finally:
        telling.cancel()
