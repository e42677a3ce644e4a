"""Plays the short transcripts of `*.yaml`: from a line such as `[0.4, iut, heartbeat, {mode: normal}]` to an entry of a trace.

A step is `[second, who, what, body or facts, more]`:

* `who` is `iut`, `bench` or `-` (neither: waits, stimuli, media).
* `what` is a message type of the pack (`heartbeat`: its request), a reply (`heartbeat:result`, `heartbeat:error`, which answers
  the last open request of that type from the other side), `text` (a frame of any bytes: `more.raw`), or an observation.
* For a message the fourth item is merged into the body of the pack's first valid example (null takes a member away); for an
  observation it is the facts.
* `more` says what is out of the ordinary: `iface`, `conn`, `raw` (the very text), `example` (`v3`: another example to merge
  into), `whole: true` (the body as it stands, not merged), `edit` ({text: another} within the body's strings), `facts` (of the
  observation that carries the message), `id`, `seq`, `seen`, `epoch`, `boot_id` of the envelope, `headers`, `status`, `path`,
  `fill` (a body of so many bytes) of HTTP, `to` (number of the step, from 0, that a reply answers), `kind: notification`, `case`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from conformance.iut.device_file import load_device
from conformance.iut.review import declared
from conformance.spec.loader import load
from conformance.spec.model import Message, Spec, TimerSet
from conformance.trace.entry import Entry
from conformance.trace.observation import Observation
from conformance.trace.transcript import Transcript
from conformance.verdict.context import Context
from conformance.verdict.model import Outcome
from conformance.verdict.rules import RULES
from conformance.verdict.settings import settings_of

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GUARD_MS = 5.0
Step = Sequence[Any]
_ENVELOPE = ("seq", "seen", "epoch", "boot_id")


@dataclass(frozen=True, slots=True)
class Pair:
    """What one obligation's text allows and what it forbids, as transcripts."""

    lawful: Sequence[Sequence[Step]]
    unlawful: Sequence[Sequence[Step]]
    pics: Mapping[str, Any] = field(default_factory=dict)
    pixit: Mapping[str, Any] = field(default_factory=dict)


@cache
def pack() -> Spec:
    """The reference pack."""
    return load(ROOT / "specs" / "shanghai-rvw" / "1.0")


@cache
def pairs() -> dict[str, Pair]:
    """All transcripts by obligation. Raises ValueError where one obligation is written twice."""
    found: dict[str, Pair] = {}
    for file in sorted(HERE.glob("*.yaml")):
        for name, data in yaml.safe_load(file.read_text("utf-8")).items():
            if name in found:
                raise ValueError(f"{file.name}: {name} stands twice")
            found[name] = Pair(
                _several(data["lawful"]), _several(data["unlawful"]), data.get("pics", {}), data.get("pixit", {})
            )
    return found


def _several(steps: Sequence[Any]) -> Sequence[Sequence[Step]]:
    """One transcript or a list of them."""
    return [steps] if steps and not isinstance(steps[0][0], list) else steps


def judged(obligation: str, steps: Sequence[Step], pair: Pair) -> Outcome:
    """What the rule of an obligation says about a transcript."""
    rule = pack().obligation(obligation).rule
    assert rule is not None
    return RULES[rule.kind](rule.params, _context(Player(pair).play(steps)))


def _context(transcript: Transcript) -> Context:
    return Context(transcript.entries, settings_of(transcript.spec, transcript.head, transcript.entries))


class Player:
    """Writes one trace, step after step. The first entry is the head of the run, the second begins the case `c`."""

    def __init__(self, pair: Pair, timer_set: TimerSet = "lab") -> None:
        self.spec = pack()
        self.transcript = Transcript(self.spec)
        self._steps: list[Entry] = []
        self._ids = 0
        self._seq = {"iut": 0, "bench": 0}
        known = declared(load_device(ROOT / "devices" / "reference.toml"), self.spec)
        self._timers = {timer.id: timer.value_ms(timer_set) for timer in self.spec.timers.values()}
        head = {"profile": "core", "timer_set": timer_set, "timers": self._timers,
                "pics": {**known.pics, **pair.pics}, "pixit": {**known.pixit, **pair.pixit}}  # fmt: skip
        self._feed(0.0, "-", "run.start", b"", "", head, case="")
        self._feed(0.0, "-", "case.start", b"", "", {})

    def play(self, steps: Sequence[Step]) -> Transcript:
        """The trace of some steps."""
        for step in steps:
            t, who, what, given, more = (*step, *(None,) * (5 - len(step)))
            self._steps.append(self._step(float(t), who, what, given or {}, more or {}))
        last = self.transcript.entries[-1]
        if last.obs not in ("case.end", "run.end"):
            self._feed(last.t, "-", "case.end", b"", "", {"ended": "through"})
        return self.transcript

    def _step(self, t: float, who: str, what: str, given: Any, more: Mapping[str, Any]) -> Entry:
        name, _, part = what.partition(":")
        case = more.get("case", "c")
        if what == "text":
            facts = {"conn": more.get("conn", "c-I2"), "opcode": 1, "fin": True, **more.get("facts", {})}
            return self._feed(t, who, "ws.frame", more["raw"].encode(), more.get("iface", "I2"), facts, case)
        message = None if who == "-" else self._message(name, who, reply=bool(part))
        if message is None:
            facts = {**({"conn": more["conn"]} if "conn" in more else {}), **given}
            return self._feed(t, who, name, more.get("raw", "").encode(), more.get("iface", ""), facts, case)
        body = given if more.get("whole") else _merged(self._example(name, part or "request", more.get("example", "")), given)
        body = _edited(body, more.get("edit", {}))
        write = self._http if message.http is not None else self._frame
        return write(t, who, message, part, body, more)

    def _message(self, name: str, who: str, *, reply: bool) -> Message | None:
        message = self.spec.messages.get(name)
        if message is not None and message.sender not in ("either", who):
            assert reply, f"{name} is not sent by {who}"
        return message

    def _example(self, name: str, part: str, which: str = "") -> Any:
        file = self.spec.root / "examples" / "valid" / f"{name}.{part}{which and '.' + which}.json"
        body = json.loads(file.read_text("utf-8")) if file.exists() else {}
        if "timers" in body:  # a registration tells the limits that its trace is judged by
            body["timers"] = {timer: self._timers[timer] for timer in body["timers"]}
        return body

    def _asked(self, who: str, message: Message, more: Mapping[str, Any]) -> Entry | None:
        if "to" in more:
            return self._steps[more["to"]]
        asked = (e for e in reversed(self._steps) if e.name == message.name and e.kind == "request" and e.dir != who)
        return next((e for e in asked if e.reply is None), None)

    def _frame(self, t: float, who: str, message: Message, part: str, body: Any, more: Mapping[str, Any]) -> Entry:
        iface = more.get("iface", message.interface)
        facts = {"conn": more.get("conn", f"c-{iface}"), "opcode": 1, "fin": True, **more.get("facts", {})}
        if "raw" in more:
            return self._feed(t, who, "ws.frame", more["raw"].encode(), iface, facts, more.get("case", "c"))
        other = "iut" if who == "bench" else "bench"
        self._seq[who] += 1
        meta = {"seq": self._seq[who], "seen": self._seq[other], "epoch": 1, "boot_id": "b-1"}
        if not message.sequenced:
            meta["seq"], self._seq[who] = 0, self._seq[who] - 1
        meta |= {key: more[key] for key in _ENVELOPE if key in more}
        meta = {key: value for key, value in meta.items() if value is not None}
        doc: dict[str, Any] = {"jsonrpc": "2.0", "meta": meta}
        if part:
            asked = self._asked(who, message, more)
            doc |= {"id": more.get("id", asked.id if asked is not None else None), part: body}
        else:
            doc |= {"method": message.wire_name, "params": body}
            if more.get("kind", message.kind) != "notification":
                self._ids += 1
                doc["id"] = more.get("id", self._ids)
        return self._feed(t, who, "ws.frame", json.dumps(doc, ensure_ascii=False).encode(), iface, facts, more.get("case", "c"))

    def _http(self, t: float, who: str, message: Message, part: str, body: Any, more: Mapping[str, Any]) -> Entry:
        assert message.http is not None
        interface = self.spec.interfaces[message.interface]
        facts: dict[str, Any] = {"conn": more.get("conn", f"c-{message.interface}"), **more.get("facts", {})}
        error = part == "error"
        kind = "application/problem+json" if error else "application/json" if part else message.http.request_type
        content = more["raw"].encode() if "raw" in more else json.dumps(body, ensure_ascii=False).encode() if body else b""
        content = bytes(more["fill"]) if "fill" in more else content
        headers = {"content-type": kind, "content-length": str(len(content)), **more.get("headers", {})}
        lines = [f"{key}: {value}" for key, value in headers.items() if value is not None]
        if part:
            asked = self._asked(who, message, more)
            facts["to"] = asked.n if asked is not None else -1
            first = f"HTTP/1.1 {more.get('status', 422 if error else 200)} Told"
        else:
            path = more.get("path", interface.path + message.http.path)
            first = f"{message.http.method} {path} HTTP/1.1"
            lines.insert(0, "host: city.example")
        raw = "\r\n".join([first, *lines, "", ""]).encode() + content
        obs = "http.response" if part else "http.request"
        return self._feed(t, who, obs, raw, message.interface, facts, more.get("case", "c"))

    def _feed(
        self, t: float, who: str, obs: str, raw: bytes, iface: str, facts: Mapping[str, Any], case: str = "c"
    ) -> Entry:
        n = len(self.transcript)
        return self.transcript.feed(Observation(n, t, case, iface, who, obs, raw, facts))  # type: ignore[arg-type]


def _merged(body: Any, change: Any) -> Any:
    """RFC 7396: members are replaced one by one, null takes one away."""
    if not isinstance(change, Mapping) or not isinstance(body, Mapping):
        return change
    merged = dict(body)
    for key, value in change.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(body.get(key), value)
    return merged


def _edited(body: Any, edits: Mapping[str, str]) -> Any:
    """The body with texts in its strings replaced. Raises AssertionError where a text is in none of them."""
    for old, new in edits.items():
        before, body = body, _replaced(body, old, new)
        assert body != before, f"nothing to edit: {old!r}"
    return body


def _replaced(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, Mapping):
        return {key: _replaced(member, old, new) for key, member in value.items()}
    return [_replaced(item, old, new) for item in value] if isinstance(value, list) else value
