"""PICS conditions: whether a clause, a peripheral or a profile applies to what the vendor declared.

Forms: `ITEM` (declared and not false or empty) | `{item, is}` | `{item, has}` (sets) | `{all: []}` | `{any: []}` |
`{not: }`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_FORMS: Final = "ITEM | {item, is} | {item, has} | {all: [..]} | {any: [..]} | {not: ..}"


class ConditionError(ValueError):
    """A condition of no known form."""


def holds(condition: Any, pics: Mapping[str, Any]) -> bool:
    """Whether a condition is met. No condition is always met; an item not declared is not supported.

    Raises ConditionError for an unknown form (a checked pack has none).
    """
    if condition is None:
        return True
    if isinstance(condition, str):
        return bool(pics.get(condition))
    match condition:
        case {"item": str(item), "is": value, **rest} if not rest:
            return bool(pics.get(item) == value)
        case {"item": str(item), "has": value, **rest} if not rest:
            return value in _members(pics.get(item))
        case {"all": list(parts), **rest} if not rest:
            return all(holds(part, pics) for part in parts)
        case {"any": list(parts), **rest} if not rest:
            return any(holds(part, pics) for part in parts)
        case {"not": part, **rest} if not rest:
            return not holds(part, pics)
    raise ConditionError(f"{condition!r} is no condition; valid: {_FORMS}")


def items(condition: Any) -> set[str]:
    """Every PICS item that a condition asks about. Raises ConditionError for an unknown form."""
    return {item for item, _ in asked(condition)}


def asked(condition: Any) -> Iterator[tuple[str, Any]]:
    """(item, value asked for or None) of every leaf of a condition. Raises ConditionError for an unknown form."""
    if condition is None:
        return
    if isinstance(condition, str):
        yield condition, None
        return
    match condition:
        case {"item": str(item), "is": value, **rest} if not rest:
            yield item, value
        case {"item": str(item), "has": value, **rest} if not rest:
            yield item, value
        case {"all": list(parts), **rest} | {"any": list(parts), **rest} if not rest and parts:
            for part in parts:
                yield from asked(part)
        case {"not": part, **rest} if not rest:
            yield from asked(part)
        case _:
            raise ConditionError(f"{condition!r} is no condition; valid: {_FORMS}")


def _members(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple | set | frozenset) else (value,)
