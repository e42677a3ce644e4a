"""Two dialects, one mechanism."""

from __future__ import annotations

import pytest

from conformance.protocol.envelope import Envelope
from conformance.protocol.strictjson import MalformedMessage

JSONRPC = Envelope.from_mapping(
    {
        "kinds": {
            "request": {"has": ["/method", "/id"]},
            "notification": {"has": ["/method"], "lacks": ["/id"]},
            "error": {"has": ["/error"]},
            "result": {"has": ["/result"]},
        },
        "name": "/method",
        "id": "/id",
        "body": {"request": "/params", "notification": "/params", "result": "/result", "error": "/error"},
        "code": "/error/code",
        "text": "/error/message",
        "constants": {"/jsonrpc": "2.0"},
        "sequence": {"seq": "/meta/seq", "seen": "/meta/seen"},
    }
)
PLAIN = Envelope.from_mapping(
    {
        "kinds": {
            "request": {"has": ["/cmd"], "lacks": ["/code"]},
            "result": {"has": ["/code"], "equals": {"/code": 0}},
            "error": {"has": ["/code"]},
        },
        "name": "/cmd",
        "id": "/seq",
        "body": {"request": "/data", "result": "/data"},
        "code": "/code",
        "text": "/msg",
        "success": 0,
    }
)


@pytest.mark.parametrize("envelope", [JSONRPC, PLAIN])
@pytest.mark.parametrize("kind", ["request", "result", "error"])
def test_what_is_encoded_is_decoded(envelope: Envelope, kind: str) -> None:
    raw = envelope.encode(kind, name="do.it", id=7, body={"x": 1}, code=-5, text="no", meta={"seq": 3, "seen": 2})  # type: ignore[arg-type]
    decoded = envelope.decode(raw)
    assert (decoded.kind, decoded.id) == (kind, 7)
    if kind == "request":
        assert (decoded.name, decoded.body) == ("do.it", {"x": 1})
    if kind == "error":
        assert decoded.code == -5
    if envelope is JSONRPC:
        assert (decoded.seq, decoded.seen) == (3, 2)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'[{"jsonrpc":"2.0","id":1,"method":"a"}]', "a batch"),
        (b'{"jsonrpc":"1.0","id":1,"method":"a"}', "/jsonrpc is not '2.0'"),
        (b'{"jsonrpc":"2.0"}', "neither a request"),
        (b'{"jsonrpc":"2.0","id":1,"method":5}', "/method is no string"),
        (b'"text"', "no object"),
    ],
)
def test_what_is_of_no_kind_is_malformed(raw: bytes, reason: str) -> None:
    with pytest.raises(MalformedMessage, match=reason):
        JSONRPC.decode(raw)


def test_a_dialect_with_a_code_in_every_reply_tells_success_by_its_value() -> None:
    assert PLAIN.decode(b'{"seq":1,"code":0,"msg":"ok","data":{}}').kind == "result"
    assert PLAIN.decode(b'{"seq":1,"code":41,"msg":"no"}').kind == "error"


@pytest.mark.parametrize(("written", "read"), [("5", 5), ("5.0", 5), ("5e0", 5), ("5.5", 5.5), ("1e400", None), ("true", True)])
def test_an_integer_may_be_written_with_a_point(written: str, read: object) -> None:
    frame = f'{{"jsonrpc":"2.0","id":"a","method":"status.query","params":{{}},"meta":{{"seq":{written},"seen":0.0}}}}'.encode()
    if read is None:
        with pytest.raises(MalformedMessage):
            JSONRPC.decode(frame)
        return
    decoded = JSONRPC.decode(frame)
    assert (decoded.seq, type(decoded.seq), decoded.seen, type(decoded.seen)) == (read, type(read), 0, int)
