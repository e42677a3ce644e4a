"""Proof of identity on I2 and I3: the answer to the city's challenge, or the device's own login; then the token."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Mapping
from typing import Any

from conformance.protocol.envelope import Decoded
from conformance.protocol.signature import ALGORITHMS, verify_document
from mocks.acceptance.connection import Connection
from mocks.acceptance.dialect import CHALLENGE, LOGIN, RESUME, role_of
from mocks.acceptance.office import Office
from mocks.acceptance.registry import Registered
from mocks.acceptance.times import rfc3339


class Handshake:
    """Checks and facts of the handshake. Secrets never leave it; what they prove does."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._nonces: set[str] = set()
        self._asked = frozenset(
            (m.interface, m.wire_name) for m in office.spec.messages.values() if role_of(m) in (*LOGIN, *RESUME)
        )

    def nonce(self) -> str:
        """A fresh challenge from the operating system."""
        return secrets.token_urlsafe(24)

    def times(self) -> dict[str, Any]:
        """The city's time, as every good answer tells it."""
        return {"server_time": rfc3339(self._office.now())}

    def challenge_fields(self, nonce: str) -> dict[str, Any]:
        """Canonical fields of a challenge."""
        return {"nonce": nonce, **self.times()}

    def probable(self) -> Registered | None:
        """Who a new connection most likely is: the only device that is registered."""
        rows = list(self._office.world.registry.rows.values())
        return rows[0] if len(rows) == 1 else None

    def facts(self, connection: Connection, decoded: Decoded) -> dict[str, Any]:
        """What a handshake message proves, for the record (decision 12)."""
        office = self._office
        interface = connection.interface.id
        if connection.state != "challenged" and (interface, decoded.name) not in self._asked:
            return {}  # most messages
        if connection.state == "challenged" and decoded.kind == "result" and decoded.id == connection.challenge_id:
            message = office.dialect.one_of(CHALLENGE, interface)
            fields = office.dialect.read(message, "result", decoded.body) if message is not None else {}
            return {"signature": self._answer_facts(connection, fields)}
        message = office.dialect.named(interface, decoded.name) if decoded.kind == "request" else None
        role = role_of(message)
        if message is not None and role in LOGIN and message.signed is not None:
            return {"signature": self._login_facts(message.signed, decoded.doc)}
        if message is not None and role in RESUME:
            fields = office.dialect.read(message, "request", decoded.body)
            token = fields.get("token")
            state, owner = office.world.registry.token_state(token if isinstance(token, str) else None, office.now())
            return {"token": state if owner is connection.claimed or owner is None else "unknown"}
        return {}

    def _answer_facts(self, connection: Connection, fields: Mapping[str, Any]) -> dict[str, Any]:
        device_id, boot_id = str(fields.get("remote_device_id", "")), str(fields.get("boot_id", ""))
        keyid, alg = str(fields.get("keyid", "")), str(fields.get("alg", "hmac-sha256"))
        rule = self._office.spec.city.get("challenge", {})
        parts = {
            "iface": connection.interface.id, "nonce": connection.nonce, "remote_device_id": device_id, "boot_id": boot_id,
        }  # fmt: skip
        order = rule.get("parts", ["iface", "nonce", "remote_device_id", "boot_id"])
        text = "\n".join([rule.get("prefix", "rvw-auth"), *(parts[name] for name in order)])
        reason = self._check(device_id, keyid, alg, text.encode(), fields.get("signature"))
        known = self._office.world.registry.rows.get(device_id)
        if not reason and known is not None and boot_id != known.boot_id:
            reason = "another boot than the registered one"
        return {
            "present": "signature" in fields, "ok": not reason, "reason": reason, "keyid": keyid, "alg": alg,
            "covered": order, "nonce": connection.nonce, "device_id": device_id,
        }  # fmt: skip

    def _check(self, device_id: str, keyid: str, alg: str, text: bytes, given: Any) -> str:
        identity = self._office.world.registry.identities.get(device_id)
        if identity is None:
            return "unknown device"
        key = identity.device_keys.get(keyid)
        if key is None:
            return "unknown keyid"
        if alg not in ALGORITHMS:
            return f"algorithm {alg or 'not named'}"
        try:
            mac = base64.b64decode(str(given), validate=True)
        except ValueError:
            return "unreadable signature"
        return "" if hmac.compare_digest(mac, ALGORITHMS[alg](key, text)) else "the signature does not match"

    def _login_facts(self, scheme_id: str, document: Any) -> dict[str, Any]:
        office = self._office
        keys = office.world.registry.keys()
        found = verify_document(office.spec.signatures[scheme_id], document, keys, office.now(), office.clock_window_s)
        facts = found.as_facts()
        if found.ok and found.nonce in self._nonces:
            facts.update(ok=False, reason="replayed nonce", replayed=True)
        self._nonces.add(found.nonce)
        return facts

    def proven(self, decoded: Decoded, facts: Mapping[str, Any]) -> Registered | None:
        """The device whose answer to the challenge was good."""
        signature = facts.get("signature", {})
        if decoded.kind != "result" or not signature.get("ok"):
            return None
        return self._office.world.registry.rows.get(signature["device_id"])

    def login(self, fields: Mapping[str, Any], facts: Mapping[str, Any], *, signed: bool) -> Registered | None:
        """The device that logged in. A dialect without registration makes the login the registration."""
        registry = self._office.world.registry
        signature = facts.get("signature", {})
        device_id = fields.get("remote_device_id") or registry.owner(str(signature.get("keyid", "")))
        if not isinstance(device_id, str) or (signed and not signature.get("ok")):
            return None
        if signed and registry.owner(signature["keyid"]) != device_id:
            return None
        known = registry.rows.get(device_id)
        if "token" in fields:
            state, owner = registry.token_state(str(fields["token"]), self._office.now())
            return owner if state == "ok" and owner is known else None
        if known is None and signed and self._office.dialect.role("registration.register") is None:
            told = {**fields, "remote_device_id": device_id}
            known, _, _ = registry.register(told, signature["keyid"], self._office.now())
        return known if signed else None

    def token_good(self, device: Registered, fields: Mapping[str, Any]) -> bool:
        """Whether the token that came with a resume is this device's and alive. Dialects without a token pass."""
        if "token" not in fields:
            message = self._office.dialect.role("registration.register")
            return message is None or "token" not in self._office.dialect.bindings(message, "result")
        state, owner = self._office.world.registry.token_state(str(fields["token"]), self._office.now())
        return state == "ok" and owner is device
