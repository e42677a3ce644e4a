"""Every obligation has a transcript that its text allows and one that it forbids, and its rule tells them apart (decision 18).

They are written from the clause's text, not from its rule, with as few steps as the text needs.
"""

import pytest
from transcript_player import judged, pack, pairs

RULED = [o.id for clause in pack().clauses.values() for o in clause.obligations if o.rule is not None]
LAWFUL = [(name, place) for name, pair in pairs().items() for place in range(len(pair.lawful))]
UNLAWFUL = [(name, place) for name, pair in pairs().items() for place in range(len(pair.unlawful))]


def test_every_obligation_has_its_transcripts_and_no_other() -> None:
    assert sorted(pairs()) == sorted(RULED)


@pytest.mark.parametrize(("obligation", "place"), LAWFUL)
def test_what_the_text_allows_holds(obligation: str, place: int) -> None:
    pair = pairs()[obligation]
    outcome = judged(obligation, pair.lawful[place], pair)
    assert not outcome.violated
    assert not outcome.undecidable
    assert outcome.held  # an occasion was met: nothing holds for want of one


@pytest.mark.parametrize(("obligation", "place"), UNLAWFUL)
def test_what_the_text_forbids_is_a_violation(obligation: str, place: int) -> None:
    pair = pairs()[obligation]
    assert judged(obligation, pair.unlawful[place], pair).violated
