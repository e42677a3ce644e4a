"""All state of the simulated acceptance system, and the one type of question that the wire puts to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.spec.model import Spec
from mocks.acceptance.counter import ALWAYS, RemoteCounter
from mocks.acceptance.dialect import Dialect
from mocks.acceptance.items import ServiceItems
from mocks.acceptance.names import Names
from mocks.acceptance.printing import PrintJobs
from mocks.acceptance.queue import Queue
from mocks.acceptance.ratings import Ratings
from mocks.acceptance.records import Records
from mocks.acceptance.registry import Registered, Registry
from mocks.acceptance.sessions import Sessions


@dataclass(slots=True)
class Ask:
    """A request of a device, dialect taken off: role, canonical fields, and who asks (as far as that is proven).

    Nobody changes one; it is not frozen because one is made for every message and freezing triples what that costs.
    """

    role: str
    fields: Mapping[str, Any]
    device: Registered | None = None
    keyid: str = ""
    body: bytes = b""
    media_type: str = ""

    @property
    def device_id(self) -> str:
        """The asking device's id, empty where nobody is proven."""
        return self.device.id if self.device is not None else ""


@dataclass(slots=True)
class Answer:
    """A good answer in canonical fields. `parts` are the reply parts preferred (a status on HTTP), `content` a raw body.

    Nobody changes one, as with `Ask`.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    content: bytes | None = None
    media_type: str = ""


Handler = Callable[[Ask], Answer]  # raises Refused


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the city is reached, as absolute URLs. `urls` maps interface id to URL; `udp` are ports that answer STUN."""

    urls: Mapping[str, str]
    udp: tuple[int, ...] = ()


class World:
    """The city's memory. Everything in it is plain state; time comes in as a callable of epoch seconds."""

    def __init__(
        self, spec: Spec, *, seed: int, now: Callable[[], float], timers_ms: Mapping[str, float],
        on_secret: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.spec = spec
        self.dialect = Dialect(spec)
        self.now = now
        self.timers_ms = timers_ms
        self.names = Names(seed, self.dialect.sample)
        self.endpoints = Endpoints({})
        self.ice_servers: list[Mapping[str, Any]] = []
        fixtures = spec.city
        counter = fixtures.get("counter", {})
        self.counter = RemoteCounter(counter.get("name", ""), counter.get("phone"))
        self.counter.utc_offset = fixtures.get("utc_offset", self.counter.utc_offset)
        # Runs happen at any hour, so the fixture's hours hold only in cases that set them.
        self.counter.rows = list(fixtures.get("always_open", ALWAYS))
        new = self.names.new
        self.queue = Queue(lambda: new("ticket_id"), lambda: new("number"))
        self.items = ServiceItems(list(fixtures.get("service_items", ())))
        self.sessions = Sessions(lambda: new("session_id"), lambda: new("case_no"))
        self.print_jobs = PrintJobs(lambda: new("job_id"))
        self.ratings = Ratings(lambda: new("rating_id"))
        self.records = Records()
        self.registry = Registry(timers_ms.get("T-TOKEN", 3_600_000.0) / 1000, on_secret)
        self.reports: set[tuple[str, str]] = set()  # (device, event id), for de-duplication
        self.status: dict[str, Mapping[str, Any]] = {}  # device -> last heartbeat

    @property
    def windows(self) -> list[Mapping[str, Any]]:
        """Clerk windows of the fixtures, at least one."""
        return list(self.spec.city.get("windows", ())) or [{"window_no": "01"}]
