"""JSON as the specification reads it."""

from __future__ import annotations

import pytest

from conformance.protocol import strictjson
from conformance.protocol.strictjson import MalformedMessage


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a":1,"a":2}', "'a' stands twice"),
        (b'{"x":{"b":1,"b":2}}', "'b' stands twice"),
        (b'{"a" :1,"a":2}', "'a' stands twice"),
        (b'{"t":"12:30:00","t":1}', "'t' stands twice"),
        (b"[" * 65 + b"]" * 65, "nested deeper"),
        (b'{"a":NaN}', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"a":"\\ud800"}', "not JSON"),
        (b"", "not JSON"),
        (b'{"a":1}x', "not JSON"),
    ],
)
def test_refuses_with_the_reason_and_keeps_the_bytes(raw: bytes, reason: str) -> None:
    with pytest.raises(MalformedMessage, match=reason) as caught:
        strictjson.loads(raw)
    assert caught.value.raw == raw


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"t":"12:30:00"}', {"t": "12:30:00"}),
        (b'{"t":"\\":"}', {"t": '":'}),
        (b"[" * 64 + b"]" * 64, None),
        (b'{"s":"' + b"[" * 500 + b'"}', None),
        (b'{"a": [{"b": 1}, {"b": 2}]}', {"a": [{"b": 1}, {"b": 2}]}),
    ],
)
def test_takes_what_only_looks_suspicious(raw: bytes, value: object) -> None:
    decoded = strictjson.loads(raw)
    assert value is None or decoded == value


def test_a_million_brackets_are_refused_at_once() -> None:
    with pytest.raises(MalformedMessage, match="nested deeper"):
        strictjson.loads(b"[" * 1_000_000)
