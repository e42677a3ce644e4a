"""Good devices and lawful variants are passed: no check asks for more than the specification."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.bench.memorylab import MemoryLab, MemoryWorkers, broken_clauses
from conformance.bench.outputs import JOURNAL
from conformance.bench.plan import Selection
from conformance.iut.device_file import load_device
from conformance.spec.loader import load
from conformance.trace.journal import read_journal
from conformance.verdict.model import RunResult, Verdict
from mocks.devices.defects import DEFECTS
from mocks.devices.variants import VARIANTS

REFERENCE = load_device(Path(__file__).resolve().parents[2] / "devices" / "reference.toml")

# It signs as its key asks: what these defects declare is true of it. How its pictures come is not: it has two sections, and tells
# of one video codec when it registers. Devices that declare otherwise are looked at below.
NOT_ITS_OWN = {"RVW.MED.ARRANGEMENT", "RVW.MED.VIDEO_CODECS"}
DECLARING = [name for name, defect in DEFECTS.items() if defect.declares and not NOT_ITS_OWN & set(defect.declares)]


@pytest.fixture(scope="module")
def lab() -> MemoryLab:
    return MemoryLab()


def passes(result: RunResult) -> None:
    open_ = {c.id: c.reason for c in result.clauses if c.verdict in (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE)}
    assert (broken_clauses(result), open_) == ((), {})
    assert (result.verdict, result.exit_code) == (Verdict.PASS, 0)


@pytest.fixture(scope="module")
def production() -> MemoryLab:
    return MemoryLab(timer_set="production")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_reference_device_passes_in_any_order(lab: MemoryLab, production: MemoryLab, seed: int) -> None:
    passes(lab.run(REFERENCE, seed=seed))
    passes(production.run(REFERENCE, seed=seed))


@pytest.mark.parametrize("declared", [DEFECTS[name].declares for name in DECLARING], ids=DECLARING)
def test_the_reference_device_does_what_defects_only_declare(lab: MemoryLab, declared: dict[str, Any]) -> None:
    result = lab.run(replace(REFERENCE, pics={**REFERENCE.pics, **declared}))
    passes(result)
    assert {c.id for c in result.clauses if c.verdict is Verdict.NOT_APPLICABLE} < {
        c.id for c in lab.run(REFERENCE).clauses if c.verdict is Verdict.NOT_APPLICABLE
    }


def test_a_page_section_is_asked_only_of_those_that_declare_one(lab: MemoryLab) -> None:
    switched = replace(REFERENCE, pics={**REFERENCE.pics, "RVW.MED.ARRANGEMENT": "switched"})
    result = lab.run(switched, defect="MED-002-label-missing")
    verdicts = {c.id: c.verdict for c in result.clauses}
    assert (verdicts["MED-010"], verdicts["MED-011"], verdicts["MED-002"]) == (
        Verdict.PASS, Verdict.PASS, Verdict.NOT_APPLICABLE,
    )  # fmt: skip
    assert broken_clauses(result) == ("REG-007",), "its registration still tells of two sections"


def test_a_second_video_codec_is_asked_only_of_those_that_declare_one(lab: MemoryLab) -> None:
    both = replace(REFERENCE, pics={**REFERENCE.pics, "RVW.MED.VIDEO_CODECS": ["VP8", "H264"]})
    asked = {
        name: next(c.verdict for c in lab.run(device).clauses if c.id == "MED-013")
        for name, device in (("one", REFERENCE), ("both", both))
    }
    assert asked == {"one": Verdict.NOT_APPLICABLE, "both": Verdict.PASS}
    assert broken_clauses(lab.run(both)) == ("REG-007",), "on paper it offers both, and its registration still tells of one"


@pytest.mark.parametrize("profile", sorted(load().profiles))
def test_the_reference_device_passes_every_profile(profile: str) -> None:
    passes(MemoryLab(profile=profile).run(REFERENCE))


def test_there_are_many_lawful_variants() -> None:
    assert len(VARIANTS) >= 40


@pytest.fixture(scope="module")
def in_memory(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[RunResult]]]:
    """The runs of those that were selected, on all cores."""
    chosen = [name for name in sorted(VARIANTS) if any(item.name.endswith(f"[{name}]") for item in request.session.items)]
    with MemoryWorkers() as workers:
        yield {name: workers.run(REFERENCE.path, defect=name) for name in chosen}


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_a_lawful_variant_passes(in_memory: dict[str, Future[RunResult]], variant: str) -> None:
    passes(in_memory[variant].result())  # `make prove` takes them with the timers of everyday operation, too


def test_what_was_too_long_comes_back_in_its_plain_form(lab: MemoryLab, tmp_path: Path) -> None:
    chosen = Selection(cases=frozenset({"chn.oversize"}))
    passes(lab.run(REFERENCE, defect="oversize-closes-unread", selection=chosen, journal=tmp_path / JOURNAL))
    closed = [row for row in read_journal(tmp_path / JOURNAL).observations if row.facts.get("code") == 1009]
    assert len(closed) == 1, "a device that has not read it does not meet it after every resume"


def test_the_same_seed_gives_the_same_plan_and_verdicts(lab: MemoryLab) -> None:
    first, second = lab.run(REFERENCE, seed=7), lab.run(REFERENCE, seed=7)
    assert [c.id for c in first.cases] == [c.id for c in second.cases]
    assert [(c.id, c.verdict) for c in first.clauses] == [(c.id, c.verdict) for c in second.clauses]
