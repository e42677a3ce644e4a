"""TOML with lines: `tomllib` gives values only, and a problem of a device file must name its line."""

from __future__ import annotations

import codecs
import datetime as dt
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from conformance.spec.model import Place
from conformance.spec.problems import Problems

Keys = tuple[str | int, ...]

# No part of these may take what the next one takes as well: a long line would be tried in every division.
_HEADER = re.compile(r"""\s*+\[\[?+(?P<key>(?:[^\[\]"'#]|"(?:[^"\\]|\\.)*+"|'[^']*+')++)\]\]?+\s*+(?:#.*)?""")
_MEMBER = re.compile(r"""\s*+(?P<key>[A-Za-z0-9_\-."'][A-Za-z0-9_\-."' \t]*+)=""")
_AT = re.compile(r" \(at line (\d+), column \d+\)$".replace("\\d", "[0-9]"))
_DIGITS: Final = re.compile(r"[0-9][0-9_]{4300}")  # what Python does not take as a number
_WHOLE: Final = range(-(1 << 63), 1 << 63)  # what TOML takes as one
_DEEP: Final = 32  # values within values; a device file needs a handful


def read_toml(path: Path, problems: Problems) -> tuple[dict[str, Any], dict[Keys, Place]] | None:
    """Values and places of a TOML file; None (with a problem noted) where it cannot be read."""
    name = str(path)
    try:
        text = path.read_text("utf-8-sig")  # some editors on Windows put a mark before the first line
        table = tomllib.loads(text)
    except OSError as e:
        problems.add(Place(name, 1), f"cannot be read: {e.strerror}")
        return None
    except UnicodeDecodeError as e:
        lines = e.object[: e.start].count(b"\n") + 1
        wide = e.object.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        what = "UTF-16, and not UTF-8" if wide else f"not UTF-8 (byte {e.start})"
        problems.add(Place(name, lines), what, "save the file as UTF-8")
        return None
    except tomllib.TOMLDecodeError as e:
        found = _AT.search(str(e))
        problems.add(Place(name, int(found[1]) if found else 1), f"not TOML: {_AT.sub('', str(e))}")
        return None
    except ValueError:
        line = next((number for number, line in enumerate(text.split("\n"), 1) if _DIGITS.search(line)), 1)
        problems.add(Place(name, line), "a number with too many digits")
        return None
    except RecursionError:
        problems.add(Place(name, 1), "values lie too deep in one another", f"at most {_DEEP} deep")
        return None
    places = _places(text, name)
    unfit = list(_unfit(table))
    for keys, what, valid in unfit:
        problems.add(place_of(places, keys), f"{_named(keys)}{what}", valid)
    return None if unfit else (table, places)


def _unfit(table: dict[str, Any]) -> Iterator[tuple[Keys, str, str]]:
    """Values that are TOML and that nobody after this can read: (where, what is wrong, what is valid)."""
    waiting: list[tuple[Keys, Any]] = [((), table)]
    while waiting:
        keys, value = waiting.pop()
        if len(keys) > _DEEP:
            yield keys[:2], "values lie too deep in one another", f"at most {_DEEP} deep"
        elif isinstance(value, dict):
            waiting.extend(((*keys, key), inner) for key, inner in value.items())
            if any("\0" in key for key in value):
                yield keys, "a NUL character in a name", ""
        elif isinstance(value, list):
            waiting.extend(((*keys, number), inner) for number, inner in enumerate(value))
        elif isinstance(value, dt.date | dt.time):
            yield keys, f"{value} is a date or a time", f'as a text it stands in quotes: "{value}"'
        elif isinstance(value, int) and value not in _WHOLE:
            yield keys, "a number over 64 bits", ""
        elif isinstance(value, str) and "\0" in value:
            yield keys, "a NUL character", ""


def _named(keys: Keys) -> str:
    """The innermost named member, for the message."""
    words = [key for key in keys if isinstance(key, str)]
    return f"{words[-1]}: " if words else ""


def _places(text: str, name: str) -> dict[Keys, Place]:
    """Where each table and member stands. A line that only looks like one (in a multi-line text) misplaces nothing else."""
    places: dict[Keys, Place] = {(): Place(name, 1)}
    table: Keys = ()
    for number, line in enumerate(text.split("\n"), 1):
        header = _HEADER.fullmatch(line)
        member = None if header else _MEMBER.match(line)
        keys = _keys(header["key"]) if header else _keys(member["key"]) if member else None
        if keys is None:
            continue
        if header:
            table = keys
        full = table if header else table + keys
        for end in range(1, min(len(full), _DEEP) + 1):
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
