"""The words in `specs/meta` are the words that the harness understands: data and code are held in step here."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from conformance.spec import _meta
from conformance.spec.loader import default_pack, examine
from conformance.trace.entry import _SPECIAL
from conformance.trace.observation import Observation
from conformance.verdict import match, predicates, rules

RULES_FOLDER = Path(rules.__file__).parent



def test_rule_kinds_are_the_rules_that_exist() -> None:
    assert set(_meta.vocabulary("rules")["kinds"]) == set(rules.RULES)


def test_rule_parameters_are_the_ones_that_rules_read() -> None:
    words = _meta.vocabulary("rules")
    told = {name for shape in words["kinds"].values() for part in ("required", "optional") for name in shape.get(part, ())}
    told |= set(words["common"])
    source = "\n".join(file.read_text("utf-8") for file in RULES_FOLDER.glob("*.py"))
    patterns = (
        r"params\.get\(\"([a-z_]+)\"", r"params\[[\"']([a-z_]+)[\"']\]", r"need\(params, \"([a-z_]+)\"",
        r"\"([a-z_]+)\" in params",
    )  # fmt: skip
    read = {name for pattern in patterns for name in re.findall(pattern, source)}
    assert read == told


def test_predicates_matcher_keys_and_fields() -> None:
    words = _meta.vocabulary("rules")
    assert set(words["predicate"]) == set(predicates._OPERATORS)
    assert set(words["matcher"]) == set(match._KEYS)
    assert set(words["entry"]) == set(_SPECIAL)


def harness_sources() -> str:
    """The Python of the harness and the simulators. Devices are no part of it: they are named after what they break."""
    root = Path(rules.__file__).parents[3]
    files = (file for room in ("conformance", "mocks", "reports") for file in (root / room).rglob("*.py"))
    return "\n".join(file.read_text("utf-8") for file in files if "devices" not in file.relative_to(root).parts)


def test_stimuli_are_the_ones_that_the_harness_gives() -> None:
    given = set(re.findall(r"\"stimulus\": \"([^\"]+)\"", harness_sources()))
    assert given == set(_meta.vocabulary("rules")["stimuli"])


def test_the_harness_names_no_clause_of_a_pack() -> None:
    spec, _ = examine(default_pack())
    assert spec is not None
    named = re.findall(r"\b[A-Z]{3}-[0-9]{3}\b", harness_sources())
    assert set(named) & set(spec.clauses) == set()


def test_roles_are_complete() -> None:
    for name, role in _meta.vocabulary("roles")["roles"].items():
        assert set(role) == {"from", "title", "request", "result"}, name
        assert role["from"] in ("iut", "bench", "either"), name
        assert set(role["title"]) == {"zh", "en"}, name


@pytest.mark.parametrize("file", sorted(_meta.META.glob("*.schema.json")), ids=lambda f: f.name)
def test_meta_schemas_are_lawful_and_carry_their_own_name(file: Path) -> None:
    schema = json.loads(file.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"].rsplit("/", 1)[-1] == file.name
    assert "\\d" not in json.dumps(schema)


def test_a_journal_line_keeps_its_schema() -> None:
    frame = Observation(3, 1.5, "reg.first", "I2", "iut", "ws.frame", b'{"a":1}', {"conn": "c1"})
    line = frame.as_json() | {"prev": "0" * 64}
    check = _meta.validator("journal-line")
    assert check.is_valid(line)
    assert not check.is_valid(line | {"raw_b64": "AAAA"})  # one form of the payload only
    assert not check.is_valid(line | {"dir": "device"})
