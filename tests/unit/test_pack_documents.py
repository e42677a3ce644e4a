"""Messages of the reference pack: examples against both validators, OpenAPI and AsyncAPI against their schemas."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
import yaml
from openapi_spec_validator import validate as validate_openapi
from referencing import Registry, Resource

PACK = Path(__file__).parents[2] / "specs" / "shanghai-rvw" / "1.0"
DATA = Path(__file__).parents[1] / "data"
PARTS = ("request", "result", "error")
SCHEMAS = {path.name: json.loads(path.read_text("utf-8")) for path in sorted((PACK / "messages").glob("*.json"))}
MESSAGES = {m["name"]: m for m in yaml.safe_load((PACK / "messages.yaml").read_text("utf-8"))}
DOCUMENTS = {path.name: yaml.safe_load(path.read_text("utf-8")) for path in sorted(PACK.glob("*api.yaml"))}
VALID = sorted((PACK / "examples" / "valid").glob("*.json"))
INVALID = sorted((PACK / "examples" / "invalid").glob("*.json"))
IDS = {"ids": lambda path: path.name}
# What a schema inside an API document may say besides a reference: which message this is, and where its body stands.
INLINE = {"allOf", "properties", "const", "$ref"}

Complaint = tuple[str, str]


@cache
def _python(file: str) -> jsonschema.Draft202012Validator:
    registry: Registry[Any] = Registry().with_resources([(n, Resource.from_contents(s)) for n, s in SCHEMAS.items()])
    return jsonschema.Draft202012Validator(
        SCHEMAS[file], registry=registry, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


@cache
def _rust(file: str) -> jsonschema_rs.Draft202012Validator:
    base = "json-schema:///"
    registry = jsonschema_rs.Registry([(base + n, {**s, "$id": base + n}) for n, s in SCHEMAS.items()])
    return jsonschema_rs.Draft202012Validator({"$ref": base + file}, registry=registry, validate_formats=True)


def _pointer(path: Any) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def complaints(file: str, body: Any) -> tuple[list[Complaint], list[Complaint]]:
    """What both validators say against a body: (instance pointer, keyword)."""
    python = [(_pointer(e.absolute_path), str(e.validator)) for e in _python(file).iter_errors(body)]
    rust = [
        (_pointer(e.instance_path), [step for step in e.schema_path if isinstance(step, str)][-1])
        for e in _rust(file).iter_errors(body)
    ]
    return sorted(python), sorted(rust)


def _named(path: Path) -> tuple[str, str, str]:
    """(message, part, schema file) that an example's name speaks of."""
    for name in sorted(MESSAGES, key=len, reverse=True):
        if path.name.startswith(f"{name}."):
            part = path.name[len(name) + 1 :].split(".")[0]
            return name, part, MESSAGES[name]["schemas"][part]
    raise AssertionError(f"{path.name} names no message")


def _load(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


@pytest.mark.parametrize("path", VALID, **IDS)
def test_valid_example_keeps_its_schema(path: Path) -> None:
    assert complaints(_named(path)[2], _load(path)) == ([], [])


@pytest.mark.parametrize("path", INVALID, **IDS)
def test_invalid_example_breaks_the_one_constraint_that_it_names(path: Path) -> None:
    example = _load(path)
    expected = [(example["pointer"], example["keyword"])]
    assert complaints(_named(path)[2], example["body"]) == (expected, expected)


@pytest.mark.parametrize("folder", [VALID, INVALID], ids=["valid", "invalid"])
def test_every_part_of_every_message_has_an_example(folder: list[Path]) -> None:
    covered = {_named(path)[:2] for path in folder}
    asked = {(name, part) for name, m in MESSAGES.items() for part in PARTS if part in m["schemas"]}
    assert asked - covered == set()


def test_every_action_and_every_event_type_has_a_valid_example() -> None:
    actions = {
        (peripheral["id"], action)
        for peripheral in (yaml.safe_load(p.read_text("utf-8")) for p in (PACK / "peripherals").glob("*.yaml"))
        for action in peripheral["actions"]
    }
    bodies = [(_named(path)[0], _load(path)) for path in VALID if _named(path)[1] == "request"]
    commands = [body for name, body in bodies if name == "peripheral.command"]
    assert {(body["peripheral"], body["action"]) for body in commands} == actions
    types = {body["type"] for name, body in bodies if name == "peripheral.report"}
    assert types == set(SCHEMAS["peripheral.report.request.json"]["properties"]["type"]["enum"])


def test_persons_in_examples_and_fixtures_cannot_be_alive() -> None:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    numbers = {n for path in VALID for n in _id_numbers(_load(path))}
    numbers |= set(_id_numbers(yaml.safe_load((PACK / "pack.yaml").read_text("utf-8"))["city"]))
    assert len(numbers) >= 3
    for number in numbers:
        assert number[6:9] == "188"
        assert "10X98765432"[sum(int(d) * w for d, w in zip(number, weights, strict=False)) % 11] == number[17]


def _id_numbers(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "id_number":
                yield item
            else:
                yield from _id_numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from _id_numbers(item)


@pytest.mark.parametrize("name", [n for n in DOCUMENTS if n.endswith("openapi.yaml")])
def test_openapi_document_is_lawful(name: str) -> None:
    validate_openapi(DOCUMENTS[name], base_uri=(PACK / name).as_uri())


def _asyncapi() -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(_load(DATA / "asyncapi-3.0.0.json"))


@pytest.mark.parametrize("name", [n for n in DOCUMENTS if n.endswith("asyncapi.yaml")])
def test_asyncapi_document_is_lawful(name: str) -> None:
    assert [f"{_pointer(e.absolute_path)}: {e.message}" for e in _asyncapi().iter_errors(DOCUMENTS[name])] == []


def test_asyncapi_schema_refuses_what_is_not_lawful() -> None:
    document = yaml.safe_load((PACK / "channel.asyncapi.yaml").read_text("utf-8"))
    document["operations"]["send.heartbeat"]["action"] = "publish"
    [error] = _asyncapi().iter_errors(document)
    assert _pointer(error.absolute_path).startswith("/operations/send.heartbeat")


def _schema_nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "schema":
                yield item
            else:
                yield from _schema_nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _schema_nodes(item)


def _refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "$ref":
                yield item
            else:
                yield from _refs(item)
    elif isinstance(value, list):
        for item in value:
            yield from _refs(item)


def _resolve(document: Any, fragment: str) -> Any:
    for step in fragment.split("/")[1:]:
        document = document[step.replace("~1", "/").replace("~0", "~")]
    return document


@pytest.mark.parametrize("name", list(DOCUMENTS))
def test_api_documents_hold_references_and_no_schemas_of_their_own(name: str) -> None:
    document = DOCUMENTS[name]
    for schema in _schema_nodes(document):
        assert set(schema) <= INLINE
        for inner in schema.get("properties", {}).values():
            assert set(inner) in ({"const"}, {"$ref"})
    for ref in _refs(document):
        file, _, fragment = ref.partition("#")
        assert not file or file.startswith("messages/")
        assert _resolve(SCHEMAS[file.removeprefix("messages/")] if file else document, fragment) is not None


def test_api_documents_name_every_message_and_no_other() -> None:
    told = {
        operation["operationId"]: (path, method.upper())
        for document in DOCUMENTS.values()
        for path, methods in document.get("paths", {}).items()
        for method, operation in methods.items()
    }
    assert told == {n: (m["http"]["path"], m["http"]["method"]) for n, m in MESSAGES.items() if "http" in m}
    operations = {key for document in DOCUMENTS.values() for key in document.get("operations", {})}
    sides = {"iut": ("send",), "bench": ("receive",), "either": ("send", "receive")}
    assert operations == {f"{v}.{n}" for n, m in MESSAGES.items() if "http" not in m for v in sides[m["from"]]}


def test_bound_fields_exist_in_the_schemas() -> None:
    """A canonical field points at a member that the part's schema knows; a typing mistake would bind nothing."""
    for name, message in MESSAGES.items():
        for part, fields in message["fields"].items():
            for field, pointer in fields.items():
                known = _members(SCHEMAS[message["schemas"][part]], message["schemas"][part], pointer.split("/")[1:])
                assert known, f"{name}.{part}: {field} points to {pointer}"


def _members(schema: Any, file: str, steps: list[str]) -> bool:
    """Whether a schema speaks of the member at `steps`, in any of its branches."""
    if not steps:
        return True
    if not isinstance(schema, dict):
        return False
    if "$ref" in schema:
        other, _, fragment = schema["$ref"].partition("#")
        target = other or file
        if _members(_resolve(SCHEMAS[target], fragment), target, steps):
            return True
    if steps[0] in schema.get("properties", {}) and _members(schema["properties"][steps[0]], file, steps[1:]):
        return True
    branches = [*schema.get("allOf", []), schema.get("if"), schema.get("then"), schema.get("else")]
    return any(_members(branch, file, steps) for branch in branches)


def _closed_maps(schema: Any) -> Iterator[str]:
    """Members whose own members are data (labels, timers): an unknown name there is a value, not an extension."""
    if isinstance(schema, dict):
        for name, inner in schema.get("properties", {}).items():
            if isinstance(inner, dict) and "propertyNames" in inner:
                yield name
        for inner in schema.values():
            yield from _closed_maps(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _closed_maps(inner)


MAPS = {name for schema in SCHEMAS.values() for name in _closed_maps(schema)} | {"timers"}


def _extended(value: Any) -> Any:
    if isinstance(value, dict):
        inner = {key: item if key in MAPS else _extended(item) for key, item in value.items()}
        return {**inner, "x_not_in_1_0": {"any": [1, None]}}
    return [_extended(item) for item in value] if isinstance(value, list) else value


def test_members_that_the_pack_does_not_know_are_lawful_everywhere() -> None:
    for path in VALID:
        assert complaints(_named(path)[2], _extended(_load(path))) == ([], []), path.name


def _mutants(value: Any) -> Iterator[Any]:
    """The value with one thing wrong or missing, for every place in it."""
    for other in (None, 7, -1.5, "", "no such word", [], {}):
        if type(other) is not type(value):
            yield other
    if isinstance(value, dict):
        for key, item in value.items():
            rest = {k: v for k, v in value.items() if k != key}
            yield rest
            for mutant in _mutants(item):
                yield {**rest, key: mutant}
    elif isinstance(value, list) and value:
        yield value * 2
        for mutant in _mutants(value[0]):
            yield [mutant, *value[1:]]


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_both_validators_agree_on_everything_near_an_example(name: str) -> None:
    refused = 0
    for part in PARTS:
        path = PACK / "examples" / "valid" / f"{name}.{part}.json"
        if not path.exists():
            continue
        file = MESSAGES[name]["schemas"][part]
        for mutant in _mutants(_load(path)):
            verdict = _python(file).is_valid(mutant)
            assert _rust(file).is_valid(mutant) == verdict, mutant
            refused += not verdict
    assert refused > 10


def _bounded(schema: Any, where: str) -> Iterator[str]:
    if isinstance(schema, dict):
        types = schema.get("type", [])
        for wanted, bound in (("string", "maxLength"), ("array", "maxItems"), ("integer", "maximum")):
            if wanted in types and bound not in schema and "const" not in schema and where != "rpc.json":
                yield f"{where}: {wanted} without {bound}"
        for inner in schema.values():
            yield from _bounded(inner, where)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _bounded(inner, where)


def test_everything_is_bounded() -> None:
    """A device and the bench can size their buffers: no text, list or number without an upper limit."""
    assert [line for name, schema in SCHEMAS.items() for line in _bounded(schema, name)] == []
