"""Faults of the list of service items."""

from __future__ import annotations

from typing import Any

from mocks.devices.reference.config import Config
from mocks.devices.registry import defect


@defect(
    id="SVC-001-list-built-in-until-told",
    breaks=["SVC-001"],
    about={"zh": "注册后先用内置清单", "en": "begins with a list of its own and fetches none until a change is told"},
)
class BuiltInUntilTold(Config):
    async def fetch_items(self) -> None:
        if self.items_version:
            await super().fetch_items()
        else:
            self.take_items({"version": "built-in", "items": [{"item_code": "1", "name": "示范事项"}]})


@defect(
    id="SVC-004-list-built-in",
    breaks=["SVC-001", "SVC-004"],
    about={"zh": "不取事项清单", "en": "never fetches the list of items"},
)
class ListNeverFetched(Config):
    async def fetch_items(self) -> None:
        self.take_items({"version": "built-in", "items": [{"item_code": "1", "name": "示范事项"}]})


@defect(
    id="SVC-002-thirty-items-at-most",
    breaks=["SVC-002"],
    about={"zh": "最多显示30项", "en": "shows thirty items at most"},
)
class ThirtyItems(Config):
    def take_items(self, answer: dict[str, Any]) -> None:
        super().take_items({**answer, "items": answer.get("items", [])[:30]})


@defect(
    id="SVC-003-empty-list-ignored",
    breaks=["SVC-003"],
    may_break=["SVC-002"],
    about={"zh": "清单变空时仍显示旧清单", "en": "an empty list leaves the old one standing"},
)
class EmptyListIgnored(Config):
    def take_items(self, answer: dict[str, Any]) -> None:
        if answer.get("items"):
            super().take_items(answer)


@defect(
    id="SVC-004-list-read-once",
    breaks=["SVC-004"],
    about={"zh": "版本变化后不重新取清单", "en": "does not read the list again when its version changes"},
)
class ListReadOnce(Config):
    def changed(self, params: dict[str, Any]) -> dict[str, Any]:
        return super().changed({k: v for k, v in params.items() if k != "items_version"})


@defect(
    id="SVC-005-version-made-up",
    breaks=["SVC-005"],
    about={"zh": "答复的版本不是下发的版本", "en": "confirms another version than the one that was sent"},
)
class VersionMadeUp(Config):
    def changed(self, params: dict[str, Any]) -> dict[str, Any]:
        super().changed(params)
        return {"applied_version": "1"}
