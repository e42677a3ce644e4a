"""The quick search for secrets finds exactly what one pattern over all of their forms finds."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from conformance.trace.masking import _Needles

# Few letters, so that forms begin alike, lie in one another and overlap.
TEXT = st.text(alphabet="ab-", min_size=8, max_size=14).map(str.encode)
BINARY = st.binary(min_size=8, max_size=10)
FORMS = st.lists(st.one_of(TEXT, BINARY), min_size=1, max_size=6, unique=True)
FILLER = st.one_of(st.binary(max_size=6), st.text(alphabet="ab- \"{", max_size=40).map(str.encode), st.just("窗".encode()))


@given(st.data(), FORMS)
def test_the_same_places_as_a_pattern(data: st.DataObject, forms: list[bytes]) -> None:
    raw = b"".join(data.draw(st.lists(st.one_of(FILLER, st.sampled_from(forms)), max_size=12)))
    needles = _Needles()
    for form in forms:
        needles.add(form)
    longest_first = sorted(forms, key=len, reverse=True)
    pattern = re.compile(b"|".join(re.escape(form) for form in longest_first))
    assert needles.find(raw) == [(match.start(), match.group()) for match in pattern.finditer(raw)]
