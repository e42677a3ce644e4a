"""What the harness itself fixes: schemas of every file kind, rule kinds, roles. Data under `specs/meta`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

from conformance.spec._source import Document, read_json, read_yaml
from conformance.spec.model import Place
from conformance.spec.problems import PackError, Problems, suggest

# `specs` lies beside the import packages, in the source tree and where a wheel installs them alike
SPECS: Final = Path(__file__).resolve().parents[2] / "specs"
META: Final = SPECS / "meta"
_BASE: Final = "json-schema:///"  # the base that a relative `$id` gets from the validator


@lru_cache(maxsize=1)
def _schemas() -> dict[str, Any]:
    problems = Problems()
    found = {}
    for file in sorted(META.glob("*.schema.json")):
        document = read_json(file, f"meta/{file.name}", problems)
        if document is not None:
            found[file.name] = document.value
    if problems.found or not found:
        problems.add(Place("meta", 1), f"{len(found)} schemas readable under {META}", "the harness is not whole")
        raise PackError(problems.found, "specs/meta")
    return found


@lru_cache(maxsize=1)
def _registry() -> jsonschema_rs.Registry:
    return jsonschema_rs.Registry([(_BASE + name, schema) for name, schema in _schemas().items()])


@lru_cache(maxsize=32)
def validator(kind: str) -> jsonschema_rs.Draft202012Validator:
    """The compiled schema of a file kind (`clauses`, `device`, ...)."""
    return jsonschema_rs.Draft202012Validator(
        {"$ref": f"{_BASE}{kind}.schema.json"}, registry=_registry(), validate_formats=True
    )


@lru_cache(maxsize=4)
def vocabulary(name: str) -> Mapping[str, Any]:
    """A YAML file of `specs/meta`: `rules` or `roles`."""
    problems = Problems()
    document = read_yaml(META / f"{name}.yaml", f"meta/{name}.yaml", problems)
    if document is None or problems.found:
        raise PackError(problems.found, "specs/meta")
    words: Mapping[str, Any] = document.value
    return words


def schema(kind: str) -> Mapping[str, Any]:
    """The schema of a file kind as data."""
    found: Mapping[str, Any] = _schemas()[f"{kind}.schema.json"]
    return found


def check(kind: str, document: Document, problems: Problems) -> set[tuple[str | int, ...]]:
    """Hold a file against the schema of its kind. Notes every problem; returns the paths that are wrong."""
    wrong = set()
    for error in validator(kind).iter_errors(document.value):
        path = tuple(error.instance_path)
        for below, text, valid in _told(kind, error):
            wrong.add((*path, *below))
            problems.add(document.place((*path, *below)), text, valid)
    return wrong


def explain(kind: str, value: Any) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """(path, what is wrong, what is valid) of a value that did not come from a positioned file."""
    for error in validator(kind).iter_errors(value):
        for below, text, valid in _told(kind, error):
            yield (*error.instance_path, *below), text, valid


def _told(kind: str, error: Any) -> Iterator[tuple[tuple[str, ...], str, str]]:
    at = _name(error.instance_path)
    match type(error.kind).__name__:
        case "Required":
            yield (), f"{at}member {error.kind.property!r} is missing", ""
        case "AdditionalProperties" | "UnevaluatedProperties":
            known = _siblings(kind, error.evaluation_path)
            for key in error.kind.unexpected:
                yield (key,), f"{at}unknown member {key!r}", suggest(key, known) if known else ""
        case "Enum":
            options = [str(o) for o in error.kind.options]
            yield (), f"{at}{_short(error.instance)} is not allowed", suggest(str(error.instance), options)
        case "Type":
            yield (), f"{at}{_short(error.instance)} has the wrong type", "valid: " + " or ".join(error.kind.types)
        case "Pattern":
            yield (), f"{at}{_short(error.instance)} has the wrong form", f"valid: {error.kind.pattern}"
        case _:
            yield (), at + _cut(error.message), ""


def _siblings(kind: str, evaluation_path: list[str | int]) -> list[str]:
    """Members that the schema at the path of an `additionalProperties` complaint does know."""
    schema: Any = _schemas()[f"{kind}.schema.json"]
    for step in evaluation_path[1:-1]:  # the first step is the `$ref` of the wrapper
        if step == "$ref":
            file, _, fragment = schema["$ref"].partition("#")
            schema = _schemas()[file] if file else _schemas()[f"{kind}.schema.json"]
            for token in fragment.strip("/").split("/"):
                schema = schema[token]
        else:
            schema = schema[step]
    return list(schema.get("properties", ()))


def _name(path: list[str | int]) -> str:
    """The innermost named member of a path, for the message."""
    words = [step for step in path if isinstance(step, str)]
    return f"{words[-1]}: " if words else ""


def _cut(message: str) -> str:
    """A validator's own sentence, which begins with the whole value: of a long one its beginning."""
    return message if len(message) <= 200 else f"{message[:57]}... {message[-60:].partition(' ')[2]}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
