"""A small pack and a tape recorder for tests of the verdict: transcripts are written by hand, one call a line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.protocol.envelope import Envelope
from conformance.protocol.lifecycle import LifecycleTable
from conformance.spec.model import (
    Clause,
    Grade,
    HttpBinding,
    Interface,
    Level,
    Message,
    Obligation,
    Polarity,
    Profile,
    RuleDef,
    Source,
    Spec,
    Text,
    Timer,
    Verification,
)
from conformance.trace.observation import Observation
from conformance.trace.transcript import Entry, Transcript
from conformance.verdict.context import Context
from conformance.verdict.model import Outcome
from conformance.verdict.rules import RULES
from conformance.verdict.settings import Settings

T = Text("文", "text")
ENVELOPE = Envelope.from_mapping(
    {
        "kinds": {
            "request": {"has": ["/method", "/id"]},
            "notification": {"has": ["/method"], "lacks": ["/id"]},
            "error": {"has": ["/error", "/id"]},
            "result": {"has": ["/result", "/id"]},
        },
        "name": "/method", "id": "/id", "code": "/error/code", "text": "/error/message",
        "body": {"request": "/params", "notification": "/params", "result": "/result", "error": "/error"},
        "constants": {"/jsonrpc": "2.0"},
        "sequence": {"seq": "/meta/seq", "seen": "/meta/seen", "epoch": "/meta/epoch", "boot_id": "/meta/boot_id"},
    }
)  # fmt: skip
CALL = LifecycleTable.from_mapping(
    {
        "id": "call", "subject": {"zh": "通话", "en": "call"}, "key": "call_id", "initial": "none", "final": ["ended"],
        "states": [{"id": s} for s in ("none", "ringing", "answered", "ended")],
        "transitions": [
            {"from": "none", "on": "call.invite:request", "to": "ringing"},
            {"from": "ringing", "on": "call.answer:request", "to": "answered"},
            {"from": ["ringing", "answered"], "on": "call.cancel:request", "to": "ended"},
            {"from": ["answered", "ended"], "on": "call.bye:request", "to": "ended"},
        ],
        "ignores": ["call.answer:result"],
    }
)  # fmt: skip


def message(name: str, sender: str, fields: Mapping[str, str], schemas: Mapping[str, str] | None = None) -> Message:
    """A call on I2 whose request has the given canonical fields."""
    return Message(
        name=name, interface="I2", sender=sender, role=name, kind="call", title=T, schemas=schemas or {},  # type: ignore[arg-type]
        fields={"request": fields, "result": {"state": "/state"}},
    )  # fmt: skip


MESSAGES = (
    message("heartbeat", "iut", {"state": "/state"}, {"request": "heartbeat.json"}),
    message("report", "iut", {"event_id": "/id", "value": "/value", "command_id": "/command_id"}),
    message("command", "bench", {"command_id": "/command_id"}),
    message("call.invite", "bench", {"call_id": "/call_id"}),
    message("call.cancel", "bench", {"call_id": "/call_id"}),
    message("call.answer", "iut", {"call_id": "/call_id"}),
    message("call.bye", "iut", {"call_id": "/call_id"}),
    Message(
        "device.register", "I1", "iut", "device.register", "call", T, {}, {"request": {"device": "/device"}},
        HttpBinding("POST", "/devices"),
    ),
)  # fmt: skip


def timer(timer_id: str, ms: float, tolerance: float = 0.0) -> Timer:
    """A timer with the same value in both sets."""
    return Timer(timer_id, T, ms, ms, tolerance, "iut", True, "longer", True)


TIMERS = (timer("T-ACK", 500), timer("T-BEAT", 1000, 0.1), timer("T-QUIET", 300), timer("T-RECOVER", 2000),
          timer("T-FLOOR", 100), timer("T-CAP", 800))  # fmt: skip


def rule(kind: str, scope: str = "case", **params: Any) -> RuleDef:
    """A rule of a pack; a trailing underscore lets `for_` and `except_` be written."""
    return RuleDef(kind, {key.rstrip("_"): value for key, value in params.items()}, scope)  # type: ignore[arg-type]


def obligation(oid: str, rule_def: RuleDef | None, **more: Any) -> Obligation:
    """A monitored wire obligation that needs one occasion."""
    values: dict[str, Any] = {
        "polarity": Polarity.DOES, "verification": Verification.MONITOR, "grade": Grade.WIRE, "occasions": 1,
    }  # fmt: skip
    return Obligation(id=oid, clause=oid.split(".")[0], rule=rule_def, **(values | more))


def clause(*obligations: Obligation, level: Level = Level.MUST, **more: Any) -> Clause:
    """A clause on I2 that holds the given obligations."""
    cid = obligations[0].clause
    return Clause(cid, cid.split("-")[0], level, T, T, Source("this-specification", ""), "I2", obligations, **more)


def profile(profile_id: str, *, certification: bool) -> Profile:
    """A profile that leaves nothing out."""
    return Profile(profile_id, T, ("CHN",), tuple(Grade), True, certification, "lab", ("http",))


def make_spec(*clauses: Clause, root: Path = Path(), messages: Sequence[Message] = MESSAGES) -> Spec:
    """A pack of a few messages, timers and one life cycle, with the given clauses."""
    return Spec(
        id="test", version="1", root=root, digest="", title=T, notice=T, sourced=(), assumed=(), sources={},
        interfaces={
            "I1": Interface("I1", T, "http", "bench", path="/docking/v1"),
            "I2": Interface("I2", T, "websocket", "bench", "rpc"),
        },
        envelopes={"rpc": ENVELOPE}, signatures={}, messages={m.name: m for m in messages},
        clauses={c.id: c for c in clauses}, timers={t.id: t for t in TIMERS}, lifecycles={"call": CALL}, peripherals={},
        profiles={"ci": profile("ci", certification=False), "core": profile("core", certification=True)},
        pics={}, pixit={}, media={}, examples={}, constraints=(), families={},
    )  # fmt: skip


class Tape:
    """Writes observations one after the other; `at` sets the clock in seconds."""

    def __init__(self, spec: Spec | None = None, **head: Any) -> None:
        self.transcript = Transcript(spec or make_spec())
        self.now = 0.0
        self.current = ""
        self._id = 0
        self._seq = {"iut": 0, "bench": 0}
        if head:
            self.observe("run.start", **head)

    def at(self, seconds: float) -> Tape:
        """Set the clock."""
        self.now = seconds
        return self

    def observe(self, kind: str, *, iface: str = "I2", dir_: str = "-", raw: bytes = b"", **facts: Any) -> Entry:
        """Add an observation at the present time."""
        n = len(self.transcript)
        return self.transcript.feed(
            Observation(n, self.now, self.current, iface, dir_, kind, raw, facts)  # type: ignore[arg-type]
        )

    def start(self, case: str) -> Entry:
        """Begin a case."""
        self.current = case
        return self.observe("case.start")

    def end(self, **facts: Any) -> Entry:
        """End the case."""
        entry = self.observe("case.end", **facts)
        self.current = ""
        return entry

    def frame(self, sender: str, doc: Mapping[str, Any] | bytes, **facts: Any) -> Entry:
        """Add a text frame."""
        raw = doc if isinstance(doc, bytes) else json.dumps(doc).encode()
        return self.observe("ws.frame", dir_=sender, raw=raw, **({"conn": "c1", "opcode": 1, "fin": True} | facts))

    def call(
        self, sender: str, name: str, *, seen: int | None = None, facts: Mapping[str, Any] | None = None, **params: Any
    ) -> Entry:
        """Add a request with a fresh id and the next sequence number."""
        self._id += 1
        doc = {"jsonrpc": "2.0", "id": self._id, "method": name, "params": params, "meta": self._meta(sender, seen)}
        return self.frame(sender, doc, **(facts or {}))

    def answer(self, request: Entry, *, error: int | None = None, seen: int | None = None, **result: Any) -> Entry:
        """Add the reply to a request."""
        sender = "bench" if request.dir == "iut" else "iut"
        doc: dict[str, Any] = {"jsonrpc": "2.0", "id": request.id, "meta": self._meta(sender, seen)}
        doc |= {"result": result} if error is None else {"error": {"code": error, "message": "no"}}
        return self.frame(sender, doc)

    def _meta(self, sender: str, seen: int | None) -> dict[str, Any]:
        self._seq[sender] += 1
        other = "bench" if sender == "iut" else "iut"
        return {"seq": self._seq[sender], "seen": self._seq[other] if seen is None else seen, "epoch": 1, "boot_id": "b"}

    def judge(
        self, kind: str, *, u_ms: float = 5.0, pics: Mapping[str, Any] | None = None,
        starved: tuple[tuple[float, float, float], ...] = (), **params: Any,
    ) -> Outcome:  # fmt: skip
        """What one rule says about everything on the tape."""
        settings = Settings(self.transcript.spec, u_ms=u_ms, pics=pics or {}, starved=starved)
        return RULES[kind](rule(kind, **params).params, Context(self.transcript.entries, settings))


def ns(outcome: Outcome) -> tuple[list[int], list[int], list[tuple[int, str]]]:
    """Numbers held, numbers violated, (number, reason) undecided: what tests compare."""
    return (
        list(outcome.held), [v.n for v in outcome.violated], [(d.n, d.reason) for d in outcome.undecidable],
    )  # fmt: skip
