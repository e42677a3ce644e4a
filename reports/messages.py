"""How one observation reads: a headline and a decoded, masked body."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from conformance.spec.model import Spec
from conformance.trace.transcript import Entry
from reports.model import MessageRow
from reports.safe import clean, clean_block

CONTEXT: Final = 3  # messages shown before and after the offending one
RAW_SHOWN: Final = 2_000  # bytes of something that is no document
CONTEXT_CAP: Final = 1_500  # characters of a neighbour's body; the offending message gets the full cap
_MESSAGE_KINDS: Final = frozenset({"request", "result", "error", "notification", "malformed"})
_TELLING: Final = (
    "tls.", "ws.upgrade", "ws.accept", "ws.refuse", "ws.close", "fault.", "stimulus", "prompt", "device.exit",
    "device.ready", "device.claim", "media.", "bench.error", "http.stray", "http.fragment",
)  # fmt: skip
_QUIET_FACTS: Final = frozenset({"masked", "signature", "digest", "header_hex", "tls", "device", "pics", "pixit", "lines"})
_FIRST_FACTS: Final = frozenset({"name", "verb", "what", "ok"})  # what an observation is about
_HEADERS_SHOWN: Final = 24
_READABLE: Final = frozenset((*range(0x20, 0x7F), *range(0x80, 0xF5), 0x09, 0x0A, 0x0D))  # bytes of text in UTF-8


def is_message(entry: Entry) -> bool:
    """Whether the entry is a message of the protocol, readable or not."""
    return entry.kind in _MESSAGE_KINDS


def is_telling(entry: Entry, spec: Spec) -> bool:
    """Whether the entry helps a reader: messages, connections, faults, stimuli.

    Waits and device logs do not, nor do the connections of an HTTP interface, where each request says as much itself; but one
    that the bench cut tells why a request has no answer.
    """
    if is_message(entry):
        return True
    if entry.obs.startswith("conn."):
        interface = spec.interfaces.get(entry.iface)
        return interface is None or interface.transport != "http" or entry.facts.get("reason") == "fault"
    if entry.obs == "tls.offer":
        return str(entry.facts.get("presented", "good")) != "good"
    return entry.obs.startswith(_TELLING)


def headline(entry: Entry) -> str:
    """One line that says what the observation is, language-free."""
    if entry.obs == "http.request" and entry.method:
        return clean(f"{entry.method} {entry.target} {entry.name}".strip(), 160)
    if entry.obs == "http.response" and entry.status is not None:
        return clean(f"HTTP {entry.status} {entry.name}".strip() + _code(entry), 160)
    if is_message(entry):
        parts = [entry.name or "?", entry.kind + _code(entry)]
        parts += [f"{key}={value}" for key, value in (("id", entry.id), ("seq", entry.seq)) if value is not None]
        if entry.repeat:
            parts.append("repeat")
        return clean(" ".join(parts), 160)
    return clean(" ".join((entry.obs, *_fact_words(entry.facts))), 160)


def _code(entry: Entry) -> str:
    return f" {entry.code}" if entry.kind == "error" and entry.code is not None else ""


def _fact_words(facts: Mapping[str, Any]) -> list[str]:
    words = []
    for key in sorted(facts, key=lambda key: (key not in _FIRST_FACTS, key)):
        value = facts[key]
        if key in _QUIET_FACTS or value in (None, "", [], {}):
            continue
        words.append(f"{key}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)}")
    return words


def body(entry: Entry, limit: int) -> str:
    """The decoded content, indented; for HTTP the header lines before it; for a malformed message why it is malformed."""
    parts: list[str] = []
    if entry.headers:
        shown = list(entry.headers.items())[:_HEADERS_SHOWN]
        parts.append("\n".join(f"{name}: {value}" for name, value in shown))
        if len(entry.headers) > _HEADERS_SHOWN:
            parts.append(f"… (+{len(entry.headers) - _HEADERS_SHOWN} headers)")
    if entry.problem:
        parts.append(f"malformed: {entry.problem}")
    if entry.doc is not None:
        parts.append(json.dumps(entry.doc, ensure_ascii=False, indent=2, default=str))
    elif entry.raw:
        parts.append(_undecoded(entry))
    return clean_block("\n\n".join(part for part in parts if part), limit)


def _undecoded(entry: Entry) -> str:
    """What could not be read as a document: the text if it is one, else its size."""
    content = entry.raw
    if entry.headers:
        _, _, content = entry.raw.partition(b"\r\n\r\n")
    shown = content[:RAW_SHOWN]
    readable = sum(byte in _READABLE for byte in shown)
    if readable * 10 >= len(shown) * 7:
        return shown.decode("utf-8", "backslashreplace") + ("…" if len(content) > RAW_SHOWN else "")
    return f"({len(content)} bytes) {content[:32].hex(' ')}{'…' if len(content) > 32 else ''}"


def row(entry: Entry, *, offending: bool = False, mentioned: bool = False) -> MessageRow:
    """The entry as a report shows it."""
    return MessageRow(
        n=entry.n, t=entry.t, iface=clean(entry.iface, 20), sender=entry.dir, kind=entry.kind or entry.obs,
        name=clean(entry.name or entry.obs, 80), headline=headline(entry),
        body=body(entry, 6_000 if offending else CONTEXT_CAP), offending=offending, mentioned=mentioned,
    )  # fmt: skip


def surroundings(entries: Sequence[Entry], position: int, around: frozenset[int], spec: Spec) -> tuple[MessageRow, ...]:
    """The offending entry with its neighbours and with every entry that the finding names.

    `entries` is the slice of the case (or the run) in order, `position` the index of the offending one.
    """
    chosen = {position}
    for step in (-1, 1):
        index, taken = position + step, 0
        while 0 <= index < len(entries) and taken < CONTEXT:
            if is_telling(entries[index], spec):
                chosen.add(index)
                taken += 1
            index += step
    if around:
        chosen |= {index for index, entry in enumerate(entries) if entry.n in around}
    offending = entries[position].n
    return tuple(
        row(entries[index], offending=entries[index].n == offending, mentioned=entries[index].n in around)
        for index in sorted(chosen)
    )
