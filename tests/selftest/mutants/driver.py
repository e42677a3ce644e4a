"""The driver: procedures, home ladder, upper tester."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from conformance.bench import memory, run
from conformance.bench.stage import Stage
from conformance.iut.prompt import Answer as Told

from .registry import every, explode, mutant, wrap


@mutant("driver", "a procedure raises")
def procedure_raises(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Stage, "quiet", explode)


@mutant("driver", "the way home raises")
def home_raises(patch: pytest.MonkeyPatch) -> None:
    third = every(3)
    wrap(patch, run, "bring_home", lambda home: lambda *args: explode() if third() else home(*args))


@mutant("driver", "the device is taken for home without a look")
def home_is_believed(patch: pytest.MonkeyPatch) -> None:
    async def anyway(*_: Any) -> bool:
        return True

    patch.setattr("conformance.bench.home._proven", anyway)


@mutant("driver", "the upper tester cannot be reached")
def tester_is_unreachable(patch: pytest.MonkeyPatch) -> None:
    fourth = every(4)

    def make(ask: Any) -> Any:
        async def unreachable(self: Any, prompt: Any) -> Told:
            if fourth():
                raise ConnectionRefusedError("upper tester gone")
            told: Told = await ask(self, prompt)
            return told

        return unreachable

    wrap(patch, memory.InProcess, "ask", make)


@mutant("driver", "the upper tester never answers")
def tester_hangs(patch: pytest.MonkeyPatch) -> None:
    fourth = every(4)

    def make(ask: Any) -> Any:
        async def hanging(self: Any, prompt: Any) -> Told:
            if fourth():
                await asyncio.Event().wait()
            told: Told = await ask(self, prompt)
            return told

        return hanging

    wrap(patch, memory.InProcess, "ask", make)


@mutant("driver", "the upper tester says no to everything")
def tester_refuses(patch: pytest.MonkeyPatch) -> None:
    async def no(self: Any, prompt: Any) -> Told:
        return Told(ok=False, error="no")

    patch.setattr(memory.InProcess, "ask", no)


@mutant("driver", "the connection to the upper tester raises a bug of ours")
def tester_driver_raises(patch: pytest.MonkeyPatch) -> None:
    fourth = every(4)
    wrap(patch, memory.InProcess, "ask", lambda ask: lambda *args: explode() if fourth() else ask(*args))
