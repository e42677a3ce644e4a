"""How the device is put together: parts that know the device, and patches that bend one part.

A patch (a defect or a lawful variant) is a subclass of a part. `patched` puts it in front of every part class
that has the patch's own base among its ancestors, so a patch of `Link` bends both links and a patch of
`ChannelLink` only one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from mocks.devices.reference.device import Device

__all__ = ["Part", "patched"]


class Part:
    """One organ of the device. `self.d` is the device; parts find each other through it."""

    def __init__(self, device: Device) -> None:
        self.d = device


P = TypeVar("P", bound=Part)


def patched(part: type[P], patches: Iterable[type[Part]]) -> type[P]:
    """The part class with every fitting patch in front of it, in the order given."""
    cls: type[P] = part
    for patch in patches:
        if _bent(patch) in part.__mro__:
            cls = cast("type[P]", type(part.__name__, (patch, cls), cast("dict[str, Any]", {})))
    return cls


def _bent(patch: type[Part]) -> type:
    """The part that a patch bends: its nearest ancestor that belongs to the device itself."""
    return next(base for base in patch.__mro__[1:] if base.__module__.startswith(__package__ or ""))
