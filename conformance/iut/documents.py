"""JSON that a device's programs say beside the wire: ready lines, and answers of upper testers.

It is to go on the record. What cannot go there is refused where it is read, as an answer of the device that is of no use.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from conformance.protocol.strictjson import MAX_DEPTH


class Unusable(ValueError):
    """A document that the record cannot hold."""


def read(raw: bytes) -> Any:
    """The document. Raises ValueError where it is no JSON, Unusable where it is JSON that cannot be recorded."""
    try:
        told = json.loads(raw)
    except RecursionError:
        raise _too_deep() from None
    if _deeper(told, MAX_DEPTH):
        raise _too_deep()
    try:
        orjson.dumps(told)
    except TypeError:  # of what JSON can hold, it refuses just these
        raise Unusable("it holds a text that is no Unicode, or a number of more than 64 bits") from None
    return told


def _too_deep() -> Unusable:
    return Unusable(f"it is nested deeper than {MAX_DEPTH} levels")


def _deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper(item, levels - 1) for item in inner if isinstance(item, dict | list))
