"""Test cases as data plus one procedure each. A case drives and waits; it never judges (its rules are in the pack)."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from conformance.spec.model import Text

if TYPE_CHECKING:
    from conformance.bench.stage import Stage

Procedure = Callable[["Stage"], Awaitable[None]]
Given = Literal["idle", "off"]  # home state of the device: online and idle, or not powered


@dataclass(frozen=True, slots=True)
class Case:
    """One test case. The id is made from what it does, never from order; `roles` are the pack's roles that it speaks."""

    id: str
    title: Text
    procedure: Procedure
    roles: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()  # stimuli it needs
    given: Given = "idle"
    condition: Any = None  # PICS condition
    sockets: bool = False  # needs real sockets (TLS and the like)
    media: bool = False  # needs real media to mean anything
    power: bool = False  # needs to switch the device off and on
    lasts: tuple[str, ...] = ()  # timers that pass in it to their end, as often as they do: for the estimate of a plan
    purpose: str = ""  # what is provoked and what a good device does
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def area(self) -> str:
        """First word of the id: the family in lower case, `visit` or `gen`."""
        return self.id.split(".", 1)[0]


CASES: dict[str, Case] = {}


def case(
    case_id: str, zh: str, en: str, *, roles: str = "", verbs: str = "", given: Given = "idle", condition: Any = None,
    sockets: bool = False, media: bool = False, power: bool = False, lasts: str = "",
) -> Callable[[Procedure], Procedure]:  # fmt: skip
    """Register a procedure as a test case; `roles`, `verbs` and `lasts` are words with spaces. Raises ValueError on a repeat."""

    def register(procedure: Procedure) -> Procedure:
        if case_id in CASES:
            raise ValueError(f"the case id {case_id!r} is taken by {CASES[case_id].procedure.__module__}")
        CASES[case_id] = Case(
            id=case_id, title=Text(zh, en), procedure=procedure, roles=tuple(roles.split()), verbs=tuple(verbs.split()),
            given=given, condition=condition, sockets=sockets, media=media, power=power,
            lasts=tuple(lasts.split()), purpose=(procedure.__doc__ or "").strip(),
        )  # fmt: skip
        return procedure

    return register


def load_cases() -> Mapping[str, Case]:
    """Import every suite module and return the cases that they register."""
    suites = importlib.import_module("conformance.suites")
    for module in pkgutil.iter_modules(suites.__path__):
        if not module.name.startswith("test_"):
            importlib.import_module(f"{suites.__name__}.{module.name}")
    return CASES
