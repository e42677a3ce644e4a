"""The pack as frozen types: what a clause, a message, a timer, a life cycle *is*.

Nothing here reads files (`loader`) or judges (`conformance.verdict`). A pack is data; these types are its shape in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from conformance.protocol.envelope import Envelope
from conformance.protocol.lifecycle import LifecycleTable

if TYPE_CHECKING:
    from conformance.spec.validators import Validators

JsonMap = Mapping[str, Any]
TimerSet = Literal["production", "lab"]
Sender = Literal["iut", "bench"]
Senders = Literal["iut", "bench", "either"]  # of a message that both sides may send, as an offer or a bye


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in both languages. Chinese is what the ops center reads first."""

    zh: str
    en: str


class Level(StrEnum):
    """RFC 2119 weight of a clause."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


class Polarity(StrEnum):
    """What an obligation demands of the IUT."""

    DOES = "does"
    NEVER_DOES = "never_does"
    BOUNDARY_BELOW = "boundary_below"
    BOUNDARY_ABOVE = "boundary_above"
    RECOVERS = "recovers"


class Verification(StrEnum):
    """How an obligation is verified."""

    MONITOR = "monitor"
    PROCEDURE = "procedure"
    OPERATOR = "operator"
    DOCUMENT = "document"


class Grade(StrEnum):
    """Evidence grade, strongest first (decision 7)."""

    WIRE = "wire"
    SENSOR = "sensor"
    PERSON = "person"
    CLAIM = "claim"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a pack something stands: path relative to the pack, 1-based line."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class RuleDef:
    """A rule of the pack: the kind names a generic rule in `conformance.verdict.rules`, params are its data."""

    kind: str
    params: JsonMap
    scope: Literal["case", "session"]


@dataclass(frozen=True, slots=True)
class Obligation:
    """One testable demand of a clause; the subject is always the IUT."""

    id: str  # FAM-nnn.a
    clause: str
    polarity: Polarity
    verification: Verification
    grade: Grade
    occasions: int
    rule: RuleDef | None
    stimulus: str | None = None  # id of the case (or glob) that provokes it, None where every run does
    text: Text | None = None
    expected: Text | None = None  # what a card says was expected, where the rule's own words, such as a pattern, tell nobody
    states: tuple[str, ...] = ()
    condition: Any = None  # PICS condition of this one, beside that of its clause


@dataclass(frozen=True, slots=True)
class Source:
    """Where a clause comes from: a source document, a standard, or this specification itself."""

    kind: Literal["source", "standard", "this-specification"]
    ref: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Clause:
    """One numbered sentence of the specification with its obligations."""

    id: str
    family: str
    level: Level
    title: Text
    text: Text
    source: Source
    interface: str
    obligations: tuple[Obligation, ...]
    condition: Any = None  # PICS condition, see `conformance.spec.condition`
    follows_from: tuple[str, ...] = ()
    cause: Text | None = None  # likely cause, for the failure card
    remedy: Text | None = None  # next step, for the failure card
    place: Place = Place("", 0)


@dataclass(frozen=True, slots=True)
class HttpBinding:
    """Where a message lives on an HTTP interface. `path` holds `{name}` segments; they become canonical fields."""

    method: str
    path: str
    request_type: str = "application/json"
    response_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Message:
    """One message type of an interface, bound to a role of the harness (decision 19).

    `schemas` maps a part (`request`, `result`, `error`, for HTTP also a status like `201`) to a file under `messages/`.
    `fields` maps a part to {canonical field name: JSON pointer into the *body* of that part}.
    """

    name: str
    interface: str
    sender: Senders
    role: str | None
    kind: Literal["call", "notification"]
    title: Text
    schemas: Mapping[str, str]
    fields: Mapping[str, Mapping[str, str]]
    http: HttpBinding | None = None
    signed: str | None = None  # name of a signature scheme
    sequenced: bool = True  # carries and consumes a sequence number
    errors: tuple[str, ...] = ()  # error codes (or problem types) that may answer it
    wire: str = ""  # its name on the wire where that differs from `name` (two interfaces may share a word)
    place: Place = Place("", 0)

    @property
    def wire_name(self) -> str:
        """Its name on the wire; two interfaces may use the same one for messages that the pack tells apart."""
        return self.wire or self.name


@dataclass(frozen=True, slots=True)
class Interface:
    """One of I1 to I6."""

    id: str
    title: Text
    transport: Literal["http", "websocket", "webrtc", "upper_tester"]
    server: Literal["bench", "iut", "none"]
    envelope: str | None = None
    path: str = ""
    subprotocol: str | None = None
    max_message_bytes: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Timer:
    """A named limit. Values in milliseconds; `tolerance` is a share of the value."""

    id: str
    title: Text
    production_ms: float
    lab_ms: float
    tolerance: float
    obeys: Sender
    scalable: bool
    favours: Literal["longer", "shorter"]  # which direction favours the device
    told: bool  # handed to the device at registration
    varied: float = 1.0  # share of the value that is told at every second power-on instead: a device must scale with it
    place: Place = Place("", 0)

    def value_ms(self, timer_set: TimerSet) -> float:
        """The limit in the given timer set, ms."""
        return self.production_ms if timer_set == "production" else self.lab_ms

    def loosened(self, used_ms: float, timer_set: TimerSet) -> bool:
        """Whether a value stands beyond that of the set in the device's favour (decision 20)."""
        of_set = self.value_ms(timer_set)
        return used_ms > of_set if self.favours == "longer" else used_ms < of_set


@dataclass(frozen=True, slots=True)
class PicsItem:
    """One declaration that a vendor makes. `where` is a dotted path in the device file."""

    id: str
    title: Text
    type: Literal["bool", "enum", "set", "text", "number"]
    where: str
    values: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class PixitItem:
    """One value that the lab must know to connect. Sensitive ones are masked wherever they appear."""

    id: str
    title: Text
    where: str
    sensitive: bool = False
    required: bool = False


@dataclass(frozen=True, slots=True)
class Peripheral:
    """A peripheral class: its actions (with argument and result schemas), its reports, its faults."""

    id: str
    title: Text
    actions: Mapping[str, JsonMap]
    reports: tuple[str, ...]
    faults: tuple[str, ...]
    condition: Any = None  # PICS condition that says the class is fitted
    mandatory: Any = None  # PICS condition under which it must be fitted


@dataclass(frozen=True, slots=True)
class Profile:
    """A certification profile: what is in scope (decision 27)."""

    id: str
    title: Text
    families: tuple[str, ...]
    grades: tuple[Grade, ...]
    media: bool
    certification: bool
    timer_set: TimerSet
    stimulus: tuple[str, ...]  # upper tester kinds that may serve: http, command, operator
    cases: tuple[str, ...] = ("*",)  # globs of case ids
    time_budget_s: float | None = None
    note: Text | None = None


@dataclass(frozen=True, slots=True)
class Constraint:
    """One thing that an invalid example breaks, and nothing else."""

    message: str
    part: str
    file: str
    clause: str
    pointer: str  # instance path at which the schema complains
    keyword: str  # schema keyword that complains


@dataclass(frozen=True)
class Spec:
    """A checked pack. Built by `conformance.spec.loader.load`; immutable."""

    id: str
    version: str
    root: Path
    digest: str
    title: Text
    notice: Text
    sourced: tuple[Text, ...]
    assumed: tuple[Text, ...]
    sources: Mapping[str, str]
    interfaces: Mapping[str, Interface]
    envelopes: Mapping[str, Envelope]
    signatures: Mapping[str, JsonMap]
    messages: Mapping[str, Message]
    clauses: Mapping[str, Clause]
    timers: Mapping[str, Timer]
    lifecycles: Mapping[str, LifecycleTable]
    peripherals: Mapping[str, Peripheral]
    profiles: Mapping[str, Profile]
    pics: Mapping[str, PicsItem]
    pixit: Mapping[str, PixitItem]
    media: JsonMap
    examples: Mapping[str, JsonMap]  # "message/part" -> valid example body
    constraints: Sequence[Constraint]
    families: Mapping[str, Text]
    city: JsonMap = field(default_factory=dict)  # fixtures of the simulated city (counters, items, hours)

    @cached_property
    def validators(self) -> Validators:
        """Compiled message schemas, made on first use so that reading a pack's words stays light."""
        from conformance.spec.validators import Validators  # the validators know this module

        return Validators(self)

    def by_role(self, role: str) -> tuple[Message, ...]:
        """All messages bound to a role, in pack order."""
        return tuple(m for m in self.messages.values() if m.role == role)

    @property
    def docking(self) -> Interface:
        """The first HTTP interface that the city serves: where a device begins."""
        return next(i for i in self.interfaces.values() if i.transport == "http" and i.server == "bench")

    def obligation(self, oid: str) -> Obligation:
        """The obligation with the id `FAM-nnn.a`. Raises KeyError."""
        for obligation in self.clauses[oid.split(".", 1)[0]].obligations:
            if obligation.id == oid:
                return obligation
        raise KeyError(oid)
