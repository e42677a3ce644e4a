"""However a pack is broken, the loader answers with problems and never with a crash."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.spec._source import read_json, read_yaml
from conformance.spec.loader import examine
from conformance.spec.problems import Problems

TINY = Path(__file__).parents[1] / "packs" / "tiny" / "1.0"
FILES = sorted(file for file in TINY.rglob("*") if file.is_file())
STRANGE: tuple[Any, ...] = (None, 0, 1.5, True, "", "x", "a.b", "I1", "T-X", [], [1], [[]], ["*"], {}, {"x": 1}, {"a": {"b": []}})
ROUNDS = 40


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from paths(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, (*path, index))


def mutated(value: Any, rng: random.Random) -> Any:
    """The document with one place replaced by something strange, or taken away."""
    path = rng.choice(list(paths(value)))
    strange = rng.choice(STRANGE)
    if not path:
        return strange
    inside = value
    for step in path[:-1]:
        inside = inside[step]
    if rng.random() < 0.2:
        del inside[path[-1]]
    else:
        inside[path[-1]] = strange
    return value


@pytest.mark.parametrize("seed", range(4))
def test_a_broken_pack_is_told_and_never_crashes(tmp_path: Path, seed: int) -> None:
    pack = Path(shutil.copytree(TINY, tmp_path / "tiny"))
    rng = random.Random(seed)
    broken = 0
    for _ in range(ROUNDS):
        original = rng.choice(FILES)
        target = pack / original.relative_to(TINY)
        as_json = original.suffix == ".json"
        document = (read_json if as_json else read_yaml)(original, original.name, Problems())
        assert document is not None
        value = mutated(document.value, rng)
        target.write_text(json.dumps(value) if as_json else yaml.safe_dump(value, allow_unicode=True), "utf-8")
        _, problems = examine(pack)
        assert all(str(problem) for problem in problems)
        broken += bool(problems)
        shutil.copyfile(original, target)
    assert broken > ROUNDS / 3  # optional members may be strange and lawful
    assert examine(pack)[1] == []
