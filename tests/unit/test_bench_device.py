"""Stimuli on the record: each one ends, whoever could not give it, and never at the device's cost."""

from __future__ import annotations

import asyncio

import pytest

from conformance.bench.device import CLAIM_CHARS, DeviceHandle
from conformance.bench.errors import DeviceUnreachable
from conformance.iut.prompt import Answer, By, NotAvailable, Prompt
from conformance.spec.loader import load
from conformance.trace.clock import SystemClock
from conformance.trace.masking import Masker
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Transcript
from conformance.verdict.model import Blame
from conformance.verdict.taint import taints_of


class Telling:
    """A program that answers everything with one text."""

    by: By = "http"

    def __init__(self, text: str) -> None:
        self._text = text

    async def verbs(self) -> frozenset[str]:
        return frozenset({"logs"})

    async def ask(self, prompt: Prompt) -> Answer:
        del prompt
        return Answer(ok=True, result={"lines": [self._text]})

    async def close(self) -> None:
        return


class Refusing:
    """A program that never does what it is asked."""

    by: By = "http"

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def verbs(self) -> frozenset[str]:
        return frozenset()

    async def ask(self, prompt: Prompt) -> Answer:
        del prompt
        raise self._error

    async def close(self) -> None:
        return


def test_what_a_device_tells_is_masked_before_it_is_cut() -> None:
    recorder = Recorder(Transcript(load()), SystemClock(), None, Masker(["a-very-secret-token"]))
    tester = Telling("x" * (CLAIM_CHARS - 20) + "a-very-secret-token")
    asyncio.run(DeviceHandle(recorder, lambda: tester, None).do("logs"))
    claim = next(entry.facts for entry in recorder.transcript if entry.obs == "device.claim")
    assert (len(claim["text"]), "a-very" in claim["text"]) == (CLAIM_CHARS, False)


@pytest.mark.parametrize(
    ("error", "ends"), [(NotAvailable("it has no verb 'press'"), NotAvailable), (OSError("no way"), DeviceUnreachable)]
)
def test_a_stimulus_that_a_program_cannot_give_ends_without_blame_of_the_device(error: Exception, ends: type[Exception]) -> None:
    recorder = Recorder(Transcript(load()), SystemClock(), None, Masker())
    with pytest.raises(ends):
        asyncio.run(DeviceHandle(recorder, lambda: Refusing(error), None).do("press", button="help"))
    stimulus, done = recorder.transcript
    assert (stimulus.obs, done.obs) == ("stimulus", "stimulus.done")
    assert (done.facts["id"], done.facts["ok"], done.facts["error"]) == (stimulus.facts["id"], False, str(error))
    (taint,) = taints_of([stimulus, done])
    assert (taint.blame, taint.only) == (Blame.CONFIGURATION, stimulus.n), "only the want of what should follow is excused"
