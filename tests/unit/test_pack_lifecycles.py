"""Life cycles of the reference pack: lawful orders pass (crossings, repetitions, boots), unlawful ones are told."""

from functools import cache
from pathlib import Path

import pytest
import yaml

from conformance.protocol.lifecycle import LifecycleTable, MessageUnexpected

TABLES = Path(__file__).parents[2] / "specs" / "shanghai-rvw" / "1.0" / "lifecycles"
KINDS = {"?": "request", "=": "result", "!": "error"}

# A word is a call with its result; with `?` the request alone, with `=` the result, with `!` the error.
ANSWERED = "call.invite call.answer"
UP = f"{ANSWERED} media.offer media.answer media.candidate media.state"
DOWN = "call.bye"
OPENED = "session.opened"
READ = "peripheral.command peripheral.report"
TICKET = "ticket.issue="
HANDSHAKE = "auth.challenge channel.resume"

LAWFUL = {
    "call": {
        "a visit": f"{UP} {DOWN}",
        "busy": "call.invite? call.invite!",
        "reject": "call.invite call.reject",
        "cancelled while it rings": "call.invite call.cancel",
        "cancel before the reply to the invite": "call.invite? call.cancel? call.invite! call.cancel=",
        "cancel crosses the answer": "call.invite call.answer? call.cancel? call.answer! call.cancel=",
        "offer before the reply to the answer": "call.invite call.answer? media.offer? call.answer= media.offer=",
        "glare": f"{ANSWERED} media.offer? media.offer? media.offer! media.answer media.candidate?",
        "renegotiation": f"{UP} media.offer media.answer {DOWN}",
        "two connections": f"{ANSWERED} media.offer? media.offer? media.answer? media.candidate? media.answer?",
        "both hang up": f"{UP} call.bye? call.bye call.bye!",
        "closed is told after the end": f"{UP} {DOWN} media.state? media.state!",
        "invited again while it rings": "call.invite call.invite call.answer media.offer?",
        "invited again after a boot": f"{UP} {UP} {DOWN}",
        "invited again in a call, nothing changes": f"{UP} call.invite media.candidate? {DOWN}",
        "the same call after its end": f"{UP} {DOWN} {ANSWERED}",
        "candidates go on while the clerk hangs up": f"{UP} call.bye? media.candidate? call.bye= media.candidate!",
        "unknown call refused": "call.bye!",
    },
    "session": {
        "a session": f"{OPENED} {READ} material.upload session.closed rating.request rating.submit",
        "closed while a command runs": f"{OPENED} peripheral.command session.closed peripheral.report",
        "a page on its way at the close": f"{OPENED} session.closed? material.upload? session.closed= material.upload!",
        "command refused outside": "peripheral.command!",
        "opened again": f"{OPENED} session.closed {OPENED} {READ}",
        "opened twice": f"{OPENED} {OPENED} {READ}",
    },
    "command": {
        "done": READ,
        "refused": "peripheral.command? peripheral.command!",
        "cancelled": "peripheral.command peripheral.cancel peripheral.report",
        "cancel comes too late": f"{READ} peripheral.cancel",
        "cancel of an unknown one": "peripheral.cancel!",
        "cancel crosses the report": "peripheral.command peripheral.cancel? peripheral.report? peripheral.cancel=",
        "report sent again until it is acknowledged": "peripheral.command peripheral.report? peripheral.report",
        "commanded twice, done once": f"{READ} peripheral.command",
        "commanded twice at once": "peripheral.command peripheral.command peripheral.report?",
    },
    "rating": {
        "rated": "rating.request rating.submit",
        "sent again": "rating.request rating.submit? rating.submit! rating.submit rating.submit",
        "asked again": "rating.request rating.request rating.submit?",
        "declined": "rating.request? rating.request! rating.request rating.submit?",
    },
    "ticket": {
        "served": f"{TICKET} ticket.updated ticket.called {OPENED} rating.request rating.submit?",
        "missed and called again": f"{TICKET} ticket.called ticket.updated ticket.called",
        "swiped again": f"{TICKET} {TICKET} ticket.called",
        "cancelled": f"{TICKET} ticket.cancel ticket.updated",
        "cancel crosses the call": f"{TICKET} ticket.cancel? ticket.called ticket.cancel!",
        "the receipt of the cancel crosses the call": f"{TICKET} ticket.called? ticket.cancel ticket.called=",
        "cancel sent again": f"{TICKET} ticket.cancel? ticket.cancel ticket.cancel=",
        "held and opened again": f"{TICKET} ticket.called {OPENED} ticket.updated ticket.called {OPENED}",
        "unknown ticket refused": "ticket.called!",
    },
    "channel": {
        "handshake and traffic": f"{HANDSHAKE} heartbeat ticket.called peripheral.report",
        "signaling": "signaling.auth.challenge signaling.attach call.invite call.answer?",
        "token refused, then refreshed": "auth.challenge channel.resume? channel.resume! channel.resume heartbeat?",
        "replies after ours": f"{HANDSHAKE} status.query? heartbeat? status.query= heartbeat=",
    },
    "device_registration": {
        "first": "time.get? device.register items.list ticket.issue?",
        "refused, then activated": "device.register? device.register! device.register token.refresh?",
        "registers again": "device.register device.register? ticket.issue? device.register= token.refresh?",
        "sent again without an answer": "device.register? device.register items.list?",
    },
}  # fmt: skip

UNLAWFUL = {
    "call": {
        "answer without ringing": "call.invite? call.answer?",
        "answer after the end": f"{UP} {DOWN} call.answer?",
        "answer after the cancel was acknowledged": "call.invite call.cancel call.answer?",
        "answer after reject": "call.invite call.reject call.answer?",
        "offer before the answer": "call.invite media.offer?",
        "media answer without an offer": f"{ANSWERED} media.answer?",
        "candidate before any description": f"{ANSWERED} media.candidate?",
        "candidate after the end": f"{UP} {DOWN} media.candidate?",
        "unknown call accepted": "call.bye=",
        "never invited": "call.answer?",
    },
    "session": {
        "command accepted outside": "peripheral.command=",
        "command accepted after the close": f"{OPENED} session.closed peripheral.command",
        "upload without a session": "material.upload?",
        "rating that was never in a session": "rating.submit?",
    },
    "command": {
        "report before the acceptance": "peripheral.command? peripheral.report?",
        "report of a refused command": "peripheral.command? peripheral.command! peripheral.report?",
        "two reports": f"{READ} peripheral.report?",
        "report of nothing": "peripheral.report?",
    },
    "rating": {"not asked": "rating.submit?", "declined": "rating.request? rating.request! rating.submit?"},
    "ticket": {
        "unknown ticket acknowledged": "ticket.called=",
        "cancel of an unknown ticket": "ticket.cancel?",
        "cancel while served": f"{TICKET} ticket.called {OPENED} ticket.cancel?",
        "session acknowledged after the cancel": f"{TICKET} ticket.cancel session.opened",
    },
    "channel": {
        "heartbeat before the handshake": "heartbeat?",
        "heartbeat before the resume": "auth.challenge heartbeat?",
        "heartbeat before the answer to the resume": "auth.challenge channel.resume? heartbeat?",
        "resume before the challenge": "channel.resume?",
        "resume twice": f"{HANDSHAKE} channel.resume?",
    },
    "device_registration": {
        "ticket before the registration": "ticket.issue?",
        "ticket after a refusal": "device.register? device.register! ticket.issue?",
        "token before the answer": "device.register? token.refresh?",
    },
}


@cache
def _table(name: str) -> LifecycleTable:
    return LifecycleTable.from_mapping(yaml.safe_load((TABLES / f"{name}.yaml").read_text("utf-8")))


def _events(story: str) -> list[str]:
    events: list[str] = []
    for word in story.split():
        if word[-1] in KINDS:
            events.append(f"{word[:-1]}:{KINDS[word[-1]]}")
        else:
            events += [f"{word}:request", f"{word}:result"]
    return events


def _walk(name: str, story: str) -> list[MessageUnexpected]:
    """What the table finds against a story; like a judge, it stays where it is after an unexpected message."""
    table, found = _table(name), []
    state = table.initial
    for event in _events(story):
        assert event in table.alphabet, f"{event} is no event of {name}"
        step = table.step(state, event)
        if isinstance(step, MessageUnexpected):
            found.append(step)
        else:
            state = step
    return found


def _cases(stories: dict[str, dict[str, str]]) -> list[pytest.param]:
    return [pytest.param(t, story, id=f"{t}: {title}") for t, rows in stories.items() for title, story in rows.items()]


@pytest.mark.parametrize(("name", "story"), _cases(LAWFUL))
def test_lawful_order_passes(name: str, story: str) -> None:
    assert [str(found) for found in _walk(name, story)] == []


@pytest.mark.parametrize(("name", "story"), _cases(UNLAWFUL))
def test_unlawful_order_is_told_at_its_last_message(name: str, story: str) -> None:
    assert [found.event for found in _walk(name, story)] == _events(story)[-1:]


def test_every_table_has_lawful_and_unlawful_stories() -> None:
    names = {path.stem for path in TABLES.glob("*.yaml")}
    assert names == set(LAWFUL) == set(UNLAWFUL)
