"""The recorder."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conformance.trace.journal import JournalWriter
from conformance.trace.masking import Masker
from conformance.trace.observation import Observation
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Transcript

from .registry import every, explode, mutant, wrap


def _bend_feed(patch: pytest.MonkeyPatch, bend: Callable[[Any, Transcript, Observation], Any]) -> None:
    wrap(patch, Transcript, "feed", lambda feed: lambda self, observation, _=None: bend(feed, self, observation))


def _from_device(observation: Observation) -> bool:
    return observation.kind in ("ws.frame", "http.request") and observation.dir == "iut"


@mutant("recorder", "every tenth message of the device is not recorded")
def recorder_drops_messages(patch: pytest.MonkeyPatch) -> None:
    tenth = every(10)

    def drop(feed: Any, self: Transcript, observation: Observation) -> Any:
        if _from_device(observation) and tenth():
            return feed(Transcript(self.spec), observation)
        return feed(self, observation)

    _bend_feed(patch, drop)


@mutant("recorder", "messages of the device are lost before they get a number")
def recorder_never_hears(patch: pytest.MonkeyPatch) -> None:
    tenth = every(10)

    def make(observe: Any) -> Any:
        def deaf(self: Recorder, iface: str, direction: Any, kind: str, *more: Any, **named: Any) -> Any:
            if kind in ("ws.frame", "http.request") and direction == "iut" and tenth():
                other = Recorder(Transcript(self.transcript.spec), self.clock, None, Masker())
                return observe(other, iface, direction, kind, *more, **named)
            return observe(self, iface, direction, kind, *more, **named)

        return deaf

    wrap(patch, Recorder, "observe", make)


@mutant("recorder", "every tenth message of the device is recorded twice under one number")
def recorder_doubles_lines(patch: pytest.MonkeyPatch) -> None:
    tenth = every(10)

    def double(feed: Any, self: Transcript, observation: Observation) -> Any:
        entry = feed(self, observation)
        if _from_device(observation) and tenth():
            feed(self, observation)
        return entry

    _bend_feed(patch, double)


@mutant("recorder", "every tenth message of the device is recorded twice, with numbers of their own")
def recorder_hears_double(patch: pytest.MonkeyPatch) -> None:
    tenth = every(10)

    def make(observe: Any) -> Any:
        def echo(self: Recorder, iface: str, direction: Any, kind: str, *more: Any, **named: Any) -> Any:
            entry = observe(self, iface, direction, kind, *more, **named)
            if kind in ("ws.frame", "http.request") and direction == "iut" and tenth():
                observe(self, iface, direction, kind, *more, **named)
            return entry

        return echo

    wrap(patch, Recorder, "observe", make)


@mutant("recorder", "two observations change places")
def recorder_swaps_two(patch: pytest.MonkeyPatch) -> None:
    eighth = every(8)
    held: dict[int, Observation] = {}

    def swap(feed: Any, self: Transcript, observation: Observation) -> Any:
        if _from_device(observation) and id(self) not in held and eighth():
            held[id(self)] = observation
            return feed(Transcript(self.spec), observation)
        entry = feed(self, observation)
        if id(self) in held:
            feed(self, held.pop(id(self)))
        return entry

    _bend_feed(patch, swap)


@mutant("recorder", "two messages of the device change places and numbers")
def recorder_hears_out_of_order(patch: pytest.MonkeyPatch) -> None:
    eighth = every(8)
    held: list[Any] = []

    def make(observe: Any) -> Any:
        def late(self: Recorder, iface: str, direction: Any, kind: str, *more: Any, **named: Any) -> Any:
            ours = kind == "ws.frame" and direction == "iut"
            if ours and not held and eighth():
                held.append((iface, direction, kind, more, named))
                other = Recorder(Transcript(self.transcript.spec), self.clock, None, Masker())
                return observe(other, iface, direction, kind, *more, **named)
            entry = observe(self, iface, direction, kind, *more, **named)
            if ours and held:
                iface, direction, kind, more, named = held.pop()
                observe(self, iface, direction, kind, *more, **named)
            return entry

        return late

    wrap(patch, Recorder, "observe", make)


@mutant("recorder", "its clock runs half as fast again")
def recorder_clock_runs_fast(patch: pytest.MonkeyPatch) -> None:
    _bend_feed(patch, lambda feed, self, o: feed(self, replace(o, t=round(o.t * 1.5, 6))))


@mutant("recorder", "its clock stands still for a while, then leaps")
def recorder_clock_leaps(patch: pytest.MonkeyPatch) -> None:
    _bend_feed(patch, lambda feed, self, o: feed(self, replace(o, t=float(o.t // 5 * 5))))


@mutant("recorder", "stamps go backwards now and then")
def recorder_stamps_backwards(patch: pytest.MonkeyPatch) -> None:
    sixth = every(6)
    _bend_feed(patch, lambda feed, self, o: feed(self, replace(o, t=o.t - 3.0) if sixth() and o.n > 9 else o))


@mutant("recorder", "it masks ordinary words as if they were secrets")
def recorder_masks_too_much(patch: pytest.MonkeyPatch) -> None:
    def make(call: Any) -> Any:
        def greedy(self: Masker, raw: bytes) -> Any:
            clean, found = call(self, raw)
            for word in (b"remote", b"heartbeat"):
                at = clean.find(b'"' + word + b'"')
                if at >= 0:
                    found.append({"kind": "secret", "length": len(word), "digest": "00", "at": at + 1})
                    clean = clean.replace(b'"' + word + b'"', b'"' + b"~" * len(word) + b'"')
            return clean, found

        return greedy

    wrap(patch, Masker, "__call__", make)


@mutant("recorder", "its mask eats a brace, so that JSON is JSON no more")
def recorder_masks_structure(patch: pytest.MonkeyPatch) -> None:
    tenth = every(10)

    def make(call: Any) -> Any:
        def eating(self: Masker, raw: bytes) -> Any:
            clean, found = call(self, raw)
            return (clean[:-1] + b"~", found) if clean.startswith(b"{") and tenth() else (clean, found)

        return eating

    wrap(patch, Masker, "__call__", make)


@mutant("recorder", "the masker raises")
def recorder_masker_raises(patch: pytest.MonkeyPatch) -> None:
    tenth = every(10)

    def make(call: Any) -> Any:
        def raising(self: Masker, raw: bytes) -> Any:
            at_an_end = b'"heard"' in raw  # a bench that cannot write the end of its run has no result that could wrong anybody
            return explode() if not at_an_end and tenth() else call(self, raw)

        return raising

    wrap(patch, Masker, "__call__", make)


@mutant("recorder", "ends of cases are lost")
def recorder_loses_case_ends(patch: pytest.MonkeyPatch) -> None:
    def lose(feed: Any, self: Transcript, observation: Observation) -> Any:
        other = Transcript(self.spec) if observation.kind == "case.end" else self
        return feed(other, observation)

    _bend_feed(patch, lose)


@mutant("recorder", "starts of cases are lost")
def recorder_loses_case_starts(patch: pytest.MonkeyPatch) -> None:
    def lose(feed: Any, self: Transcript, observation: Observation) -> Any:
        other = Transcript(self.spec) if observation.kind == "case.start" else self
        return feed(other, observation)

    _bend_feed(patch, lose)


@mutant("recorder", "observations are filed under another case")
def recorder_mixes_up_cases(patch: pytest.MonkeyPatch) -> None:
    tenth = every(10)
    _bend_feed(patch, lambda feed, self, o: feed(self, replace(o, case="visit.other") if o.case and tenth() else o))


@mutant("recorder", "nobody who waits is woken")
def recorder_wakes_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Recorder, "_wake", lambda *_: None)


@mutant("recorder", "the disk is full when a line is written")
def journal_disk_full(patch: pytest.MonkeyPatch) -> None:
    late = itertools.count()

    def make(append: Any) -> Any:
        def full(self: JournalWriter, observation: Observation) -> None:
            if next(late) > 200:
                raise OSError(errno.ENOSPC, "No space left on device")
            append(self, observation)

        return full

    wrap(patch, JournalWriter, "append", make)


@mutant("recorder", "the disk is full when a large payload is put aside")
def journal_blob_disk_full(patch: pytest.MonkeyPatch) -> None:
    def full(self: JournalWriter, raw: bytes) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    patch.setattr(JournalWriter, "store_blob", full)
