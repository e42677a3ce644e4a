"""YAML and JSON files as plain values that remember their lines. Duplicate keys are refused in both.

YAML is read by the 1.2 core rules: only `true`, `false`, `null`, numbers are special, so `on:` and `no` stay words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from conformance.spec.model import Place
from conformance.spec.problems import Problems

Steps = tuple[str | int, ...]


class _Loader(yaml.CSafeLoader):
    """Composes nodes only; scalars are resolved here, so no implicit tags of YAML 1.1."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012  the attribute of the base class


_INT = re.compile(r"[-+]?(0|[1-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_NUMERIC = frozenset("+-.0123456789")


class DuplicateKeyError(ValueError):
    """A JSON object names a member twice."""


@dataclass(slots=True)
class Document:
    """One parsed file: its value and, for every member and item, its 1-based line."""

    file: str
    value: Any
    lines: dict[Steps, int] | None  # None: not yet known (JSON files find their lines only when a problem is told)
    text: str = ""

    def place(self, path: Steps = ()) -> Place:
        """Where `path` stands; the nearest enclosing thing where the path itself does not exist."""
        if self.lines is None:
            self.lines = _lines_of(self.text)
        for end in range(len(path), -1, -1):
            line = self.lines.get(path[:end])
            if line is not None:
                return Place(self.file, line)
        return Place(self.file, 1)


@dataclass(frozen=True, slots=True)
class Node:
    """A value inside a document, with its path; what checks pass around."""

    doc: Document
    path: Steps
    value: Any

    def child(self, *steps: str | int) -> Node:
        """The value below; None where it does not exist (its place is then the nearest enclosing one)."""
        value = self.value
        for step in steps:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                value = None
        return Node(self.doc, self.path + steps, value)

    def items(self) -> Iterator[Node]:
        """Items of a list (nothing for any other value)."""
        if isinstance(self.value, list):
            for index, item in enumerate(self.value):
                yield Node(self.doc, (*self.path, index), item)

    def members(self) -> Iterator[tuple[str, Node]]:
        """Members of a mapping (nothing for any other value)."""
        if isinstance(self.value, dict):
            for key, item in self.value.items():
                yield key, Node(self.doc, (*self.path, key), item)

    def get(self, key: str, default: Any = None) -> Any:
        """A member's plain value."""
        return self.value.get(key, default) if isinstance(self.value, dict) else default

    @property
    def place(self) -> Place:
        """File and line."""
        return self.doc.place(self.path)


def read_yaml(file: Path, name: str, problems: Problems) -> Document | None:
    """Parse one YAML file; None (with a problem noted) where it is not YAML at all."""
    try:
        text = file.read_text("utf-8")
        root = yaml.compose(text, Loader=_Loader)
    except UnicodeDecodeError as e:
        problems.add(Place(name, 1), f"not UTF-8: byte {e.start}")
        return None
    except yaml.MarkedYAMLError as e:
        line = e.problem_mark.line + 1 if e.problem_mark else 1
        problems.add(Place(name, line), f"not YAML: {e.problem}")
        return None
    lines: dict[Steps, int] = {}
    try:
        value = _value(root, (), lines, name, problems) if root is not None else None
    except RecursionError:
        problems.add(Place(name, 1), "an alias leads into itself")
        return None
    return Document(name, value, lines)


def read_json(file: Path, name: str, problems: Problems) -> Document | None:
    """Parse one JSON file; None (with a problem noted) where it is not JSON."""
    try:
        text = file.read_text("utf-8")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError as e:
        problems.add(Place(name, 1), f"not UTF-8: byte {e.start}")
        return None
    except json.JSONDecodeError as e:
        problems.add(Place(name, e.lineno), f"not JSON: {e.msg}")
        return None
    except ValueError as e:
        problems.add(_place_of_duplicate(text, name), str(e))
        return None
    return Document(name, value, None, text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise DuplicateKeyError(f"duplicate key {twice!r}")
    return out


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _place_of_duplicate(text: str, name: str) -> Place:
    found = Problems()
    _value(yaml.compose(text, Loader=_Loader), (), {}, name, found)
    return found.found[0].place if found.found else Place(name, 1)


def _lines_of(text: str) -> dict[Steps, int]:
    """Lines of a JSON text. JSON is read as YAML here, for the positions alone."""
    lines: dict[Steps, int] = {}
    try:
        # tabs indent JSON lawfully and YAML not
        _value(yaml.compose(text.replace("\t", " "), Loader=_Loader), (), lines, "", Problems())
    except yaml.YAMLError:
        return {(): 1}
    return lines


def _value(node: Any, path: Steps, lines: dict[Steps, int], name: str, problems: Problems) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, i), lines, name, problems) for i, item in enumerate(node.value)]
    out: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
        line = key_node.start_mark.line + 1
        if not isinstance(key, str):
            problems.add(Place(name, line), "a key must be a plain word")
            continue
        if key in out:
            problems.add(Place(name, line), f"duplicate key {key!r}")
            continue
        below = (*path, key)
        lines[below] = line
        out[key] = _value(value_node, below, lines, name, problems)
    return out


def _scalar(node: Any) -> Any:
    text: str = node.value
    if node.style is not None and node.style != "":  # quoted or block: always text
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in _NUMERIC:
        if _INT.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text
