"""Compiled message schemas of a pack. `valid` is the hot path; `errors` is for evidence and for people.

`format` is asserted (RFC 3339 times are checked, not annotated), which JSON Schema 2020-12 leaves to the application.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs
import orjson

from conformance.protocol.pointer import join
from conformance.spec.model import Message

if TYPE_CHECKING:
    from conformance.spec.model import Spec

BASE: Final = "json-schema:///"  # the base that a relative `$id` gets from the validator


@dataclass(frozen=True, slots=True)
class SchemaError:
    """One complaint: where in the body, by which keyword, in words."""

    pointer: str
    keyword: str
    text: str


def schema_for(message: Message, part: str) -> str | None:
    """The schema file of a part, None where the pack describes none.

    A status (`201`) falls back to `result` or `error`; `result` and `request` of a message that names statuses or a
    notification falls back to what there is.
    """
    schemas = message.schemas
    if part in schemas:
        return schemas[part]
    if part.isdigit():
        return schemas.get("error" if part >= "400" else "result")
    if part == "result":
        return next((file for key, file in schemas.items() if key.startswith("2")), None)
    if part == "notification":
        return schemas.get("request")
    return None


class SchemaSet:
    """The schema files of a pack by name, with validators compiled on first use."""

    def __init__(self, files: Mapping[str, Any]) -> None:
        self._registry = jsonschema_rs.Registry([(BASE + name, schema) for name, schema in files.items()])
        self._compiled: dict[str, jsonschema_rs.Draft202012Validator] = {}

    def validator(self, ref: str) -> jsonschema_rs.Draft202012Validator:
        """The validator of `file.json` or `file.json#/$defs/x`. Raises ValueError where it does not compile."""
        found = self._compiled.get(ref)
        if found is None:
            found = self.compile({"$ref": BASE + ref})
            self._compiled[ref] = found
        return found

    def compile(self, schema: Any) -> jsonschema_rs.Draft202012Validator:
        """A schema that may refer to the files. Raises ValueError where it does not compile."""
        return jsonschema_rs.Draft202012Validator(schema, registry=self._registry, validate_formats=True)

    def errors(self, ref: str, body: Any) -> list[SchemaError]:
        """Every complaint about a body."""
        return told(self.validator(ref).iter_errors(body))


def told(errors: Iterable[Any]) -> list[SchemaError]:
    """Complaints of the library as plain data."""
    return [SchemaError(join(list(e.instance_path)), keyword_of(e), e.message) for e in errors]


def keyword_of(error: Any) -> str:
    """The schema keyword that complained. A schema `false` has no keyword and is called so."""
    if type(error.kind).__name__ == "FalseSchema":
        return "false"
    return next((step for step in reversed(error.schema_path) if isinstance(step, str)), "")


class Validators:
    """Message validation of one pack."""

    def __init__(self, spec: Spec) -> None:
        root = spec.root / "messages"
        self._set = SchemaSet(
            {file.relative_to(root).as_posix(): orjson.loads(file.read_bytes()) for file in root.rglob("*.json")}
        )
        self._by_part: dict[tuple[str, str], jsonschema_rs.Draft202012Validator | None] = {}
        self._checks: dict[tuple[str, str], Callable[[Any], bool]] = {}

    def of(self, message: Message, part: str) -> jsonschema_rs.Draft202012Validator | None:
        """The validator of a message part; None where the pack describes none."""
        key = (message.name, part)
        if key not in self._by_part:
            ref = schema_for(message, part)
            self._by_part[key] = self._set.validator(ref) if ref else None
        return self._by_part[key]

    def valid(self, message: Message, part: str, body: Any) -> bool:
        """Whether a body keeps its schema. A part without a schema is always valid."""
        check = self._checks.get((message.name, part))
        if check is None:
            validator = self.of(message, part)
            check = self._checks[message.name, part] = (lambda _: True) if validator is None else validator.is_valid
        return check(body)

    def errors(self, message: Message, part: str, body: Any) -> list[SchemaError]:
        """Every complaint about a body; empty where it is valid or has no schema."""
        validator = self.of(message, part)
        return [] if validator is None else told(validator.iter_errors(body))

    def compile(self, schema: Any) -> jsonschema_rs.Draft202012Validator:
        """An inline schema of the pack (arguments and results of peripheral actions) or the name of a schema file."""
        return self._set.validator(schema) if isinstance(schema, str) else self._set.compile(schema)


def validators_of(spec: Spec) -> Validators:
    """The validators of a pack, compiled once and kept with it."""
    return spec.validators
