"""Faults in taking, ending and cancelling commands of peripherals."""

from __future__ import annotations

import asyncio
from typing import Any

from mocks.devices.reference.actions import Actions
from mocks.devices.reference.commands import Command, Commands
from mocks.devices.reference.wire import FAULT, TIMEOUT, RpcError
from mocks.devices.registry import defect


@defect(
    id="PER-003-command-taken-late",
    breaks=["PER-003"],
    may_break=["CHN-004", "CHN-010", "PER-005", "PER-007", "PER-008", "REC-002", "ROB-003"],
    about={"zh": "指令受理应答过晚", "en": "says too late that a command is taken"},
)
class CommandTakenLate(Commands):
    def take(self, params: dict[str, Any]) -> Any:
        return self.late(params)

    async def late(self, params: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(self.d.timers.s("T-ACK") * 1.1)
        return super().take(params)


@defect(
    id="PER-004-no-report-of-a-failure",
    breaks=["PER-004"],
    may_break=["MAT-005", "PER-005", "PER-006", "PER-011"],
    about={"zh": "指令失败不上报", "en": "a command that fails is never reported"},
)
class NoReportOfFailure(Commands):
    def fail(self, command: Command, error: RpcError) -> None:
        self.finish(command, "failed")
        self.d.log(f"{command.action} {error.code}")


@defect(
    id="PER-005-waits-for-ever",
    breaks=["PER-005"],
    may_break=["PER-004"],
    about={"zh": "无人操作时一直等待", "en": "waits for ever when nobody serves a command"},
)
class WaitsForEver(Commands):
    def time_limit(self, timeout_ms: Any) -> float:
        return super().time_limit(timeout_ms) * 20


@defect(
    id="PER-005-gives-up-early",
    breaks=["PER-005"],
    about={"zh": "未到时限就放弃等待", "en": "gives a command up before its time is over"},
)
class GivesUpEarly(Commands):
    def time_limit(self, timeout_ms: Any) -> float:
        return super().time_limit(timeout_ms) * 0.9


@defect(
    id="PER-005-another-code",
    breaks=["PER-005"],
    about={"zh": "超时报成硬件故障", "en": "a time-out is reported as a hardware fault"},
)
class AnotherCode(Commands):
    def fail(self, command: Command, error: RpcError) -> None:
        super().fail(command, RpcError(FAULT, error.message) if error.code == TIMEOUT else error)


@defect(
    id="PER-006-cancel-without-effect",
    breaks=["PER-006"],
    about={"zh": "取消指令不起作用", "en": "a cancelled command goes on"},
)
class CancelWithoutEffect(Commands):
    def stop(self, task: asyncio.Task[None]) -> None:
        self.d.log(f"cancel {task.get_name()}")


@defect(
    id="PER-007-unknown-action-accepted",
    breaks=["PER-007"],
    about={"zh": "不认识的动作也受理", "en": "takes an action that it does not know"},
)
class UnknownActionAccepted(Actions):
    def supported(self, _peripheral: str, _action: str) -> bool:
        return True

    def check(self, command: Command) -> None:
        if (command.peripheral, command.action) in self.table:
            super().check(command)


@defect(
    id="PER-008-two-commands-at-once",
    breaks=["PER-008"],
    about={"zh": "同一外设并行执行指令", "en": "runs two commands at once on one peripheral"},
)
class TwoCommandsAtOnce(Commands):
    def check_free(self, command: Command) -> None:
        self.d.log(f"free {command.peripheral}")


@defect(
    id="PER-006-says-not-cancelled",
    breaks=["PER-006"],
    about={"zh": "已取消却答复未取消", "en": "cancels a command and says that it did not"},
)
class SaysNotCancelled(Commands):
    def cancel(self, params: dict[str, Any]) -> dict[str, Any]:
        return {**super().cancel(params), "cancelled": False}


@defect(
    id="PER-006-cancelled-told-as-fault",
    breaks=["PER-006"],
    about={"zh": "取消报成硬件故障", "en": "a cancelled command is reported as a hardware fault"},
)
class CancelledToldAsFault(Commands):
    def on_cancelled(self, command: Command) -> None:
        self.fail(command, RpcError(FAULT, "peripheral fault: offline", {"fault": "offline"}))
