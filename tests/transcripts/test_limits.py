"""Every numeric limit bites where the pack puts it: broken at 1.1 times, kept at 0.95 times, with lab and production timers.

The traces are those of the reference device in memory and, for what memory does not show, those that are written by hand.
Between the two observations that a rule compares, time is stretched or pressed to the share of the limit that is asked;
everything else of the trace stays, and the rule is asked anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pytest
from transcript_player import ROOT, Player, pairs

from conformance.bench.memorylab import MemoryLab
from conformance.iut.device_file import load_device
from conformance.spec.loader import load
from conformance.spec.model import Obligation, TimerSet
from conformance.trace.transcript import Entry, Transcript
from conformance.verdict.context import Context
from conformance.verdict.model import Outcome
from conformance.verdict.rules import RULES
from conformance.verdict.rules._common import Tally
from conformance.verdict.settings import Settings, Side, sets_terms, settings_of
from conformance.verdict.slices import slices_of

TIMED = ("timer", "at_least", "floor")
OBLIGATIONS = {
    o.id: o
    for clause in load().clauses.values()
    for o in clause.obligations
    if o.rule is not None and any(key in o.rule.params for key in TIMED)
}
SETS = ("lab", "production")


@dataclass(frozen=True)
class Measured:
    """One duration that a rule held against a limit, and the observation that it was booked on."""

    n: int
    start: float
    end: float
    limit_s: float
    fails: Side


@cache
def recorded(timer_set: TimerSet) -> Transcript:
    """A whole run of the reference device in memory."""
    lab = MemoryLab(timer_set=timer_set)
    with TemporaryDirectory() as directory:
        journal = Path(directory) / "journal.jsonl"
        lab.run(load_device(ROOT / "devices" / "reference.toml"), journal=journal)
        return Transcript.from_journal(journal, lab.spec)[0]


def slices(obligation: Obligation, transcript: Transcript) -> Iterator[Sequence[Entry]]:
    """What a rule is asked about: the run's segments, or one attempt at a case after the other."""
    cut = slices_of(transcript.entries)
    assert obligation.rule is not None
    if obligation.rule.scope == "session":
        yield from cut.segments
        return
    for attempts in cut.attempts.values():
        yield from attempts


def whole(transcript: Transcript) -> Context:
    """The run as its entries stand now. How late the bench was is left aside: it widens the guard band."""
    terms = [entry for entry in transcript.entries if sets_terms(entry) and not entry.obs.startswith("bench.")]
    return Context(transcript.entries, settings_of(transcript.spec, transcript.head, terms))


def judged(obligation: Obligation, run: Context, part: Sequence[Entry]) -> Outcome:
    """What the rule says of one slice."""
    assert obligation.rule is not None
    return RULES[obligation.rule.kind](obligation.rule.params, Context(part, run.settings, whole=run))


def measured(obligation: Obligation, run: Context, part: Sequence[Entry]) -> list[Measured]:
    """Every duration that the rule measured in the slice and that held."""
    asked: list[tuple[float, float, float, Side]] = []
    found: list[Measured] = []
    side, held = Settings.side, Tally.held

    def asking(
        self: Settings, duration_ms: float, limit_ms: float, end: float, *, fails: Side | None = None, **more: Any
    ) -> Side:
        if fails is not None and limit_ms > 0:
            asked.append((duration_ms / 1000, limit_ms / 1000, end, fails))
        return side(self, duration_ms, limit_ms, end, fails=fails, **more)

    def holding(self: Tally, n: int) -> None:
        found.extend(Measured(n, end - took, end, limit, fails) for took, limit, end, fails in asked)
        asked.clear()
        held(self, n)

    def dropped(plain: Callable[..., None]) -> Callable[..., None]:
        def call(self: Tally, *args: Any) -> None:
            asked.clear()
            plain(self, *args)

        return call

    with (
        patch.object(Settings, "side", asking), patch.object(Tally, "held", holding),
        patch.object(Tally, "violated", dropped(Tally.violated)), patch.object(Tally, "doubt", dropped(Tally.doubt)),
        patch.object(Tally, "running", dropped(Tally.running)), patch.object(Tally, "thin", dropped(Tally.thin)),
    ):  # fmt: skip
        judged(obligation, run, part)
    numbers = {entry.n: entry for entry in part}
    return [m for m in found if m.n in numbers and numbers[m.n].t == m.end]


@contextmanager
def warped(transcript: Transcript, what: Measured, share: float) -> Iterator[None]:
    """The trace with the measured duration at a share of its limit."""
    kept = [entry.t for entry in transcript.entries]
    took, wanted = what.end - what.start, what.limit_s * share
    for entry in transcript.entries:
        if entry.n >= what.n:
            entry.t += wanted - took
        elif entry.t > what.start:
            entry.t = what.start + (entry.t - what.start) * wanted / took
    try:
        yield
    finally:
        for entry, t in zip(transcript.entries, kept, strict=True):
            entry.t = t


def occasions(obligation: Obligation, timer_set: TimerSet) -> tuple[Transcript, dict[Side, tuple[Measured, Sequence[Entry]]]]:
    """A trace with, for each side on which the limit can be broken, a duration that the rule measured there."""
    pair = pairs()[obligation.id]
    written = (Player(pair, timer_set).play(steps) for steps in pair.lawful)
    for transcript in (recorded(timer_set), *written):
        run = whole(transcript)
        found: dict[Side, tuple[Measured, Sequence[Entry]]] = {}
        for part in slices(obligation, transcript):
            for what in measured(obligation, run, part):
                found.setdefault(what.fails, (what, part))
        if found:
            return transcript, found
    return recorded(timer_set), {}


@pytest.mark.parametrize("timer_set", SETS)
@pytest.mark.parametrize("name", sorted(OBLIGATIONS))
def test_a_limit_is_kept_at_095_and_broken_at_110(name: str, timer_set: TimerSet) -> None:
    obligation = OBLIGATIONS[name]
    transcript, found = occasions(obligation, timer_set)
    assert found, "neither the reference device nor the written trace shows such an occasion"
    for side, (what, part) in found.items():
        kept, broken = (0.95, 1.1) if side is Side.ABOVE else (1.05, 0.9)
        with warped(transcript, what, kept):
            outcome = judged(obligation, whole(transcript), part)
            assert what.n in outcome.held, f"{kept} of {what.limit_s} s"
        with warped(transcript, what, broken):
            outcome = judged(obligation, whole(transcript), part)
            assert what.n in [v.n for v in outcome.violated], f"{broken} of {what.limit_s} s"
