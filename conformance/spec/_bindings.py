"""Cross-checks of the messages: interfaces, schemas, signatures, roles, canonical fields."""

from __future__ import annotations

from typing import Any

from conformance.protocol import pointer
from conformance.protocol.pointer import MISSING
from conformance.spec import _build, _meta
from conformance.spec._read import RawPack
from conformance.spec._source import Node
from conformance.spec.model import Message, Spec
from conformance.spec.problems import suggest
from conformance.spec.validators import schema_for

_DEPTH = 12  # references followed while looking for a field; a schema may describe itself


def check(raw: RawPack, spec: Spec) -> None:
    """Note everything about messages that refers to nothing or does not fit."""
    words: dict[tuple[str, str, str], str] = {}
    for name, node in raw.ids("messages", "name").items():
        message = spec.messages.get(name)
        if message is None:
            continue
        _names(raw, spec, node, message)
        _role(raw, node, message)
        for part, fields in node.child("fields").members():
            for field, bound in fields.members():
                _bound(raw, message, part, field, bound)
        word = message.wire or name
        for sender in ("iut", "bench") if message.sender == "either" else (message.sender,):
            first = words.setdefault((message.interface, word, sender), name)
            if first != name:
                where = f"{word!r} from {sender} on {message.interface}"
                raw.problems.add(node.place, f"{first!r} and {name!r} are both {where}")


def _names(raw: RawPack, spec: Spec, node: Node, message: Message) -> None:
    interface = spec.interfaces.get(message.interface)
    if interface is None:
        raw.problems.unknown(node.child("interface").place, "interface", message.interface, spec.interfaces)
    elif (interface.transport == "http") != (message.http is not None):
        raw.problems.add(
            node.place, f"{message.name!r} stands on {interface.id} ({interface.transport})",
            "give `http`" if interface.transport == "http" else "leave `http` out",
        )  # fmt: skip
    for part, schema in node.child("schemas").members():
        file, _, fragment = str(schema.value).partition("#")
        if file not in raw.schemas or pointer.get(raw.schemas[file].value, fragment) is MISSING:
            raw.problems.unknown(schema.place, f"schema of {part}", schema.value, raw.schemas)
    if message.signed and message.signed not in spec.signatures:
        raw.problems.unknown(node.child("signed").place, "signature scheme", message.signed, spec.signatures)


def _role(raw: RawPack, node: Node, message: Message) -> None:
    if message.role is None:
        return
    roles = _meta.vocabulary("roles")["roles"]
    role = roles.get(message.role)
    if role is None:
        raw.problems.unknown(node.child("role").place, "role", message.role, roles)
        return
    if role["from"] != message.sender:
        raw.problems.add(
            node.child("from").place, f"role {message.role!r} is not sent by {message.sender!r}", f"valid: {role['from']}"
        )
    for part in ("request", "result"):
        bound = bound_fields(message, part)
        for field in role[part]:
            if field not in bound:
                raw.problems.add(
                    node.child("fields", part).place,
                    f"{message.name!r}: role {message.role!r} needs the field {field!r} in its {part}",
                    f"bound: {', '.join(sorted(bound)) or 'none'}",
                )


def bound_fields(message: Message, part: str) -> frozenset[str]:
    """Canonical fields of a part; segments of an HTTP path are fields of the request."""
    fields = set(message.fields.get(part, ()))
    if part == "request" and message.http:
        fields |= set(_build.segments(message.http.path))
    return frozenset(fields)


def _bound(raw: RawPack, message: Message, part: str, field: str, node: Node) -> None:
    if message.http and part == "request" and field in _build.segments(message.http.path):
        raw.problems.add(node.place, f"field {field!r} is a segment of the path already", "bind it once")
    ref = schema_for(message, part)
    if ref is None:
        if message.schemas:
            raw.problems.add(node.place, f"{message.name!r} binds {field!r} in {part!r}, which has no schema")
        return
    missing = not_in_schema(raw, ref, node.value)
    if missing is not None:
        token, known = missing
        raw.problems.add(
            node.place, f"{message.name!r} {part}: {node.value} of field {field!r} is not in {ref}", suggest(token, known)
        )


def not_in_schema(raw: RawPack, ref: str, at: str) -> tuple[str, set[str]] | None:
    """The first token of a pointer that a schema does not describe, with the members known there; None where it may be."""
    file, _, fragment = ref.partition("#")
    if file not in raw.lawful:
        return None
    return _missing(raw, file, pointer.get(raw.schemas[file].value, fragment), list(pointer.split(at)), _DEPTH)


def _missing(raw: RawPack, file: str, schema: Any, tokens: list[str], depth: int) -> tuple[str, set[str]] | None:
    """The first token that no branch of the schema knows, with the members known there; None where all is found."""
    if not tokens or not isinstance(schema, dict) or depth == 0:
        return None
    branches = list(_branches(raw, file, schema, depth))
    known: set[str] = set()
    open_ended = False
    deeper: tuple[str, set[str]] | None = None
    for where, branch in branches:
        properties = branch.get("properties", {})
        known |= set(properties)
        items = branch.get("items")
        below = properties.get(tokens[0], items if tokens[0].isdigit() else None)
        if below is not None:
            found = _missing(raw, where, below, tokens[1:], depth - 1)
            if found is None:
                return None
            deeper = deeper or found
        open_ended = open_ended or isinstance(branch.get("additionalProperties"), dict)
    if deeper is not None:
        return deeper
    return None if open_ended or not known else (tokens[0], known)


def _branches(raw: RawPack, file: str, schema: dict[str, Any], depth: int) -> list[tuple[str, dict[str, Any]]]:
    """A schema and everything that applies in place: references, allOf, anyOf, oneOf, if/then/else, dependentSchemas."""
    found = [(file, schema)]
    if depth == 0:
        return found
    inner: list[tuple[str, Any]] = [
        (file, sub) for key in ("allOf", "anyOf", "oneOf") for sub in schema.get(key, ()) if isinstance(sub, dict)
    ]
    inner += [(file, schema[key]) for key in ("if", "then", "else") if isinstance(schema.get(key), dict)]
    inner += [(file, sub) for sub in schema.get("dependentSchemas", {}).values() if isinstance(sub, dict)]
    ref = schema.get("$ref")
    if isinstance(ref, str):
        target, _, fragment = ref.partition("#")
        target = target or file
        if target in raw.lawful:
            inner.append((target, pointer.get(raw.schemas[target].value, fragment)))
    for where, sub in inner:
        if isinstance(sub, dict):
            found += _branches(raw, where, sub, depth - 1)
    return found
