"""What the city says takes the shape of the pack's example: a moment is a text in one dialect and a number in another."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.spec.loader import load
from mocks.acceptance.dialect import Dialect, _like

MOMENT = "2026-06-01T02:00:00.250Z"


@pytest.mark.parametrize(
    ("sample", "value", "shown"),
    [
        (1780279200000, MOMENT, 1780279200250),
        (1780279200, MOMENT, 1780279200),
        (1780279200000, "2026-06-01T10:00:00+08:00", 1780279200000),
        ("2026-01-01T00:00:00Z", MOMENT, MOMENT),
        (7, "12", 12),
        ("v07", 12, "v12"),
        (7, "soon", "soon"),
        (True, MOMENT, MOMENT),
    ],
)
def test_like(sample: object, value: object, shown: object) -> None:
    assert _like(sample, value) == shown


def test_an_answer_is_built_in_milliseconds_where_the_example_has_them() -> None:
    spec = load(Path(__file__).resolve().parents[1] / "packs" / "xingzhu" / "1.0")
    body = Dialect(spec).build(spec.messages["session.login"], "result", {"server_time": MOMENT})
    assert body == {"serverTime": 1780279200250}
