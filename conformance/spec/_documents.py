"""The OpenAPI and AsyncAPI documents of a pack only refer to its schemas; here they are held against `messages.yaml`.

A vendor generates code from them, so a document that has drifted from the messages would misguide whoever builds a device.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conformance.protocol import pointer
from conformance.protocol.pointer import MISSING
from conformance.spec._read import RawPack
from conformance.spec._source import Document, Node, read_yaml
from conformance.spec.model import Message, Spec
from conformance.spec.problems import suggest

_FOLDER = "messages/"
_METHODS = ("get", "post", "put", "patch", "delete")


def check(raw: RawPack, spec: Spec) -> None:
    """Note references that lead nowhere, operations without a message and messages without an operation."""
    http = _documents(raw, "openapi")
    frames = _documents(raw, "asyncapi")
    for document in (*http, *frames):
        _resolve(raw, document)
    if http:
        _operations(raw, spec, http)
    if frames:
        used = {file for document in frames for file in _files(document.value)}
        for message in spec.messages.values():
            for part, file in message.schemas.items():
                if message.http is None and part != "error" and file not in used:  # errors have the envelope's shape
                    raw.problems.add(message.place, f"no *.asyncapi.yaml refers to {file} ({message.name} {part})")


def _documents(raw: RawPack, suffix: str) -> list[Document]:
    files = sorted(raw.root.glob(f"*.{suffix}.yaml"))
    return [document for file in files if (document := read_yaml(file, file.name, raw.problems)) is not None]


def _references(node: Node) -> Iterator[Node]:
    for key, child in node.members():
        if key == "$ref" and isinstance(child.value, str):
            yield child
        else:
            yield from _references(child)
    for item in node.items():
        yield from _references(item)


def _files(value: Any) -> set[str]:
    """Schema files that a part of a document refers to, with their fragments."""
    document = Document("", value, {})
    return {
        ref.value.removeprefix(_FOLDER)
        for ref in _references(Node(document, (), value)) if ref.value.startswith(_FOLDER)
    }  # fmt: skip


def _resolve(raw: RawPack, document: Document) -> None:
    for ref in _references(Node(document, (), document.value)):
        file, _, fragment = ref.value.partition("#")
        target = raw.schemas.get(file.removeprefix(_FOLDER)) if file else document
        if target is None or pointer.get(target.value, fragment) is MISSING:
            known = [_FOLDER + name for name in raw.schemas]
            raw.problems.add(ref.place, f"$ref {ref.value!r} leads nowhere", suggest(file, known))


def _operations(raw: RawPack, spec: Spec, documents: list[Document]) -> None:
    bound: dict[tuple[str, str], Message] = {
        (m.http.method.lower(), m.http.path): m for m in spec.messages.values() if m.http is not None
    }
    told: set[tuple[str, str]] = set()
    for document in documents:
        for path, item in Node(document, (), document.value).child("paths").members():
            for method in _METHODS:
                operation = item.child(method)
                if operation.value is None:
                    continue
                message = bound.get((method, path))
                if message is None:
                    known = [f"{m.upper()} {p}" for m, p in bound]
                    raw.problems.unknown(operation.place, "message for", f"{method.upper()} {path}", known)
                    continue
                told.add((method, path))
                for part, file in message.schemas.items():
                    if part != "error" and file not in _files(operation.value):
                        raw.problems.add(operation.place, f"{message.name}: the operation does not refer to {file} ({part})")
    for (method, path), message in bound.items():
        if (method, path) not in told:
            raw.problems.add(message.place, f"no *.openapi.yaml has {method.upper()} {path} ({message.name})")
