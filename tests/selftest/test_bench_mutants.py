"""The good device on a bench that is broken in one place: it never fails, and what is broken is noticed.

What cannot be noticed is listed with its reason; a mutant that starts to be noticed must leave the list.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from mutants import MUTANTS, STORIES, Mutant

from conformance.bench.memorylab import MemoryLab
from conformance.bench.plan import Selection
from conformance.bench.stage import Stage
from conformance.iut.device_file import DeviceFile, load_device
from conformance.suites import steps
from conformance.verdict import exitcode
from conformance.verdict.model import RunResult, Verdict

REFERENCE = Path(__file__).resolve().parents[2] / "devices" / "reference.toml"
# Lawful all the same, or never met in these stories: the run passes, and no device is wronged by that.
UNNOTICED = {
    "city_miscounts_the_queue": "a lawful number; whether it is the right one, only the city knows",
    "city_loses_the_id_of_errors": "it closes the connection that it refused, which says the same",
    "city_forgets_remote_first": "the invariant stands at the call itself, which still refuses to pass a remote ticket over",
    "home_is_believed": "where the device was elsewhere, the story that followed did not depend on where it began",
}
# The record says that it was sent; only the device knows that it never came. Nobody but the device could tell.
LOOKS_LIKE_A_DEAF_DEVICE = frozenset({"wire_loses_frames"})


async def asked_without_a_line(stage: Stage) -> None:
    """The city asks while the line is cut: the question waits for the device, and arrives when it is back."""
    mark = (await stage.expect("heartbeat", timer="T-HEARTBEAT")).n  # what it had to say before is said
    async with stage.fault("cut.channel", recovery="T-RECONNECT"):
        await stage.quiet("T-BACKOFF")
        stage.city.city.send("status.query")
    await stage.expect("status.query", "result", timer="T-RECONNECT", after=mark)


async def resumed_with_a_void_token(stage: Stage) -> None:
    """The token is revoked and the line is cut before the device knows: its resume is refused, and it registers anew."""
    mark = (await stage.expect("heartbeat", timer="T-HEARTBEAT")).n  # what it had to say before is said
    async with stage.fault("token.revoked", recovery="T-RECOVER"), stage.fault("cut.channel", recovery="T-RECONNECT"):
        await stage.quiet("T-BACKOFF")
    await stage.expect("registration.register", timer="T-RECOVER", after=mark)
    await stage.expect("channel.resume", timer="T-RECOVER", after=mark)
    await stage.connected("channel.resume")


# Lawful stories that no clause asks for: what only they meet, the city never does in the others.
OWN_STORIES = {"bench.no-line": asked_without_a_line, "bench.void-token": resumed_with_a_void_token}


@cache
def lab() -> MemoryLab:
    bench = MemoryLab()
    like = bench.cases["rob.city-restart"]
    bench.cases = {**bench.cases, **{name: replace(like, id=name, procedure=told) for name, told in OWN_STORIES.items()}}
    return bench


@cache
def reference() -> DeviceFile:
    return load_device(REFERENCE)


def run(journal: Path) -> RunResult:
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # tasks that our faults tear down complain; the verdict is asked
    return lab().run(reference(), selection=Selection(cases=STORIES | OWN_STORIES.keys()), journal=journal)


def failed(result: RunResult) -> list[str]:
    """Clauses and cases in which something is booked on the device."""
    clauses = [c.id for c in result.clauses if c.verdict is Verdict.FAIL or c.remark]
    return clauses + [c.id for c in result.cases if c.verdict is Verdict.FAIL]


def noticed(result: RunResult) -> bool:
    told = any(note["kind"] == "bench-error" for note in result.notes)
    return told or result.verdict in (Verdict.ERROR, Verdict.INCONCLUSIVE)


def test_a_sound_bench_passes_the_good_device_and_has_nothing_to_note(tmp_path: Path) -> None:
    result = run(tmp_path / "journal.jsonl")
    assert (result.verdict, result.exit_code) == (Verdict.PASS, exitcode.PASS)
    assert {case.id for case in result.cases} == STORIES | OWN_STORIES.keys()
    assert [n for n in result.notes if n["kind"] in ("bench-error", "environment")] == []


def test_a_story_that_the_bench_broke_off_costs_no_other_story(tmp_path: Path) -> None:
    async def broken(stage: Stage) -> None:
        await steps.connected_call(stage)
        raise ValueError("a mistake of the bench")

    bench = MemoryLab()
    bench.cases = {**bench.cases, "visit.whole": replace(bench.cases["visit.whole"], procedure=broken)}
    result = bench.run(reference(), selection=Selection(cases=STORIES), journal=tmp_path / "journal.jsonl")
    assert failed(result) == []
    assert {c.id for c in result.cases if c.verdict is not Verdict.PASS} == {"visit.whole"}


def test_the_lists_name_mutants_that_exist() -> None:
    assert len(MUTANTS) >= 70
    assert {*UNNOTICED, *LOOKS_LIKE_A_DEAF_DEVICE} <= set(MUTANTS)
    assert {m.room for m in MUTANTS.values()} == {"city", "wire", "clerk", "recorder", "judge", "driver"}


@pytest.mark.filterwarnings("ignore")  # what a broken bench leaves behind is warned about; here it is broken on purpose
@pytest.mark.parametrize("fault", [m for m in MUTANTS.values() if m.id not in LOOKS_LIKE_A_DEAF_DEVICE], ids=lambda m: m.id)
def test_a_fault_of_the_bench_is_never_the_devices(fault: Mutant, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fault.lay(patch)
        result = run(tmp_path / "journal.jsonl")
    assert failed(result) == [], fault.text
    assert result.verdict is not Verdict.FAIL
    assert result.exit_code != exitcode.FAIL
    assert noticed(result) != (fault.id in UNNOTICED), (result.verdict, result.notes[:3])
    if not noticed(result):
        assert result.verdict is Verdict.PASS


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(LOOKS_LIKE_A_DEAF_DEVICE))
def test_what_cannot_be_told_apart_is_still_judged(name: str, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        MUTANTS[name].lay(patch)
        result = run(tmp_path / "journal.jsonl")
    assert result.verdict is not Verdict.PASS
