"""TOML with lines: `tomllib` gives values only, and a problem of a device file must name its line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from conformance.spec.model import Place
from conformance.spec.problems import Problems

Keys = tuple[str | int, ...]

_HEADER = re.compile(r"\s*\[\[?\s*(?P<key>.+?)\s*\]\]?\s*(#.*)?")
_MEMBER = re.compile(r"\s*(?P<key>[A-Za-z0-9_\-.\"' ]+?)\s*=")
_AT = re.compile(r" \(at line (\d+), column \d+\)$".replace("\\d", "[0-9]"))


def read_toml(path: Path, problems: Problems) -> tuple[dict[str, Any], dict[Keys, Place]] | None:
    """Values and places of a TOML file; None (with a problem noted) where it cannot be read."""
    name = str(path)
    try:
        text = path.read_text("utf-8")
        table = tomllib.loads(text)
    except OSError as e:
        problems.add(Place(name, 1), f"cannot be read: {e.strerror}")
        return None
    except UnicodeDecodeError as e:
        problems.add(Place(name, 1), f"not UTF-8: byte {e.start}")
        return None
    except tomllib.TOMLDecodeError as e:
        found = _AT.search(str(e))
        problems.add(Place(name, int(found[1]) if found else 1), f"not TOML: {_AT.sub('', str(e))}")
        return None
    return table, _places(text, name)


def _places(text: str, name: str) -> dict[Keys, Place]:
    """Where each table and member stands. A line that only looks like one (in a multi-line text) misplaces nothing else."""
    places: dict[Keys, Place] = {(): Place(name, 1)}
    table: Keys = ()
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.fullmatch(line)
        member = None if header else _MEMBER.match(line)
        keys = _keys(header["key"]) if header else _keys(member["key"]) if member else None
        if keys is None:
            continue
        if header:
            table = keys
        full = table if header else table + keys
        for end in range(1, len(full) + 1):
            places.setdefault(full[:end], Place(name, number))
    return places


def _keys(dotted: str) -> Keys | None:
    """A dotted key as TOML reads it; None where the text is no key."""
    try:
        value: Any = tomllib.loads(f"{dotted} = 0")
    except tomllib.TOMLDecodeError:
        return None
    keys: list[str] = []
    while isinstance(value, dict) and value:
        key = next(iter(value))
        keys.append(key)
        value = value[key]
    return tuple(keys)


def place_of(places: dict[Keys, Place], keys: Keys) -> Place:
    """The place of the nearest enclosing thing."""
    for end in range(len(keys), -1, -1):
        if keys[:end] in places:
            return places[keys[:end]]
    return Place("", 1)
