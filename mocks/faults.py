"""Named faults of the city and of the way to it. Each is on the record with the timer that bounds the device's recovery,
so that no clause about undisturbed behaviour is judged by what we broke ourselves (decision 3)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from conformance.spec.model import Interface
from mocks.acceptance.connection import Connection
from mocks.acceptance.docking import Docking, HttpAction
from mocks.acceptance.office import Office

# Fault -> the timer within which a device is back to normal after its end, where the case names no other.
RECOVERY: Final[Mapping[str, str]] = {
    "outage": "T-RECONNECT", "slow": "T-RECOVER", "malformed": "T-RECOVER", "city.restart": "T-RECONNECT",
    "token.revoked": "T-RECOVER", "duplicate": "T-QUIET", "reorder": "T-QUIET", "cut": "T-RECONNECT",
    "cut.channel": "T-RECONNECT", "cut.signaling": "T-RECONNECT", "black_hole": "T-RECONNECT",
    "clock_shift": "T-RECOVER", "http": "T-RECOVER", "tls": "T-RECONNECT", "oversize": "T-RECONNECT",
    "counter": "T-RECOVER", "lost.channel": "T-RECONNECT",
}  # fmt: skip
DETAILED: Final = ("http", "tls", "counter")  # named with a detail: http.503, http.lost (the answer is), tls.expired
PRESENTATIONS: Final = ("good", "wrong_host", "expired", "unknown_ca", "tls11")
CUT_ROLES: Final = {
    "cut.channel": ("channel.resume", "channel.login"), "cut.signaling": ("signaling.attach",),
    "lost.channel": ("channel.resume", "channel.login"),
}  # fmt: skip
# A lost answer ends here. Not before: where nothing came on a connection that was used before, a browser sends the same request
# again by itself, signature and all, and no page can keep it from that.
_INSIDE_THE_STATUS_LINE: Final = len(b"HTTP/1.1 ")
Undo = Callable[[], None]


class UnknownFaultError(LookupError):
    """No such fault."""


@dataclass
class Active:
    """A fault that is on: its parameters and how to end what it changed."""

    params: Mapping[str, Any]
    undo: Undo
    recovery: str
    detail: str = ""
    left: int = -1  # how many more times; negative: always


@dataclass
class Faults:
    """Switchboard. Shells and the city ask it; cases start and stop."""

    office: Office
    connections: Callable[[], list[Connection]]
    active: dict[str, Active] = field(default_factory=dict)
    presented: str = "good"  # what the TLS listeners show
    _held: dict[str, bytes] = field(default_factory=dict)
    _duplicates: int = 0
    _reorders: int = 0

    # Cases

    async def start(self, name: str, *, recovery: str | None = None, **params: Any) -> None:
        """Begin a fault. `name` is one of `RECOVERY`; `http` and `tls` carry a detail (`http.503`, `tls.expired`).

        `recovery` names the timer of the device's recovery where it is another than the fault's usual one. Raises
        UnknownFaultError, ValueError.
        """
        kind, _, detail = name.partition(".")
        if name not in RECOVERY and not (kind in DETAILED and detail):
            raise UnknownFaultError(f"no fault {name!r}; there are {', '.join(sorted(RECOVERY))}")
        if name in self.active:
            raise ValueError(f"fault {name} is on already")
        begin = self._beginnings().get(name if name in RECOVERY else kind)
        timer = recovery or RECOVERY.get(name) or RECOVERY[kind]
        self._tell("fault.start", {"name": name, "params": dict(params), "recovery": timer})
        undo = begin(detail, params) if begin is not None else None
        self.active[name] = Active(params, undo or (lambda: None), timer, detail, int(params.get("times", -1)))

    async def stop(self, name: str) -> None:
        """End a fault; one that is not on is left alone."""
        row = self.active.pop(name, None)
        if row is not None:
            row.undo()
            self._tell("fault.end", {"name": name, "recovery": row.recovery})

    async def stop_all(self) -> None:
        """End every fault."""
        for name in list(self.active):
            await self.stop(name)

    @asynccontextmanager
    async def during(self, name: str, **params: Any) -> AsyncIterator[None]:
        """The fault is on inside the block."""
        await self.start(name, **params)
        try:
            yield
        finally:
            await self.stop(name)

    # Shells

    @property
    def refuses(self) -> bool:
        """Whether nobody gets through to the city now."""
        return "outage" in self.active or "city.restart" in self.active

    @property
    def swallows(self) -> bool:
        """Whether bytes vanish both ways while connections stay open."""
        return "black_hole" in self.active

    def delay_s(self, iface: str) -> float:
        """How much later the city answers or sends now, seconds."""
        row = self.active.get("slow")
        if row is None or iface not in row.params.get("ifaces", (iface,)):
            return 0.0
        return float(row.params.get("ms", 1000)) / 1000

    def cuts(self, iface: str) -> bool:
        """Whether new connections on this interface are refused now."""
        return any(name in self.active and self._concerns(name, iface) for name in ("cut", "cut.channel", "cut.signaling"))

    def loses(self, connection: Connection) -> bool:
        """Whether what the device sends now is on the record, and lost before the city has it."""
        lost = "lost.channel" in self.active and connection.state == "ready"
        return lost and self._concerns("lost.channel", connection.interface.id)

    def _concerns(self, name: str, iface: str) -> bool:
        roles = CUT_ROLES.get(name)
        return roles is None or any(m.interface == iface for role in roles for m in self.office.spec.by_role(role))

    def http(self, docking: Docking, conn: str, interface: Interface, raw: bytes) -> HttpAction | None:
        """What a fault makes of a request; None where it is handled as always."""
        if self.refuses or self.swallows:
            return HttpAction(b"", drop=True, delay_s=3600.0 if self.swallows else 0.0)
        for name, row in self.active.items():
            role = row.params.get("role")
            revokes = name == "token.revoked" and role is not None
            if not (name.startswith("http.") or revokes) or row.left == 0:
                continue
            if role is not None and docking.role_of(interface, raw) != role:
                continue
            row.left -= 1
            if revokes:
                self._revoke()
                return None
            if row.detail == "lost":
                done = docking.handle(conn, interface, raw)
                return replace(done, raw=done.raw[:_INSIDE_THE_STATUS_LINE], drop=True)
            return docking.failure(conn, interface, raw, row.detail, row.params.get("retry_after_s"))
        return None

    def spoil(self, action: HttpAction, interface: Interface) -> HttpAction:
        """A good response under the faults that change responses."""
        delay = self.delay_s(interface.id)
        raw, facts = action.raw, dict(action.facts)
        row = self.active.get("malformed")
        if row is not None:
            head, _, body = raw.partition(b"\r\n\r\n")
            raw = head + b"\r\n\r\n" + self._garble(body)
            facts["intended"] = {"stimulus": "malformed-answer"}
        return HttpAction(raw, action.to, action.delay_s + delay, action.drop, action.close, facts)

    def outgoing(self, connection: Connection, raw: bytes) -> list[bytes]:
        """A message of ours under duplication and reordering. Handshakes are left alone."""
        if not (self._duplicates or self._reorders or self._held) or connection.state != "ready":
            return [raw]
        if self._duplicates > 0:
            self._duplicates -= 1
            return [raw, raw]
        held = self._held.pop(connection.id, None)
        if held is not None:
            return [raw, held]
        if self._reorders > 0:
            self._reorders -= 1
            self._held[connection.id] = raw
            return []
        return [raw]

    # Beginnings: each returns how to end what it changed

    def _beginnings(self) -> Mapping[str, Callable[[str, Mapping[str, Any]], Undo | None]]:
        return {
            "outage": lambda _, p: self._cut("cut", p), "city.restart": lambda _, __: self._restart(),
            "cut": lambda _, p: self._cut("cut", p), "cut.channel": lambda _, p: self._cut("cut.channel", p),
            "cut.signaling": lambda _, p: self._cut("cut.signaling", p), "token.revoked": lambda _, p: self._revoke_or_arm(p),
            "duplicate": lambda _, p: self._duplicate(int(p.get("count", 1))), "tls": lambda kind, _: self._present(kind),
            "reorder": lambda _, p: self._reorder(int(p.get("count", 1))),
            "clock_shift": lambda _, p: self._shift(float(p["ms"])), "lost.channel": lambda *_: self._lose(),
        }  # fmt: skip

    def _restart(self) -> None:
        for connection in self.connections():
            connection.port.close(1012, "service restart")  # RFC 6455 registry: 1012 Service Restart

    def _revoke_or_arm(self, params: Mapping[str, Any]) -> None:
        """With a role the tokens are void when its next message comes: one that was renewed just before is void then, too."""
        if "role" not in params:
            self._revoke()

    def _revoke(self) -> None:
        self.office.world.registry.forget()

    def _duplicate(self, count: int) -> Undo:
        self._duplicates = count
        return lambda: setattr(self, "_duplicates", 0)

    def _reorder(self, count: int) -> Undo:
        self._reorders = count
        return self._release_held

    def _present(self, kind: str) -> Undo:
        if kind not in PRESENTATIONS:
            raise ValueError(f"no presentation {kind!r}; there are {', '.join(PRESENTATIONS)}")
        self.presented = kind
        self._cut("cut", {})  # only a new connection sees another certificate

        def undo() -> None:
            self.presented = "good"
            self._cut("cut", {})  # whoever took the bad one must not go on with it

        return undo

    def _lose(self) -> Undo:
        return lambda: self._cut("lost.channel", {})  # a sender learns of a loss by the end of its connection only

    def _shift(self, ms: float) -> Undo:
        before = self.office.shift_s
        self.office.shift_s = before + ms / 1000
        return lambda: setattr(self.office, "shift_s", before)

    def _release_held(self) -> None:
        self._reorders = 0
        for connection in self.connections():
            raw = self._held.pop(connection.id, None)
            if raw is not None:
                self.office.recorder.observe(
                    connection.interface.id, "bench", "ws.frame", raw,
                    {"conn": connection.id, "opcode": 1, "fin": True, "rsv1": False},
                )  # fmt: skip
                connection.port.send(1, raw)
        self._held.clear()

    def _cut(self, name: str, params: Mapping[str, Any]) -> None:
        """Cut every connection that the fault concerns, with a close code where one is named."""
        code = params.get("code")
        for connection in self.connections():
            if not self._concerns(name, connection.interface.id):
                continue
            if code is None:
                connection.port.abort()
            else:
                connection.port.close(int(code), "replaced")

    @staticmethod
    def _garble(body: bytes) -> bytes:
        """Same length, and no JSON any more: the last brace opens instead of closing."""
        return body[:-1] + b"{" if body else body

    def _tell(self, kind: str, facts: Mapping[str, Any]) -> None:
        self.office.recorder.observe("", "bench", kind, facts=facts)
