"""What every part of the simulated city shares: pack, dialect, state, recorder, and how a refusal and a check look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from conformance.protocol import pointer
from conformance.protocol.pointer import MISSING
from conformance.spec.model import Message, Spec
from conformance.spec.validators import Validators
from conformance.trace.clock import Clock
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Entry
from mocks.acceptance.dialect import Dialect
from mocks.acceptance.refusal import CODES, STATUS, Refused
from mocks.acceptance.world import World

# A reply is waited for longer than its limit, so that a late one is seen as late and not taken for none.
PATIENCE = 2.0
PATIENCE_FLOOR_S = 0.5
CLOCK_WINDOW_MS: Final = 300_000.0  # where the pack has no such timer


class Office:
    """Shared services of the city's parts."""

    def __init__(
        self, spec: Spec, recorder: Recorder, clock: Clock, timers_ms: Mapping[str, float], seed: int,
        validators: Validators,
    ) -> None:  # fmt: skip
        self.spec = spec
        self.recorder = recorder
        self.clock = clock
        self.timers_ms = timers_ms
        self.shift_s = 0.0  # the city's clock against the true one (clock cases)
        self.world = World(spec, seed=seed, now=self.now, timers_ms=timers_ms, on_secret=recorder.add_secret)
        self.dialect: Dialect = self.world.dialect
        self._validators = validators
        self.heard = 0  # messages of devices that came in

    def now(self) -> float:
        """The city's wall clock, epoch seconds."""
        return self.clock.wall() + self.shift_s

    def wait_s(self, timer: str) -> float:
        """How long to wait for what a timer limits, seconds."""
        limit = self.timers_ms.get(timer, 5000.0) / 1000
        return limit * PATIENCE + PATIENCE_FLOOR_S

    def witness(self, entry: Entry, raw: bytes, read: bool, body: Any, name: str = "") -> None:
        """The record must say what the city itself has read; only the mask stands between, so only masked bytes are compared.

        `read` tells whether the city could read the message at all, `name` is its wire name.
        """
        if entry.raw == raw or not read:
            return
        message = entry.message
        if "masked" not in entry.facts:
            self.bench_error("recorder", f"observation {entry.n} was changed on its way into the record", about=entry.n)
        elif entry.kind == "malformed" or (name and message is None and self.dialect.named(entry.iface, name) is not None):
            self.bench_error("recorder", f"the record of observation {entry.n} cannot be read as what came in", about=entry.n)
        elif message and not self.accepts(message, entry.part, entry.body) and self.accepts(message, entry.part, body):
            self.bench_error("recorder", f"the mask broke {message.name} in observation {entry.n}", about=entry.n)

    @property
    def clock_window_s(self) -> float:
        """How far the time in a signature may lie from ours."""
        return self.timers_ms.get("T-CLOCK-WINDOW", CLOCK_WINDOW_MS) / 1000

    def wire(self, message: Message | None) -> str:
        """The wire name, empty for no message."""
        return message.wire_name if message is not None else ""

    def bench_error(self, where: str, what: str, *, scope: str = "run", about: int | None = None) -> None:
        """The bench did something wrong: on the record, and never the device's fault.

        What was told wrongly may trouble a device for good, so it reaches the rest of the run; `scope` "case" where not.
        `about` names the observation with which it began, where that is not this one.
        """
        facts = {"where": where, "what": what, "scope": scope, **({} if about is None else {"about": about})}
        self.recorder.observe("", "-", "bench.error", facts=facts)

    def heard_one(self) -> int:
        """The number of a message of a device, as it comes in: the judge sees by it whether the record has all, in order."""
        self.heard += 1
        return self.heard

    def validate_outgoing(self, message: Message, part: str, body: Any) -> None:
        """What we send unintended must be good; where it is not, that is an error of the bench."""
        if part in message.schemas and not self._validators.valid(message, part, body):
            first = next(iter(self._validators.errors(message, part, body)), None)
            why = f"{first.pointer}: {first.text}" if first is not None else "invalid"
            self.bench_error("outgoing", f"{message.name}/{part} {why}")

    def accepts(self, message: Message, part: str, body: Any) -> bool:
        """Whether the pack's schema takes a body; a part without one takes any."""
        return part not in message.schemas or self._validators.valid(message, part, body)

    def validate_incoming(self, message: Message, part: str, body: Any) -> None:
        """Raises Refused for a body that the pack's schema rejects."""
        if part in message.schemas and not self._validators.valid(message, part, body):
            first = next(iter(self._validators.errors(message, part, body)), None)
            raise Refused("invalid", f"{first.pointer}: {first.keyword}" if first is not None else "")

    def error(self, message: Message | None, refused: Refused) -> tuple[Any, str, Any]:
        """(code, text, body) of a refusal on a message interface."""
        row = self.row(refused.slug)
        code = row.get("code", CODES.get(refused.slug, refused.slug))
        text = row.get("text") or refused.detail or refused.slug
        example = self.dialect.example(message, "error") if message is not None else {}
        body = example if isinstance(example, dict) and "data" not in example else {}
        return code, text, body

    def problem(self, message: Message | None, refused: Refused) -> tuple[int, dict[str, Any]]:
        """(status, body) of a refusal on an HTTP interface: RFC 9457 unless the pack's bindings say otherwise."""
        row = self.row(refused.slug)
        status = int(row.get("status", STATUS.get(refused.slug, 400)))
        kind = row.get("type") or self._problem_type(message, refused.slug)
        text = row.get("text") or refused.detail or refused.slug
        body: dict[str, Any] = {"type": kind, "title": refused.slug, "status": status, "detail": text}
        body.update({key: value for key, value in refused.data.items() if key == "retry_after_ms"})
        return status, body

    def row(self, slug: str) -> Mapping[str, Any]:
        """How the pack spells a refusal: `city.errors.<slug>` with status, code, type, text."""
        row = pointer.get(self.spec.city, f"/errors/{slug}")
        return row if row is not MISSING and isinstance(row, Mapping) else {}

    def _problem_type(self, message: Message | None, slug: str) -> str:
        named = [str(e) for e in message.errors] if message is not None else []
        samples = named + [str(e) for m in self.spec.messages.values() for e in m.errors if m.http is not None]
        for kind in samples:
            if kind == slug or kind.endswith((":" + slug, "/" + slug)):
                return kind if ":" in kind else f"urn:rvw:problem:{kind}"
        return f"urn:rvw:problem:{slug}"
