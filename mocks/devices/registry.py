"""Where defects and lawful variants of the reference device register themselves: an id, a patch of one part, words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from mocks.devices.reference.part import Part

__all__ = ["Defect", "Registry", "Variant"]

P = TypeVar("P", bound=Part)


@dataclass(frozen=True)
class Variant:
    """A way of building the device that the specification leaves free. `about` has `zh` and `en`."""

    id: str
    about: Mapping[str, str]
    patch: type[Part]


@dataclass(frozen=True)
class Defect(Variant):
    """One fault. `breaks`: clauses that a run must find broken; `may_break`: the closed list of those that may fall too.

    `declares`: PICS items in which the device's declaration differs from the reference device's, so that a clause applies.
    """

    breaks: tuple[str, ...] = ()
    may_break: tuple[str, ...] = ()
    needs: str = "memory"
    declares: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Registry:
    """Ids in the order of their definition. An id is given once."""

    defects: dict[str, Defect] = field(default_factory=dict)
    variants: dict[str, Variant] = field(default_factory=dict)

    def defect(
        self,
        *,
        id: str,  # noqa: A002
        breaks: Sequence[str],
        about: Mapping[str, str],
        may_break: Sequence[str] = (),
        needs: str = "memory",
        declares: Mapping[str, Any] | None = None,
    ) -> Callable[[type[P]], type[P]]:
        """Register a patch as a defect. Raises ValueError for an id that is taken."""

        def register(patch: type[P]) -> type[P]:
            if id in self.defects:
                raise ValueError(f"defect {id} is defined twice")
            self.defects[id] = Defect(id, about, patch, tuple(breaks), tuple(may_break), needs, declares or {})
            return patch

        return register

    def variant(self, *, id: str, about: Mapping[str, str]) -> Callable[[type[P]], type[P]]:  # noqa: A002
        """Register a patch as a lawful variant. Raises ValueError for an id that is taken."""

        def register(patch: type[P]) -> type[P]:
            if id in self.variants:
                raise ValueError(f"variant {id} is defined twice")
            self.variants[id] = Variant(id, about, patch)
            return patch

        return register


REGISTRY = Registry()
defect = REGISTRY.defect
variant = REGISTRY.variant
