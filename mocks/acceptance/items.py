"""The list of service items: any length, driven by the acceptance system, changed under the device's feet."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mocks.acceptance.refusal import Refused


@dataclass
class ServiceItems:
    """The items that this counter serves, each as the pack's fixtures shape it."""

    fixtures: Sequence[Mapping[str, Any]]
    code_key: str = "item_code"
    name_key: str = "name"
    rows: list[dict[str, Any]] = field(default_factory=list)
    version: int = 1

    def __post_init__(self) -> None:
        self.rows = [dict(copy.deepcopy(row)) for row in self.fixtures]

    def set_count(self, count: int) -> None:
        """Serve exactly `count` items: the fixtures first, then numbered ones of the same shape."""
        rows = [dict(copy.deepcopy(row)) for row in self.fixtures[:count]]
        pattern = dict(self.fixtures[0]) if self.fixtures else {self.code_key: "", self.name_key: ""}
        rows += [
            {**copy.deepcopy(pattern), self.code_key: f"LAB{number:05d}", self.name_key: f"测试事项{number:05d}"}
            for number in range(len(rows) + 1, count + 1)
        ]
        self.rows = rows
        self.version += 1

    def admit(self, code: object) -> None:
        """Raises Refused for a code that is not served (now)."""
        if all(row[self.code_key] != code for row in self.rows):
            raise Refused("unknown-item", "the service item is not offered")
