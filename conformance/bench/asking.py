"""What generated cases share: which messages the city may ask of a device, and whether the device is well afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.bench.stage import Stage
from conformance.spec.model import Message, Spec
from conformance.trace.transcript import Entry


def asked_on_a_channel(spec: Spec, message: Message) -> bool:
    """Whether the city may send this call at any time: over a connection that stands, and not as part of a handshake."""
    interface = spec.interfaces[message.interface]
    handshake = message.role is not None and message.role.endswith(".challenge")
    return (
        interface.transport == "websocket" and message.sender in ("bench", "either") and message.kind == "call" and not handshake
    )  # fmt: skip


def is_event(event: str, fields: Mapping[str, Any]) -> Callable[[Entry], bool]:
    """Whether an entry is this event of this object, from the device."""
    return lambda e: (
        e.dir == "iut" and e.event == event and not e.repeat and all(e.get(name) == value for name, value in fields.items())
    )


def identifiers(stage: Stage, message: Message, key: str = "") -> dict[str, str]:
    """Fresh values for the identifiers of a message and for `key`."""
    names = [field for field in message.fields.get("request", {}) if field.endswith("_id") or field == key]
    return {field: stage.city.new_id(field) for field in names}
