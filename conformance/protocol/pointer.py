"""JSON Pointer (RFC 6901) on decoded JSON, reading and writing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
        node = _step(node, token)
        if node is MISSING:
            return default
    return node


Reader = Callable[[Any], Any]


@lru_cache(maxsize=4096)
def reader(pointer: str, default: Any = MISSING) -> Reader:
    """`get` for one pointer, made once and used for every message: the short ways through objects are walked directly."""
    tokens = split(pointer)
    if not tokens:
        return lambda document: document
    if len(tokens) == 1:
        only = tokens[0]
        return lambda document: document.get(only, default) if type(document) is dict else get(document, pointer, default)
    if len(tokens) == 2:
        first, second = tokens

        def two(document: Any) -> Any:
            if type(document) is not dict:
                return get(document, pointer, default)
            inner = document.get(first, MISSING)
            if inner is MISSING:
                return default
            return inner.get(second, default) if type(inner) is dict else get(document, pointer, default)

        return two
    return lambda document: get(document, pointer, default)


Tree = Mapping[str, tuple[tuple[str, ...], "Tree"]]  # token -> (names of what lies there, what lies below)


def tree(places: Mapping[str, str]) -> Tree:
    """Named pointers by their common beginnings, for `collect`. None of them may be empty."""
    root: dict[str, Any] = {}
    for name, place in places.items():
        node = root
        *above, last = split(place)
        for token in above:
            node = node.setdefault(token, ((), {}))[1]
        names, below = node.get(last, ((), {}))
        node[last] = ((*names, name), below)
    return root


def collect(document: Any, places: Tree, into: dict[str, Any]) -> None:
    """Put every value that is there under its names. Whole branches that are not there cost one look."""
    if type(document) is dict and len(document) < len(places):  # the shorter way round: most bodies use few of their places
        for token, value in document.items():
            place = places.get(token)
            if place is not None:
                names, below = place
                for name in names:
                    into[name] = value
                if below:
                    collect(value, below, into)
        return
    for token, (names, below) in places.items():
        value = document.get(token, MISSING) if type(document) is dict else _step(document, token)
        if value is not MISSING:
            for name in names:
                into[name] = value
            if below:
                collect(value, below, into)


def _step(node: Any, token: str) -> Any:
    if type(node) is dict:
        return node.get(token, MISSING)
    if type(node) is list and token.isascii() and token.isdigit() and int(token) < len(node):
        return node[int(token)]
    return MISSING


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
