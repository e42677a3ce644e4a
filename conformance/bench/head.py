"""The head of a run: what is tested, against what, with which limits, by which harness. First line of every journal."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from conformance.bench.plan import Selection
from conformance.iut.device_file import DeviceFile
from conformance.iut.review import declared
from conformance.spec.model import Profile, Spec
from conformance.trace.facts import EXTRACTORS
from conformance.verdict.waivers import Waiver


def harness_version() -> str:
    """The installed version, or that of the source tree that is not installed."""
    try:
        return version("rvw-conformance")
    except PackageNotFoundError:
        return "0+source"


def timer_values(spec: Spec, profile: Profile, overrides: Mapping[str, float] | None = None) -> dict[str, float]:
    """The run's limits, ms: the profile's timer set, with named overrides. Raises KeyError for an unknown timer."""
    values = {timer.id: timer.value_ms(profile.timer_set) for timer in spec.timers.values()}
    for name, value in (overrides or {}).items():
        if name not in values:
            raise KeyError(name)
        values[name] = value
    return values


def loosened(spec: Spec, profile: Profile, timers_ms: Mapping[str, float]) -> list[dict[str, Any]]:
    """Timers that stand beyond the profile's set in the device's favour: printed, and refused for certification."""
    return [
        {"timer": timer.id, "asked_ms": timer.value_ms(profile.timer_set), "used_ms": timers_ms[timer.id]}
        for timer in spec.timers.values()
        if timer.loosened(timers_ms[timer.id], profile.timer_set)
    ]


def run_head(
    spec: Spec, device: DeviceFile, profile: Profile, pics: Mapping[str, Any], timers_ms: Mapping[str, float], *, seed: int,
    transport: str, selection: Selection, device_ref: str = "", waivers: Sequence[Waiver] = (),
    pack_ref: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Facts of `run.start`. `device_ref` and `pack_ref` are what the user named them by, for the commands that run it again."""
    return {
        "pack": spec.id, "pack_version": spec.version, "pack_digest": spec.digest, "pack_ref": pack_ref,
        "profile": profile.id, "seed": seed,
        "timer_set": profile.timer_set, "timers": dict(timers_ms), "loosened": loosened(spec, profile, timers_ms),
        "mode": "self_test", "transport": transport, "partial": selection.partial,
        "clauses": list(selection.clauses),
        "device": {
            "name": device.name, "vendor": device.vendor, "model": device.model, "firmware": device.firmware,
            "serial": device.serial, "remote_device_id": device.remote_device_id, "url_role": device.url_role,
            "device_profile": device.device_profile, "platform": device.platform, "file": device_ref or device.path.name,
        },
        "pics": dict(pics), "pixit": dict(declared(device, spec).pixit),
        "harness": {
            "version": harness_version(), "python": platform.python_version(), "platform": sys.platform,
            "machine": platform.machine(),
        },
        "extractors": dict(EXTRACTORS),
        "waivers": [
            {"kind": w.kind, "id": w.id, "reason": w.reason, "owner": w.owner, "expires": w.expires.isoformat()} for w in waivers
        ],
    }  # fmt: skip
