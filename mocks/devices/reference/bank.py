"""The peripherals as hardware: present or not, whole or broken, and what lies on them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from mocks.devices.reference.part import Part

__all__ = ["NAMES", "Bank", "Peripheral"]

NAMES = {
    "id_card_reader": "身份证阅读器",
    "social_card_reader": "社保卡阅读器",
    "code_scanner": "扫码器",
    "document_camera": "高拍仪",
    "printer": "打印机",
    "receipt_printer": "小票打印机",
    "signature_pad": "签字板",
    "evaluator": "评价器",
    "person_camera": "人像摄像头",
    "audio": "话筒和扬声器",
    "second_screen": "副屏",
    "help_button": "求助按钮",
}

PASSING = {"no_card", "card_removed", "empty_frame"}
"""Faults of one action; the peripheral itself stays usable, but the operator is told."""


@dataclass
class Peripheral:
    """One peripheral. `offered` is what a resident put there: a card, a text, a picture, a signature."""

    id: str
    present: bool = True
    fault: str = ""
    busy: bool = False
    offered: Any = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def touch(self) -> None:
        """Wake whatever waits at this peripheral."""
        self.changed.set()

    def status(self) -> str:
        """absent, fault, busy or ready."""
        if not self.present:
            return "absent"
        if self.fault:
            return "fault"
        return "busy" if self.busy else "ready"

    def trouble(self) -> str:
        """Why an action cannot go on, or nothing."""
        return "unplugged" if not self.present else self.fault


class Bank(Part):
    """All peripherals of the device, and the duty to report every change of their state."""

    def __init__(self, device: Any) -> None:
        super().__init__(device)
        self.all = {name: Peripheral(name) for name in NAMES}

    def ids(self) -> list[str]:
        """Ids in fixed order."""
        return list(self.all)

    def get(self, peripheral_id: str) -> Peripheral:
        """One peripheral. Raises KeyError."""
        return self.all[peripheral_id]

    def statuses(self) -> list[dict[str, Any]]:
        """Short state of each."""
        return [self.state(p) for p in self.all.values()]

    def state(self, peripheral: Peripheral) -> dict[str, Any]:
        """State of one, with the fault where there is one."""
        state = {"id": peripheral.id, "status": self.status_of(peripheral)}
        if peripheral.fault and state["status"] == "fault":
            state["fault"] = peripheral.fault
        return state

    def status_of(self, peripheral: Peripheral) -> str:
        """The state as it is told."""
        return peripheral.status()

    def faulty_names(self) -> list[str]:
        """Names for the screen."""
        return [NAMES[p.id] for p in self.all.values() if p.fault and p.fault not in PASSING]

    def set_fault(self, peripheral_id: str, fault: str) -> None:
        """Break one."""
        peripheral = self.get(peripheral_id)
        if fault == "unplugged":
            self.plug(peripheral_id, False)
            return
        peripheral.fault = fault
        peripheral.touch()
        self.report(peripheral)

    def repair(self, peripheral_id: str) -> None:
        """Make one whole again."""
        peripheral = self.get(peripheral_id)
        peripheral.fault, peripheral.present = "", True
        peripheral.touch()
        self.report(peripheral)

    def plug(self, peripheral_id: str, plugged: bool) -> None:
        """Pull the plug or put it back."""
        peripheral = self.get(peripheral_id)
        peripheral.present = plugged
        if plugged:
            peripheral.fault = ""
        else:
            peripheral.offered = None
        peripheral.touch()
        self.report(peripheral)

    def set_busy(self, peripheral_id: str, busy: bool) -> None:
        """Taken by a command or a call, or free again. Told in heartbeats and on query, not as an event of its own."""
        self.get(peripheral_id).busy = busy

    def reset(self) -> None:
        """Everything plugged in and whole; changes are reported."""
        for peripheral in self.all.values():
            if peripheral.fault or not peripheral.present:
                self.repair(peripheral.id)

    def report(self, peripheral: Peripheral) -> None:
        """Tell the acceptance system about a change."""
        data: dict[str, Any] = {"status": self.status_of(peripheral)}
        if peripheral.fault and data["status"] == "fault":
            data["fault"] = peripheral.fault
        self.d.reports.send("cn.rvw.peripheral.status", peripheral.id, data)

    def report_all(self) -> None:
        """After power on: the state of everything."""
        for peripheral in self.all.values():
            self.report(peripheral)

    def offer(self, peripheral_id: str, thing: Any) -> None:
        """A resident puts something there, or takes it away (None)."""
        peripheral = self.get(peripheral_id)
        peripheral.offered = thing
        peripheral.touch()

    def take_everything_off(self) -> None:
        """At the end of a session."""
        for peripheral in self.all.values():
            peripheral.offered = None
            peripheral.busy = False
