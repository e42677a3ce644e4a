"""The clerk."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn

import pytest

from mocks.signaling.paper_clerk import PaperClerk

from .registry import mutant


@mutant("clerk", "the media peer dies at the first offer")
def clerk_dies(patch: pytest.MonkeyPatch) -> None:
    async def die(self: PaperClerk, call_id: str, sdp: str, labels: Any) -> str:
        raise ConnectionError("the media peer is gone")

    patch.setattr(PaperClerk, "offer", die)


@mutant("clerk", "the media peer answers and never connects")
def clerk_never_connects(patch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any) -> None:
        """No state, no picture, no statistics."""

    patch.setattr(PaperClerk, "_flow", nothing)


@mutant("clerk", "the media peer never answers")
def clerk_hangs(patch: pytest.MonkeyPatch) -> None:
    async def hang(*_: Any) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError

    patch.setattr(PaperClerk, "offer", hang)
