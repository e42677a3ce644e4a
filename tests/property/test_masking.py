"""Whatever surrounds a secret or a foreign identity number: it does not get through, and nothing else moves by a byte."""

from __future__ import annotations

import base64
import random
from urllib.parse import quote

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from conformance.trace import personal
from conformance.trace.facts import id_numbers
from conformance.trace.masking import MIN_SECRET, Masker

SECRETS = st.binary(min_size=MIN_SECRET, max_size=48)
AROUND = st.binary(max_size=40)
FORMS = {
    "raw": lambda data: data,
    "url": lambda data: quote(data, safe="").encode(),
    "url, slashes kept": lambda data: quote(data).encode(),
    "base64": base64.b64encode,
    "base64 for URLs": base64.urlsafe_b64encode,
    "base64 without padding": lambda data: base64.b64encode(data).rstrip(b"="),
}


@settings(max_examples=200, deadline=None, derandomize=True)
@given(SECRETS, AROUND, AROUND, st.sampled_from(sorted(FORMS)))
def test_a_secret_never_gets_through_and_keeps_its_length(secret: bytes, before: bytes, after: bytes, form: str) -> None:
    mask = Masker()
    mask.add_secret(secret, "token")
    planted = FORMS[form](secret)
    assume(planted not in before + after)
    raw = before + planted + after
    clean, found = mask(raw)
    assert len(clean) == len(raw)
    assert planted not in clean
    assert found
    for fact in found:
        assert set(fact) == {"kind", "length", "digest", "at"}
        assert secret.hex() not in str(fact)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(SECRETS, min_size=1, max_size=5), AROUND)
def test_many_secrets_touching_each_other(secrets: list[bytes], between: bytes) -> None:
    mask = Masker()
    for secret in secrets:
        mask.add_secret(secret)
    raw = between.join(secrets)
    clean, _ = mask(raw)
    assert len(clean) == len(raw)
    for at, secret in enumerate(secrets):
        start = sum(len(s) + len(between) for s in secrets[:at])
        assert clean[start : start + len(secret)] != secret


@settings(max_examples=150, deadline=None, derandomize=True)
@given(AROUND)
def test_what_holds_no_secret_and_no_number_stays_as_it_is(raw: bytes) -> None:
    mask = Masker()
    mask.add_secret(b"nobody says this by chance")
    assume(not id_numbers(raw))
    assert mask(raw) == (raw, [])


def living(rng: random.Random) -> str:
    """A well-formed number with a birth date of our time: the kind that must not be kept."""
    body = f"31010119{rng.randrange(70, 99)}0{rng.randrange(1, 10)}1{rng.randrange(0, 10)}{rng.randrange(1, 999):03d}"
    return body + personal.check_digit(body)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(0, 1 << 30), AROUND, AROUND, st.sampled_from(["", "url", "lower"]))
def test_a_foreign_number_never_gets_through_and_its_form_stays(seed: int, before: bytes, after: bytes, how: str) -> None:
    number = living(random.Random(seed))
    assume(personal.is_id_number(number))
    shown = {"": number, "url": quote(number), "lower": number.lower()}[how].encode()
    raw = before + b'"' + shown + b'"' + after
    assume(shown not in before + after)
    clean, found = Masker()(raw)
    assert len(clean) == len(raw)
    assert shown.upper() not in clean.upper()
    assert len(id_numbers(clean)) >= 1
    assert [f["kind"] for f in found].count("id_number") >= 1


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 1 << 30), AROUND)
def test_the_residents_of_the_run_stay(seed: int, around: bytes) -> None:
    number = personal.synthetic_id(random.Random(seed), "310106")
    assume(not id_numbers(around))
    mask = Masker()
    mask.allow_person(number)
    raw = around + b'"' + number.encode() + b'"'
    assert mask(raw) == (raw, [])


@settings(max_examples=80, deadline=None, derandomize=True)
@given(SECRETS, AROUND, AROUND)
def test_masking_twice_changes_nothing_more(secret: bytes, before: bytes, after: bytes) -> None:
    mask = Masker()
    mask.add_secret(secret, "token")
    once, _ = mask(before + secret + after)
    assume(secret not in once)
    assert mask(once)[0] == once
