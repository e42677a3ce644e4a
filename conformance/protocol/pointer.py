"""JSON Pointer (RFC 6901) on decoded JSON, reading and writing."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final


class Missing:
    """Type of `MISSING`; falsy, so that `if value` treats it as nothing."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


@lru_cache(maxsize=4096)
def split(pointer: str) -> tuple[str, ...]:
    """The reference tokens of a pointer. Raises ValueError where it is no pointer."""
    if pointer == "":
        return ()
    if not pointer.startswith("/"):
        raise ValueError(f"a JSON pointer is empty or starts with '/': {pointer!r}")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/"))


def get(document: Any, pointer: str, default: Any = MISSING) -> Any:
    """The value at `pointer`, or `default` where the document has none."""
    node = document
    for token in split(pointer):
        if type(node) is dict:
            if token not in node:
                return default
            node = node[token]
        elif type(node) is list:
            if not (token.isascii() and token.isdigit()) or int(token) >= len(node):
                return default
            node = node[int(token)]
        else:
            return default
    return node


Reader = Callable[[Any], Any]


@lru_cache(maxsize=4096)
def reader(pointer: str, default: Any = MISSING) -> Reader:
    """`get` for one pointer, made once and used for every message: the short ways through objects are walked directly."""
    tokens = split(pointer)
    if len(tokens) == 1:
        only = tokens[0]
        return lambda document: document.get(only, default) if type(document) is dict else get(document, pointer, default)
    if len(tokens) == 2:
        first, second = tokens

        def two(document: Any) -> Any:
            inner = document.get(first) if type(document) is dict else None
            return inner.get(second, default) if type(inner) is dict else get(document, pointer, default)

        return two
    return lambda document: get(document, pointer, default)


def put(document: dict[str, Any], pointer: str, value: Any) -> None:
    """Set the value at `pointer`, making objects on the way. Raises ValueError for the root or through a non-object."""
    tokens = split(pointer)
    if len(tokens) == 1:
        document[tokens[0]] = value
        return
    if not tokens:
        raise ValueError("the root of a document cannot be replaced in place")
    node: Any = document
    for token in tokens[:-1]:
        node = node[int(token)] if isinstance(node, list) else node.setdefault(token, {})
        if not isinstance(node, dict | list):
            raise ValueError(f"{pointer!r} leads through {token!r}, which is no object")
    if isinstance(node, list):
        node[int(tokens[-1])] = value
    else:
        node[tokens[-1]] = value


def join(tokens: list[str | int]) -> str:
    """A pointer from path tokens, as validators report them."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)
