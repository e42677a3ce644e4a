"""What the device is told at its start (`rvw-spawn/1`), and what it is by build."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CONTRACT", "FIRMWARE", "IDENTITY", "SPEC_VERSION", "Identity", "Key", "Settings"]

CONTRACT = "rvw-spawn/1"
FIRMWARE = "2.4.1"
SPEC_VERSION = "1.0"


@dataclass(frozen=True)
class Key:
    """A shared secret and its public name."""

    keyid: str
    secret: bytes

    @property
    def algorithm(self) -> str:
        """What it signs with: its name tells keys for SM3."""
        return "hmac-sm3" if self.keyid.startswith("sm3-") else "hmac-sha256"

    @classmethod
    def of(cls, doc: Mapping[str, Any]) -> Key:
        """From the spawn document's `{keyid, secret_b64}`."""
        return cls(str(doc["keyid"]), base64.b64decode(doc["secret_b64"]))


@dataclass(frozen=True)
class Identity:
    """What the maker printed on the box, and the place where the box stands."""

    vendor: str = "示范设备厂"
    model: str = "RVW-R1"
    serial: str = "R1-2026-000001"
    url_role: str = "device_api"
    device_profile: str = "integrated_terminal"
    place_name: str = "示范居民区延伸点"
    place_address: str = "上海市黄浦区示范路1号"
    division_code: str = "310101002"
    phone: str = "021-12345678"


IDENTITY = Identity()


@dataclass(frozen=True)
class Settings:
    """The spawn document, parsed. `raw` keeps it whole for the shell (servers, certificates)."""

    docking: str
    remote_device_id: str
    remote_device_url: str
    device_key: Key
    city_key: Key
    seed: int = 0
    ca_pem: str = ""
    timers: str = "lab"
    timers_ms: Mapping[str, float] = field(default_factory=dict)
    state_dir: str = ""
    defect: str | None = None
    identity: Identity = IDENTITY
    raw: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, doc: Mapping[str, Any]) -> Settings:
        """From the document. Raises ValueError when the contract version is another, KeyError when a member lacks."""
        if doc.get("contract") != CONTRACT:
            raise ValueError(f"spawn contract {doc.get('contract')!r}, this device speaks {CONTRACT}")
        keys = doc["keys"]
        return cls(
            docking=str(doc["endpoints"]["docking"]).rstrip("/"),
            remote_device_id=str(doc["remote_device_id"]),
            remote_device_url=str(doc["remote_device_url"]).rstrip("/"),
            device_key=Key.of(keys["device"]),
            city_key=Key.of(keys["city"]),
            seed=int(doc.get("seed", 0)),
            ca_pem=str(doc.get("ca_pem", "")),
            timers=str(doc.get("timers", "lab")),
            timers_ms=dict(doc.get("timers_ms", {})),
            state_dir=str(doc.get("state_dir", "")),
            defect=doc.get("defect") or None,
            raw=doc,
        )
