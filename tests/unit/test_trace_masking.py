"""What may not reach the journal does not, and everything around it stays true."""

from __future__ import annotations

import base64
import random
from urllib.parse import quote

import pytest

from conformance.trace import personal
from conformance.trace.masking import Masker
from reports.safe import mask_numbers

LIVING = "310101199003078515"  # well-formed, invented here; not a synthetic resident of any run


def living() -> str:
    return LIVING[:17] + personal.check_digit(LIVING[:17])


def test_published_numbers_are_recognised_and_wrong_ones_are_not() -> None:
    assert personal.is_id_number("11010519491231002X")
    assert personal.is_id_number("440524188001010014")
    assert not personal.is_id_number("110105194912310021")
    assert not personal.is_id_number("310106189902290018")  # the check digit is right, the date does not exist
    assert not personal.is_id_number("99010519491231002X")


def test_synthetic_residents_are_valid_and_long_dead() -> None:
    number = personal.synthetic_id(random.Random(1), "310106")
    assert personal.is_id_number(number)
    assert 1880 <= int(number[6:10]) < 1890


@pytest.mark.parametrize("form", [str, lambda s: quote(s, safe=""), lambda s: base64.b64encode(s.encode()).decode(),
                                  lambda s: s.encode().hex(), lambda s: s.replace("/", "\\/")])  # fmt: skip
def test_a_secret_is_masked_in_every_form_with_its_length_kept(form) -> None:  # type: ignore[no-untyped-def]
    mask = Masker()
    mask.add_secret("t0ken/with+signs=", "token")
    raw = f"Bearer {form('t0ken/with+signs=')} end".encode()
    clean, found = mask(raw)
    assert form("t0ken/with+signs=").encode() not in clean
    assert len(clean) == len(raw)
    assert found[0]["kind"] == "token"
    assert found[0]["at"] == 7


@pytest.mark.parametrize("before", ["\\n", "\\t", "\\u8bc1", "%3D", "%E8%AF%81", '"', "="])
def test_a_number_behind_an_escape_is_found(before: str) -> None:
    raw = f"{before}{living()} end".encode()
    clean, found = Masker()(raw)
    assert living().encode() not in clean
    assert [each["kind"] for each in found] == ["id_number"]
    assert living() not in mask_numbers(raw.decode())


def test_a_foreign_number_is_replaced_by_a_synthetic_one_and_told() -> None:
    clean, found = Masker()(f'{{"id_number":"{living()}"}}'.encode())
    stand_in = clean.decode().split('"')[3]
    assert stand_in != living()
    assert personal.is_id_number(stand_in)
    assert stand_in[6:9] == "188"
    assert [f["kind"] for f in found] == ["id_number"]


def test_the_same_number_gets_the_same_stand_in_within_a_run_only() -> None:
    first, second = Masker(), Masker()
    assert first(living().encode())[0] == first(living().encode())[0]
    assert first(living().encode())[0] != second(living().encode())[0]


def test_listed_residents_and_lookalikes_stay() -> None:
    mask = Masker()
    number = personal.synthetic_id(random.Random(2), "310106")
    mask.allow_person(number)
    for text in (number, f"o=- {living()}9 2 IN IP4", f"x{living()}", "1764000000000000000"):
        assert mask(text.encode())[0] == text.encode()


def test_malformed_bytes_are_masked_too() -> None:
    clean, found = Masker()(b"\xff\x00{" + living().encode() + b"\xfe")
    assert living().encode() not in clean
    assert found


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 8"):
        Masker().add_secret("short")
