"""Prepared pointers read what `get` reads."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.protocol import pointer
from conformance.protocol.pointer import MISSING

DOCUMENT = {"a": 1, "b": {"c": None, "d": [10, {"e": "x"}]}, "k/1": {"~": True}, "": 5}
PLACES = ["", "/a", "/b/c", "/b/d/1/e", "/b/d/7", "/b/d/x", "/k~11/~0", "/", "/a/b", "/b/x/y", "/nothing"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("document", [DOCUMENT, [DOCUMENT], None, 3, [[0, 1], 2]])
def test_a_reader_reads_what_get_reads(place: str, document: Any) -> None:
    assert pointer.reader(place)(document) == pointer.get(document, place)
    assert pointer.reader(place, None)(document) == pointer.get(document, place, None)


@pytest.mark.parametrize("document", [DOCUMENT, [DOCUMENT], None, [[0, 1], 2]])
def test_collecting_finds_what_single_looks_find(document: Any) -> None:
    places = {f"n{number}": place for number, place in enumerate(PLACES[1:])} | {"again": "/b/c", "inner": "/b"}
    found: dict[str, Any] = {}
    pointer.collect(document, pointer.tree(places), found)
    assert found == {n: v for n, p in places.items() if (v := pointer.get(document, p)) is not MISSING}
