"""Faults of heartbeat, status and time."""

from __future__ import annotations

import asyncio
from typing import Any

from mocks.devices.reference.bank import Bank, Peripheral
from mocks.devices.reference.channel import Channel
from mocks.devices.reference.devicetime import DeviceTime
from mocks.devices.reference.docking import Docking
from mocks.devices.reference.heartbeat import Heartbeat
from mocks.devices.reference.timers import BUILT_IN
from mocks.devices.registry import defect


def all_ready(peripherals: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same peripherals, all of them well."""
    return [{"id": p["id"], "status": "ready"} for p in peripherals]


@defect(
    id="HBT-001-too-slow",
    breaks=["HBT-001"],
    may_break=["HBT-002", "HBT-008", "HBT-010"],
    about={"zh": "心跳过慢", "en": "heartbeats come too slowly"},
)
class TooSlow(Heartbeat):
    def interval(self) -> float:
        return self.d.timers.s("T-HEARTBEAT") * 1.25 * 1.1


@defect(
    id="HBT-001-too-fast",
    breaks=["HBT-001"],
    about={"zh": "心跳过快", "en": "heartbeats come too fast"},
)
class TooFast(Heartbeat):
    def interval(self) -> float:
        return self.d.timers.s("T-HEARTBEAT") * 0.75 * 0.9


@defect(
    id="HBT-001-interval-built-in",
    breaks=["HBT-001"],
    may_break=["HBT-002", "HBT-008", "HBT-010"],
    about={"zh": "心跳间隔写死，不用注册时告知的值", "en": "the interval is built in, whatever the registration tells"},
)
class IntervalBuiltIn(Heartbeat):
    def interval(self) -> float:
        production_ms, lab_ms = BUILT_IN["T-HEARTBEAT"]
        return (lab_ms if self.d.settings.timers == "lab" else production_ms) / 1000


@defect(
    id="HBT-002-late-first",
    breaks=["HBT-002"],
    about={"zh": "恢复通道后首个心跳过晚", "en": "the first heartbeat comes late"},
)
class LateFirst(Heartbeat):
    async def first_wait(self) -> None:
        await asyncio.sleep(self.d.timers.s("T-HEARTBEAT") * 1.25 * 1.1)


@defect(
    id="HBT-002-silent-after-a-resume",
    breaks=["HBT-002"],
    may_break=["HBT-001", "HBT-008", "HBT-010"],
    about={"zh": "断线重连后不再发心跳", "en": "no heartbeats any more once the channel was cut"},
)
class SilentAfterAResume(Heartbeat):
    async def run(self) -> None:
        await self.d.channel.ready.wait()
        first = self.d.channel.conn
        while self.d.channel.conn is first:
            self.d.spawn(self.beat(), "heartbeat")
            await asyncio.sleep(self.interval())


@defect(
    id="HBT-003-no-peripherals",
    breaks=["HBT-003"],
    may_break=["HBT-005"],
    about={"zh": "心跳不带外设状态", "en": "heartbeats say nothing of the peripherals"},
)
class NoPeripherals(Heartbeat):
    def peripherals(self) -> list[dict[str, Any]]:
        return []


@defect(
    id="HBT-003-one-peripheral-left-out",
    breaks=["HBT-003"],
    about={"zh": "心跳漏报一个外设", "en": "heartbeats leave one peripheral out"},
)
class OnePeripheralLeftOut(Heartbeat):
    def peripherals(self) -> list[dict[str, Any]]:
        return super().peripherals()[:-1]


@defect(
    id="HBT-004-fault-kept-secret",
    breaks=["HBT-004"],
    may_break=["CHN-015", "PER-021", "PER-041", "PER-070"],
    about={"zh": "故障不上报", "en": "keeps faults to itself"},
)
class FaultKeptSecret(Bank):
    def report(self, peripheral: Peripheral) -> None:
        if peripheral.status() in {"ready", "busy"}:
            super().report(peripheral)


@defect(
    id="HBT-004-heartbeat-lies",
    breaks=["HBT-004"],
    about={"zh": "故障时心跳仍报正常", "en": "heartbeats say ready in spite of a fault"},
)
class HeartbeatLies(Heartbeat):
    def body(self) -> dict[str, Any]:
        return {**super().body(), "peripherals": all_ready(self.peripherals())}


@defect(
    id="HBT-005-repair-untold",
    breaks=["HBT-005"],
    may_break=["PER-090"],
    about={"zh": "故障恢复不上报", "en": "a repair is not told"},
)
class RepairUntold(Bank):
    def report(self, peripheral: Peripheral) -> None:
        if peripheral.trouble() or not self.d.channel.sent or not self.d.reported_all:
            super().report(peripheral)

    def report_all(self) -> None:
        for peripheral in self.all.values():
            super().report(peripheral)


@defect(
    id="HBT-005-heartbeat-never-forgets",
    breaks=["HBT-005"],
    about={"zh": "修复后心跳仍报故障", "en": "heartbeats go on telling a fault that was repaired"},
)
class HeartbeatNeverForgets(Heartbeat):
    faults: dict[str, dict[str, Any]] | None = None

    def body(self) -> dict[str, Any]:
        told = super().body()
        self.faults = {p["id"]: p for p in told["peripherals"] if p["status"] == "fault"} | (self.faults or {})
        return {**told, "peripherals": [self.faults.get(p["id"], p) for p in told["peripherals"]]}


@defect(
    id="HBT-006-local-time-as-utc",
    breaks=["HBT-006"],
    about={"zh": "device_time 把本地时间标成 UTC", "en": "device_time is local time that says it is UTC"},
)
class LocalTimeAsUtc(Heartbeat):
    def device_time(self) -> str:
        return super().device_time().replace("+08:00", "Z")


@defect(
    id="HBT-006-time-without-offset",
    breaks=["HBT-006"],
    may_break=["CHN-001", "HBT-003"],
    about={"zh": "设备时间不带时区", "en": "the device time has no offset"},
)
class TimeWithoutOffset(Heartbeat):
    def device_time(self) -> str:
        return super().device_time()[:19]


@defect(
    id="HBT-007-uptime-jumps-back",
    breaks=["HBT-007"],
    about={"zh": "运行时长会变小", "en": "the uptime jumps back"},
)
class UptimeJumpsBack(Heartbeat):
    def uptime_ms(self) -> int:
        return super().uptime_ms() % 3000


@defect(
    id="HBT-008-silent-in-call",
    breaks=["HBT-008"],
    may_break=["HBT-001"],
    about={"zh": "通话中停发心跳", "en": "no heartbeats during a call"},
)
class SilentInCall(Heartbeat):
    async def beat(self) -> None:
        if self.d.calls.call is None:
            await super().beat()


@defect(
    id="HBT-009-firmware-of-another",
    breaks=["HBT-009"],
    about={"zh": "状态查询答复错误的固件版本", "en": "a status query is answered with another firmware version"},
)
class FirmwareOfAnother(Channel):
    def status(self, params: dict[str, Any]) -> dict[str, Any]:
        return {**super().status(params), "firmware": "0.0.1"}


@defect(
    id="HBT-009-mode-always-normal",
    breaks=["HBT-009"],
    about={"zh": "维护期间状态查询答复 normal", "en": "a status query is answered with mode normal during maintenance"},
)
class ModeAlwaysNormal(Channel):
    def status(self, params: dict[str, Any]) -> dict[str, Any]:
        return {**super().status(params), "mode": "normal"}


@defect(
    id="HBT-009-state-always-idle",
    breaks=["HBT-009"],
    about={"zh": "会话期间状态查询答复 idle", "en": "a status query is answered with idle during a session"},
)
class StateAlwaysIdle(Channel):
    def status(self, params: dict[str, Any]) -> dict[str, Any]:
        return {**super().status(params), "state": "idle"}


@defect(
    id="HBT-009-peripherals-always-ready",
    breaks=["HBT-009"],
    about={"zh": "状态查询总是答复外设正常", "en": "a status query is answered with every peripheral ready"},
)
class PeripheralsAlwaysReady(Channel):
    def status(self, params: dict[str, Any]) -> dict[str, Any]:
        answer = super().status(params)
        return {**answer, "peripherals": all_ready(answer["peripherals"])}


@defect(
    id="HBT-009-statuses-of-the-query-before",
    breaks=["HBT-009"],
    about={"zh": "状态查询答复上一次查询时的外设状态", "en": "a status query tells the peripherals as they were at the last one"},
)
class StatusesOfTheQueryBefore(Channel):
    kept: list[dict[str, Any]] | None = None

    def status(self, params: dict[str, Any]) -> dict[str, Any]:
        answer = super().status(params)
        before, self.kept = self.kept, answer["peripherals"]
        return {**answer, "peripherals": before or answer["peripherals"]}


@defect(
    id="HBT-010-maintenance-one-heartbeat-late",
    breaks=["HBT-010"],
    about={"zh": "维护模式迟一次心跳才说明", "en": "the first heartbeat of maintenance says normal"},
)
class MaintenanceOneHeartbeatLate(Heartbeat):
    kept = "normal"

    def body(self) -> dict[str, Any]:
        before, self.kept = self.kept, self.mode()
        return {**super().body(), "mode": before}


@defect(
    id="HBT-010-maintenance-untold",
    breaks=["HBT-010"],
    about={"zh": "维护模式不体现在心跳中", "en": "heartbeats do not tell of maintenance"},
)
class MaintenanceUntold(Heartbeat):
    def body(self) -> dict[str, Any]:
        return {**super().body(), "mode": "normal"}


@defect(
    id="HBT-006-half-a-minute-behind",
    breaks=["HBT-006"],
    about={"zh": "时钟慢半分钟", "en": "the clock is half a minute behind the server's"},
)
class HalfAMinuteBehind(Docking):
    def created(self) -> int:
        return super().created() - 30


@defect(
    id="HBT-010-maintenance-for-ever",
    breaks=["HBT-010"],
    about={"zh": "维护结束后心跳仍报维护", "en": "heartbeats tell of maintenance after its end"},
)
class MaintenanceForEver(Heartbeat):
    was_in_maintenance = False

    def mode(self) -> str:
        self.was_in_maintenance = self.was_in_maintenance or super().mode() == "maintenance"
        return "maintenance" if self.was_in_maintenance else "normal"


@defect(
    id="HBT-006-own-clock-alone",
    breaks=["HBT-006"],
    about={"zh": "只用本机时钟，不理会 server_time", "en": "goes by its own clock and never looks at server_time"},
)
class OwnClockAlone(DeviceTime):
    def sync(self, *_: object) -> None:
        return


@defect(
    id="HBT-009-mode-of-maintenance-kept",
    breaks=["HBT-009"],
    about={"zh": "维护结束后状态查询仍答复维护", "en": "a status query tells of maintenance after its end"},
)
class ModeOfMaintenanceKept(Channel):
    kept = ""

    def status(self, params: dict[str, Any]) -> dict[str, Any]:
        answer = super().status(params)
        if answer["mode"] == "maintenance":
            self.kept = "maintenance"
        return {**answer, "mode": self.kept or answer["mode"]}


@defect(
    id="HBT-003-idle-all-the-time",
    breaks=["HBT-003"],
    may_break=["HBT-008"],
    about={"zh": "会话期间心跳仍报 idle", "en": "heartbeats say idle in a session as well"},
)
class IdleAllTheTime(Heartbeat):
    def body(self) -> dict[str, Any]:
        return {**super().body(), "state": "idle"}
