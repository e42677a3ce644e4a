"""Envelopes: how an interface tells requests, results, errors and notifications apart. The shape is data of the pack.

JSON-RPC 2.0, a vendor's `cmd`/`seq`/`data` dialect and bare HTTP bodies are all values of `Envelope`; no dialect is
code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter, setitem
from typing import Any, Literal, NamedTuple, get_args

from conformance.protocol import pointer, strictjson
from conformance.protocol.pointer import MISSING, Reader, reader
from conformance.protocol.strictjson import MalformedMessage

Kind = Literal["request", "result", "error", "notification"]


@dataclass(frozen=True, slots=True)
class Test:
    """When a document is of a kind: members it has, members it lacks, members with a value."""

    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    equals: tuple[tuple[str, Any], ...] = ()

    def holds(self, document: Any) -> bool:
        """Whether the document is of this kind."""
        return (
            all(pointer.get(document, p) is not MISSING for p in self.has)
            and all(pointer.get(document, p) is MISSING for p in self.lacks)
            and all(pointer.get(document, p) == value for p, value in self.equals)
        )

    def compiled(self) -> Callable[[dict[str, Any]], bool]:
        """`holds` for objects; where only members of the object itself are asked for, two operations on sets."""
        if self.equals or any(len(pointer.split(p)) != 1 for p in (*self.has, *self.lacks)):
            return self.holds
        has, lacks = (frozenset(pointer.split(p)[0] for p in rows) for rows in (self.has, self.lacks))
        return lambda document: document.keys() >= has and lacks.isdisjoint(document)


@dataclass(slots=True)
class Decoded:
    """One decoded frame. `body` is the part that the message schema describes; `doc` is the whole document.

    Nobody changes one; it is not frozen because one is made for every message and freezing triples what that costs.
    """

    kind: Kind
    name: str
    id: Any
    body: Any
    code: Any
    doc: Any
    seq: Any = None
    seen: Any = None
    epoch: Any = None
    boot_id: Any = None


class _Layout(NamedTuple):
    """Where `put` puts the constants, name, id and body of one kind; empty: nowhere.

    Places are pointers, or members' names where all of them are members of the document itself.
    """

    put: Callable[[dict[str, Any], str, Any], None]
    constants: tuple[tuple[str, Any], ...]
    name: str
    id: str
    body: str


@dataclass(frozen=True)
class Envelope:
    """A dialect's frame. Pointers are into the whole document; an empty pointer is the document itself."""

    kinds: Mapping[Kind, Test]
    name: str = ""
    id: str = ""
    body: Mapping[Kind, str] = field(default_factory=dict)
    code: str = ""
    text: str = ""
    constants: tuple[tuple[str, Any], ...] = ()
    sequence: Mapping[str, str] = field(default_factory=dict)
    success: Any = None  # value of `code` in a result, for dialects that carry a code in both

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Envelope:
        """Build from the pack's form (see `specs/meta/pack.schema.json`)."""
        kinds: dict[Kind, Test] = {}
        for kind, rows in data.get("kinds", {}).items():  # in the pack's order: the first that holds decides
            kinds[kind] = Test(
                tuple(rows.get("has", ())), tuple(rows.get("lacks", ())), tuple(rows.get("equals", {}).items())
            )
        return cls(
            kinds=kinds, name=data.get("name", ""), id=data.get("id", ""), body=dict(data.get("body", {})),
            code=data.get("code", ""), text=data.get("text", ""), constants=tuple(data.get("constants", {}).items()),
            sequence=dict(data.get("sequence", {})), success=data.get("success"),
        )  # fmt: skip

    @property
    def sequenced(self) -> bool:
        """Whether messages carry sequence numbers."""
        return "seq" in self.sequence

    def decode(self, raw: bytes, *, max_depth: int = strictjson.MAX_DEPTH) -> Decoded:
        """One frame's payload as a message. Raises MalformedMessage with the bytes kept."""
        document = strictjson.loads(raw, max_depth=max_depth)
        if type(document) is not dict:
            shape = "an array (a batch)" if type(document) is list else "no object"
            raise MalformedMessage(f"the frame holds {shape} where one message is asked", raw)
        return self.interpret(document, raw)

    def interpret(self, document: dict[str, Any], raw: bytes = b"") -> Decoded:
        """A decoded document as a message. Raises MalformedMessage where it is of no kind."""
        for read, p, value in self._constants:
            if read(document) != value:
                raise MalformedMessage(f"{p} is not {value!r}", raw)
        for kind, holds in self._tests:
            if holds(document):
                return self._decoded(kind, document, raw)
        raise MalformedMessage("neither a request, a result, an error nor a notification", raw)

    def _decoded(self, kind: Kind, document: dict[str, Any], raw: bytes) -> Decoded:
        read_name, read_id, read_code, read_body, read_numbers = self._readers
        name_at, id_at, body_at = self._members[kind]
        name = document.get(name_at, "") if name_at else read_name(document)
        if type(name) is not str:
            raise MalformedMessage(f"{self.name} is no string", raw)
        call_id = document.get(id_at) if id_at else read_id(document)
        body = document.get(body_at) if body_at else read_body[kind](document)
        seq, seen, epoch, boot_id = read_numbers(document)
        if type(seq) is float or type(seen) is float:  # 5.0 is an integer as well (JSON Schema 2020-12, 4.2.3)
            seq, seen = _whole(seq), _whole(seen)
        return Decoded(kind, name, call_id, body, read_code(document), document, seq, seen, epoch, boot_id)

    @cached_property
    def _members(self) -> Mapping[Kind, tuple[str, str, str]]:
        """Where name, id and body of each kind are members of the document itself: their names; empty where they are not."""
        return {kind: (_member(self.name), _member(self.id), _member(self.body.get(kind, ""))) for kind in self.kinds}

    @cached_property
    def _constants(self) -> tuple[tuple[Reader, str, Any], ...]:
        return tuple((reader(p), p, value) for p, value in self.constants)

    @cached_property
    def _tests(self) -> tuple[tuple[Kind, Callable[[dict[str, Any]], bool]], ...]:
        return tuple((kind, test.compiled()) for kind, test in self.kinds.items())

    @cached_property
    def _readers(self) -> tuple[Reader, Reader, Reader, Mapping[Kind, Reader], Reader]:
        """How name, id, code, body and sequence values are read; what the dialect does not have is None (no name: empty)."""
        name = reader(self.name, "") if self.name else lambda _: ""
        bodies = {kind: reader(self.body.get(kind, ""), None) for kind in self.kinds}
        numbers = _numbers_reader([self.sequence.get(key, "") for key in ("seq", "seen", "epoch", "boot_id")])
        return name, _reader_or_none(self.id), _reader_or_none(self.code), bodies, numbers

    def encode(
        self, kind: Kind, *, name: str = "", id: Any = None, body: Any = None, code: Any = None, text: str = "",  # noqa: A002
        meta: Mapping[str, Any] | None = None,
    ) -> bytes:  # fmt: skip
        """One frame's payload. `meta` holds sequence values by their name (`seq`, `seen`, `epoch`, `boot_id`)."""
        put, constants, name_at, id_at, body_at = self._layouts[kind]
        document: dict[str, Any] = {}
        for where, value in constants:
            put(document, where, value)
        if name and name_at:
            put(document, name_at, name)
        if id_at:
            put(document, id_at, id)
        if body_at:
            put(document, body_at, {} if body is None else body)
        elif isinstance(body, dict):
            document.update(body)
        if kind == "error":
            pointer.put(document, self.code, code)
            if self.text:
                pointer.put(document, self.text, text or str(code))
        elif kind == "result" and self.success is not None:
            pointer.put(document, self.code, self.success)
            if self.text:
                pointer.put(document, self.text, text or "ok")
        if meta:
            parent, members, names = self._numbers_together
            if parent and parent not in document and tuple(meta) == names:
                document[parent] = meta  # told in the very names and order of the dialect
            elif parent and parent not in document and meta.keys() >= members.keys():
                document[parent] = {member: meta[key] for key, member in members.items()}
            else:
                for key, place in self.sequence.items():
                    if key in meta:
                        pointer.put(document, place, meta[key])
        return strictjson.dumps(document)

    @cached_property
    def _layouts(self) -> Mapping[Kind, _Layout]:
        layouts: dict[Kind, _Layout] = {}
        for kind in get_args(Kind):
            named = kind in ("request", "notification") or self._name_in_replies
            places = [self.name if named else "", "" if kind == "notification" else self.id, self.body.get(kind, "")]
            if all(_member(p) for p in (*dict(self.constants), *filter(None, places))):
                constants = tuple((_member(p), value) for p, value in self.constants)
                layouts[kind] = _Layout(setitem, constants, *(_member(p) for p in places))
            else:
                layouts[kind] = _Layout(pointer.put, self.constants, *places)
        return layouts

    @cached_property
    def _numbers_together(self) -> tuple[str, Mapping[str, str], tuple[str, ...]]:
        """(member of the document, {name of a value: member in there}, the names where the members are called just so) where
        all sequence values lie in one such member."""
        places = {key: pointer.split(place) for key, place in self.sequence.items()}
        parents = {place[0] for place in places.values() if len(place) == 2}
        if len(parents) != 1 or any(len(place) != 2 for place in places.values()):
            return "", {}, ()
        members = {key: place[1] for key, place in places.items()}
        return parents.pop(), members, tuple(members) if all(key == member for key, member in members.items()) else ()

    @cached_property
    def _name_in_replies(self) -> bool:
        """Dialects that repeat the command's name in the reply do not list the name as absent there."""
        result = self.kinds.get("result")
        return result is not None and self.name not in result.lacks and self.name in result.has


def _member(p: str) -> str:
    """The member's name where the pointer is to a member of the document itself, else empty."""
    tokens = pointer.split(p)
    return tokens[0] if len(tokens) == 1 else ""


def _reader_or_none(p: str) -> Reader:
    return reader(p, None) if p else lambda _: None


def _numbers_reader(places: list[str]) -> Reader:
    """Reads several places at once; where all are members of one object, that object is looked up once."""
    parents = {place.rpartition("/")[0] for place in places}
    readers = [_reader_or_none(place) for place in places]
    if len(parents) != 1 or "" in places:
        return lambda document: [read(document) for read in readers]
    parent = reader(parents.pop())
    names = [pointer.split(place)[-1] for place in places]

    pick = itemgetter(*names)

    def members(document: Any) -> Sequence[Any]:
        inside = parent(document)
        if type(inside) is dict:
            try:
                found: tuple[Any, ...] = pick(inside)
            except KeyError:
                return [inside.get(name) for name in names]
            return found
        return [read(document) for read in readers]

    return members


def _whole(value: Any) -> Any:
    return int(value) if type(value) is float and value.is_integer() else value


def id_key(value: Any) -> str:
    """What calls and replies are joined by: JSON-RPC ids compare by type too, 1 and "1" are two calls. It may be any JSON."""
    return f"{type(value).__name__}:{value}"
