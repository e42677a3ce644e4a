"""The device as a case sees it: stimuli, claims and power, each of them recorded with who gave it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol

from conformance.bench.errors import DeviceUnreachable
from conformance.iut.operator import PATIENCE_S, OperatorUpperTester
from conformance.iut.prompt import Answer, NotAvailable, Prompt, UpperTester, prompt_for
from conformance.trace.facts import id_numbers
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Entry

CLAIMS: Final = frozenset({"screen", "residue", "resources", "logs"})  # verbs that ask instead of act: the device's word
CLAIM_CHARS: Final = 100_000  # kept of what was told
ANSWER_S: Final = 30.0  # the drivers have shorter limits of their own; a driver that hangs must not hang the run
GRADES: Final = {"http": "simulated", "command": "simulated", "operator": "physical"}

Keys = Mapping[str, Mapping[str, str]]  # as in the spawn contract
NO_KEYS: Final[Keys] = {}


class Power(Protocol):
    """What can switch the device on and off: a process that is spawned, a relay, or nothing."""

    async def on(self, keys: Keys = NO_KEYS) -> None:
        """Start it and wait until its upper tester can be reached. Raises DeviceAbsent.

        `keys` take the place of those that the device is told at its start, for this start only.
        """
        ...

    async def off(self) -> None:
        """Cut the power: no farewell."""
        ...


class DeviceHandle:
    """Gives stimuli and records them. One per run."""

    def __init__(
        self, recorder: Recorder, tester: Callable[[], UpperTester], power: Power | None, *,
        operator: OperatorUpperTester | None = None,
    ) -> None:  # fmt: skip
        self._recorder = recorder
        self._tester = tester
        self._power = power
        self._operator = operator  # who is asked for what the program cannot do (decision 23)
        self._count = 0
        self._met: set[str] = set()  # names and addresses of the residents whose cards the device was given
        self.powered = False

    @property
    def can_power(self) -> bool:
        """Whether the bench itself can switch it."""
        return self._power is not None

    async def verbs(self) -> frozenset[str]:
        """The stimuli that can be given. Raises DeviceUnreachable."""
        try:
            return await self._tester().verbs()
        except OSError as error:
            raise DeviceUnreachable(str(error)) from error

    async def power_on(self, key: tuple[str, bytes] | None = None) -> None:
        """Switch on, with another device key for this time where one is given (keyid, secret). Raises DeviceAbsent."""
        keys: Keys = NO_KEYS
        if key is not None:
            secret = base64.b64encode(key[1]).decode()
            keys = {"device": {"keyid": key[0], "secret_b64": secret}}
        await self._switch("on", partial(self._power.on, keys) if self._power else None)

    async def power_off(self) -> None:
        """Cut the power."""
        await self._switch("off", self._power.off if self._power else None)

    async def _switch(self, state: str, act: Callable[[], Awaitable[None]] | None) -> None:
        if act is None:
            raise NotAvailable("the bench cannot switch this device off and on")
        self._recorder.observe(
            "I6", "-", "stimulus", facts={"id": self._next(), "verb": "power", "args": {"state": state}, "by": "process",
                                          "grade": "simulated"},
        )  # fmt: skip
        self.powered = state == "on"
        await act()

    async def do(self, verb: str, *, note: Mapping[str, Any] | None = None, **args: Any) -> Answer:
        """Give one stimulus. Raises NotAvailable where nobody can, DeviceUnreachable where the answer never came.

        `note` is for the record and is told to nobody: what the stimulus means, or what the case expects a screen to show.
        """
        tester = await self._who(verb)
        prompt = prompt_for(self._next(), verb, args)
        self._met |= _personal(args)
        stimulus = {"id": prompt.id, "verb": verb, "args": args, "by": tester.by, "grade": GRADES[tester.by], "note": note or {}}
        self._recorder.observe("I6", "-", "stimulus", facts=stimulus)
        try:
            if isinstance(tester, OperatorUpperTester):
                answer = await self._prompted(tester, prompt)
            else:
                answer = prompt.held_to(await asyncio.wait_for(tester.ask(prompt), ANSWER_S))
        except NotAvailable as error:
            self._not_given(prompt, str(error))
            raise
        except OSError as error:  # a TimeoutError is one, too
            why = str(error) or f"no answer in {ANSWER_S:g} s"
            self._not_given(prompt, why)
            raise DeviceUnreachable(why) from error
        done = {"id": prompt.id, "verb": verb, "ok": answer.ok, "error": answer.error}
        if verb in CLAIMS and answer.ok:
            claim = self._claim(verb, answer.result, note or {})
            self._recorder.observe("I6", "iut", "device.claim", facts=claim, cut=CLAIM_CHARS)
        else:
            done["result"] = dict(answer.result)
        self._recorder.observe("I6", "-", "stimulus.done", facts=done)
        return answer

    async def shows(self, text: str) -> bool:
        """Whether a screen shows a text now, as a program says. A person who is to act sees that for himself; a device that
        cannot tell shows nothing that anybody could rely on."""
        tester = self._tester()
        if isinstance(tester, OperatorUpperTester):
            return True
        return "screen" in await self.verbs() and text in _all_text((await self.do("screen")).result)

    def _not_given(self, prompt: Prompt, why: str) -> None:
        """Nobody said that it was done, so nobody is blamed for what should have followed."""
        self._recorder.observe("I6", "-", "stimulus.done", facts={"id": prompt.id, "ok": False, "error": why})

    async def _who(self, verb: str) -> UpperTester:
        """The program, or the person for a verb that it lacks."""
        tester = self._tester()
        if self._operator is None or tester is self._operator:
            return tester
        try:
            return tester if verb in await tester.verbs() else self._operator
        except OSError:
            return tester  # asking it will say what is the matter

    async def _prompted(self, operator: OperatorUpperTester, prompt: Prompt) -> Answer:
        """Ask the person; the prompt closes by a key or by a message of the device that shows that it was done."""
        asked = self._recorder.observe("I6", "-", "prompt", facts={"id": prompt.id, "verb": prompt.verb, "text": prompt.text.en})
        watching = asyncio.create_task(self._watch(operator, prompt, asked.n)) if prompt.seen else None
        try:
            answer = await operator.ask(prompt)
        finally:
            if watching is not None:
                watching.cancel()
        closed = "observed" if operator.observed.is_set() else "key"
        self._recorder.observe("I6", "-", "prompt.answer", facts={"id": prompt.id, "closed_by": closed})
        return answer

    async def _watch(self, operator: OperatorUpperTester, prompt: Prompt, after: int) -> None:
        def shows(entry: Entry) -> bool:
            return entry.dir == "iut" and entry.kind == "request" and entry.role in prompt.seen and not entry.repeat

        if await self._recorder.wait_for(shows, after, PATIENCE_S) is not None:
            operator.observed.set()

    def _next(self) -> str:
        self._count += 1
        return f"s{self._count}"

    def _claim(self, verb: str, result: Mapping[str, Any], note: Mapping[str, Any]) -> dict[str, Any]:
        text = _all_text(result)
        facts: dict[str, Any] = {
            "verb": verb, "ids_found": len(id_numbers(text.encode())), "people_found": sum(told in text for told in self._met),
            "secrets_found": self._recorder.secrets_in(text),
        }  # fmt: skip
        if verb == "screen":
            main, second = _lines(result.get("main", result.get("text"))), _lines(result.get("second"))
            facts |= {"main": "\n".join(main), "second": "\n".join(second), "main_lines": main, "second_lines": second}
            if "expects" in note:
                facts["shown"] = str(note["expects"]) in facts["main"] + "\n" + facts["second"]
        elif verb == "resources":
            cameras = _lines(result.get("cameras_in_use", result.get("text")))
            facts |= {"rss_kb": result.get("rss_kb"), "cameras_in_use": cameras, "cameras": len(cameras)}
        else:
            facts["text"] = text
        if verb == "residue":  # a person types what is left, line by line
            facts["people_found"] += sum(bool(line.strip()) for line in _lines(result.get("text")))
        return facts | dict(note)


def _personal(args: Mapping[str, Any]) -> set[str]:
    """Names and addresses in the arguments of a stimulus; the numbers are found by their form."""
    people = [person for person in args.values() if isinstance(person, Mapping)]
    return {text for person in people for key in ("name", "address") if isinstance(text := person.get(key), str) and text}


def _lines(value: Any) -> list[str]:
    return [str(line) for line in value] if isinstance(value, list) else []


def _all_text(value: Any) -> str:
    """Every string in an answer, one a line, so that a canary is found wherever it hides."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "\n".join(f"{key}\n{_all_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "\n".join(_all_text(item) for item in value)
    return json.dumps(value)
