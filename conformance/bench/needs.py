"""What a procedure waits by: the names of timers in its code and in that of the steps and stage methods that it calls.

Read from the code and not listed beside it, so that no list can be wrong. A name may be counted that a call would override;
then a pack must have one timer more than it would need, and no case ever runs into a timer that is not there.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

from conformance.bench.stage import Stage

_TIMER: Final = re.compile(r"T-[A-Z0-9]+(-[A-Z0-9]+)*")


@lru_cache(maxsize=1024)
def timers_of(procedure: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the timers that a procedure may wait by, sorted."""
    found: set[str] = set()
    _look(procedure, found, set())
    return tuple(sorted(found))


def _look(function: Any, found: set[str], seen: set[Any]) -> None:
    function = inspect.unwrap(function)
    if not isinstance(function, FunctionType) or function in seen:
        return
    seen.add(function)
    values = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    names: set[str] = set()
    for code in _codes(function.__code__):
        values += code.co_consts
        names.update(code.co_names)
    found.update(value for value in _texts(values) if _TIMER.fullmatch(value))
    modules = [g for name in names if isinstance(g := function.__globals__.get(name), ModuleType)]
    enclosed = [cell.cell_contents for cell in function.__closure__ or ()]
    for called in (
        *enclosed,
        *(function.__globals__.get(name) for name in names),
        *(getattr(module, name, None) for module in modules for name in names),
        *(getattr(Stage, name, None) for name in names),
    ):  # fmt: skip
        if inspect.isfunction(called) and called.__module__.startswith("conformance."):
            _look(called, found, seen)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _codes(const)


def _texts(values: list[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, tuple):
            yield from _texts(list(value))
