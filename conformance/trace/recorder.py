"""The write side of the trace: every shell hands its bytes here before anybody acts on them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from conformance.protocol.envelope import Decoded
from conformance.trace.clock import Clock
from conformance.trace.facts import canary
from conformance.trace.journal import JournalWriter
from conformance.trace.masking import Masker
from conformance.trace.observation import BLOB_FLOOR, Dir, Observation
from conformance.trace.transcript import Entry, Transcript

Predicate = Callable[[Entry], bool]


class _Wait:
    __slots__ = ("after", "future", "predicate")

    def __init__(self, predicate: Predicate, after: int, future: asyncio.Future[Entry]) -> None:
        self.predicate, self.after, self.future = predicate, after, future


class Recorder:
    """One per run, on the bench's loop. Masks, numbers, writes, and wakes who waits.

    `journal` may be None for runs that are judged and thrown away (self-test in memory).
    """

    def __init__(self, transcript: Transcript, clock: Clock, journal: JournalWriter | None, masker: Masker) -> None:
        self.transcript = transcript
        self.clock = clock
        self.case = ""
        self._journal = journal
        self._mask = masker
        self._n = len(transcript)
        self._waits: list[_Wait] = []
        self.failed: OSError | None = None
        self.sealed = False

    def observe(
        self, iface: str, direction: Dir, kind: str, raw: bytes = b"", facts: Mapping[str, Any] | None = None,
        *, t: float | None = None, decoded: Decoded | None = None, cut: int | None = None,
    ) -> Entry:  # fmt: skip
        """Record one observation and return its entry. `t` is given only by children that stamped it themselves.

        `decoded` is what the pack's envelope made of exactly these bytes, where the caller has it already: it serves the
        transcript too, unless masking changed the bytes. `cut` is how much is kept of the bytes and of each text in the facts,
        of what may be too long: it is cut here, after the mask, which finds no half of a secret.
        A full disk is remembered in `failed` and ends the run; it never loses the entry in memory.
        """
        raw, masked = self._mask(raw) if raw else (raw, [])
        return self._enter(
            iface, direction, kind, raw, _plain(facts) if facts else {}, masked, t, decoded if not masked else None, cut
        )

    def observe_together(
        self, iface: str, direction: Dir, kind: str, parts: Sequence[tuple[bytes, Mapping[str, Any]]]
    ) -> list[Entry]:
        """Record the parts of one message one by one, but masked as one: a value that is split over them is found, too."""
        whole, masked = self._mask(b"".join(raw for raw, _ in parts))
        entries: list[Entry] = []
        at = 0
        for raw, facts in parts:
            end = at + len(raw)
            here = [{**row, "at": row["at"] - at} for row in masked if at <= row["at"] < end]
            entries.append(self._enter(iface, direction, kind, whole[at:end], _plain(facts), here))
            at = end
        return entries

    def _enter(
        self, iface: str, direction: Dir, kind: str, raw: bytes, told: dict[str, Any], masked: list[dict[str, Any]],
        t: float | None = None, decoded: Decoded | None = None, cut: int | None = None,
    ) -> Entry:  # fmt: skip
        """Write what is masked already, number it, and wake who waits."""
        if raw:
            if masked:
                told["masked"] = masked
            if direction == "iut" and kind in _FROM_DEVICE:
                told.update(canary(kind, raw, masked, self._mask.digits))
        elif direction == "iut" and kind == "ws.frame":
            told["ids"] = 0  # an empty frame, such as the last fragment of a message
        if told and (kind != "ws.frame" or "signature" in told):  # of a frame, a signature base alone quotes what came in
            told = self._mask_facts(told)
        if cut is not None:
            raw, told = raw[:cut], _cut(told, cut)
        blob = self._blob(raw) if len(raw) > BLOB_FLOOR else ""
        # Whole microseconds, as `round` would have them, in a fifth of its time.
        stamp = int((self.clock.monotonic() if t is None else t) * 1e6 + 0.5) / 1e6
        observation = Observation(self._n, stamp, self.case, iface, direction, kind, raw, told, blob)
        if self.sealed:
            return Entry(observation)  # the farewells of the shutdown: seen by whoever asked, part of no run
        self._n += 1
        if self._journal is not None and self.failed is None:
            try:
                self._journal.append(observation)
            except OSError as error:
                self.failed = error
        entry = self.transcript.feed(observation, decoded)
        if self._waits:
            self._wake(entry)
        return entry

    def seal(self) -> None:
        """Nothing that comes after belongs to the run: what was judged is what the journal holds."""
        self.sealed = True

    def _blob(self, raw: bytes) -> str:
        if self._journal is None or self.failed is not None:
            return ""
        try:
            return self._journal.store_blob(raw)
        except OSError as error:
            self.failed = error
            return ""

    def _mask_facts(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Facts go through the same mask as bytes: an upper tester's answer may hold what a card said."""
        data = orjson.dumps(facts)
        clean, masked = self._mask(data)
        if not masked:
            return facts
        result: dict[str, Any] = orjson.loads(clean)
        result["masked"] = [*result.get("masked", ()), *masked]
        return result

    def _wake(self, entry: Entry) -> None:
        for wait in [w for w in self._waits if entry.n > w.after and not w.future.done() and w.predicate(entry)]:
            wait.future.set_result(entry)

    def add_secret(self, value: bytes | str, kind: str = "secret") -> None:
        """Mask this value from now on."""
        self._mask.add_secret(value, kind)

    def allow_person(self, id_number: str) -> None:
        """A synthetic resident of this run: the number is evidence and stays."""
        self._mask.allow_person(id_number)

    def masked(self, text: str) -> str:
        """A text that is shown to people without going through the trace first, through the mask of the run."""
        return self._mask.text(text)

    def secrets_in(self, text: str) -> int:
        """How many keys and tokens of the run stand in a text, in any of the forms that the mask knows."""
        return sum(found["kind"] != "id_number" for found in self._mask(text.encode("utf-8", "surrogateescape"))[1])

    async def wait_for(self, predicate: Predicate, after_n: int, timeout_s: float) -> Entry | None:
        """The first entry with n > `after_n` that satisfies, also one that is already there; None at the time-out."""
        for entry in self.transcript.since(after_n + 1):
            if predicate(entry):
                return entry
        wait = _Wait(predicate, after_n, asyncio.get_running_loop().create_future())
        self._waits.append(wait)
        try:
            return await asyncio.wait_for(wait.future, timeout_s)
        except TimeoutError:
            return None
        finally:
            self._waits.remove(wait)

    @property
    def last(self) -> int:
        """Number of the newest observation, -1 before the first."""
        return self._n - 1

    def flush(self, *, to_disk: bool = False) -> None:
        """Hand the journal over to the operating system; a full disk is remembered in `failed`."""
        if self._journal is None or self.failed is not None:
            return
        try:
            self._journal.flush(to_disk=to_disk)
        except OSError as error:
            self.failed = error


_FROM_DEVICE = ("ws.frame", "http.request", "http.response", "ws.upgrade")
_PLAIN = frozenset((str, int, float, bool, type(None)))


def _cut(value: Any, length: int) -> Any:
    if isinstance(value, str):
        return value[:length]
    if isinstance(value, list):
        return [_cut(item, length) for item in value]
    return {key: _cut(item, length) for key, item in value.items()} if isinstance(value, dict) else value


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as JSON gives them back, so that a rule sees the same live and later."""
    if _PLAIN.issuperset(map(type, facts.values())):
        return dict(facts)
    result: dict[str, Any] = orjson.loads(orjson.dumps(facts, default=str))
    return result
