"""The reference device's codec, signatures and back-off, against published values where there are any."""

from __future__ import annotations

import base64
import io
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import av
import numpy as np
import pytest

from mocks.devices.reference.backoff import Backoff
from mocks.devices.reference.pictures import picture_of, signature_picture
from mocks.devices.reference.signing import (
    HttpMessage,
    challenge_answer,
    content_digest,
    digest_ok,
    parse_signature,
    sign,
)
from mocks.devices.reference.wire import BadJson, Codec, RpcError, masked, parse_time, wanted

# RFC 9421, appendices B.1.5 and B.2.5
SECRET = base64.b64decode("uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==")
MESSAGE = HttpMessage(
    "POST",
    "https://example.com/foo?param=Value&Pet=dog",
    {"date": "Tue, 20 Apr 2021 02:07:55 GMT", "content-type": "application/json"},
)
COVERED = ("date", "@authority", "content-type")
INPUT = 'sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"'
SIGNATURE = "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:"


def device(**parts: Any) -> Any:
    return SimpleNamespace(**parts)


def test_signature_equals_the_published_one() -> None:
    fields = sign(MESSAGE, COVERED, [("created", 1618884473), ("keyid", "test-shared-secret")], SECRET, "sig-b25")
    assert fields == [("signature-input", INPUT), ("signature", SIGNATURE)]


def test_published_signature_verifies_and_a_changed_message_does_not() -> None:
    parsed = parse_signature({"signature-input": INPUT, "signature": SIGNATURE}, "sig-b25")
    assert parsed is not None
    assert parsed.params == {"created": 1618884473, "keyid": "test-shared-secret"}
    assert parsed.matches(MESSAGE, SECRET)
    other = HttpMessage("POST", MESSAGE.url, {**MESSAGE.headers, "content-type": "text/plain"})
    assert not parsed.matches(other, SECRET)


@pytest.mark.parametrize("field", ["", "sig1=x", 'sig1=("@method"', 'other=("@method");created=1'])
def test_broken_signature_input_is_no_signature(field: str) -> None:
    assert parse_signature({"signature-input": field, "signature": "sig1=:AAAA:"}, "sig1") is None


def test_content_digest_is_that_of_rfc_9530() -> None:
    body = b'{"hello": "world"}\n'
    assert content_digest(body) == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    assert digest_ok(content_digest(body), body)
    assert not digest_ok(content_digest(body) + ", sha-512=:AAAA:", body)
    assert not digest_ok("", body)


def test_challenge_answer_binds_interface_and_nonce() -> None:
    right = challenge_answer(b"k", "I2", "n", "d", "b")
    assert right != challenge_answer(b"k", "I3", "n", "d", "b")
    assert right != challenge_answer(b"k", "I2", "m", "d", "b")
    assert len(base64.b64decode(right)) == 32


@pytest.mark.parametrize("text", ["", "{", '{"a":1,"a":1}', '{"a":NaN}', '"\\ud800"', "[" * 5000, "1 2"])
def test_codec_refuses(text: str) -> None:
    with pytest.raises(BadJson):
        Codec(device()).loads(text)


def test_codec_writes_times_with_offset() -> None:
    text = Codec(device()).time(1_800_000_000.25)
    assert text == "2027-01-15T16:00:00.250+08:00"
    assert parse_time(text) == 1_800_000_000.25
    with pytest.raises(ValueError, match="offset"):
        parse_time("2027-01-15T16:00:00")


def test_params_are_checked_by_member() -> None:
    wanted({"a": "x", "b": 1}, "a:str b:int c?:list")
    for params in ({"a": ""}, {"a": 1}, {}, {"a": "x", "b": True}):
        with pytest.raises(RpcError) as caught:
            wanted(params, "a:str b?:int")
        assert caught.value.code == -32602


def test_id_numbers_keep_three_and_four() -> None:
    assert masked("310101199001011237") == "310***********1237"


def backoff(spread: float) -> Backoff:
    limits = {"T-BACKOFF": 0.1, "T-BACKOFF-CAP": 0.8}
    return Backoff(cast("Any", device(timers=device(s=limits.get), rng=device(random=lambda: spread))))


@pytest.mark.parametrize("spread", [0.0, 0.5, 0.999])
def test_backoff_grows_from_floor_to_cap(spread: float) -> None:
    delays = [backoff(spread).delay(n) for n in range(8)]
    assert 0.1 <= delays[0] < 0.15
    assert all(b >= 1.5 * a for a, b in pairwise(delays[:3]))
    assert all(0.7 <= d <= 0.8 for d in delays[4:])


def test_pictures_are_jpeg_files_of_the_size_asked_for() -> None:
    for picture in (picture_of("a4-text", 1654, 2339), picture_of("blank", 800, 600), signature_picture()):
        with av.open(io.BytesIO(picture.data), format="mjpeg") as container:
            frame = next(container.decode(video=0))
        assert (frame.width, frame.height) == (picture.width, picture.height)
    assert picture_of("blank", 800, 600).empty
    assert np.ptp(frame.to_ndarray(format="gray")) > 150  # the stroke is there
