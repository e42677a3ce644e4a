"""Cross-checks of the rules in a pack against the vocabulary in `specs/meta/rules.yaml`.

A rule that names a field no matched message has, or a message that does not exist, would never trigger: the clause would
stay inconclusive for ever. So it is an error of the pack, told at load.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from conformance.spec import _bindings, _meta
from conformance.spec._read import RawPack
from conformance.spec._source import Node
from conformance.spec.model import Message, Spec
from conformance.spec.problems import suggest
from conformance.spec.validators import schema_for

_GLOB = frozenset("*?[")
_REPLIES = ("result", "error")

Targets = set[tuple[str, str]]  # (message name, kind) that a matcher may match


def check(raw: RawPack, spec: Spec, rule: Node) -> None:
    """Note everything in one rule that the vocabulary or the pack does not know."""
    _Rule(raw, spec, rule).check()


class _Rule:
    """One rule under check."""

    def __init__(self, raw: RawPack, spec: Spec, rule: Node) -> None:
        self.problems = raw.problems
        self.raw = raw
        self.spec = spec
        self.rule = rule
        self.words = _meta.vocabulary("rules")
        self.by_type: Mapping[str, Callable[[Node], None]] = {
            "matcher": self._matcher, "predicates": lambda n: self._predicates(n, self._matched("of")), "timer": self._timer,
            "field": lambda n: self._field(n, self._all_matched()), "fields": self._fields, "join": self._join,
            "bool": lambda n: self._typed(n, bool, "true or false"), "number": self._number, "share": self._share,
            "count": self._count, "pointers": self._pointers, "lifecycle": self._lifecycle,
        }  # fmt: skip

    def check(self) -> None:
        kind = self.rule.get("kind")
        if not self.problems.known(self.rule.child("kind").place, "rule kind", kind, self.words["kinds"]):
            return
        shape = self.words["kinds"][kind]
        required, optional = shape.get("required", {}), {**shape.get("optional", {}), **self.words["common"]}
        for name, node in self.rule.members():
            if name in ("kind", "scope"):
                continue
            wanted = required.get(name) or optional.get(name)
            if wanted is None:
                self.problems.add(
                    node.place, f"rule {kind!r} has no parameter {name!r}", suggest(name, [*required, *optional])
                )
            else:
                self.by_type[wanted](node)
        for name in required:
            if name not in self.rule.value:
                self.problems.add(self.rule.place, f"rule {kind!r} lacks the parameter {name!r}", f"a {required[name]}")
        one_of = shape.get("any_of", ())
        if one_of and not any(name in self.rule.value for name in one_of):
            self.problems.add(self.rule.place, f"rule {kind!r} needs one of {', '.join(one_of)}")

    # --- matchers

    def _matcher(self, node: Node) -> None:
        if not isinstance(node.value, dict):
            self.problems.add(node.place, f"a matcher is a map, not {node.value!r}")
            return
        for key, child in node.members():
            if key not in self.words["matcher"]:
                self.problems.unknown(child.place, "matcher key", key, self.words["matcher"])
        self._named(node.child("message"), "message", self.spec.messages.keys() | self.raw.ids("messages", "name").keys())
        self._named(node.child("role"), "role", _meta.vocabulary("roles")["roles"])
        self._named(node.child("kind"), "kind", self.words["message_kinds"])
        self._named(node.child("from"), "sender", ("iut", "bench"))
        self._named(node.child("interface"), "interface", self.spec.interfaces)
        self._named(node.child("observation"), "observation kind", self.words["observations"])
        self._sender(node)
        if node.child("where").value is not None:
            self._predicates(node.child("where"), self._targets(node))

    def _named(self, node: Node, what: str, known: Iterable[str]) -> None:
        names = set(known)
        for item in [node, *node.items()]:
            if not isinstance(item.value, str):
                if item.value is not None and item.value is not node.value:
                    self.problems.add(item.place, f"{item.value!r} is no {what}")
                continue
            if _GLOB & set(item.value):
                if not any(fnmatchcase(name, item.value) for name in names):
                    self.problems.add(item.place, f"the glob {item.value!r} matches no {what}", suggest(item.value, names))
            elif item.value not in names:
                self.problems.unknown(item.place, what, item.value, names)

    def _sender(self, node: Node) -> None:
        """`from` names who sent the entry; a request that its sender never sends would match nothing."""
        kinds = _strings(node.get("kind"))
        sender = node.get("from")
        messages = self._messages(node)
        if sender not in ("iut", "bench") or not kinds or not messages or not (node.get("message") or node.get("role")):
            return
        for kind in kinds:
            if not any(_may_send(message, kind, sender) for message in messages):
                names = ", ".join(sorted(m.name for m in messages)[:3])
                self.problems.add(node.child("from").place, f"no {kind} of {names} is sent by {sender}")

    def _messages(self, node: Node) -> list[Message]:
        """The messages that a matcher may match; all of them where it names none (nothing for observations)."""
        if not isinstance(node.value, dict):
            return []
        names, roles = _strings(node.get("message")), _strings(node.get("role"))
        interfaces = _strings(node.get("interface"))
        return [
            m for m in self.spec.messages.values()
            if (not names or any(fnmatchcase(m.name, n) for n in names))
            and (not roles or m.role in roles)
            and (not interfaces or m.interface in interfaces)
        ]  # fmt: skip

    def _targets(self, node: Node) -> Targets:
        """(message, kind) of everything that a matcher may match; empty for observations."""
        if not isinstance(node.value, dict) or (node.get("observation") and not node.get("message")):
            return set()
        kinds = _strings(node.get("kind")) or ["request", "notification", *_REPLIES]
        return {(m.name, kind) for m in self._messages(node) for kind in kinds}

    def _matched(self, *params: str) -> Targets:
        return {target for param in params for target in self._targets(self.rule.child(param))}

    def _all_matched(self) -> Targets:
        return self._matched("of", "after", "expect", "forbid", "each", "by")

    # --- fields and predicates

    def _field(self, node: Node, targets: Targets) -> None:
        if not isinstance(node.value, str):
            self.problems.add(node.place, f"{node.value!r} is no field")
            return
        field = node.value
        targets = targets or _every_part(self.spec)
        while field.startswith(("reply.", "request.")):
            head, _, field = field.partition(".")
            targets = {(name, kind) for name, _ in targets for kind in (_REPLIES if head == "reply" else ("request",))}
        if field in self.words["entry"] or any(field.startswith(p) for p in self.words["entry_prefixes"] if p != "/"):
            return
        if field.startswith("/"):
            self._pointer(node, field, targets)
            return
        known = {name for m, kind in targets for name in _canonical(self.spec.messages[m], kind)}
        if field not in known:
            self.problems.add(
                node.place, f"no matched message has the field {field!r}", suggest(field, [*known, *self.words["entry"]])
            )

    def _pointer(self, node: Node, at: str, targets: Targets) -> None:
        """A pointer into the whole document: where it leads into the body, some matched message must know the member."""
        lost: tuple[str, set[str]] | None = None
        for name, kind in targets:
            message = self.spec.messages[name]
            interface = self.spec.interfaces.get(message.interface)
            envelope = self.spec.envelopes.get(interface.envelope or "") if interface else None
            ref = schema_for(message, kind)
            body = envelope.body.get(kind, "") if envelope else ""  # type: ignore[call-overload]
            if ref is None or not (at == body or at.startswith(f"{body}/")):
                return  # no schema, or a member of the envelope itself
            missing = _bindings.not_in_schema(self.raw, ref, at[len(body) :])
            if missing is None:
                return
            lost = lost or missing
        if lost is not None:
            self.problems.add(node.place, f"no matched message has {at!r}", suggest(*lost))

    def _fields(self, node: Node) -> None:
        if isinstance(node.value, str):
            self._field(node, self._all_matched())
        elif isinstance(node.value, list):
            for item in node.items():
                self._field(item, self._all_matched())
        else:
            self.problems.add(node.place, "a list of fields")

    def _join(self, node: Node) -> None:
        if not isinstance(node.value, dict):
            self.problems.add(node.place, "join maps a field of one entry to a field of the other")
            return
        for key, other in node.members():
            self._field(Node(other.doc, other.path, key), self._matched("expect", "forbid", "by", "of"))
            self._field(other, self._matched("after", "each", "forbid", "of"))

    def _predicates(self, node: Node, targets: Targets) -> None:
        if not isinstance(node.value, dict):
            self.problems.add(node.place, "a map of field to predicate")
            return
        for field, predicate in node.members():
            self._field(Node(predicate.doc, predicate.path, field), targets)
            if field == "facts.intended.stimulus":
                self._stimulus(predicate)
            self._predicate(predicate, targets)

    def _stimulus(self, node: Node) -> None:
        for word in _texts(node.value):
            self.problems.known(node.place, "deliberate stimulus", word, self.words["stimuli"])

    def _predicate(self, node: Node, targets: Targets) -> None:
        for name, operand in node.members():
            if name.startswith("/"):
                self._predicate(operand, targets)
                continue
            wanted = self.words["predicate"].get(name)
            if wanted is None:
                self.problems.unknown(operand.place, "predicate", name, self.words["predicate"])
                continue
            self._operand(wanted, name, operand, targets)

    def _operand(self, wanted: str, name: str, node: Node, targets: Targets) -> None:
        match wanted:
            case "pattern":
                self._pattern(node)
            case "pics" | "pixit":
                self._item(wanted, node)
            case "field":
                self._field(node, targets if name == "same_as" else set())
            case "predicate":
                self._predicate(node, targets)
            case "predicates":
                for item in list(node.items()) or [node]:
                    self._predicate(item, targets)
            case "bool":
                self._typed(node, bool, "true or false")
            case "list":
                self._typed(node, list, "a list")
            case "number" if isinstance(node.value, bool) or not isinstance(node.value, int | float | str):
                self.problems.add(node.place, f"{name}: {node.value!r} is no number")
            case "bounds" if not isinstance(node.value, dict) or not set(node.value) <= {"min", "max"}:
                self.problems.add(node.place, "length needs {min, max}")
            case "field_at" if not isinstance(node.value, dict) or set(node.value) != {"joined", "at"}:
                self.problems.add(node.place, f"{name} needs {{joined, at}}")
            case "field_at":
                for part, operand in node.members():
                    if part == "joined":
                        self._field(operand, set())
            case "field_seconds" if not isinstance(node.value, dict) or set(node.value) != {"field", "seconds"}:
                self.problems.add(node.place, f"{name} needs {{field, seconds}}")
            case "field_seconds":
                self._field(node.child("field"), targets)
                self._number(node.child("seconds"))
            case "declared_at" if not isinstance(node.value, dict) or not {"pics"} <= set(node.value) <= {"pics", "at"}:
                self.problems.add(node.place, f"{name} needs {{pics, at?}}")
            case "declared_at":
                for part, operand in node.members():
                    if part == "pics":
                        self._item("pics", operand)
            case "json_type":
                for word in _texts(node.value):
                    if word not in self.words["json_types"]:
                        self.problems.unknown(node.place, "JSON type", word, self.words["json_types"])

    def _item(self, section: str, node: Node) -> None:
        known: Iterable[str] = self.spec.pics if section == "pics" else self.spec.pixit
        named = self.problems.known(node.place, f"{section.upper()} item", node.value, known)
        if named and section == "pixit" and self.spec.pixit[node.value].sensitive:
            self.problems.add(node.place, f"{node.value} is sensitive: no rule ever sees its value")

    def _pattern(self, node: Node) -> None:
        if "\\d" in str(node.value):
            self.problems.add(node.place, "\\d in a pattern means other digits in other libraries", "write [0-9]")
        try:
            re.compile(str(node.value))
        except re.error as e:
            self.problems.add(node.place, f"bad pattern {node.value!r}: {e}")

    # --- plain parameters

    def _timer(self, node: Node) -> None:
        self.problems.known(node.place, "timer", node.value, self.raw.ids("timers"))

    def _lifecycle(self, node: Node) -> None:
        self.problems.known(node.place, "life cycle", node.value, self.raw.ids("lifecycle"))

    def _pointers(self, node: Node) -> None:
        for item in list(node.items()) or [node]:
            if not isinstance(item.value, str) or (item.value and not item.value.startswith("/")):
                self.problems.add(item.place, f"{item.value!r} is no JSON pointer", "'' or '/...'")

    def _number(self, node: Node) -> None:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            self.problems.add(node.place, f"{node.value!r} is no number")

    def _share(self, node: Node) -> None:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float) or not 0 <= node.value <= 1:
            self.problems.add(node.place, f"{node.value!r} is no share", "0 to 1")

    def _count(self, node: Node) -> None:
        if isinstance(node.value, bool) or not isinstance(node.value, int) or node.value < 0:
            self.problems.add(node.place, f"{node.value!r} is no count", "a whole number from 0")

    def _typed(self, node: Node, kind: type, what: str) -> None:
        if not isinstance(node.value, kind):
            self.problems.add(node.place, f"{node.value!r} where {what} is asked")


def _every_part(spec: Spec) -> Targets:
    return {(name, kind) for name in spec.messages for kind in ("request", *_REPLIES)}


def _canonical(message: Message, kind: str) -> set[str]:
    """Canonical names that an entry answers to: a reply that lacks a name is asked of its request."""
    fields = set(_bindings.bound_fields(message, "request"))
    if kind == "result":
        fields |= {field for part, bound in message.fields.items() if part.startswith("2") for field in bound}
    return fields | set(message.fields.get(kind, ()))


def _may_send(message: Message, kind: str, sender: str) -> bool:
    """Whether a message's part of this kind comes from this side: answers come from the other side than requests."""
    if message.sender == "either" or kind == "malformed":
        return True
    answers = kind in ("result", "error")
    return (message.sender == sender) is not answers


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    """Every text in a predicate's operand."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []
