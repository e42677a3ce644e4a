"""Devices that are wrong on purpose, one fault each: what a bench must find, and what it must not take for something else."""

from __future__ import annotations

from mocks.devices.defects import (
    chn,
    chn_calls,
    chn_resend,
    hbt,
    mat,
    med,
    per,
    per_commands,
    prv,
    que,
    rat,
    reg,
    rob,
    sec,
    sec_device_api,
    sec_handshake,
    sig,
    sig_calls,
    svc,
)
from mocks.devices.reference.part import Part
from mocks.devices.registry import REGISTRY, Defect

__all__ = ["DEFECTS", "FAMILIES", "patches"]

FAMILIES = (
    reg, sec, sec_device_api, sec_handshake, hbt, chn, chn_calls, chn_resend, que, sig, sig_calls, rat,
    per, per_commands, mat, prv, med, rob, svc,
)  # fmt: skip
DEFECTS: dict[str, Defect] = REGISTRY.defects


def patches(defect_id: str) -> tuple[type[Part], ...]:
    """The patch of one defect; empty for an id that is none."""
    return (DEFECTS[defect_id].patch,) if defect_id in DEFECTS else ()
