"""Who is registered: identities, boots, epochs and tokens."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from mocks.acceptance.refusal import Refused

ASKED_FOR: Final = ("serial", "remote_device_url")  # of a registration; all of it is in the journal
TokenState = Literal["ok", "absent", "unknown", "expired"]


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """What the ops center knows of one device before it registers. Keys differ for I1 and I4 (decision 24)."""

    remote_device_id: str
    device_keys: Mapping[str, bytes]  # keyid -> key the device signs with
    city_keyid: str
    city_key: bytes
    remote_device_url: str = ""

    @classmethod
    def fresh(cls, remote_device_id: str, remote_device_url: str = "") -> DeviceIdentity:
        """New random keys from the operating system."""
        return cls(
            remote_device_id, {f"dev-{remote_device_id}": secrets.token_bytes(32)}, f"city-{remote_device_id}",
            secrets.token_bytes(32), remote_device_url,
        )  # fmt: skip


@dataclass(slots=True)
class Registered:
    """One device that registered, as of its latest registration. `facts` are the fields that somebody asks for later."""

    identity: DeviceIdentity
    boot_id: str
    epoch: int
    facts: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, float] = field(default_factory=dict)  # token -> epoch second at which it ends

    @property
    def id(self) -> str:
        """The 远程设备ID."""
        return self.identity.remote_device_id


@dataclass
class Registry:
    """Identities that may register, and registrations."""

    token_life_s: float
    on_secret: Callable[[str], None]
    identities: dict[str, DeviceIdentity] = field(default_factory=dict)
    rows: dict[str, Registered] = field(default_factory=dict)
    _keys: dict[str, bytes] = field(default_factory=dict, repr=False)
    _owners: dict[str, str] = field(default_factory=dict, repr=False)  # keyid -> device, of keys that were ever enrolled
    _bearers: dict[str, Registered] = field(default_factory=dict, repr=False)  # token -> device

    def enrol(self, identity: DeviceIdentity) -> None:
        """Let a device register."""
        before = self.identities.get(identity.remote_device_id)
        for keyid in before.device_keys if before is not None else ():
            self._keys.pop(keyid, None)
        self.identities[identity.remote_device_id] = identity
        self._keys.update(identity.device_keys)
        self._owners.update(dict.fromkeys(identity.device_keys, identity.remote_device_id))

    def keys(self) -> Mapping[str, bytes]:
        """All device keys by keyid."""
        return self._keys

    def owner(self, keyid: str) -> str | None:
        """The device that a keyid belongs to."""
        return self._owners.get(keyid) if keyid in self._keys else None

    def register(self, fields: Mapping[str, Any], keyid: str, now: float) -> tuple[Registered, str, bool]:
        """Take a registration; a new boot opens a new epoch. Returns (device, token, new epoch). Raises Refused."""
        device_id = fields.get("remote_device_id")
        identity = self.identities.get(device_id) if isinstance(device_id, str) else None
        if identity is None or (keyid and keyid not in identity.device_keys):
            raise Refused("unknown-device", "no device is enrolled under this id and key")
        boot_id = str(fields.get("boot_id", ""))
        known = self.rows.get(identity.remote_device_id)
        if known is not None and "serial" in fields and known.facts.get("serial", fields["serial"]) != fields["serial"]:
            raise Refused("duplicate-device", "another device holds this id")
        booted = known is None or known.boot_id != boot_id
        if known is not None:
            known.identity = identity  # it may have got another key since
        if known is None:
            known = self.rows[identity.remote_device_id] = Registered(identity, boot_id, 1)
        elif booted:
            known.boot_id, known.epoch = boot_id, known.epoch + 1
        known.facts = {name: fields[name] for name in ASKED_FOR if name in fields}
        return known, self._issue(known, now), booted

    def refresh(self, device_id: str, boot_id: object, now: float) -> str:
        """A fresh token for a registered device; the old one stays good until it ends. Raises Refused."""
        known = self.rows.get(device_id)
        if known is None or (boot_id is not None and boot_id != known.boot_id):
            raise Refused("unauthorized", "not registered since this boot")
        return self._issue(known, now)

    def token_state(self, token: str | None, now: float) -> tuple[TokenState, Registered | None]:
        """What a token is worth, and whose it is."""
        if not token:
            return "absent", None
        row = self._bearers.get(token)
        if row is None or token not in row.tokens:
            return "unknown", None
        return ("ok" if now < row.tokens[token] else "expired"), row

    def forget(self) -> None:
        """Every token is void (revoked, or a restart without its memory); enrolment stays."""
        for row in self.rows.values():
            row.tokens.clear()
        self._bearers.clear()

    def _issue(self, device: Registered, now: float) -> str:
        token = secrets.token_urlsafe(32)
        self.on_secret(token)
        # Ended tokens are kept a while, so that "expired" can be told from "unknown".
        for old in [t for t, end in device.tokens.items() if end <= now - 10 * self.token_life_s]:
            del device.tokens[old]
            self._bearers.pop(old, None)
        device.tokens[token] = now + self.token_life_s
        self._bearers[token] = device
        return token
