"""What a procedure waits by: the names of timers in its code and in that of the steps and stage methods that it calls.

Read from the code and not listed beside it, so that no list can be wrong. A name may be counted that a call would override;
then a pack must have one timer more than it would need, and no case ever runs into a timer that is not there.
"""

from __future__ import annotations

import dis
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
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
    if not isinstance(function, FunctionType) or function in seen or not function.__module__.startswith("conformance."):
        return
    seen.add(function)
    named, called = _inside(function)
    found.update(named)
    for other in called:
        _look(other, found, seen)


@lru_cache(maxsize=4096)  # steps are shared by many procedures, and taking code apart is slow
def _inside(function: FunctionType) -> tuple[frozenset[str], tuple[FunctionType, ...]]:
    """The timers that one function names itself, and the functions that it calls."""
    values = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    called: list[Any] = [cell.cell_contents for cell in function.__closure__ or ()]
    for code in _codes(function.__code__):
        values += code.co_consts
        called += _called(code, function.__globals__)
    functions = (inspect.unwrap(other) for other in called if callable(other))
    named = frozenset(value for value in _texts(values) if _TIMER.fullmatch(value))
    return named, tuple(dict.fromkeys(other for other in functions if isinstance(other, FunctionType)))


def _called(code: CodeType, known: Mapping[str, Any]) -> Iterator[Any]:
    """What the code names: functions of its module, functions of the modules that it imports, methods of a stage."""
    before = None
    for step in dis.get_instructions(code):
        if step.opname == "LOAD_GLOBAL":
            yield known.get(step.argval)
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and before is not None:
            if before.opname == "LOAD_GLOBAL" and isinstance(module := known.get(before.argval), ModuleType):
                yield getattr(module, step.argval, None)
            elif before.opname.startswith(("LOAD_FAST", "LOAD_DEREF")):
                yield getattr(Stage, step.argval, None)
        before = step


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
