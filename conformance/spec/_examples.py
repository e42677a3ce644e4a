"""Examples of a pack: every valid one keeps its schema, every invalid one breaks exactly what it says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from conformance.spec._read import RawPack
from conformance.spec._source import Document
from conformance.spec.model import Constraint, Message, Place, Spec
from conformance.spec.problems import suggest
from conformance.spec.validators import SchemaSet, schema_for

_PARTS = frozenset({"request", "result", "error", "notification"})


def split_name(file: str, messages: Iterable[str]) -> tuple[str, str, str] | None:
    """(message, part, rest) of an example's file name; message names hold dots, so the longest one wins."""
    stem = file.removesuffix(".json")
    for name in sorted((m for m in messages if stem.startswith(f"{m}.")), key=len, reverse=True):
        part, _, rest = stem[len(name) + 1 :].partition(".")
        if part in _PARTS or (part.isdigit() and len(part) == 3):
            return name, part, rest
    return None


def read(raw: RawPack) -> tuple[dict[str, Any], list[Constraint]]:
    """The first valid example of every message part, and what each invalid one breaks."""
    names = list(raw.ids("messages", "name"))
    examples: dict[str, Any] = {}
    for file, document in raw.valid.items():
        found = split_name(file, names)
        if found:
            examples.setdefault(f"{found[0]}/{found[1]}", document.value)
    constraints = []
    for file, document in raw.invalid.items():
        found = split_name(file, names)
        if found:
            v = document.value
            constraints.append(Constraint(found[0], found[1], document.file, v["breaks"], v["pointer"], v["keyword"]))
    return examples, constraints


def check(raw: RawPack, spec: Spec, schemas: SchemaSet) -> None:
    """Note every example that does not do what it is for, and every message that lacks one."""
    covered: dict[str, set[str]] = {"valid": set(), "invalid": set()}
    for folder, documents in (("valid", raw.valid), ("invalid", raw.invalid)):
        for file, document in documents.items():
            message, part = _belongs(raw, spec, file, document)
            if message is None:
                continue
            covered[folder].add(message.name)
            body = document.value if folder == "valid" else document.value["body"]
            errors = _errors(raw, document, message, part, schemas, body)
            if errors is None:
                continue
            if folder == "valid":
                for pointer, keyword, text in errors:
                    raw.problems.add(_at(document, pointer), f"breaks {keyword!r} at {pointer or 'the root'!r}: {text}")
            else:
                _breaks_exactly(raw, spec, document, errors)
    for name, message in spec.messages.items():
        for folder, seen in covered.items():
            if message.schemas and name not in seen:
                raw.problems.add(
                    message.place, f"message {name!r} has no {folder} example", f"add examples/{folder}/{name}.<part>.json"
                )


def _belongs(raw: RawPack, spec: Spec, file: str, document: Document) -> tuple[Message | None, str]:
    found = split_name(file, raw.ids("messages", "name"))
    if found is None:
        raw.problems.add(
            Place(document.file, 1), "the file name names no message and part",
            "<message>.<request|result|error|notification|status>[.<word>].json; "
            + suggest(".".join(file.split(".")[:2]), raw.ids("messages", "name")),
        )  # fmt: skip
        return None, ""
    return spec.messages.get(found[0]), found[1]


def _errors(
    raw: RawPack, document: Document, message: Message, part: str, schemas: SchemaSet, body: Any
) -> list[tuple[str, str, str]] | None:
    """(pointer, keyword, text) of every complaint; None where there is no usable schema."""
    ref = schema_for(message, part)
    if ref is None:
        raw.problems.add(document.place(), f"{message.name!r} has no schema for {part!r}", suggest(part, message.schemas))
        return None
    try:
        return [(e.pointer, e.keyword, e.text) for e in schemas.errors(ref, body)]
    except ValueError:
        return None  # a schema that does not compile is told of at its own place


def _breaks_exactly(raw: RawPack, spec: Spec, document: Document, errors: list[tuple[str, str, str]]) -> None:
    v = document.value
    if v["breaks"] not in raw.ids("clauses"):
        raw.problems.unknown(document.place(("breaks",)), "clause", v["breaks"], spec.clauses)
    wanted = (v["pointer"], v["keyword"])
    seen = [(pointer, keyword) for pointer, keyword, _ in errors]
    if seen == [wanted]:
        return
    if wanted not in seen:
        raw.problems.add(
            document.place(("pointer",)), f"does not break {wanted[1]!r} at {wanted[0] or 'the root'!r}",
            "it breaks " + (", ".join(f"{k!r} at {p!r}" for p, k in seen) if seen else "nothing"),
        )  # fmt: skip
    else:
        others = [pair for pair in seen if pair != wanted] or [wanted]
        raw.problems.add(
            document.place(("body",)), "breaks more than the one constraint: "
            + ", ".join(f"{keyword!r} at {pointer!r}" for pointer, keyword in others),
        )  # fmt: skip


def _at(document: Document, pointer: str) -> Place:
    path = tuple(int(t) if t.isdigit() else t for t in pointer.split("/")[1:])
    return document.place(path)
