"""All files of a pack directory, parsed and held against the schema of their kind. Nothing is built yet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from conformance.spec import _meta
from conformance.spec._source import Document, Node, Steps, read_json, read_yaml
from conformance.spec.model import Place
from conformance.spec.problems import Problems

_ONE = {"pack": "pack.yaml", "messages": "messages.yaml", "timers": "timers.yaml", "pics": "pics.yaml"}
_MANY = {"clauses": "clauses", "lifecycle": "lifecycles", "peripheral": "peripherals", "profile": "profiles"}
_LISTS = ("clauses", "messages", "timers")  # file kinds whose document is a list of things


@dataclass(slots=True)
class RawPack:
    """The parsed files. `wrong` holds, by file, the paths that broke the schema of the file's kind."""

    root: Path
    problems: Problems
    files: dict[str, list[Document]] = field(default_factory=dict)
    schemas: dict[str, Document] = field(default_factory=dict)  # by path below messages/
    lawful: set[str] = field(default_factory=set)  # those of them that are schemas at all
    valid: dict[str, Document] = field(default_factory=dict)  # by file name
    invalid: dict[str, Document] = field(default_factory=dict)
    wrong: dict[str, set[Steps]] = field(default_factory=dict)
    _ids: dict[str, dict[str, Node]] = field(default_factory=dict)

    def document(self, kind: str) -> Document | None:
        """The one file of a kind, None where it is missing or unreadable."""
        return next(iter(self.files.get(kind, ())), None)

    def things(self, kind: str) -> Iterator[Node]:
        """Every thing of a kind, well formed or not, in file order."""
        for document in self.files.get(kind, ()):
            root = Node(document, (), document.value)
            if kind in _LISTS:
                yield from root.items()
            else:
                yield root

    def sound(self, node: Node) -> bool:
        """Whether nothing in the node broke the schema, so that it can be built."""
        depth = len(node.path)
        return not any(
            path[:depth] == node.path or path == node.path[: len(path)] for path in self.wrong.get(node.doc.file, ())
        )

    def ids(self, kind: str, key: str = "id") -> dict[str, Node]:
        """Things by name; a name given twice is noted when first asked."""
        if kind in self._ids:
            return self._ids[kind]
        found = self._ids[kind] = {}
        for node in self.things(kind):
            name = node.get(key)
            if not isinstance(name, str):
                continue
            if name in found:
                self.problems.add(node.child(key).place, f"duplicate id {name!r}", f"first at {found[name].place}")
            else:
                found[name] = node
        return found


def read_pack(root: Path, problems: Problems) -> RawPack:
    """Read everything under `root`."""
    raw = RawPack(root, problems)
    for kind, name in _ONE.items():
        if (root / name).is_file():
            _keep(raw, kind, read_yaml(root / name, name, problems))
        else:
            problems.add(Place(name, 1), "the file is missing")
    for kind, folder in _MANY.items():
        for file in sorted((root / folder).glob("*.yaml")):
            _keep(raw, kind, read_yaml(file, f"{folder}/{file.name}", problems))
    if (root / "media.yaml").is_file():
        _keep(raw, "media", read_yaml(root / "media.yaml", "media.yaml", problems))
    for file in sorted((root / "messages").rglob("*.json")):
        name = file.relative_to(root / "messages").as_posix()
        document = read_json(file, f"messages/{name}", problems)
        if document is not None:
            raw.schemas[name] = document
    _strays(raw)
    _examples(raw, "valid", raw.valid)
    _examples(raw, "invalid", raw.invalid)
    return raw


def _strays(raw: RawPack) -> None:
    """A file with another ending would be passed over in silence, and with it its clauses."""
    folders = dict.fromkeys(_MANY.values(), ".yaml") | {"messages": ".json", "examples": ".json"}
    for folder, ending in folders.items():
        for file in sorted((raw.root / folder).rglob("*")):
            if file.is_file() and file.suffix != ending and not file.name.startswith("."):
                name = file.relative_to(raw.root).as_posix()
                raw.problems.add(Place(name, 1), "the file would be passed over", f"files under {folder}/ end in {ending}")


def _keep(raw: RawPack, kind: str, document: Document | None) -> None:
    if document is None:
        return
    raw.files.setdefault(kind, []).append(document)
    raw.wrong.setdefault(document.file, set()).update(_meta.check(kind, document, raw.problems))


def _examples(raw: RawPack, folder: str, into: dict[str, Document]) -> None:
    for file in sorted((raw.root / "examples" / folder).glob("*.json")):
        document = read_json(file, f"examples/{folder}/{file.name}", raw.problems)
        if document is None:
            continue
        if folder == "invalid" and _meta.check("invalid-example", document, raw.problems):
            continue
        into[file.name] = document


def digest_of(root: Path) -> str:
    """SHA-256 over the sorted (relative path, SHA-256 of the file) of a pack, as hex."""
    total = hashlib.sha256()
    names = sorted(
        file.relative_to(root).as_posix()
        for file in root.rglob("*")
        if file.is_file() and not any(part.startswith((".", "__")) for part in file.relative_to(root).parts)
    )
    for name in names:
        total.update(f"{name}\0{hashlib.sha256((root / name).read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()
