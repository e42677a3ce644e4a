"""The city: what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from mocks.acceptance import docking, handshake
from mocks.acceptance.channels import Channels
from mocks.acceptance.desk import Desk
from mocks.acceptance.dialect import Dialect
from mocks.acceptance.link import Link
from mocks.acceptance.office import Office
from mocks.acceptance.queue import Queue
from mocks.acceptance.ratings import Ratings
from mocks.acceptance.refusal import Refused
from mocks.acceptance.registry import Registry
from mocks.acceptance.world import Answer

from .registry import every, explode, mutant, wrap


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
