"""Faults put into the bench itself, each by replacing one small thing. What they prove: no device ever pays for them.

A mutant stays within one room (city, wire, recorder, judge, driver). It is laid on with a `pytest.MonkeyPatch`, so that the
end of the block takes it off again.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import pytest

from conformance.bench import memory, run
from conformance.bench.lag import LagMeter
from conformance.bench.stage import Stage
from conformance.iut.prompt import Answer as Told
from conformance.protocol.httpwire import parse_response, render_response
from conformance.spec.validators import Validators
from conformance.trace.journal import JournalWriter
from conformance.trace.masking import Masker
from conformance.trace.observation import Observation
from conformance.trace.recorder import Recorder
from conformance.trace.transcript import Reader, Transcript
from conformance.verdict import findings, judge
from conformance.verdict.model import Outcome, Violation
from mocks.acceptance import docking, handshake
from mocks.acceptance.channels import Channels
from mocks.acceptance.desk import Desk
from mocks.acceptance.dialect import Dialect
from mocks.acceptance.docking import HttpAction
from mocks.acceptance.link import Link
from mocks.acceptance.office import Office
from mocks.acceptance.queue import Queue
from mocks.acceptance.ratings import Ratings
from mocks.acceptance.refusal import Refused
from mocks.acceptance.registry import Registry
from mocks.acceptance.world import Answer
from mocks.city import City
from mocks.faults import Faults
from mocks.signaling.paper_clerk import PaperClerk

# One of every kind of story, so that eighty runs take a minute; together they pass on a sound bench.
STORIES = frozenset(
    """visit.whole reg.first-registration reg.refused-then-backoff reg.reregister-after-restart chn.unknown-method
    chn.oversize chn.resume-after-cut chn.duplicate-call hbt.steady hbt.status-after-fault hbt.in-session per.report
    per.id-card per.document-camera per.printer mat.repeat-after-500 que.swipe-ticket que.duplicate-swipe
    que.retry-after-5xx que.remote-first que.on-behalf rat.five-levels rat.timeout rob.malformed rob.city-restart
    sec.token-revoked sec.i4-good sig.invite-answer sig.reject sig.busy sig.stale-call sig.cancel sig.ring-timeout
    sig.bye-by-device sig.cut-in-call""".split()
)  # fmt: skip

Lay = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault of the bench: where it sits, what is wrong, how it is laid on."""

    id: str
    room: str
    text: str
    lay: Lay


MUTANTS: dict[str, Mutant] = {}


def mutant(room: str, text: str) -> Callable[[Lay], Lay]:
    """Register a function as a mutant, by its name."""

    def register(lay: Lay) -> Lay:
        MUTANTS[lay.__name__] = Mutant(lay.__name__, room, text, lay)
        return lay

    return register


def every(step: int, offset: int = 0) -> Callable[[], bool]:
    """True on every `step`-th call."""
    calls = itertools.count(1 + offset)
    return lambda: next(calls) % step == 0


def wrap(patch: pytest.MonkeyPatch, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Replace `owner.name` by what `make` builds around it."""
    patch.setattr(owner, name, make(getattr(owner, name)))


def explode(*_: Any, **__: Any) -> NoReturn:
    """What a bug of ours looks like from outside."""
    raise RuntimeError("a bug of the bench")


# The city: what it says


def _bend_body(patch: pytest.MonkeyPatch, name: str, kind: str, bend: Callable[[dict[str, Any]], None]) -> None:
    def make(build: Any) -> Any:
        def bent(self: Dialect, message: Any, part: str, fields: Mapping[str, Any]) -> Any:
            body = build(self, message, part, fields)
            if message.name == name and part.startswith(kind) and isinstance(body, dict):
                bend(body)
            return body

        return bent

    wrap(patch, Dialect, "build", make)


@mutant("city", "a ticket is answered with a state that its own schema does not know")
def city_breaks_its_schema(patch: pytest.MonkeyPatch) -> None:
    _bend_body(patch, "ticket.issue", "2", lambda body: body["ticket"].update(state="lost"))


@mutant("city", "every second welcome lacks the token")
def city_welcomes_without_a_token(patch: pytest.MonkeyPatch) -> None:
    second = every(2)
    _bend_body(patch, "device.register", "2", lambda body: body.pop("token") if second() else None)


@mutant("city", "the token is a number")
def city_gives_a_token_of_another_type(patch: pytest.MonkeyPatch) -> None:
    _bend_body(patch, "token.refresh", "2", lambda body: body.update(token=7))


@mutant("city", "a session is opened without its ticket")
def city_opens_sessions_without_ticket(patch: pytest.MonkeyPatch) -> None:
    _bend_body(patch, "session.opened", "request", lambda body: body.pop("ticket_id"))


@mutant("city", "a command names its peripheral by a number")
def city_commands_nonsense(patch: pytest.MonkeyPatch) -> None:
    _bend_body(patch, "peripheral.command", "request", lambda body: body.update(peripheral=5))


@mutant("city", "tickets show one more ahead than there are")
def city_miscounts_the_queue(patch: pytest.MonkeyPatch) -> None:
    wrap(patch, Queue, "ahead", lambda ahead: lambda self, ticket: ahead(self, ticket) + 1)


@mutant("city", "every fifth call of the device gets no reply")
def city_drops_a_reply(patch: pytest.MonkeyPatch) -> None:
    fifth = every(5)
    wrap(patch, Channels, "_answer", lambda answer: lambda *args: None if fifth() else answer(*args))


@mutant("city", "every third call of the device is answered twice")
def city_answers_twice(patch: pytest.MonkeyPatch) -> None:
    third = every(3)

    def make(answer: Any) -> Any:
        def twice(*args: Any) -> None:
            answer(*args)
            if third():
                answer(*args)

        return twice

    wrap(patch, Channels, "_answer", make)


@mutant("city", "a result carries the id of another call")
def city_swaps_result_ids(patch: pytest.MonkeyPatch) -> None:
    fourth = every(4)

    def make(answer: Any) -> Any:
        def swapped(self: Channels, connection: Any, message: Any, decoded: Any, fields: Any) -> None:
            answer(self, connection, message, replace(decoded, id="of-another") if fourth() else decoded, fields)

        return swapped

    wrap(patch, Channels, "_answer", make)


@mutant("city", "an error carries no id")
def city_loses_the_id_of_errors(patch: pytest.MonkeyPatch) -> None:
    def make(refuse: Any) -> Any:
        return lambda *args, **more: refuse(*args[:3], None, *args[4:], **more)

    wrap(patch, Channels, "_refuse", make)


@mutant("city", "its own numbers jump by two now and then")
def city_skips_a_number(patch: pytest.MonkeyPatch) -> None:
    ninth = every(9)

    def make(meta: Any) -> Any:
        def jumping(self: Link, *, handshake: bool) -> dict[str, Any]:
            if not handshake and ninth():
                self.sent += 1
            told: dict[str, Any] = meta(self, handshake=handshake)
            return told

        return jumping

    wrap(patch, Link, "meta", make)


@mutant("city", "two different messages of it carry one number")
def city_gives_a_number_twice(patch: pytest.MonkeyPatch) -> None:
    ninth = every(9)

    def make(meta: Any) -> Any:
        def stuck(self: Link, *, handshake: bool) -> dict[str, Any]:
            if not handshake and self.sent > 1 and ninth():
                self.sent -= 1
            told: dict[str, Any] = meta(self, handshake=handshake)
            return told

        return stuck

    wrap(patch, Link, "meta", make)


@mutant("city", "it says to have seen three messages more than there were")
def city_has_seen_the_future(patch: pytest.MonkeyPatch) -> None:
    def make(meta: Any) -> Any:
        def ahead(self: Link, *, handshake: bool) -> dict[str, Any]:
            told = meta(self, handshake=handshake)
            return told if handshake else {**told, "seen": told["seen"] + 3}

        return ahead

    wrap(patch, Link, "meta", make)


@mutant("city", "it never says what it has seen")
def city_never_sees(patch: pytest.MonkeyPatch) -> None:
    wrap(patch, Link, "meta", lambda meta: lambda self, **how: {**meta(self, **how), "seen": 0})


@mutant("city", "it speaks of another epoch than the registered one")
def city_mistakes_the_epoch(patch: pytest.MonkeyPatch) -> None:
    fifth = every(5)

    def make(meta: Any) -> Any:
        return lambda self, **how: {**meta(self, **how), **({"epoch": self.epoch + 1} if fifth() else {})}

    wrap(patch, Link, "meta", make)


@mutant("city", "after a cut it sends nothing again")
def city_forgets_to_resend(patch: pytest.MonkeyPatch) -> None:
    wrap(patch, Link, "resume", lambda _: lambda *_: [])


@mutant("city", "a new boot does not begin a new count")
def city_keeps_old_counts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Link, "renew", lambda *args: setattr(args[0], "epoch", args[1]))


@mutant("city", "the queue forgets that remote tickets go first")
def city_forgets_remote_first(patch: pytest.MonkeyPatch) -> None:
    def by_time(self: Queue) -> list[Any]:
        waiting = [t for t in self.tickets.values() if t.state == "waiting"]
        return sorted(waiting, key=lambda t: (t.channel == "remote", t.order))

    patch.setattr(Queue, "waiting", by_time)


@mutant("city", "a rating is relayed twice")
def city_relays_ratings_twice(patch: pytest.MonkeyPatch) -> None:
    def make(submit: Any) -> Any:
        def twice(self: Ratings, answer: Mapping[str, Any]) -> Any:
            row, relayed = submit(self, answer)
            self._relay(answer, row.session_id)
            return row, relayed

        return twice

    wrap(patch, Ratings, "submit", make)


@mutant("city", "the handler of heartbeats raises")
def city_handler_raises(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Desk, "_heartbeat", explode)


@mutant("city", "the handler of tickets raises")
def city_ticket_handler_raises(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Desk, "_issue", explode)


@mutant("city", "good tokens count as ended")
def city_mistrusts_tokens(patch: pytest.MonkeyPatch) -> None:
    fourth = every(4)

    def make(state: Any) -> Any:
        def mistrusting(self: Registry, token: str | None, now: float) -> Any:
            found, row = state(self, token, now)
            return ("expired", row) if found == "ok" and fourth() else (found, row)

        return mistrusting

    wrap(patch, Registry, "token_state", make)


@mutant("city", "a good ticket request is refused as invalid")
def city_refuses_what_is_good(patch: pytest.MonkeyPatch) -> None:
    third = every(3)

    def make(check: Any) -> Any:
        def refusing(self: Office, message: Any, part: str, body: Any) -> None:
            check(self, message, part, body)
            if message.name in ("ticket.issue", "peripheral.report") and third():
                raise Refused("invalid", "no reason at all")

        return refusing

    wrap(patch, Office, "validate_incoming", make)


@mutant("city", "its clock jumps ten minutes to and fro")
def city_clock_jumps(patch: pytest.MonkeyPatch) -> None:
    wrap(patch, Office, "now", lambda now: lambda self: now(self) + (600.0 if int(now(self)) % 20 > 12 else 0.0))


@mutant("city", "now and then it reads its clock ten minutes wrong")
def city_misreads_its_clock(patch: pytest.MonkeyPatch) -> None:
    seventh = every(7)
    wrap(patch, Office, "now", lambda now: lambda self: now(self) + (600.0 if seventh() else 0.0))


@mutant("city", "it takes every good signature for a bad one")
def city_cannot_verify(patch: pytest.MonkeyPatch) -> None:
    def make(verify: Any) -> Any:
        return lambda *args: replace(verify(*args), ok=False, reason="the signature does not match")

    wrap(patch, docking, "verify", make)


@mutant("city", "it takes every good digest for a bad one")
def city_cannot_digest(patch: pytest.MonkeyPatch) -> None:
    wrap(patch, docking, "verify_digest", lambda verify: lambda *args: (verify(*args)[0], False, verify(*args)[2]))


@mutant("city", "it takes every answer to its challenge for a wrong one")
def city_cannot_check_challenges(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(handshake.Handshake, "_check", lambda *_: "the signature does not match")


@mutant("city", "a material is filed in no session")
def city_loses_materials(patch: pytest.MonkeyPatch) -> None:
    def refuse(self: Desk, ask: Any) -> Answer:
        raise Refused("wrong-session", "materials are taken in the device's open session only")

    patch.setattr(Desk, "_upload", refuse)


# The wire: the way between city and device


def _bend_http(patch: pytest.MonkeyPatch, bend: Callable[[HttpAction], HttpAction], step: int = 4) -> None:
    now = every(step)

    def make(http: Any) -> Any:
        def bent(self: City, conn: str, raw: bytes, iface: str | None = None) -> HttpAction:
            action: HttpAction = http(self, conn, raw, iface)
            return bend(action) if now() and not self.faults.active else action

        return bent

    wrap(patch, City, "http", make)


@mutant("wire", "every fourth HTTP connection is cut without an answer")
def wire_cuts_http(patch: pytest.MonkeyPatch) -> None:
    _bend_http(patch, lambda action: replace(action, drop=True))


@mutant("wire", "every fourth HTTP answer comes ten seconds late")
def wire_is_slow(patch: pytest.MonkeyPatch) -> None:
    _bend_http(patch, lambda action: replace(action, delay_s=10.0))


@mutant("wire", "every fourth HTTP answer is a 500")
def wire_answers_500(patch: pytest.MonkeyPatch) -> None:
    def fail(action: HttpAction) -> HttpAction:
        return replace(action, raw=render_response(500, "Oops", [("content-type", "text/plain")], b"oops"))

    _bend_http(patch, fail)


@mutant("wire", "every fourth HTTP answer is cut in the middle")
def wire_truncates_http(patch: pytest.MonkeyPatch) -> None:
    def cut(action: HttpAction) -> HttpAction:
        return replace(action, raw=action.raw[: -max(1, len(parse_response(action.raw, "GET").body) // 2)])

    _bend_http(patch, cut)


@mutant("wire", "an HTTP answer is filed under the request before")
def wire_mixes_up_answers(patch: pytest.MonkeyPatch) -> None:
    _bend_http(patch, lambda action: replace(action, to=action.to - 1))


@mutant("wire", "every eighth frame to the device is garbled")
def wire_garbles_frames(patch: pytest.MonkeyPatch) -> None:
    eighth = every(8)

    def make(raw_: Any) -> Any:
        def garbled(self: Channels, connection: Any, raw: bytes, facts: Any, *more: Any) -> Any:
            return raw_(self, connection, raw[:-1] if not facts and eighth() else raw, facts, *more)

        return garbled

    wrap(patch, Channels, "raw", make)


@mutant("wire", "every eighth frame to the device is recorded and never sent")
def wire_loses_frames(patch: pytest.MonkeyPatch) -> None:
    eighth = every(8)

    def make(raw_: Any) -> Any:
        def lossy(self: Channels, connection: Any, raw: bytes, facts: Any, *more: Any) -> Any:
            if facts or not eighth():
                return raw_(self, connection, raw, facts, *more)
            port = connection.port
            connection.port = _Nowhere()
            try:
                return raw_(self, connection, raw, facts, *more)
            finally:
                connection.port = port

        return lossy

    wrap(patch, Channels, "raw", make)


class _Nowhere:
    """A port that leads nowhere."""

    def send(self, *_: Any) -> None:
        """Gone."""


@mutant("wire", "connections end for no reason every now and then")
def wire_cuts_connections(patch: pytest.MonkeyPatch) -> None:
    many = every(40)

    def make(frame: Any) -> Any:
        def cutting(self: Channels, conn: str, *more: Any) -> None:
            frame(self, conn, *more)
            connection = self.connections.get(conn)
            if connection is not None and many():
                connection.port.abort()

        return cutting

    wrap(patch, Channels, "frame", make)


@mutant("wire", "a fault that is switched off stays on")
def fault_never_ends(patch: pytest.MonkeyPatch) -> None:
    async def stay(self: Faults, name: str) -> None:
        await asyncio.sleep(0)

    patch.setattr(Faults, "stop", stay)


@mutant("wire", "faults are not recorded")
def fault_is_not_told(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Faults, "_tell", lambda *_: None)


@mutant("wire", "the end of a fault is recorded and does not take place")
def fault_ends_on_paper(patch: pytest.MonkeyPatch) -> None:
    async def pretend(self: Faults, name: str) -> None:
        if name in self.active:
            self._tell("fault.end", {"name": name, "recovery": self.active[name].recovery})

    patch.setattr(Faults, "stop", pretend)


# The clerk


@mutant("clerk", "the media peer dies at the first offer")
def clerk_dies(patch: pytest.MonkeyPatch) -> None:
    async def die(self: PaperClerk, call_id: str, sdp: str, labels: Any) -> str:
        raise ConnectionError("the media peer is gone")

    patch.setattr(PaperClerk, "offer", die)


@mutant("clerk", "the media peer answers and never connects")
def clerk_never_connects(patch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any) -> None:
        await asyncio.sleep(0)

    patch.setattr(PaperClerk, "_flow", nothing)


@mutant("clerk", "the media peer never answers")
def clerk_hangs(patch: pytest.MonkeyPatch) -> None:
    async def hang(*_: Any) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError

    patch.setattr(PaperClerk, "offer", hang)


# The recorder


def _bend_feed(patch: pytest.MonkeyPatch, bend: Callable[[Any, Transcript, Observation], Any]) -> None:
    wrap(patch, Transcript, "feed", lambda feed: lambda self, observation, _=None: bend(feed, self, observation))


def _from_device(observation: Observation) -> bool:
    return observation.kind in ("ws.frame", "http.request") and observation.dir == "iut"


@mutant("recorder", "every tenth message of the device is not recorded")
def recorder_drops_messages(patch: pytest.MonkeyPatch) -> None:
    tenth = every(10)

    def drop(feed: Any, self: Transcript, observation: Observation) -> Any:
        if _from_device(observation) and tenth():
            return feed(Transcript(self.spec), observation)
        return feed(self, observation)

    _bend_feed(patch, drop)


@mutant("recorder", "messages of the device are lost before they get a number")
def recorder_never_hears(patch: pytest.MonkeyPatch) -> None:
    tenth = every(10)

    def make(observe: Any) -> Any:
        def deaf(self: Recorder, iface: str, direction: Any, kind: str, *more: Any, **named: Any) -> Any:
            if kind in ("ws.frame", "http.request") and direction == "iut" and tenth():
                other = Recorder(Transcript(self.transcript.spec), self.clock, None, Masker())
                return observe(other, iface, direction, kind, *more, **named)
            return observe(self, iface, direction, kind, *more, **named)

        return deaf

    wrap(patch, Recorder, "observe", make)


@mutant("recorder", "every tenth message of the device is recorded twice under one number")
def recorder_doubles_lines(patch: pytest.MonkeyPatch) -> None:
    tenth = every(10)

    def double(feed: Any, self: Transcript, observation: Observation) -> Any:
        entry = feed(self, observation)
        if _from_device(observation) and tenth():
            feed(self, observation)
        return entry

    _bend_feed(patch, double)


@mutant("recorder", "every tenth message of the device is recorded twice, with numbers of their own")
def recorder_hears_double(patch: pytest.MonkeyPatch) -> None:
    tenth = every(10)

    def make(observe: Any) -> Any:
        def echo(self: Recorder, iface: str, direction: Any, kind: str, *more: Any, **named: Any) -> Any:
            entry = observe(self, iface, direction, kind, *more, **named)
            if kind in ("ws.frame", "http.request") and direction == "iut" and tenth():
                observe(self, iface, direction, kind, *more, **named)
            return entry

        return echo

    wrap(patch, Recorder, "observe", make)


@mutant("recorder", "two observations change places")
def recorder_swaps_two(patch: pytest.MonkeyPatch) -> None:
    eighth = every(8)
    held: dict[int, Observation] = {}

    def swap(feed: Any, self: Transcript, observation: Observation) -> Any:
        if _from_device(observation) and id(self) not in held and eighth():
            held[id(self)] = observation
            return feed(Transcript(self.spec), observation)
        entry = feed(self, observation)
        if id(self) in held:
            feed(self, held.pop(id(self)))
        return entry

    _bend_feed(patch, swap)


@mutant("recorder", "two messages of the device change places and numbers")
def recorder_hears_out_of_order(patch: pytest.MonkeyPatch) -> None:
    eighth = every(8)
    held: list[Any] = []

    def make(observe: Any) -> Any:
        def late(self: Recorder, iface: str, direction: Any, kind: str, *more: Any, **named: Any) -> Any:
            ours = kind == "ws.frame" and direction == "iut"
            if ours and not held and eighth():
                held.append((iface, direction, kind, more, named))
                other = Recorder(Transcript(self.transcript.spec), self.clock, None, Masker())
                return observe(other, iface, direction, kind, *more, **named)
            entry = observe(self, iface, direction, kind, *more, **named)
            if ours and held:
                iface, direction, kind, more, named = held.pop()
                observe(self, iface, direction, kind, *more, **named)
            return entry

        return late

    wrap(patch, Recorder, "observe", make)


@mutant("recorder", "its clock runs half as fast again")
def recorder_clock_runs_fast(patch: pytest.MonkeyPatch) -> None:
    _bend_feed(patch, lambda feed, self, o: feed(self, replace(o, t=round(o.t * 1.5, 6))))


@mutant("recorder", "its clock stands still for a while, then leaps")
def recorder_clock_leaps(patch: pytest.MonkeyPatch) -> None:
    _bend_feed(patch, lambda feed, self, o: feed(self, replace(o, t=float(o.t // 5 * 5))))


@mutant("recorder", "stamps go backwards now and then")
def recorder_stamps_backwards(patch: pytest.MonkeyPatch) -> None:
    sixth = every(6)
    _bend_feed(patch, lambda feed, self, o: feed(self, replace(o, t=o.t - 3.0) if sixth() and o.n > 9 else o))


@mutant("recorder", "it masks ordinary words as if they were secrets")
def recorder_masks_too_much(patch: pytest.MonkeyPatch) -> None:
    def make(call: Any) -> Any:
        def greedy(self: Masker, raw: bytes) -> Any:
            clean, found = call(self, raw)
            for word in (b"remote", b"heartbeat"):
                at = clean.find(b'"' + word + b'"')
                if at >= 0:
                    found.append({"kind": "secret", "length": len(word), "digest": "00", "at": at + 1})
                    clean = clean.replace(b'"' + word + b'"', b'"' + b"~" * len(word) + b'"')
            return clean, found

        return greedy

    wrap(patch, Masker, "__call__", make)


@mutant("recorder", "its mask eats a brace, so that JSON is JSON no more")
def recorder_masks_structure(patch: pytest.MonkeyPatch) -> None:
    tenth = every(10)

    def make(call: Any) -> Any:
        def eating(self: Masker, raw: bytes) -> Any:
            clean, found = call(self, raw)
            return (clean[:-1] + b"~", found) if clean.startswith(b"{") and tenth() else (clean, found)

        return eating

    wrap(patch, Masker, "__call__", make)


@mutant("recorder", "the masker raises")
def recorder_masker_raises(patch: pytest.MonkeyPatch) -> None:
    tenth = every(10)
    wrap(patch, Masker, "__call__", lambda call: lambda self, raw: explode() if tenth() else call(self, raw))


@mutant("recorder", "ends of cases are lost")
def recorder_loses_case_ends(patch: pytest.MonkeyPatch) -> None:
    def lose(feed: Any, self: Transcript, observation: Observation) -> Any:
        other = Transcript(self.spec) if observation.kind == "case.end" else self
        return feed(other, observation)

    _bend_feed(patch, lose)


@mutant("recorder", "starts of cases are lost")
def recorder_loses_case_starts(patch: pytest.MonkeyPatch) -> None:
    def lose(feed: Any, self: Transcript, observation: Observation) -> Any:
        other = Transcript(self.spec) if observation.kind == "case.start" else self
        return feed(other, observation)

    _bend_feed(patch, lose)


@mutant("recorder", "observations are filed under another case")
def recorder_mixes_up_cases(patch: pytest.MonkeyPatch) -> None:
    tenth = every(10)
    _bend_feed(patch, lambda feed, self, o: feed(self, replace(o, case="visit.other") if o.case and tenth() else o))


@mutant("recorder", "nobody who waits is woken")
def recorder_wakes_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Recorder, "_wake", lambda *_: None)


@mutant("recorder", "the disk is full when a line is written")
def journal_disk_full(patch: pytest.MonkeyPatch) -> None:
    late = itertools.count()

    def make(append: Any) -> Any:
        def full(self: JournalWriter, observation: Observation) -> None:
            if next(late) > 200:
                raise OSError(errno.ENOSPC, "No space left on device")
            append(self, observation)

        return full

    wrap(patch, JournalWriter, "append", make)


@mutant("recorder", "the disk is full when a large payload is put aside")
def journal_blob_disk_full(patch: pytest.MonkeyPatch) -> None:
    def full(self: JournalWriter, raw: bytes) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    patch.setattr(JournalWriter, "store_blob", full)


# The transcript and the judge


@mutant("judge", "replies are not paired with their requests")
def transcript_pairs_nothing(patch: pytest.MonkeyPatch) -> None:
    def make(name: Any) -> Any:
        def unpaired(self: Reader, entry: Any, wire: str) -> None:
            name(self, entry, wire)
            if entry.request is not None:
                entry.request.reply = None
                entry.request = None

        return unpaired

    wrap(patch, Reader, "_name", make)


@mutant("judge", "replies are paired with another request")
def transcript_pairs_wrongly(patch: pytest.MonkeyPatch) -> None:
    last: dict[int, Any] = {}

    def make(name: Any) -> Any:
        def wrong(self: Reader, entry: Any, wire: str) -> None:
            name(self, entry, wire)
            if entry.kind == "request" and entry.dir == "bench":
                last[id(self)] = entry
            elif entry.request is not None and id(self) in last and last[id(self)] is not entry.request:
                entry.request.reply, entry.request = None, last[id(self)]
                entry.request.reply = entry

        return wrong

    wrap(patch, Reader, "_name", make)


@mutant("judge", "the transcript cannot read some frames")
def transcript_raises(patch: pytest.MonkeyPatch) -> None:
    tenth = every(10)
    wrap(patch, Reader, "_frame", lambda read: lambda *args: explode() if tenth() else read(*args))


def _bend_rule(patch: pytest.MonkeyPatch, kind: str, rule: Any) -> None:
    patch.setattr(findings, "RULES", {**findings.RULES, kind: rule})


@mutant("judge", "a rule raises")
def rule_raises(patch: pytest.MonkeyPatch) -> None:
    _bend_rule(patch, "within", explode)


@mutant("judge", "a rule returns nothing")
def rule_returns_nothing(patch: pytest.MonkeyPatch) -> None:
    _bend_rule(patch, "each", lambda *_: None)


@mutant("judge", "a rule returns a word where an outcome is asked")
def rule_returns_a_word(patch: pytest.MonkeyPatch) -> None:
    _bend_rule(patch, "never", lambda *_: "pass")


@mutant("judge", "a rule returns occasions that are no numbers")
def rule_returns_rubbish(patch: pytest.MonkeyPatch) -> None:
    _bend_rule(patch, "count", lambda *_: Outcome(held=("all",), violated=("none",)))  # type: ignore[arg-type]


@mutant("judge", "a rule blames an observation that does not exist")
def rule_blames_the_void(patch: pytest.MonkeyPatch) -> None:
    _bend_rule(patch, "schema", lambda *_: Outcome(violated=(Violation(10_000_000, "something", "nothing"),)))


@mutant("judge", "a rule is missing")
def rule_is_missing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(findings, "RULES", {kind: rule for kind, rule in findings.RULES.items() if kind != "preceded"})


@mutant("judge", "a timer is missing")
def timer_is_missing(patch: pytest.MonkeyPatch) -> None:
    def make(settings_of: Any) -> Any:
        def without(*args: Any) -> Any:
            settings = settings_of(*args)
            rest = {name: timer for name, timer in settings.spec.timers.items() if name != "T-ACK"}
            limits = {name: limit for name, limit in settings.timers_ms.items() if name != "T-ACK"}
            return replace(settings, spec=replace(settings.spec, timers=rest), timers_ms=limits)

        return without

    wrap(patch, judge, "settings_of", make)


@mutant("judge", "the validators raise")
def validators_raise(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Validators, "valid", explode)
    patch.setattr(Validators, "errors", explode)


@mutant("judge", "the validators refuse everything")
def validators_refuse(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Validators, "valid", lambda *_: False)


@mutant("judge", "the measured lag is rubbish")
def lag_is_rubbish(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LagMeter, "report", explode)


# The driver: procedures, home ladder, upper tester


@mutant("driver", "a procedure raises")
def procedure_raises(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Stage, "quiet", explode)


@mutant("driver", "the way home raises")
def home_raises(patch: pytest.MonkeyPatch) -> None:
    third = every(3)
    wrap(patch, run, "bring_home", lambda home: lambda *args: explode() if third() else home(*args))


@mutant("driver", "the device is taken for home without a look")
def home_is_believed(patch: pytest.MonkeyPatch) -> None:
    async def anyway(*_: Any) -> bool:
        await asyncio.sleep(0)
        return True

    patch.setattr("conformance.bench.home._proven", anyway)


@mutant("driver", "the upper tester cannot be reached")
def tester_is_unreachable(patch: pytest.MonkeyPatch) -> None:
    fourth = every(4)

    def make(ask: Any) -> Any:
        async def unreachable(self: Any, prompt: Any) -> Told:
            if fourth():
                raise ConnectionRefusedError("upper tester gone")
            told: Told = await ask(self, prompt)
            return told

        return unreachable

    wrap(patch, memory.InProcess, "ask", make)


@mutant("driver", "the upper tester never answers")
def tester_hangs(patch: pytest.MonkeyPatch) -> None:
    fourth = every(4)

    def make(ask: Any) -> Any:
        async def hanging(self: Any, prompt: Any) -> Told:
            if fourth():
                await asyncio.Event().wait()
            told: Told = await ask(self, prompt)
            return told

        return hanging

    wrap(patch, memory.InProcess, "ask", make)


@mutant("driver", "the upper tester says no to everything")
def tester_refuses(patch: pytest.MonkeyPatch) -> None:
    async def no(self: Any, prompt: Any) -> Told:
        await asyncio.sleep(0)
        return Told(ok=False, error="no")

    patch.setattr(memory.InProcess, "ask", no)


@mutant("driver", "the connection to the upper tester raises a bug of ours")
def tester_driver_raises(patch: pytest.MonkeyPatch) -> None:
    fourth = every(4)
    wrap(patch, memory.InProcess, "ask", lambda ask: lambda *args: explode() if fourth() else ask(*args))
