"""Load a pack: read, check, build. A pack with any problem is refused with all of its problems at once."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from conformance.spec import _build, _checks, _documents, _examples, _schemas
from conformance.spec._meta import SPECS
from conformance.spec._read import RawPack, digest_of, read_pack
from conformance.spec._source import Node
from conformance.spec.model import Place, Spec
from conformance.spec.problems import PackError, Problem, Problems, suggest

DEFAULT: Final = "shanghai-rvw"
_FILE: Final = "pack.yaml"


def packs() -> dict[str, list[str]]:
    """Packs that ship with the harness: name to versions, oldest first."""
    found: dict[str, list[str]] = {}
    for file in sorted(SPECS.glob(f"*/*/{_FILE}")):
        found.setdefault(file.parent.parent.name, []).append(file.parent.name)
    return {name: sorted(versions, key=_version_key) for name, versions in found.items()}


def find_pack(ref: str | Path) -> Path:
    """The directory of a pack: `name/version`, `name` (newest version) or a path. Raises PackError."""
    path = Path(ref)
    if (path / _FILE).is_file():
        return path.resolve()
    known = packs()
    name, _, version = str(ref).partition("/")
    if name in known and (not version or version in known[name]):
        return SPECS / name / (version or known[name][-1])
    every = [f"{n}/{v}" for n, versions in known.items() for v in versions]
    raise PackError([Problem(Place(str(ref), 1), f"no pack and no directory with a {_FILE}", suggest(str(ref), every))])


def default_pack() -> Path:
    """The directory of the newest pack that the harness is made for."""
    return find_pack(DEFAULT)


def load(ref: str | Path = DEFAULT) -> Spec:
    """Load and check a pack. Raises PackError with every problem found."""
    root = find_pack(ref)
    return _load(root, digest_of(root))


@lru_cache(maxsize=4)
def _load(root: Path, digest: str) -> Spec:
    spec, problems = examine(root, digest)
    if spec is None or problems:
        raise PackError(problems, root.name if root.parent == Path() else f"{root.parent.name}/{root.name}")
    return spec


def examine(root: Path, digest: str = "") -> tuple[Spec | None, list[Problem]]:
    """Everything that can be said about a pack: what could be built, and all problems (for tools that edit packs)."""
    problems = Problems()
    raw = read_pack(root, problems)
    pack = raw.document("pack")
    if pack is None or not isinstance(pack.value, dict):
        return None, problems.found
    spec = _spec(raw, Node(pack, (), pack.value), digest or digest_of(root))
    if spec is not None:
        schemas = _schemas.check(raw, spec)
        _examples.check(raw, spec, schemas)
        _checks.check(raw, spec)
        _documents.check(raw, spec)
    return spec, problems.found


def _spec(raw: RawPack, pack: Node, digest: str) -> Spec | None:
    v = pack.value
    if any(path == () or path[0] in ("pack", "version", "title", "notice") for path in raw.wrong.get(_FILE, ())):
        return None
    families = {key: _build.must_text(n.value) for key, n in _sound_members(raw, pack.child("families"))}
    pics, pixit = _declarations(raw)
    media = raw.document("media")
    valid, constraints = _examples.read(raw)
    order = {family: index for index, family in enumerate(families)}
    clauses = sorted(_sound(raw, "clauses"), key=lambda found: order.get(found[0][:3], len(order)))
    return Spec(
        id=v["pack"], version=v["version"], root=raw.root, digest=digest, title=_build.must_text(v["title"]),
        notice=_build.must_text(v["notice"]),
        sourced=tuple(_build.must_text(n.value) for n in pack.child("sourced").items() if raw.sound(n)),
        assumed=tuple(_build.must_text(n.value) for n in pack.child("assumed").items() if raw.sound(n)),
        sources=v["sources"] if raw.sound(pack.child("sources")) else {},
        interfaces={k: _build.interface(k, n.value) for k, n in _sound_members(raw, pack.child("interfaces"))},
        envelopes={k: _build.envelope(n.value) for k, n in _sound_members(raw, pack.child("envelopes"))},
        signatures={k: n.value for k, n in _sound_members(raw, pack.child("signatures"))},
        messages={k: _build.message(n) for k, n in _sound(raw, "messages", "name")},
        clauses={k: _build.clause(n) for k, n in clauses},
        timers={k: _build.timer(n) for k, n in _sound(raw, "timers")},
        lifecycles={k: _build.lifecycle(n) for k, n in _sound(raw, "lifecycle")},
        peripherals={k: _build.peripheral(n) for k, n in _sound(raw, "peripheral")},
        profiles={k: _build.profile(n, tuple(families)) for k, n in _sound(raw, "profile")},
        pics={k: _build.pics_item(n.value) for k, n in pics.items()},
        pixit={k: _build.pixit_item(n.value) for k, n in pixit.items()},
        media=media.value if media and isinstance(media.value, dict) else {}, examples=valid, constraints=constraints,
        families=families, city=v["city"] if isinstance(v.get("city"), dict) else {},
    )  # fmt: skip


def _sound(raw: RawPack, kind: str, key: str = "id") -> list[tuple[str, Node]]:
    return [(name, node) for name, node in raw.ids(kind, key).items() if raw.sound(node)]


def _sound_members(raw: RawPack, node: Node) -> list[tuple[str, Node]]:
    return [(name, child) for name, child in node.members() if raw.sound(child)]


def _declarations(raw: RawPack) -> tuple[dict[str, Node], dict[str, Node]]:
    document = raw.document("pics")
    if document is None:
        return {}, {}
    root = Node(document, (), document.value)
    seen: dict[str, Node] = {}
    sections: list[dict[str, Node]] = []
    for section in ("pics", "pixit"):
        mine: dict[str, Node] = {}
        for node in root.child(section).items():
            name: Any = node.get("id")
            if not isinstance(name, str):
                continue  # told by the schema of the file
            if name in seen:
                raw.problems.add(node.place, f"duplicate id {name!r}", f"first at {seen[name].place}")
            elif raw.sound(node):
                mine[name] = seen[name] = node
        sections.append(mine)
    return sections[0], sections[1]


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"[0-9]+", version))
