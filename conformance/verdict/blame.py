"""Whose fault a non-pass is, and why: read from what the slice shows, never guessed from what it lacks in a rule.

Reasons are short texts without a language: a word, a colon, what it is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from conformance.trace.transcript import Entry
from conformance.verdict.model import Blame, Doubt

Why = tuple[Blame, str]

ABSENT: Final = "device-absent"
UNREACHABLE: Final = "device-unreachable"
ENDED: Final = "trace-ended"
BUSY: Final = "busy"  # ends the code of a doubt that a busy machine made: `thin-busy`
BLAME_OF_DOUBT: Final = {
    "thin": Blame.BENCH,
    ENDED: Blame.BENCH,
    "unreadable": Blame.BENCH,
    "rule-error": Blame.BENCH,
    "undeclared": Blame.CONFIGURATION,
    "unanswered": Blame.OPERATOR,
    ABSENT: Blame.ENVIRONMENT,
}


def of_doubt(doubt: Doubt) -> Why:
    """The blame for an occasion that could not be decided."""
    code = f"{doubt.reason}-{BUSY}" if doubt.busy else doubt.reason
    return BLAME_OF_DOUBT.get(doubt.reason, Blame.BENCH), f"{code}: {doubt.note}" if doubt.note else code


def first_sign(entries: Iterable[Entry]) -> int | None:
    """The number of the first observation that proves that a device is there: a message of it, or its end."""
    return next((e.n for e in entries if (e.dir == "iut" and e.kind) or e.obs == "device.exit"), None)


def absence(entries: Sequence[Entry]) -> Why:
    """Why no device was seen at all: it refuses the run's certificates, or it is not there."""
    for entry in entries:
        if entry.obs == "tls.failed" and entry.facts.get("presented", "good") == "good":
            return Blame.CONFIGURATION, f"device-refuses-certificate: {entry.facts.get('reason', '')}"
    return Blame.ENVIRONMENT, ABSENT


def unended(entries: Sequence[Entry]) -> Why:
    """Why an attempt has no end: the device was not there to go on with, or the bench was stopped in its middle."""
    for entry in reversed(entries):
        what = entry.facts.get("what")
        if entry.obs == "environment" and what in (ABSENT, UNREACHABLE):
            reason = entry.facts.get("reason")
            return Blame.ENVIRONMENT, f"{what}: {reason}" if reason else str(what)
    return Blame.BENCH, "never-ended"


def of_slice(entries: Sequence[Entry]) -> Why | None:
    """What in a case kept it from a result, None where nothing did. The earliest cause counts most: it made the others."""
    for look in (_unanswered_prompt, _failed_stimulus, _failed_wait):
        found = look(entries)
        if found is not None:
            return found
    return None


def _unanswered_prompt(entries: Sequence[Entry]) -> Why | None:
    open_prompts: dict[str, Entry] = {}
    for entry in entries:
        key = str(entry.facts.get("id", ""))
        if entry.obs == "prompt":
            open_prompts[key] = entry
        elif entry.obs == "prompt.answer":
            open_prompts.pop(key, None)
    for entry in open_prompts.values():
        return Blame.OPERATOR, f"unanswered-prompt: {entry.facts.get('verb', entry.facts.get('id', ''))}"
    return None


def _failed_stimulus(entries: Sequence[Entry]) -> Why | None:
    asked: dict[str, Entry] = {}
    for entry in entries:
        key = str(entry.facts.get("id", ""))
        if entry.obs == "stimulus" and entry.facts.get("by") != "process":  # the bench's own power switch answers nobody
            asked[key] = entry
        elif entry.obs == "stimulus.done":
            stimulus = asked.pop(key, entry)
            if entry.facts.get("ok") is False:
                by_person = stimulus.facts.get("by") == "operator"
                what = f"stimulus-failed: {stimulus.facts.get('verb', key)} {entry.facts.get('error') or ''}".strip()
                return (Blame.OPERATOR if by_person else Blame.CONFIGURATION), what
    for entry in asked.values():
        by_person = entry.facts.get("by") == "operator"
        blame = Blame.OPERATOR if by_person else Blame.CONFIGURATION
        return blame, f"stimulus-unanswered: {entry.facts.get('verb', '')}"
    return None


def _failed_wait(entries: Sequence[Entry]) -> Why | None:
    waiting = ""
    for entry in entries:
        if entry.obs == "wait":
            waiting = str(entry.facts.get("what", ""))
        elif entry.obs == "wait.end" and entry.facts.get("ok") is False:
            return Blame.DEVICE, f"waited-in-vain: {entry.facts.get('what', waiting)}"
    return None
