"""From parsed files to the frozen types of `conformance.spec.model`. Only well-formed things are built."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from conformance.protocol.envelope import Envelope
from conformance.protocol.lifecycle import LifecycleTable
from conformance.spec._source import Node
from conformance.spec.model import (
    Clause,
    Grade,
    HttpBinding,
    Interface,
    Level,
    Message,
    Obligation,
    Peripheral,
    PicsItem,
    PixitItem,
    Polarity,
    Profile,
    RuleDef,
    Source,
    Text,
    Timer,
    Verification,
)

_SEGMENT = re.compile(r"\{([^{}]+)\}")


def text(value: Mapping[str, str] | None) -> Text | None:
    """A bilingual text, None stays None."""
    return None if value is None else Text(value["zh"], value["en"])


def must_text(value: Mapping[str, str]) -> Text:
    """A bilingual text that is there."""
    return Text(value["zh"], value["en"])


def interface(name: str, v: Mapping[str, Any]) -> Interface:
    """One interface of `pack.yaml`."""
    return Interface(
        id=name, title=must_text(v["title"]), transport=v["transport"], server=v["server"], envelope=v.get("envelope"),
        path=v.get("path", ""), subprotocol=v.get("subprotocol"), max_message_bytes=v.get("max_message_bytes", 1 << 20),
    )  # fmt: skip


def envelope(value: Mapping[str, Any]) -> Envelope:
    """One envelope of `pack.yaml`."""
    return Envelope.from_mapping(value)


def clause(node: Node) -> Clause:
    """One clause with its obligations."""
    v = node.value
    return Clause(
        id=v["id"], family=v["id"][:3], level=Level(v["level"]), title=must_text(v["title"]), text=must_text(v["text"]),
        source=Source(v["source"]["kind"], v["source"]["ref"], v["source"].get("note", "")), interface=v["interface"],
        obligations=tuple(obligation(v["id"], o) for o in v["obligations"]), condition=v.get("condition"),
        follows_from=tuple(v.get("follows_from", ())), cause=text(v.get("cause")), remedy=text(v.get("remedy")),
        place=node.place,
    )  # fmt: skip


def obligation(clause_id: str, v: Mapping[str, Any]) -> Obligation:
    """One obligation; its full id is `FAM-nnn.a`."""
    return Obligation(
        id=f"{clause_id}.{v['id']}", clause=clause_id, polarity=Polarity(v["polarity"]),
        verification=Verification(v["verification"]), grade=Grade(v["grade"]), occasions=v.get("occasions", 1),
        rule=rule(v["rule"]) if "rule" in v else None, stimulus=v.get("stimulus"), text=text(v.get("text")),
        expected=text(v.get("expected")), states=tuple(v.get("states", ())), condition=v.get("condition"),
    )  # fmt: skip


def rule(v: Mapping[str, Any]) -> RuleDef:
    """A rule: everything but kind and scope is its parameters."""
    return RuleDef(
        kind=v["kind"], params={k: p for k, p in v.items() if k not in ("kind", "scope")}, scope=v.get("scope", "case")
    )


def message(node: Node) -> Message:
    """One message type. Over HTTP there are no sequence numbers unless the pack says so."""
    v = node.value
    http = v.get("http")
    return Message(
        name=v["name"], interface=v["interface"], sender=v["from"], role=v.get("role"), kind=v.get("kind", "call"),
        title=must_text(v["title"]), schemas=dict(v.get("schemas", {})),
        fields={part: dict(bound) for part, bound in v.get("fields", {}).items()},
        http=HttpBinding(
            http["method"], http["path"], http.get("request_type", "application/json"),
            http.get("response_type", "application/json"),
        ) if http else None,
        signed=v.get("signed"), sequenced=v.get("sequenced", http is None),
        errors=tuple(str(code) for code in v.get("errors", ())), wire=v.get("wire", ""), place=node.place,
    )  # fmt: skip


def segments(path: str) -> tuple[str, ...]:
    """Names of the `{name}` segments of an HTTP path."""
    return tuple(_SEGMENT.findall(path))


def timer(node: Node) -> Timer:
    """One named limit."""
    v = node.value
    return Timer(
        id=v["id"], title=must_text(v["title"]), production_ms=v["production_ms"], lab_ms=v["lab_ms"],
        tolerance=v["tolerance"], obeys=v["obeys"], scalable=v["scalable"], favours=v["favours"], told=v["told"],
        varied=v.get("varied", 1.0), place=node.place,
    )  # fmt: skip


def lifecycle(node: Node) -> LifecycleTable:
    """One state chart."""
    return LifecycleTable.from_mapping(node.value)


def peripheral(node: Node) -> Peripheral:
    """One peripheral class."""
    v = node.value
    return Peripheral(
        id=v["id"], title=must_text(v["title"]), actions=v.get("actions", {}), reports=tuple(v.get("reports", ())),
        faults=tuple(v.get("faults", ())), condition=v.get("condition"), mandatory=v.get("mandatory"),
    )  # fmt: skip


def profile(node: Node, families: tuple[str, ...]) -> Profile:
    """One certification profile; `*` stands for every family."""
    v = node.value
    return Profile(
        id=v["id"], title=must_text(v["title"]), families=families if "*" in v["families"] else tuple(v["families"]),
        grades=tuple(Grade(g) for g in v["grades"]), media=v.get("media", True),
        certification=v.get("certification", False), timer_set=v.get("timer_set", "production"),
        stimulus=tuple(v.get("stimulus", ("http", "command", "operator"))), cases=tuple(v.get("cases", ("*",))),
        time_budget_s=v.get("time_budget_s"), note=text(v.get("note")),
    )  # fmt: skip


def pics_item(v: Mapping[str, Any]) -> PicsItem:
    """One declaration item."""
    return PicsItem(
        v["id"], must_text(v["title"]), v["type"], v["where"], tuple(v.get("values", ())), v.get("required", False)
    )


def pixit_item(v: Mapping[str, Any]) -> PixitItem:
    """One connection item."""
    return PixitItem(
        v["id"], must_text(v["title"]), v["where"], v.get("sensitive", False), v.get("required", False)
    )
