"""A second validator says the same of every example: no verdict rests on a quirk of one library (decision 31)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing
from referencing.jsonschema import DRAFT202012

from conformance.spec import loader
from conformance.spec._examples import split_name
from conformance.spec.validators import schema_for

TINY = Path(__file__).parents[1] / "packs" / "tiny" / "1.0"
BASE = "https://pack.invalid/"  # any base that the second library can join relative names to


def registry(root: Path) -> Any:
    """The schemas of a pack for the second library."""
    found = {f.relative_to(root).as_posix(): json.loads(f.read_text("utf-8")) for f in root.rglob("*.json")}
    resources = [(BASE + name, DRAFT202012.create_resource({**s, "$id": BASE + name})) for name, s in found.items()]
    return referencing.Registry().with_resources(resources)


@pytest.mark.parametrize("root", [TINY, *(loader.find_pack(name) for name in loader.packs())], ids=lambda r: r.parent.name)
def test_both_libraries_agree_on_every_example(root: Path) -> None:
    spec, _ = loader.examine(root)
    assert spec is not None
    known = registry(root / "messages")
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    differing = []
    for file in sorted((root / "examples").rglob("*.json")):
        named = split_name(file.name, spec.messages)
        assert named is not None
        ref = schema_for(spec.messages[named[0]], named[1])
        assert ref is not None
        example = json.loads(file.read_text("utf-8"))
        invalid = file.parent.name == "invalid"
        validator = jsonschema.Draft202012Validator({"$ref": BASE + ref}, registry=known, format_checker=checker)
        errors = list(validator.iter_errors(example["body"] if invalid else example))
        seen = [("".join(f"/{step}" for step in e.absolute_path), e.validator) for e in errors]
        if seen != ([(example["pointer"], example["keyword"])] if invalid else []):
            differing.append((file.name, seen))
    assert differing == []
