"""Every valid message of the packs goes through its envelope and comes back; a part of one is never taken for a message."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.protocol.envelope import Envelope
from conformance.protocol.httpwire import parse_request, parse_response, render_request, render_response
from conformance.protocol.strictjson import MalformedMessage, dumps, loads
from conformance.spec.loader import load
from conformance.spec.model import Message, Spec

META = {"seq": 7, "seen": 6, "epoch": 2, "boot_id": "0f0f0f0f"}


@cache
def pack() -> Spec:
    return load()


def framed() -> list[tuple[str, Message, str, Any]]:
    """(id, message, part, body) of every example that travels in an envelope with kinds."""
    rows = []
    for key, body in pack().examples.items():
        name, _, part = key.partition("/")
        message = pack().messages.get(name)
        if message is not None and message.http is None and part in ("request", "result", "error"):
            rows.append((key, message, part, body))
    return rows


def envelope_of(message: Message) -> Envelope:
    return pack().envelopes[pack().interfaces[message.interface].envelope or ""]


def encoded(message: Message, part: str, body: Any) -> bytes:
    kind: Any = "notification" if part == "request" and message.kind == "notification" else part
    code = -32011 if part == "error" else None
    return envelope_of(message).encode(kind, name=message.name, id="c-1", body=body, code=code, text="no", meta=META)


def test_there_is_something_to_prove() -> None:
    assert len(framed()) > 40


@pytest.mark.parametrize(("message", "part", "body"), [pytest.param(*row[1:], id=row[0]) for row in framed()])
def test_there_and_back(message: Message, part: str, body: Any) -> None:
    decoded = envelope_of(message).decode(encoded(message, part, body))
    assert decoded.kind == ("notification" if part == "request" and message.kind == "notification" else part)
    assert (decoded.seq, decoded.seen, decoded.epoch, decoded.boot_id) == (7, 6, 2, "0f0f0f0f")
    assert decoded.id == (None if decoded.kind == "notification" else "c-1")
    if part == "request":
        assert decoded.name == message.name
    if part != "error":
        assert decoded.body == body


@pytest.mark.parametrize(("message", "part", "body"), [pytest.param(*row[1:], id=row[0]) for row in framed()])
def test_fed_byte_by_byte_only_the_whole_is_a_message(message: Message, part: str, body: Any) -> None:
    raw, envelope = encoded(message, part, body), envelope_of(message)
    for end in range(len(raw)):
        with pytest.raises(MalformedMessage):
            envelope.decode(raw[:end])
    envelope.decode(raw)


@pytest.mark.parametrize(("message", "part", "body"), [pytest.param(*row[1:], id=row[0]) for row in framed()])
def test_what_follows_a_message_spoils_it_unless_it_is_white_space(message: Message, part: str, body: Any) -> None:
    raw, envelope = encoded(message, part, body), envelope_of(message)
    for tail in (b"x", b"{}", raw, b"\x00", b"]", b"\xff"):
        with pytest.raises(MalformedMessage):
            envelope.decode(raw + tail)
    assert envelope.decode(raw + b" \r\n\t") == envelope.decode(raw)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(framed()), st.integers(0, 1 << 16), st.binary(min_size=1, max_size=4))
def test_damage_is_refused_or_another_message_but_never_an_exception_of_another_kind(
    row: tuple[str, Message, str, Any], at: int, patch: bytes
) -> None:
    _, message, part, body = row
    raw = encoded(message, part, body)
    at %= len(raw)
    with suppress(MalformedMessage):
        decoded = envelope_of(message).decode(raw[:at] + patch + raw[at + len(patch) :])
        assert decoded.kind in ("notification", "request", "result", "error")


def bodies() -> list[tuple[str, Any]]:
    return [(key, body) for key, body in pack().examples.items()]


@pytest.mark.parametrize(("key", "body"), [pytest.param(*row, id=row[0]) for row in bodies()])
def test_bodies_are_read_as_they_were_written(key: str, body: Any) -> None:
    raw = dumps(body)
    assert loads(raw) == body
    if isinstance(body, dict | list):
        for end in range(len(raw)):
            with pytest.raises(MalformedMessage):
                loads(raw[:end])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(bodies()))
def test_http_messages_are_read_as_they_were_written_and_no_prefix_is_one(row: tuple[str, Any]) -> None:
    body = dumps(row[1])
    headers = [("host", "city.test"), ("content-type", "application/json")]
    request = render_request("POST", "/docking/v1/x?y=1", headers, body)
    response = render_response(201, "Created", headers, body)
    read = parse_request(request)
    assert (read.method, read.target, read.path, read.body) == ("POST", "/docking/v1/x?y=1", "/docking/v1/x", body)
    answer = parse_response(response, "POST")
    assert (answer.status, answer.body) == (201, body)
    for end in range(0, len(request), 7):
        with pytest.raises(MalformedMessage):
            parse_request(request[:end])
    for end in range(0, len(response), 7):
        with pytest.raises(MalformedMessage):
            parse_response(response[:end], "POST")
