"""Putting a device together from its settings, with a defect or a variant where one is asked for."""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterable, Mapping
from typing import Any

from mocks.devices.reference.device import PARTS, Device
from mocks.devices.reference.mediaport import MediaFactory
from mocks.devices.reference.part import Part, patched
from mocks.devices.reference.settings import Settings
from mocks.devices.reference.transport import Clock, Storage, Transport

__all__ = ["assemble", "build", "patches_of"]


def patches_of(name: str | None) -> tuple[type[Part], ...]:
    """The patches of a defect or a variant. Raises ValueError for an id that is neither."""
    if not name:
        return ()
    # Loaded by name: the good device must run without its own caricatures.
    for package in ("mocks.devices.defects", "mocks.devices.variants"):
        found: tuple[type[Part], ...] = importlib.import_module(package).patches(name)
        if found:
            return found
    raise ValueError(f"no defect and no variant is called {name!r}")


def assemble(
    settings: Settings,
    transport: Transport,
    clock: Clock,
    media: MediaFactory,
    rng: random.Random,
    storage: Storage,
    patches: Iterable[type[Part]] = (),
) -> Device:
    """A device with patches."""
    chosen = tuple(patches)
    parts = {name: patched(part, chosen) for name, part in PARTS.items()}
    return Device(settings, transport, clock, media, rng, storage, parts)


def build(
    spawn_doc: Mapping[str, Any],
    transport: Transport,
    clock: Clock,
    media: MediaFactory,
    rng: random.Random,
    storage: Storage,
) -> Device:
    """A device from a spawn document. Raises ValueError or KeyError when the document is not one."""
    settings = Settings.of(spawn_doc)
    return assemble(settings, transport, clock, media, rng, storage, patches_of(settings.defect))
