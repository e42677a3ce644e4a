"""Cross-checks by name: everything that a thing of the pack refers to exists, and fits."""

from __future__ import annotations

import re
from collections.abc import Mapping

from conformance.spec import _bindings, _meta, _rules, _tables
from conformance.spec._read import RawPack
from conformance.spec._source import Node
from conformance.spec.condition import ConditionError, asked
from conformance.spec.model import Place, Spec, Verification
from conformance.spec.problems import suggest

_WORD = re.compile(r"[A-Za-z0-9]+")


def check(raw: RawPack, spec: Spec) -> None:
    """Run every cross-check. What is not well formed has been told already and is left out."""
    _interfaces(raw)
    if not raw.ids("clauses"):
        raw.problems.add(Place("clauses", 1), "the pack has no clause", "clauses/<FAM>.yaml, a list of clauses")
    _bindings.check(raw, spec)
    _clauses(raw, spec)
    _follows(raw, spec)
    _tables.check(raw, spec)
    _profiles(raw, spec)
    for node in raw.ids("peripheral").values():
        _condition(raw, spec, node.child("condition"))
        _condition(raw, spec, node.child("mandatory"))
        _file_name(raw, node, node.get("id"))
    _pics(raw)
    for node in raw.ids("timers").values():
        _varied(raw, node)


def _interfaces(raw: RawPack) -> None:
    for pack in raw.things("pack"):
        envelopes = [name for name, _ in pack.child("envelopes").members()]
        for _, node in pack.child("interfaces").members():
            name = node.get("envelope")
            if isinstance(name, str):
                raw.problems.known(node.child("envelope").place, "envelope", name, envelopes)


def _clauses(raw: RawPack, spec: Spec) -> None:
    for clause_id, node in raw.ids("clauses").items():
        family = clause_id[:3]
        if family not in spec.families:
            raw.problems.unknown(node.child("id").place, "family", family, spec.families)
        _file_name(raw, node, family)
        if isinstance(node.get("interface"), str):
            raw.problems.known(node.child("interface").place, "interface", node.get("interface"), spec.interfaces)
        _condition(raw, spec, node.child("condition"))
        _source(raw, spec, node.child("source"))
        for known in node.child("follows_from").items():
            if isinstance(known.value, str):
                raw.problems.known(known.place, "clause", known.value, raw.ids("clauses"))
        _obligations(raw, spec, node)


def _obligations(raw: RawPack, spec: Spec, clause: Node) -> None:
    seen: set[str] = set()
    for node in clause.child("obligations").items():
        oid = f"{clause.get('id')}.{node.get('id')}"
        if oid in seen:
            raw.problems.add(node.child("id").place, f"duplicate obligation {oid}")
        seen.add(oid)
        _condition(raw, spec, node.child("condition"))
        how = node.get("verification")
        if how in (Verification.MONITOR, Verification.PROCEDURE) and not isinstance(node.get("rule"), dict):
            raw.problems.add(
                node.place, f"{oid} is untested: verification {how!r} without a rule",
                "give a rule, or verify it by operator or document",
            )  # fmt: skip
        if how == Verification.PROCEDURE and not node.get("stimulus"):
            raw.problems.add(node.place, f"{oid} is a procedure and names no stimulus", "a case id or a glob")
        if isinstance(node.get("rule"), dict):
            _rules.check(raw, spec, node.child("rule"))


def _varied(raw: RawPack, node: Node) -> None:
    """Only what a device is told can be told otherwise, and the second value never asks less of it than the first."""
    varied = node.get("varied")
    if not isinstance(varied, int | float):
        return
    if not (node.get("told") and node.get("scalable") and node.get("obeys") == "iut"):
        raw.problems.add(node.child("varied").place, "varied is for timers that the device is told, obeys and can scale")
    if (varied < 1) is not (node.get("favours") == "longer") or varied == 1:
        raw.problems.add(
            node.child("varied").place, f"varied {varied:g} favours the device or changes nothing",
            "below 1 where longer is easier for the device, above 1 where shorter is",
        )  # fmt: skip


def _source(raw: RawPack, spec: Spec, node: Node) -> None:
    if node.get("kind") == "source":
        first = _WORD.match(str(node.get("ref", "")))
        if not first or first.group() not in spec.sources:
            raw.problems.unknown(node.child("ref").place, "source", first.group() if first else "", spec.sources)


def _follows(raw: RawPack, spec: Spec) -> None:
    """`follows_from` has no cycle: the card folds what follows under what caused it, so there must be a first."""
    graph: Mapping[str, tuple[str, ...]] = {c.id: c.follows_from for c in spec.clauses.values()}
    done: set[str] = set()
    for start in graph:
        trail: list[str] = []
        _walk(raw, spec, graph, start, trail, done)


def _walk(
    raw: RawPack, spec: Spec, graph: Mapping[str, tuple[str, ...]], at: str, trail: list[str], done: set[str]
) -> None:
    if at in trail:
        cycle = [*trail[trail.index(at) :], at]
        raw.problems.add(spec.clauses[at].place, "follows_from runs in a circle: " + " -> ".join(cycle))
        return
    if at in done:
        return
    trail.append(at)
    for before in graph.get(at, ()):
        _walk(raw, spec, graph, before, trail, done)
    trail.pop()
    done.add(at)


def _condition(raw: RawPack, spec: Spec, node: Node) -> None:
    try:
        leaves = list(asked(node.value))
    except ConditionError as e:
        raw.problems.add(node.place, str(e))
        return
    for item, value in leaves:
        known = spec.pics.get(item)
        if known is None:
            raw.problems.unknown(node.place, "PICS item", item, spec.pics)
        elif value is not None and known.values and value not in known.values:
            raw.problems.add(node.place, f"{item} is never {value!r}", suggest(str(value), known.values))


def _profiles(raw: RawPack, spec: Spec) -> None:
    for node in raw.ids("profile").values():
        _file_name(raw, node, node.get("id"))
        for family in node.child("families").items():
            if family.value != "*" and isinstance(family.value, str):
                raw.problems.known(family.place, "family", family.value, spec.families)


def _pics(raw: RawPack) -> None:
    for root in raw.things("pics"):
        for node in root.child("pics").items():
            if node.get("type") in ("enum", "set") and not node.get("values"):
                raw.problems.add(node.place, f"{node.get('id')}: type {node.get('type')!r} without values")
            _where(raw, node, f"pics.{node.get('id')}")
        for node in root.child("pixit").items():
            _where(raw, node, "pixit.")


def _where(raw: RawPack, node: Node, own: str) -> None:
    """`where` names a member of the device file: of a table that its schema knows, or of the section of items itself."""
    where = str(node.get("where", ""))
    if where.startswith(own):
        return
    tables = _meta.schema("device")["properties"]
    known = [f"{t}.{member}" for t, shape in tables.items() for member in shape.get("properties", ())]
    if where not in known:
        raw.problems.unknown(node.child("where").place, "member of the device file", where, [own, *known])


def _file_name(raw: RawPack, node: Node, expected: object) -> None:
    """A thing stands in the file that is named after it, so that people and tools find it."""
    stem = node.doc.file.rsplit("/", 1)[-1].removesuffix(".yaml")
    if isinstance(expected, str) and stem != expected:
        raw.problems.add(node.child("id").place, f"{expected!r} stands in {node.doc.file}", f"its file is {expected}.yaml")


