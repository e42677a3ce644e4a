"""Which card comes first: the clause that explains the others, the one that broke first, the one that the user named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from reports_sample import sample_run

from conformance.bench.killmatrix import defect_files
from conformance.bench.memorylab import MemoryLab
from conformance.bench.outputs import JOURNAL
from conformance.bench.plan import Selection
from conformance.bench.rejudge import rejudge
from conformance.iut.device_file import load_device
from mocks.devices.defects import DEFECTS
from mocks.devices.reference.part import Part
from mocks.devices.reference.tickets import Card, Tickets
from mocks.devices.reference.wire import Codec
from mocks.devices.registry import Defect
from reports.build import build
from reports.model import Report

REFERENCE = Path(__file__).resolve().parents[2] / "devices" / "reference.toml"


class AgentLeftOut(Tickets):
    """On behalf, and the agent is not told."""

    def request(self, card: Card, agent: Card | None) -> dict[str, Any]:  # noqa: ARG002
        return super().request(card, None)


class RepliesWithoutMeta(Codec):
    """A result without the members of the envelope."""

    def result(self, message_id: Any, result: dict[str, Any], meta: dict[str, Any]) -> dict[str, Any]:
        document = super().result(message_id, result, meta)
        del document["meta"]
        return document


def _report(device: Path, defect: str, **selected: Any) -> Report:
    with TemporaryDirectory() as out:
        lab = MemoryLab()
        selection = Selection(**selected)
        lab.run(load_device(device), defect=defect, journal=Path(out) / JOURNAL, selection=selection)
        recorded = rejudge(Path(out))
    return build(recorded.result, recorded.transcript, lab.spec)


@pytest.mark.parametrize(
    ("patch", "cases", "root", "not_root"),
    [
        (AgentLeftOut, {"que.on-behalf", "que.swipe-ticket"}, "QUE-006", "QUE-003"),
        (RepliesWithoutMeta, {"chn.bad-params", "hbt.status-query"}, "CHN-001", "REG-006"),
    ],
)
def test_the_root_of_what_a_vendor_reported(
    patch: type[Part], cases: set[str], root: str, not_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DEFECTS, "reported", Defect("reported", {"zh": "样", "en": "sample"}, patch))
    report = _report(REFERENCE, "reported", cases=frozenset(cases))
    assert report.failures[0].clause == root
    assert not_root not in {card.clause for card in report.failures}


def test_a_clause_that_the_user_named_has_its_card_first_and_whole() -> None:
    device = defect_files("QUE-009-call-not-shown")[0]
    named = _report(device.path, "QUE-009-call-not-shown", clauses=("QUE-011.a",)).failures
    assert named[0].clause == "QUE-011"
    assert named[0].scenes
    other = next(card for card in named if card.clause == "QUE-009")
    assert "QUE-011" in {folded.clause for folded in other.folded}, "that it follows is still told"
    cards = _report(device.path, "QUE-009-call-not-shown", cases=frozenset({"que.missed-recall"})).failures
    assert "QUE-011" not in {card.clause for card in cards}
    assert "QUE-011" in {folded.clause for card in cards for folded in card.folded}


def test_what_broke_first_comes_first_and_what_broke_most_of_those() -> None:
    result, transcript, spec = sample_run()
    alone = replace(result, clauses=tuple(replace(clause, primary="") for clause in result.clauses))
    cards = build(alone, transcript, spec).failures
    began = {
        clause.id: min((o.n for f in clause.findings for o in f.outcome.violated), default=0) for clause in result.clauses
    }
    assert [card.remark for card in cards] == sorted(card.remark for card in cards)
    failed = [began[card.clause] for card in cards if not card.remark]
    assert failed == sorted(failed)
    named = build(replace(alone, head={**result.head, "clauses": ["PER-014"]}), transcript, spec).failures
    assert named[0].clause == "PER-014", "a remark, too"
