"""Stimuli on the record: each one ends, whoever could not give it, and never at the device's cost."""

from __future__ import annotations

import asyncio
import io

import pytest

from conformance.bench.device import CLAIM_CHARS, DeviceHandle
from conformance.bench.errors import DeviceUnreachable
from conformance.iut.operator import OperatorUpperTester
from conformance.iut.prompt import Answer, By, NotAvailable, Prompt, UpperTester
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


RESIDENT = {"id_number": "310101199001011237", "name": "测试甲", "address": "测试路1号"}


class Reader:
    """A program that takes a card and then tells what is left of it, or what is said in its place."""

    by: By = "http"

    def __init__(self, told: dict[str, object]) -> None:
        self._told = told

    async def verbs(self) -> frozenset[str]:
        return frozenset({"card", "residue", "resources"})

    async def ask(self, prompt: Prompt) -> Answer:
        return Answer(ok=True, result={} if prompt.verb == "card" else self._told)

    async def close(self) -> None:
        return


def _asked(tester: UpperTester, verb: str) -> tuple[Answer, dict[str, object]]:
    """The answer, and the facts of the claim where there is one."""
    recorder = Recorder(Transcript(load()), SystemClock(), None, Masker())
    operator = tester if isinstance(tester, OperatorUpperTester) else None

    async def story() -> Answer:
        device = DeviceHandle(recorder, lambda: tester, None, operator=operator)
        if operator is None:
            await device.do("card", card=RESIDENT)
        return await device.do(verb)

    answer = asyncio.run(story())
    return answer, next((dict(entry.facts) for entry in recorder.transcript if entry.obs == "device.claim"), {})


@pytest.mark.parametrize(("text", "found"), [("a cache of 测试甲, 测试路1号", 2), ("测*甲", 0)])
def test_a_resident_is_looked_for_by_name_and_address_too(text: str, found: int) -> None:
    _, claim = _asked(Reader({"files": [{"path": "cache", "text": text}]}), "residue")
    assert (claim["people_found"], claim["ids_found"]) == (found, 0)


@pytest.mark.parametrize(
    ("verb", "told", "place"),
    [("residue", {}, '"files"'), ("residue", {"files": [{"path": "x", "size": 3}]}, "/files/0"),
     ("resources", {"rss_kb": 3}, '"cameras_in_use"')],
)  # fmt: skip
def test_an_answer_that_does_not_tell_what_was_asked_is_no_claim(verb: str, told: dict[str, object], place: str) -> None:
    answer, claim = _asked(Reader(told), verb)
    assert (answer.ok, claim) == (False, {})
    assert "cannot be used" in answer.error
    assert place in answer.error


@pytest.mark.parametrize(("typed", "verb", "fact", "found"), [
    ("测试甲\n\n", "residue", "people_found", 1), ("\n", "residue", "people_found", 0),
    ("person_camera\n\n", "resources", "cameras", 1), ("\n", "resources", "cameras", 0),
])  # fmt: skip
def test_what_a_person_types_counts_like_what_a_program_tells(typed: str, verb: str, fact: str, found: int) -> None:
    _, claim = _asked(OperatorUpperTester(lambda _: None, io.StringIO(typed)), verb)
    assert claim[fact] == found


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
