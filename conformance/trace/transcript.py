"""The read side of the trace: observations as messages, paired with their replies, never changed.

A transcript is built the same way live and from a journal: from observations alone. It decodes the recorded bytes with the
pack's envelopes, finds the message type, assembles fragments, pairs replies with requests and marks repeats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, overload

from conformance.protocol import pointer, strictjson
from conformance.protocol.envelope import Decoded, id_key
from conformance.protocol.httpwire import HttpRequest, HttpResponse, parse_request, parse_response
from conformance.protocol.strictjson import MalformedMessage
from conformance.spec.model import Message, Spec
from conformance.trace.entry import Entry as Entry  # whoever has a transcript has entries
from conformance.trace.facts import id_numbers
from conformance.trace.journal import JournalRead, read_journal
from conformance.trace.observation import Observation

TEXT, CONTINUATION, BINARY = 1, 0, 2
OWN_DEPTH: Final = 900
_SCALARS: Final = frozenset((int, str, float, bool, type(None)))
UNREAD: Final = "the bench failed to read this: "  # how `Entry.problem` begins where not the message was at fault


class Transcript(Sequence[Entry]):
    """All entries of a run, or a slice of them. Slices share entries and have no `feed`.

    With `keep` it holds at least the `keep` newest entries (at most twice as many) and forgets older ones: for load, where
    nobody judges live and the journal is the record. Entries are then read when asked, or never, and what forgotten ones
    asked is no longer paired.
    """

    def __init__(self, spec: Spec, entries: list[Entry] | None = None, *, keep: int | None = None) -> None:
        self.spec = spec
        self.entries: list[Entry] = [] if entries is None else entries
        self._reader = Reader(spec) if entries is None else None  # slices are read only
        self._keep = keep
        self._forgotten = 0
        self._read_to = 0  # position, in a whole transcript, of the first entry that was not read
        self._cases: dict[str, list[Entry]] = {}
        for entry in self.entries:
            self._cases.setdefault(entry.case, []).append(entry)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | Sequence[Entry]:
        return self.entries[index]

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def feed(self, observation: Observation, decoded: Decoded | None = None) -> Entry:
        """Add the next observation. Never raises for what a device sent.

        `decoded` spares decoding anew what the caller decoded from the very bytes of this frame, as a whole message. A transcript
        that forgets has no use for it: holding it for all that nobody asks for costs more than decoding what somebody does.
        """
        assert self._reader is not None, "a slice is read only"
        if self._keep is None:
            entry = Entry(observation)
            self.entries.append(entry)
            self._cases.setdefault(entry.case, []).append(entry)
            self._reader.read(entry, decoded)
            return entry
        entry = Entry(observation, self._read_until)
        self.entries.append(entry)
        if len(self.entries) > 2 * self._keep:
            self._forget(self._keep)
        return entry

    def _read_until(self, entry: Entry) -> None:
        """Read in order what was not read, because something of `entry` is asked for."""
        assert self._reader is not None
        waiting = self.entries[max(self._read_to - self._forgotten, 0) :]
        self._read_to = self._forgotten + len(self.entries)
        for other in waiting:
            other.blank()
            self._reader.read(other)
        if entry.unread is not None:  # forgotten meanwhile, and still held by somebody
            entry.blank()
            self._reader.read(entry)

    def _forget(self, keep: int) -> None:
        assert self._reader is not None
        self._forgotten += len(self.entries) - keep
        for entry in self.entries[:-keep]:
            if entry.unread is None:
                entry.reply = None  # request and reply would hold each other until the collector comes
        del self.entries[:-keep]
        self._reader.drop(self.entries[0].n)

    def since(self, n: int) -> Sequence[Entry]:
        """Entries numbered `n` and later (numbers are positions in a whole transcript)."""
        return self.entries[max(n - self._forgotten, 0) :]

    def in_case(self, case: str) -> Transcript:
        """The slice of one case."""
        rows = self._cases.get(case, ()) if self._keep is None else [e for e in self.entries if e.case == case]
        return Transcript(self.spec, list(rows))

    def cases(self) -> list[str]:
        """Case ids in the order in which they began; the session's own entries are under the empty id."""
        return list(self._cases) if self._keep is None else list(dict.fromkeys(e.case for e in self.entries))

    @property
    def head(self) -> Mapping[str, Any]:
        """Facts of `run.start`, empty where the run never started."""
        return next((e.facts for e in self.entries if e.obs == "run.start"), {})

    @classmethod
    def from_observations(cls, observations: Sequence[Observation], spec: Spec) -> Transcript:
        """Build a whole transcript."""
        transcript = cls(spec)
        for observation in observations:
            transcript.feed(observation)
        return transcript

    @classmethod
    def from_journal(cls, path: Path, spec: Spec) -> tuple[Transcript, JournalRead]:
        """Read a journal as far as it goes. Raises OSError where there is none."""
        read = read_journal(path)
        return cls.from_observations(read.observations, spec), read


class Reader:
    """Turns observations into messages, in order. Holds what pairing needs and nothing else."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._by_wire: dict[tuple[str, str], list[Message]] = {}
        self._routes: dict[str, list[tuple[str, re.Pattern[str], Message]]] = {}
        for message in spec.messages.values():
            if message.http is not None:
                route = (message.http.method, _route_pattern(spec, message), message)
                self._routes.setdefault(message.interface, []).append(route)
            else:
                self._by_wire.setdefault((message.interface, message.wire_name), []).append(message)
        self._http: dict[int, Entry] = {}  # n of an HTTP request -> entry
        self._forget()

    def _forget(self) -> None:
        """A segment begins: no reply, fragment or repeat of it belongs to what came before."""
        self._open: dict[tuple[str, str, str], Entry] = {}  # (iface, asker, id) -> request
        self._fragments: dict[tuple[str, str], list[bytes]] = {}
        self._sequenced: dict[tuple[str, str, Any, Any], Entry] = {}

    def read(self, entry: Entry, decoded: Decoded | None = None) -> None:
        """Fill in the message part of an entry. Never raises: a reader that fails is our mistake, and the judge books it so."""
        try:
            self._read(entry, decoded)
        except Exception as error:
            entry.kind, entry.problem = "", f"{UNREAD}{type(error).__name__}: {error}"

    def _read(self, entry: Entry, decoded: Decoded | None) -> None:
        if entry.obs == "ws.frame":
            self._frame(entry, decoded)
        elif entry.obs == "http.request":
            self._http_request(entry)
        elif entry.obs == "http.response":
            self._http_response(entry)
        elif entry.obs == "segment":
            self._forget()

    def drop(self, before: int) -> None:
        """Let go of entries numbered below `before`."""
        self._open = {key: entry for key, entry in self._open.items() if entry.n >= before}
        self._http = {n: entry for n, entry in self._http.items() if n >= before}
        self._sequenced = {key: entry for key, entry in self._sequenced.items() if entry.n >= before}

    def _malformed(self, entry: Entry, reason: str) -> None:
        entry.kind, entry.problem = "malformed", reason

    # WebSocket

    def _frame(self, entry: Entry, decoded: Decoded | None) -> None:
        opcode, fin = entry.facts.get("opcode", TEXT), entry.facts.get("fin", True)
        if opcode not in (TEXT, CONTINUATION, BINARY):
            return  # control frames are observations, no messages
        if not fin:
            self._fragments.setdefault((entry.conn, entry.dir), []).append(entry.raw)
            return
        raw = entry.raw
        if self._fragments:
            raw = b"".join([*self._fragments.pop((entry.conn, entry.dir), ()), raw])
            entry.size = len(raw)
            if entry.dir == "iut":  # a number may be split over frames, of which each looks harmless
                entry.facts = {**entry.facts, "ids": len(id_numbers(raw))}
        interface = self._spec.interfaces.get(entry.iface)
        if interface is None or interface.envelope is None:
            return
        if opcode == BINARY:
            self._malformed(entry, "a binary frame where the interface speaks text")
            return
        try:
            # What the bench sends too deep on purpose still has an id and a number, to which the device's answer belongs.
            if decoded is None or raw is not entry.raw:
                depth = OWN_DEPTH if entry.dir == "bench" else strictjson.MAX_DEPTH
                decoded = self._spec.envelopes[interface.envelope].decode(raw, max_depth=depth)
        except MalformedMessage as error:
            self._malformed(entry, str(error))
            return
        entry.kind, entry.doc, entry.body = decoded.kind, decoded.doc, decoded.body
        entry.id, entry.code = decoded.id, decoded.code if decoded.kind == "error" else None
        entry.seq, entry.seen, entry.epoch, entry.boot_id = decoded.seq, decoded.seen, decoded.epoch, decoded.boot_id
        if self._is_repeat(entry):
            return
        self._name(entry, decoded.name)

    def _is_repeat(self, entry: Entry) -> bool:
        """A message re-sent after a cut keeps its sequence number; the first one counts."""
        if not isinstance(entry.seq, int) or entry.seq == 0:
            return False
        epoch = entry.epoch if type(entry.epoch) in _SCALARS else str(entry.epoch)
        key = (entry.iface, entry.dir, epoch, entry.seq)
        first = self._sequenced.setdefault(key, entry)
        if first is entry or first.raw != entry.raw:
            return False
        entry.repeat = True
        entry.name, entry.role, entry.message = first.name, first.role, first.message
        entry.request, entry.reply = first.request, first.reply
        return True

    def _name(self, entry: Entry, wire: str) -> None:
        if entry.kind in ("request", "notification"):
            self._bind(entry, self._message(entry.iface, wire, entry.dir), wire)
            if entry.kind == "request":
                self._open[(entry.iface, entry.dir, id_key(entry.id))] = entry
            return
        asker = "bench" if entry.dir == "iut" else "iut"
        request = self._open.pop((entry.iface, asker, id_key(entry.id)), None)
        if request is not None:
            entry.request = request
            request.reply = entry
            self._bind(entry, request.message, request.name)

    def _bind(self, entry: Entry, message: Message | None, wire: str) -> None:
        entry.message = message
        entry.name = wire if message is None else message.name
        entry.role = (message.role or "") if message is not None else ""

    def _message(self, iface: str, wire: str, sender: str) -> Message | None:
        for message in self._by_wire.get((iface, wire), ()):
            if message.sender in (sender, "either"):
                return message
        return None

    # HTTP

    def _http_request(self, entry: Entry) -> None:
        self._http[entry.n] = entry
        try:
            request = parse_request(entry.raw)
        except MalformedMessage as error:
            self._malformed(entry, str(error))
            return
        entry.method, entry.target, entry.path = request.method, request.target, request.path
        entry.headers = _joined_headers(request)
        message, fields = self._route(entry)
        if message is None:
            return
        entry.kind, entry.path_fields = "request", fields
        self._bind(entry, message, message.name)
        assert message.http is not None
        self._body(entry, request.body, is_json=message.http.request_type.endswith("json"))

    def _route(self, entry: Entry) -> tuple[Message | None, Mapping[str, str]]:
        for method, pattern, message in self._routes.get(entry.iface, ()):
            if method == entry.method and message.sender in (entry.dir, "either"):
                match = pattern.fullmatch(entry.path)
                if match is not None:
                    return message, match.groupdict()
        return None, {}

    def _http_response(self, entry: Entry) -> None:
        request = self._http.get(entry.facts.get("to", -1))
        try:
            response = parse_response(entry.raw, request.method if request is not None and request.method else "GET")
        except MalformedMessage as error:
            self._malformed(entry, str(error))
            return
        entry.status, entry.headers = response.status, _joined_headers(response)
        if request is None or request.message is None:
            return
        entry.request, request.reply = request, entry
        self._bind(entry, request.message, request.name)
        entry.path_fields = request.path_fields
        entry.kind = "result" if response.status < 400 else "error"
        content_type = entry.headers.get("content-type", "").split(";")[0].strip()
        self._body(entry, response.body, is_json=content_type.endswith("json"))
        if entry.kind == "error" and isinstance(entry.body, dict):
            entry.code = entry.body.get("type", entry.body.get("code"))

    def _body(self, entry: Entry, body: bytes, *, is_json: bool) -> None:
        if not is_json:
            return
        if not body:
            entry.doc = entry.body = None
            return
        try:
            document = strictjson.loads(body)
        except MalformedMessage as error:
            self._malformed(entry, str(error))
            return
        entry.doc = entry.body = document
        envelope_id = self._spec.interfaces[entry.iface].envelope
        envelope = self._spec.envelopes.get(envelope_id) if envelope_id else None
        if envelope is None or not isinstance(document, dict):
            return
        kind = entry.kind
        if envelope.kinds and entry.kind != "request":
            try:
                decoded = envelope.interpret(document, entry.raw)
            except MalformedMessage as error:
                self._malformed(entry, str(error))
                return
            kind = entry.kind = decoded.kind  # a dialect may tell errors with status 200
            entry.code = decoded.code if decoded.kind == "error" else None
        where = envelope.body.get(kind, "")  # type: ignore[call-overload]
        entry.body = pointer.get(document, where, None) if where else document


def _route_pattern(spec: Spec, message: Message) -> re.Pattern[str]:
    assert message.http is not None
    interface = spec.interfaces[message.interface]
    path = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(message.http.path))
    # The device's own API may lie under any prefix of the URL that the vendor registered.
    prefix = ".*" if interface.server == "iut" else re.escape(interface.path)
    return re.compile(prefix + path)


def _joined_headers(message: HttpRequest | HttpResponse) -> dict[str, str]:
    joined: dict[str, str] = {}
    for key, value in message.headers:
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return joined
