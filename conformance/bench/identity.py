"""The device's identity in one run: id, URL, keys. Secrets come from the operating system and are masked from the start."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.iut.review import Declared
from mocks.acceptance.registry import DeviceIdentity

CONTRACT = "rvw-spawn/1"


@dataclass(frozen=True, slots=True)
class Identity:
    """What the ops center gives a device, and what the device is told of it."""

    row: DeviceIdentity

    @classmethod
    def fresh(cls, remote_device_id: str, remote_device_url: str) -> Identity:
        """New keys for this run."""
        return cls(DeviceIdentity.fresh(remote_device_id, remote_device_url))

    def owning(self, told: Declared) -> Identity:
        """With the vendor's own keys where they are declared. Key ids stay: a device sends the one that it is told."""
        keys = {keyid: told.device_key or key for keyid, key in self.row.device_keys.items()}
        return Identity(replace(self.row, device_keys=keys, city_key=told.city_key or self.row.city_key))

    def enrolment(self) -> DeviceIdentity:
        """The city's side of it."""
        return self.row

    def secret_texts(self) -> list[str]:
        """The keys as texts that a device might print."""
        return [base64.b64encode(secret).decode() for secret in (*self.row.device_keys.values(), self.row.city_key)]

    def spawn_document(
        self, docking_url: str, *, seed: int, ca_pem: str, timers: str = "lab", defect: str | None = None, **more: Any
    ) -> dict[str, Any]:
        """The one JSON document of the spawn contract."""
        keyid, secret = next(iter(self.row.device_keys.items()))
        keys: Mapping[str, Any] = {
            "device": {"keyid": keyid, "secret_b64": base64.b64encode(secret).decode()},
            "city": {"keyid": self.row.city_keyid, "secret_b64": base64.b64encode(self.row.city_key).decode()},
        }
        return {
            "contract": CONTRACT, "seed": seed, "endpoints": {"docking": docking_url}, "ca_pem": ca_pem,
            "remote_device_id": self.row.remote_device_id, "remote_device_url": self.row.remote_device_url, "keys": keys,
            "timers": timers, "defect": defect, **more,
        }  # fmt: skip
