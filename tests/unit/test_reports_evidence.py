"""What a card shows beside the words of a rule: a signature base, a text on a screen, a declared value, words of the pack."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from conformance.bench.killmatrix import defect_files
from conformance.bench.memorylab import MemoryLab
from conformance.bench.outputs import JOURNAL
from conformance.bench.plan import Selection
from conformance.bench.rejudge import rejudge
from conformance.trace.clock import SystemClock
from conformance.trace.masking import Masker
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Transcript
from reports import card, html_writer, json_writer
from reports.build import build
from reports.model import Report, Scene

LONG = 30  # characters of a pattern that a reader still takes in


@cache
def _lab() -> MemoryLab:
    return MemoryLab()


@cache
def _report(defect: str) -> Report:
    """A run of the defect's first clause alone."""
    device = defect_files(defect)[0]
    assert device.defect is not None
    with TemporaryDirectory() as out:
        selection = Selection(clauses=device.defect.breaks[:1])
        _lab().run(device, defect=device.defect.id, journal=Path(out) / JOURNAL, selection=selection)
        recorded = rejudge(Path(out))
    return build(recorded.result, recorded.transcript, _lab().spec)


def _scene(report: Report, obligation: str) -> Scene:
    return next(scene for shown in report.failures for scene in shown.scenes if scene.obligation == obligation)


def test_a_signature_that_does_not_match_shows_the_base_of_the_bench() -> None:
    report = _report("SEC-023-another-hash")
    scene = _scene(report, "SEC-006.b")
    (base,) = scene.expected_more
    lines = base.text.split("\n")
    assert lines[0].startswith('"@method": ')
    assert lines[-1].startswith('"@signature-params": (')
    assert [row.text for row in scene.seen_more] == ["the signature does not match"]
    terminal = "\n".join(card.render(shown) for shown in report.failures)
    page = html_writer.render(report)
    told = json.dumps(json_writer.document(report), ensure_ascii=False)
    for line in lines:
        assert f"| {line}\n" in terminal
        assert line.replace('"', "&#34;") in page
        assert json.dumps(line, ensure_ascii=False)[1:-1] in told


@pytest.mark.parametrize("kind", ["http.request", "ws.frame"])
def test_a_signature_base_passes_the_mask(kind: str) -> None:
    spec = _lab().spec
    recorder = Recorder(Transcript(spec), SystemClock(), None, Masker(["hunter2-hunter2"]))
    facts = {"signature": {"ok": False, "base": '"authorization": Bearer hunter2-hunter2\n"@path": /'}}
    entry = recorder.observe("I1", "iut", kind, b"", facts)
    assert "hunter2" not in str(entry.facts)
    assert entry.facts["signature"]["base"].endswith('\n"@path": /')


def test_a_text_that_a_screen_lacks_is_named_beside_what_it_shows() -> None:
    scene = _scene(_report("SVC-002-thirty-items-at-most"), "SVC-002.a")
    assert [row.text for row in scene.expected_more] == ["共 132 项"]
    assert "共 30 项" in scene.seen_more[0].text


def test_a_declared_value_is_shown_with_its_key_in_the_device_file() -> None:
    device = defect_files("HBT-009-firmware-of-another")[0]
    (row,) = _scene(_report("HBT-009-firmware-of-another"), "HBT-009.b").expected_more
    assert row.text == device.firmware
    assert "device.firmware" in row.label.zh
    assert "device.firmware" in row.label.en


def test_words_of_the_pack_stand_in_place_of_a_pattern() -> None:
    report = _report("RAT-001-four-levels")
    words = _lab().spec.obligation("RAT-001.a").expected
    assert words is not None
    shown = card.render(report.failures[0], "en")
    assert words.en in " ".join(shown.split())
    assert "(?s)" not in shown
    assert "(?s)" not in html_writer.render(report)
    assert "满意" in _scene(report, "RAT-001.a").seen_more[0].text


def _patterns(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from (str(inner),) if key == "matches" else _patterns(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _patterns(inner)


def test_every_long_pattern_that_a_card_would_show_has_words() -> None:
    asked = ("that", "forbid", "expect", "by")
    bare = [
        o.id
        for clause in _lab().spec.clauses.values()
        for o in clause.obligations
        if o.rule is not None and o.expected is None
        for name in asked
        if any(len(pattern) > LONG for pattern in _patterns(o.rule.params.get(name)))
    ]
    assert bare == []
