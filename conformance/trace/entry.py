"""One entry of a transcript: an observation, and the message that it carries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from conformance.protocol import pointer
from conformance.protocol.pointer import MISSING
from conformance.spec.model import Message
from conformance.trace.observation import Observation

_SPECIAL: Final = frozenset(
    "n t case iface dir obs kind name role id code seq seen epoch boot_id repeat conn status method target path size raw problem"
    .split()
)  # fmt: skip


class Entry:
    """One observation and what it means. `kind` is empty where it is no message.

    What it means is read at once, or, in a transcript that forgets, when something of it is first asked for.
    """

    __slots__ = (
        "body", "boot_id", "case", "code", "conn", "dir", "doc", "epoch", "facts", "headers", "id", "iface", "kind",
        "message", "method", "n", "name", "obs", "path", "path_fields", "problem", "raw", "repeat", "reply", "request",
        "role", "seen", "seq", "size", "status", "t", "target", "unread",
    )  # fmt: skip

    def __init__(self, observation: Observation, unread: Callable[[Entry], None] | None = None) -> None:
        self.n = observation.n
        self.t = observation.t
        self.case = observation.case
        self.iface = observation.iface
        self.dir = observation.dir
        self.obs = observation.kind
        self.raw = observation.raw
        self.facts = observation.facts
        self.size = len(observation.raw)
        self.conn: str = str(observation.facts.get("conn", ""))
        self.unread = unread
        if unread is None:
            self.blank()

    def blank(self) -> None:
        """No message (yet)."""
        self.unread = None
        self.kind = ""
        self.name = ""
        self.role = ""
        self.message: Message | None = None
        self.doc: Any = None
        self.body: Any = None
        self.id: Any = None
        self.code: Any = None
        self.seq: Any = None
        self.seen: Any = None
        self.epoch: Any = None
        self.boot_id: Any = None
        self.repeat = False
        self.status: int | None = None
        self.method = ""
        self.target = ""
        self.path = ""
        self.path_fields: Mapping[str, str] = {}
        self.headers: dict[str, str] = {}
        self.problem = ""
        self.request: Entry | None = None
        self.reply: Entry | None = None

    def __getattr__(self, name: str) -> Any:
        """A member that is not set yet: the entry was not read."""
        if name == "unread" or self.unread is None:
            raise AttributeError(name)
        self.unread(self)
        return getattr(self, name)

    def __repr__(self) -> str:
        what = f"{self.name}:{self.kind}" if self.kind else self.obs
        return f"<Entry {self.n} {self.iface} {self.dir} {what}>"

    @property
    def event(self) -> str:
        """`message:kind`, the word that life cycles use."""
        return f"{self.name}:{self.kind}"

    @property
    def part(self) -> str:
        """The part of the message type that describes the body: `request`, `result`, `error` or an HTTP status."""
        if self.kind in ("request", "notification"):
            return "request"
        if self.status is not None and self.message is not None and str(self.status) in self.message.schemas:
            return str(self.status)
        return self.kind

    def get(self, field: str) -> Any:
        """A field by its address (canonical name, `/pointer`, `facts.x`, `header.x`, `reply.x`, `request.x`, special).

        A canonical name that a reply does not carry is looked up in its request. `MISSING` where there is none.
        """
        if field.startswith("/"):
            return pointer.get(self.doc, field)
        if field in _SPECIAL:
            value = getattr(self, field)
            return MISSING if value is None else value
        head, dot, rest = field.partition(".")
        if dot:
            if head == "facts":
                return pointer.get(self.facts, "/" + rest.replace(".", "/"))
            if head == "header":
                return self.headers.get(rest, MISSING)
            if head in ("reply", "request"):
                other = self.reply if head == "reply" else self.request
                return MISSING if other is None else other.get(rest)
        return self._canonical(field)

    def _canonical(self, field: str) -> Any:
        if self.message is not None:
            bindings = self.message.fields.get(self.part) or (
                self.message.fields.get("result", {}) if self.kind == "result" else {}
            )
            where = bindings.get(field)
            if where is not None:
                value = pointer.get(self.body, where)
                if value is not MISSING:
                    return value
            if field in self.path_fields:
                return self.path_fields[field]
        if self.request is not None:
            return self.request._canonical(field)  # noqa: SLF001  same class
        return MISSING
