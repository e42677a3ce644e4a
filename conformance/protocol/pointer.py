"""JSON Pointer (RFC 6901) on decoded JSON, reading and writing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Tree:
    """Named pointers by their common beginnings: (token, name) of what lies here, (token, tree) of what lies deeper."""

    leaves: tuple[tuple[str, str], ...]
    branches: tuple[tuple[str, Tree], ...]


def tree(places: Mapping[str, str]) -> Tree:
    """Named pointers as a tree, for `collect`. None of them may be empty."""
    return _tree([(split(place), name) for name, place in places.items()])


def _tree(rows: list[tuple[tuple[str, ...], str]]) -> Tree:
    below: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for tokens, name in rows:
        if len(tokens) > 1:
            below.setdefault(tokens[0], []).append((tokens[1:], name))
    leaves = tuple((tokens[0], name) for tokens, name in rows if len(tokens) == 1)
    return Tree(leaves, tuple((token, _tree(deeper)) for token, deeper in below.items()))


def collect(document: Any, places: Tree, into: dict[str, Any]) -> None:
    """Put every value that is there under its name. Whole branches that are not there cost one look."""
    if type(document) is dict:
        for token, name in places.leaves:
            if token in document:
                into[name] = document[token]
        for token, below in places.branches:
            if token in document:
                collect(document[token], below, into)
    elif type(document) is list:
        into.update((name, value) for token, name in places.leaves if (value := _step(document, token)) is not MISSING)
        for token, below in places.branches:
            collect(_step(document, token), below, into)


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
