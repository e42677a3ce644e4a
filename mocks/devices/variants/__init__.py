"""Good devices that are built otherwise than the reference: everything here must pass."""

from __future__ import annotations

from mocks.devices.reference.part import Part
from mocks.devices.registry import REGISTRY, Variant
from mocks.devices.variants import conduct, wire

__all__ = ["FAMILIES", "VARIANTS", "patches"]

FAMILIES = (wire, conduct)
VARIANTS: dict[str, Variant] = REGISTRY.variants


def patches(variant_id: str) -> tuple[type[Part], ...]:
    """The patch of one variant; empty for an id that is none."""
    return (VARIANTS[variant_id].patch,) if variant_id in VARIANTS else ()
