"""One prompt object for person and program: the same question, whoever answers it.

A stimulus is `verb` and `args`. A program that serves I6 is sent exactly these; an operator reads the sentence that
`specs/meta/verbs.yaml` has for the verb. The answer of either is an `Answer`, and the trace says who gave it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, Protocol

import jsonschema_rs

from conformance.spec._meta import vocabulary
from conformance.spec.model import Text

By = Literal["http", "command", "operator", "process"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question to the device's surroundings."""

    id: str
    verb: str
    args: Mapping[str, Any]
    text: Text
    wants_text: bool = False  # a person has to type something, not only act
    seen: tuple[str, ...] = ()  # roles of messages of the device that show that it was done

    def held_to(self, answer: Answer) -> Answer:
        """A program's answer, refused where it does not tell what was asked: what looks for something that must not be there
        would take its silence for a good sign."""
        checked = _tells().get(self.verb)
        wrong = next(checked.iter_errors(answer.result), None) if answer.ok and checked is not None else None
        if wrong is None:
            return answer
        place = "".join(f"/{step}" for step in wrong.instance_path)
        return Answer(ok=False, error=f"its answer cannot be used: {place + ': ' if place else ''}{wrong.message}"[:300])


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `ok` false with an error is an answer too; `error` names the reason in one word."""

    ok: bool
    result: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""


class NotAvailable(Exception):
    """Nobody can give this stimulus (verb unknown to the device, no operator): inconclusive, never a failure."""


class UpperTester(Protocol):
    """Whoever can make the device do things."""

    by: By

    async def verbs(self) -> frozenset[str]:
        """The verbs that can be asked of it. Raises OSError where it cannot be reached."""
        ...

    async def ask(self, prompt: Prompt) -> Answer:
        """Have it done. Raises NotAvailable where it never can, OSError where the connection failed."""
        ...

    async def close(self) -> None:
        """Let go of connections and processes."""
        ...


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: Text
    extra: Mapping[str, Text] = field(default_factory=dict)  # what is added where an argument is given
    wants_text: bool = False
    seen: tuple[str, ...] = ()


@cache
def _sentences() -> Mapping[str, _Sentence]:
    return {
        verb: _Sentence(
            Text(row["zh"], row["en"]), {arg: Text(more["zh"], more["en"]) for arg, more in row.get("with", {}).items()},
            row["answer"] == "text", tuple(row.get("seen", ())),
        )
        for verb, row in vocabulary("verbs").items()
    }


@cache
def _tells() -> Mapping[str, jsonschema_rs.Draft202012Validator]:
    rows = vocabulary("verbs").items()
    return {verb: jsonschema_rs.Draft202012Validator(row["tells"]) for verb, row in rows if "tells" in row}


def known_verbs() -> frozenset[str]:
    """Every verb that the harness has a sentence for: what an operator can be asked."""
    return frozenset(_sentences())


def prompt_for(prompt_id: str, verb: str, args: Mapping[str, Any]) -> Prompt:
    """The prompt of a stimulus. A verb of a pack's own (another peripheral class) is asked for by its name and arguments."""
    default = _Sentence(Text(f"请在设备上执行：{verb} {{detail}}", f"Do this on the device: {verb} {{detail}}"))
    said = _sentences().get(verb, default)
    words = _Words({**args, **args.get("card", {}), "detail": ", ".join(f"{k}={v}" for k, v in args.items())})
    parts = [said.text, *(more for arg, more in said.extra.items() if arg in args)]
    text = Text("".join(p.zh for p in parts).format_map(words), "".join(p.en for p in parts).format_map(words))
    return Prompt(prompt_id, verb, args, text, said.wants_text, said.seen)


class _Words(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return f"<{key}>"
