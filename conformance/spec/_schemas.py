"""Checks of the message schemas: identity, references, patterns, formats, compilation."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs

from conformance.protocol import pointer
from conformance.protocol.pointer import MISSING
from conformance.spec._read import RawPack
from conformance.spec._source import Document, Node, Steps
from conformance.spec.model import Spec
from conformance.spec.problems import suggest
from conformance.spec.validators import SchemaSet

FORMATS: Final = frozenset(
    {
        "date", "date-time", "duration", "email", "hostname", "idn-email", "idn-hostname", "ipv4", "ipv6", "iri",
        "iri-reference", "json-pointer", "regex", "relative-json-pointer", "time", "uri", "uri-reference", "uri-template",
        "uuid",
    }
)  # fmt: skip
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_DATA: Final = ("const", "enum", "examples", "default")  # members that hold values, not schemas


def check(raw: RawPack, spec: Spec) -> SchemaSet:
    """Check every schema file and inline schema. Returns the set of the files that hold."""
    good = {name: document.value for name, document in raw.schemas.items() if _usable(raw, name, document)}
    while lost := [name for name, schema in good.items() if not _files_of(name, schema) <= good.keys()]:
        for name in lost:  # refers to a file that is told of already
            del good[name]
    schemas = SchemaSet(good)
    for name in good:
        _compiles(raw, schemas, {"$ref": f"json-schema:///{name}"}, raw.schemas[name], ())
    for name in spec.peripherals:
        node = raw.ids("peripheral")[name]
        for action in spec.peripherals[name].actions:
            for part in ("args", "result"):
                _inline(raw, schemas, node.child("actions", action, part))
    return schemas


def _inline(raw: RawPack, schemas: SchemaSet, node: Node) -> None:
    """A schema of an action: the name of a file below messages/, or the schema itself."""
    if isinstance(node.value, str) and not _exists(raw, node.value):
        raw.problems.unknown(node.place, "schema", node.value, raw.schemas)
    if isinstance(node.value, dict) and _leads_somewhere(raw, "", node.doc, node.path, node.value):
        _compiles(raw, schemas, node.value, node.doc, node.path)


@lru_cache(maxsize=1)
def _dialect() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({"$ref": _DIALECT})


def _usable(raw: RawPack, name: str, document: Document) -> bool:
    """Check one file; whether it can be compiled, whatever else is wrong with it."""
    value = document.value
    if not isinstance(value, dict):
        raw.problems.add(document.place(), "a schema file holds an object")
        return False
    if value.get("$schema", _DIALECT) != _DIALECT:
        raw.problems.add(document.place(("$schema",)), f"dialect {value['$schema']!r}", f"valid: {_DIALECT}")
    if value.get("$id", name) != name:
        raw.problems.add(document.place(("$id",)), f"$id is {value['$id']!r}", f"valid: {name!r}, the file's own name")
    if value.get("$schema", _DIALECT) == _DIALECT and _dialect().is_valid(value):
        raw.lawful.add(name)
    for error in _dialect().iter_errors(value):
        raw.problems.add(document.place(tuple(error.instance_path)), f"no lawful schema: {error.message}")
    leads = _leads_somewhere(raw, name, document, (), value)
    return name in raw.lawful and leads and value.get("$id", name) == name


def _files_of(name: str, schema: Any) -> set[str]:
    """Schema files that a schema refers to."""
    refs = (sub.get("$ref") for _, sub in subschemas(schema))
    return {_target(name, ref) for ref in refs if isinstance(ref, str) and not ref.startswith("#")}


def _target(name: str, ref: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), ref.partition("#")[0]))


def _leads_somewhere(raw: RawPack, name: str, document: Document, base: Steps, value: Any) -> bool:
    """Check references, formats and patterns below `base`; whether every reference leads somewhere."""
    leads = True
    for path, schema in subschemas(value, base):
        ref = schema.get("$ref")
        if isinstance(ref, str) and not _resolves(raw, name, document, ref):
            leads = False
            raw.problems.add(
                document.place((*path, "$ref")), f"$ref {ref!r} leads nowhere", suggest(ref.partition("#")[0], raw.schemas)
            )
        wanted = schema.get("format")
        if isinstance(wanted, str) and wanted not in FORMATS:
            raw.problems.unknown(document.place((*path, "format")), "format", wanted, FORMATS)
        patterns = [schema["pattern"]] if isinstance(schema.get("pattern"), str) else []
        patterns += list(schema["patternProperties"]) if isinstance(schema.get("patternProperties"), dict) else []
        if any("\\d" in pattern for pattern in patterns):
            raw.problems.add(
                document.place((*path, "pattern")), "\\d in a pattern means other digits in other libraries", "write [0-9]"
            )
    return leads


def subschemas(schema: Any, path: Steps = ()) -> Iterator[tuple[Steps, dict[str, Any]]]:
    """Every object below a schema that may be a schema, with its path. Values of `const` and `enum` are left out."""
    if isinstance(schema, dict):
        yield path, schema
        for key, value in schema.items():
            if key not in _DATA:
                yield from subschemas(value, (*path, key))
    elif isinstance(schema, list):
        for index, value in enumerate(schema):
            yield from subschemas(value, (*path, index))


def _resolves(raw: RawPack, name: str, document: Document, ref: str) -> bool:
    file, _, fragment = ref.partition("#")
    target = raw.schemas.get(_target(name, file)) if file else document
    if target is None:
        return False
    if fragment and not fragment.startswith("/"):
        return any(sub.get("$anchor") == fragment for _, sub in subschemas(target.value))
    return pointer.get(target.value, fragment) is not MISSING


def _exists(raw: RawPack, ref: str) -> bool:
    file, _, fragment = ref.partition("#")
    return file in raw.schemas and pointer.get(raw.schemas[file].value, fragment) is not MISSING


def _compiles(raw: RawPack, schemas: SchemaSet, schema: Any, document: Document, path: Steps) -> None:
    try:
        schemas.compile(schema)
    except (ValueError, jsonschema_rs.ReferencingError) as e:
        if "not present in a registry" in str(e):
            return  # the file referred to is itself among the problems
        raw.problems.add(document.place(path), f"the schema does not compile: {str(e).splitlines()[0]}")
