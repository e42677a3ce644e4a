"""A pack's dialect as two directions: canonical fields out of a body, a body out of canonical fields (decision 19)."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from conformance.protocol import pointer
from conformance.protocol.pointer import MISSING
from conformance.spec.model import Interface, Message, Spec

_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})")  # RFC 3339
_MILLISECONDS: Final = 100_000_000_000  # an epoch number above it counts milliseconds: as seconds it is beyond the year 5000


class _Omit:
    def __repr__(self) -> str:
        return "OMIT"


OMIT: Final = _Omit()  # as a canonical value: leave this optional member out of what is built

REPLY_PARTS: Final = ("result", "200", "201", "202", "204")


# Roles of the handshake, whatever the interface.
CHALLENGE: Final = ("channel.challenge", "signaling.challenge")
LOGIN: Final = ("channel.login", "signaling.login")
RESUME: Final = ("channel.resume", "signaling.attach")


def role_of(message: Message | None) -> str:
    """The message's role, empty where it has none."""
    return (message.role or "") if message is not None else ""


class Dialect:
    """Look-ups and field bindings of one pack. Stateless."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._wire = {(m.interface, m.wire_name): m for m in spec.messages.values()}
        self._places: dict[tuple[str, str], tuple[tuple[str, ...], pointer.Tree]] = {}
        self._examples: dict[tuple[str, str], tuple[Any, bool]] = {}
        self._routes = [
            (m, _route(m.http.path)) for m in spec.messages.values() if m.http is not None
        ]  # fmt: skip

    @cached_property
    def http_interfaces(self) -> tuple[Interface, ...]:
        """HTTP interfaces that the city serves."""
        return tuple(i for i in self.spec.interfaces.values() if i.transport == "http" and i.server == "bench")

    @cached_property
    def ws_interfaces(self) -> tuple[Interface, ...]:
        """WebSocket interfaces that the city serves."""
        return tuple(i for i in self.spec.interfaces.values() if i.transport == "websocket" and i.server == "bench")

    def named(self, interface: str, name: str) -> Message | None:
        """The message with a wire name on an interface."""
        return self._wire.get((interface, name))

    def role(self, role: str, interface: str | None = None) -> Message | None:
        """The message bound to a role, on an interface where one is named."""
        rows = self.spec.by_role(role)
        return next((m for m in rows if interface is None or m.interface == interface), None)

    def one_of(self, roles: Iterable[str], interface: str) -> Message | None:
        """The message of an interface that is bound to one of these roles."""
        found = (self.role(role, interface) for role in roles)
        return next((m for m in found if m is not None), None)

    def route(self, interface: Interface, method: str, path: str) -> tuple[Message | None, dict[str, str], bool]:
        """(message, path fields, whether another method is served there)."""
        here = path.removeprefix(interface.path) if interface.path and path.startswith(interface.path) else path
        other = False
        for message, pattern in self._routes:
            if message.interface != interface.id or message.http is None:
                continue
            match = pattern.fullmatch(here) or pattern.fullmatch(path)
            if match is not None and message.http.method == method:
                return message, match.groupdict(), False
            other = other or match is not None
        return None, {}, other

    def read(self, message: Message, part: str, body: Any, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Canonical fields of a received body; `extra` are path fields."""
        fields = dict(extra or {})
        wholes, places = self._places.get((message.name, part)) or self._placed(message, part)
        for name in wholes:
            fields[name] = body
        pointer.collect(body, places, fields)
        return fields

    def _placed(self, message: Message, part: str) -> tuple[tuple[str, ...], pointer.Tree]:
        """Fields that are the whole body, and where the others lie; kept."""
        bound = self.bindings(message, part)
        found = tuple(n for n, p in bound.items() if not p), pointer.tree({n: p for n, p in bound.items() if p})
        self._places[message.name, part] = found
        return found

    def bindings(self, message: Message, part: str) -> Mapping[str, str]:
        """Canonical field -> pointer of a part; a status part falls back to `result`."""
        if part in message.fields:
            return message.fields[part]
        return message.fields.get("result", {}) if part in REPLY_PARTS else {}

    def reply_part(self, message: Message, preferred: Iterable[str] = ()) -> str:
        """The part that a good reply is, the first of those preferred that the pack describes."""
        for part in (*preferred, *REPLY_PARTS):
            if part in message.schemas or f"{message.name}/{part}" in self.spec.examples:
                return part
        return "result"

    def example(self, message: Message, part: str) -> Any:
        """A copy of the pack's valid example of a part; an empty object where it has none."""
        body, flat = self._examples.get((message.name, part)) or self._exampled(message, part)
        return body.copy() if flat else copy.deepcopy(body)

    def _exampled(self, message: Message, part: str) -> tuple[Any, bool]:
        """The example, and whether it is an object of plain values, which is quickly copied; kept."""
        body = self.spec.examples.get(f"{message.name}/{part}")
        if body is None and part in REPLY_PARTS:
            body = self.spec.examples.get(f"{message.name}/result")
        if body is None:
            body = {}
        flat = type(body) is dict and not any(isinstance(value, dict | list) for value in body.values())
        self._examples[message.name, part] = found = body, flat
        return found

    def build(self, message: Message, part: str, fields: Mapping[str, Any]) -> Any:
        """A body: the part's example with every bound field that is given put in its place."""
        body = self.example(message, part)
        for name, where in self.bindings(message, part).items():
            if name not in fields:
                continue
            if not where:
                body = copy.deepcopy(fields[name])
            elif type(body) is dict:
                _place(body, where, fields[name])
        return body

    def sample(self, field: str) -> object:
        """An example value of a canonical field anywhere in the pack, or None."""
        for message in self.spec.messages.values():
            for part, bound in message.fields.items():
                if bound.get(field):
                    value = pointer.get(self.example(message, part), bound[field])
                    if value is not MISSING:
                        return value
        return None


def _place(body: dict[str, Any], where: str, value: Any) -> None:
    if value is not OMIT:
        sample = pointer.get(body, where)
        pointer.put(body, where, value if type(value) is type(sample) else _like(sample, value))
        return
    parent = pointer.get(body, where.rsplit("/", 1)[0])
    if isinstance(parent, dict):
        parent.pop(pointer.split(where)[-1], None)


def _like(sample: Any, value: Any) -> Any:
    """A value in the shape of the example: a version may be `7` here and `"2026-07"` there, a moment a text or a number."""
    if isinstance(sample, str) and type(value) is int:
        tail = re.search(r"[0-9]+$", sample)
        return str(value) if tail is None else sample[: tail.start()] + str(value).zfill(len(tail[0]))
    if type(sample) is int and isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if type(sample) is int and isinstance(value, str) and _MOMENT.fullmatch(value):
        return int(datetime.fromisoformat(value).timestamp() * (1000 if sample > _MILLISECONDS else 1))
    return value


def _route(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{([A-Za-z_][A-Za-z0-9_]*)\}", path)
    return re.compile("".join(re.escape(p) if i % 2 == 0 else f"(?P<{p}>[^/]+)" for i, p in enumerate(parts)))
