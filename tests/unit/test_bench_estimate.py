"""How long a plan says that it takes, against what the reference device takes in virtual time."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from conformance.bench.case import load_cases
from conformance.bench.estimate import seconds_of
from conformance.bench.memorylab import MemoryLab
from conformance.bench.needs import timers_of
from conformance.cli import app
from conformance.iut.device_file import load_device

REFERENCE = Path(__file__).resolve().parents[2] / "devices" / "reference.toml"
NOTICED_S = 20.0  # a case that takes longer than this with production timers has to say by which of them


def test_the_estimate_knows_the_long_waits_of_production_timers() -> None:
    lab = MemoryLab(timer_set="production")
    took = {case.id: case.seconds for case in lab.run(load_device(REFERENCE)).cases}
    about = {case: seconds_of(lab.cases[case], lab.timers_ms) for case in took}
    noticed = [case for case in took if took[case] > NOTICED_S or lab.cases[case].lasts]
    assert "sec.token-refresh" in noticed
    shares = {case: about[case] / took[case] for case in noticed}
    assert {case: share for case, share in shares.items() if not 0.5 < share < 2} == {}
    assert 0.8 < sum(about.values()) / sum(took.values()) < 1.8


def test_what_passes_in_a_case_is_what_its_code_waits_by() -> None:
    assert [case.id for case in load_cases().values() if not set(case.lasts) <= set(timers_of(case.procedure))] == []


@pytest.mark.parametrize(
    ("profile", "lang", "told_so"),
    [
        ("core", "en", "about 7 s; needs nobody"),
        ("integrated_terminal", "en", "about 60 min (sec.token-refresh about 60 min of it); needs nobody"),
        ("integrated_terminal", "zh", "约 60 分钟（其中 sec.token-refresh 约 60 分钟）；需要：无需人员"),
    ],
)
def test_the_plan_counts_the_life_of_a_token(profile: str, lang: str, told_so: str) -> None:
    words = ["plan", "--device", str(REFERENCE), "--profile", profile, "--lang", lang, "-k", "que.swipe or token-refresh"]
    done = CliRunner().invoke(app, words)
    assert told_so in done.output, done.output[-400:]
