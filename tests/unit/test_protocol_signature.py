"""RFC 9421 and RFC 9530 against published vectors, and the concatenated sign of plainer dialects."""

from __future__ import annotations

import base64

import pytest

from conformance.protocol import signature
from conformance.protocol.httpwire import HttpRequest, parse_request, parse_response, render_request, render_response
from conformance.protocol.strictjson import MalformedMessage

# RFC 9421 appendix B.1.5 (shared secret) and B.2.5 (HMAC over date, authority, content-type)
SHARED_SECRET = base64.b64decode("uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==")
REQUEST = HttpRequest(
    "POST",
    "/foo?param=Value&Pet=dog",
    (
        ("host", "example.com"),
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("content-type", "application/json"),
        ("content-digest", "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"),
        ("content-length", "18"),
        ("signature-input", 'sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"'),
        ("signature", "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:"),
    ),
    b'{"hello": "world"}',
)
SCHEME = {
    "scheme": "rfc9421",
    "label": "sig1",
    "covered": ["@method", "@target-uri", "content-digest"],
    "algorithms": ["hmac-sha256"],
}


def test_the_signature_base_of_rfc_9421_b_2_5() -> None:
    params = '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"'
    base = signature.signature_base(REQUEST, "https://example.com", ["date", "@authority", "content-type"], params)
    mac = signature.ALGORITHMS["hmac-sha256"](SHARED_SECRET, base)
    assert base64.b64encode(mac) == b"pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8="


def test_the_content_digest_of_rfc_9530() -> None:
    assert signature.verify_digest(REQUEST.header("content-digest"), REQUEST.body) == (True, True, "sha-512")
    assert signature.verify_digest(REQUEST.header("content-digest"), REQUEST.body + b" ")[1] is False


def test_hmac_sm3_uses_the_hash_of_gb_t_32905() -> None:
    import hashlib

    # GB/T 32905-2016 appendix A.1: SM3 of "abc"
    assert hashlib.new("sm3", b"abc").hexdigest() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert len(signature.ALGORITHMS["hmac-sm3"](b"k", b"m")) == 32


def signed(body: bytes = b'{"x":1}', **change: object) -> HttpRequest:
    digest = (("content-digest", signature.content_digest(body)),) if body else ()
    request = HttpRequest("POST", "/docking/v1/devices", (("host", "h"), *digest), body)
    fields = signature.sign(SCHEME, request, "https://h:1", b"secret", "dev", 1000.0, "nonce-1")
    return HttpRequest(
        str(change.get("method", request.method)), str(change.get("target", request.target)), (*request.headers, *fields), body
    )


def check(request: HttpRequest, now: float = 1001.0, keys: dict[str, bytes] | None = None) -> signature.SignatureFacts:
    return signature.verify(SCHEME, request, "https://h:1", keys or {"dev": b"secret"}, now, 300.0)


def test_a_good_signature_holds_and_tells_its_facts() -> None:
    facts = check(signed())
    assert (facts.ok, facts.keyid, facts.alg, facts.nonce, facts.age_ms) == (True, "dev", "hmac-sha256", "nonce-1", 1000.0)
    assert facts.covered == ("@method", "@target-uri", "content-digest")


@pytest.mark.parametrize(
    ("request_", "now", "keys", "reason"),
    [
        (signed(method="PUT"), 1001.0, None, "does not match"),
        (signed(target="/docking/v1/tickets"), 1001.0, None, "does not match"),
        (signed(), 1001.0, {"dev": b"other"}, "does not match"),
        (signed(), 1001.0, {"someone": b"secret"}, "unknown keyid"),
        (signed(), 1301.0, None, "clock window"),
        (signed(), 699.0, None, "clock window"),
        (HttpRequest("GET", "/", (("host", "h"),), b""), 1001.0, None, "no signature"),
        (HttpRequest("GET", "/", (("signature", "((("), ("signature-input", "x")), b""), 1001.0, None, "unreadable"),
        (
            HttpRequest(
                "GET", "/", (("signature", "sig1=:AA==:"), ("signature-input", 'sig1=("@method");alg="hmac-sha256"')), b""
            ),
            1001.0,
            None,
            "not covered: @target-uri",
        ),
    ],
)
def test_what_is_wrong_is_said(request_: HttpRequest, now: float, keys: dict[str, bytes] | None, reason: str) -> None:
    facts = check(request_, now, keys)
    assert not facts.ok
    assert reason in facts.reason


def test_what_does_not_match_is_told_with_the_base_that_was_computed() -> None:
    facts = check(signed(method="PUT")).as_facts()
    lines = facts["base"].split("\n")
    assert lines[:2] == ['"@method": PUT', '"@target-uri": https://h:1/docking/v1/devices']
    assert lines[-1].startswith('"@signature-params": ("@method" "@target-uri" "content-digest");created=1000')
    for other in (signed(), HttpRequest("GET", "/", (("host", "h"),), b"")):
        assert "base" not in check(other).as_facts()
    assert "base" not in check(signed(), keys={"someone": b"secret"}).as_facts()


def test_a_long_base_is_short_and_holds_no_piece_of_a_value() -> None:
    lines = check(signed(target="/" + "token" * 1_000)).base.split("\n")
    assert lines[:2] == ['"@method": POST', '"@target-uri": (5012 characters)']
    many = check(signed(target="/" + "\n".join(["x" * 200] * 30))).base
    assert len(many) < 1_100
    assert many.endswith("more lines)")


CONCAT = {
    "scheme": "concat",
    "place": "body",
    "keyid": "/appId",
    "created": "/timestamp",
    "created_unit": "ms",
    "nonce": "/nonce",
    "sign": "/sign",
    "parts": ["/appId", "/data", "/nonce", "/timestamp"],
    "join": "&",
    "form": "name=value",
    "sort": True,
    "algorithm": "hmac-sha256",
    "encode": "hex",
}


def test_a_concatenated_sign_holds_and_breaks() -> None:
    document = signature.sign_document(CONCAT, {"cmd": "login", "data": {"b": 2, "a": 1}}, b"secret", "app-1", 1000.5, "n")
    assert document["timestamp"] == 1000500
    assert signature.verify_document(CONCAT, document, {"app-1": b"secret"}, 1001.0, 300.0).ok
    assert not signature.verify_document(CONCAT, {**document, "data": {}}, {"app-1": b"secret"}, 1001.0, 300.0).ok
    assert signature.verify_document(CONCAT, {"cmd": "x"}, {}, 1.0, 1.0).present is False


def test_http_messages_round_trip_and_a_cut_one_is_malformed() -> None:
    raw = render_request("PUT", "/a?b=c", [("Host", "h"), ("X-Y", "1")], b"body")
    request = parse_request(raw)
    assert (request.method, request.target, request.path, request.body, request.header("x-y")) == (
        "PUT",
        "/a?b=c",
        "/a",
        b"body",
        "1",
    )
    assert parse_response(render_response(201, "Created", [("a", "b")], b"x")).status == 201
    with pytest.raises(MalformedMessage, match=r"too early|no HTTP"):
        parse_request(raw[:-1])
