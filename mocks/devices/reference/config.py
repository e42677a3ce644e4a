"""What the acceptance system pushes about the counter, and the list of service items. Nothing is built in."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from mocks.devices.reference.docking import Refused
from mocks.devices.reference.part import Part
from mocks.devices.reference.wire import BAD_PARAMS, RpcError, wanted

__all__ = ["Config"]


DAYS = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
TIME_OF_DAY = re.compile("(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")


class Config(Part):
    """Counter, service hours, catalogue."""

    version = ""
    counter_name = ""
    counter_state = ""
    phone = ""
    service_hours: tuple[dict[str, Any], ...] = ()
    items: tuple[dict[str, Any], ...] = ()
    items_version = ""
    chosen_item = ""

    def take_counter(self, counter: object) -> None:
        """Name, hours and telephone of the counter."""
        if not isinstance(counter, dict):
            return
        self.counter_name = str(counter.get("name", self.counter_name))
        self.counter_state = str(counter.get("state", self.counter_state))
        self.phone = str(counter.get("phone", self.phone))
        hours = counter.get("service_hours")
        if isinstance(hours, list):
            self.service_hours = tuple(h for h in hours if isinstance(h, dict))

    def changed(self, params: dict[str, Any]) -> dict[str, Any]:
        """`config.changed`: versions are opaque; the answer names the one that holds from now on."""
        wanted(params, "version:str counter:obj items_version?:str")
        self.check_hours(params["counter"])
        self.version = params["version"]
        self.take_counter(params["counter"])
        if params.get("items_version", self.items_version) != self.items_version:
            self.d.spawn(self.fetch_items(), "items")
        return {"applied_version": self.version}

    def check_hours(self, counter: dict[str, Any]) -> None:
        """Service hours as the specification has them. Raises RpcError -32602."""
        rows = counter.get("service_hours")
        good = isinstance(rows, list) and all(
            isinstance(row, dict) and set(row.get("days") or ["?"]) <= DAYS
            and all(TIME_OF_DAY.fullmatch(str(row.get(end, ""))) for end in ("from", "to"))
            for row in rows
        )  # fmt: skip
        if not good:
            raise RpcError(BAD_PARAMS, "invalid params: service_hours", {"member": "service_hours"})

    async def fetch_items(self) -> None:
        """Get the catalogue; tried again until it is here, because without it no item can be chosen."""
        for attempt in range(8):
            try:
                answer = await self.d.docking.json("GET", "/service-items")
            except (OSError, Refused) as error:
                self.d.log(f"事项清单未取到：{type(error).__name__}")
            else:
                self.take_items(answer)
                return
            await asyncio.sleep(self.d.backoff.delay(attempt))

    def take_items(self, answer: dict[str, Any]) -> None:
        """The new list replaces the old one; an item that is gone can no longer stand chosen."""
        items = answer.get("items")
        self.items = tuple(i for i in items if isinstance(i, dict)) if isinstance(items, list) else ()
        self.items_version = str(answer.get("version", ""))
        if self.chosen_item and not self.known_item(self.chosen_item):
            self.chosen_item = ""
            self.d.screens.show("所选事项已下架，请重新选择")

    def lines(self) -> list[str]:
        """The counter on the main screen."""
        lines = [f"可办事项 共 {len(self.items)} 项"] if self.items_version else []
        if self.counter_state in {"paused", "closed", "not_activated"}:
            lines.append("本服务点暂停服务")
        return [*lines, *([f"咨询电话 {self.phone}"] if self.phone else [])]

    def known_item(self, code: str) -> bool:
        """Whether the list has this item now."""
        return any(item.get("item_code") == code for item in self.items)

    def choose(self, code: str) -> bool:
        """The resident touches an item. False when the list has none of this code."""
        if not self.known_item(code):
            return False
        self.chosen_item = code
        name = next(str(item.get("name", "")) for item in self.items if item.get("item_code") == code)
        self.d.screens.show(f"已选事项：{name}，请刷身份证取号")
        return True
