"""Faults put into the bench itself, each by replacing one small thing. What they prove: no device ever pays for them.

A mutant stays within one room (city, wire, recorder, judge, driver). It is laid on with a `pytest.MonkeyPatch`, so that the
end of the block takes it off again.
"""

from __future__ import annotations

from importlib import import_module

from .registry import MUTANTS, STORIES, Mutant

__all__ = ["MUTANTS", "STORIES", "Mutant"]

for _room in ("city", "wire", "clerk", "recorder", "judge", "driver"):  # each registers its own; the list keeps this order
    import_module(f"{__name__}.{_room}")
