"""`peripheral.command`: accepted at once, done in its own time, reported once, for every way it can end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from mocks.devices.reference.part import Part
from mocks.devices.reference.wire import (
    BUSY,
    CANCELLED,
    FAULT,
    NOT_SUPPORTED,
    TIMEOUT,
    UNKNOWN,
    RpcError,
    wanted,
)

__all__ = ["Command", "Commands"]


@dataclass(frozen=True)
class Command:
    """One command as it was given."""

    command_id: str
    session_id: str
    peripheral: str
    action: str
    args: dict[str, Any]
    timeout_s: float

    def document(self) -> dict[str, Any]:
        """The two ids that every report about it carries."""
        return {"command_id": self.command_id, "session_id": self.session_id}


class Commands(Part):
    """Commands that run, and ids of those that have ended."""

    def __init__(self, device: Any) -> None:
        super().__init__(device)
        self.running: dict[str, tuple[Command, asyncio.Task[None]]] = {}
        self.ended: dict[str, str] = {}

    def take(self, params: dict[str, Any]) -> dict[str, Any]:
        """`peripheral.command`: check, answer, and only then begin."""
        wanted(params, "command_id:str session_id:str peripheral:str action:str args?:obj timeout_ms?:num")
        command = Command(
            params["command_id"],
            params["session_id"],
            params["peripheral"],
            params["action"],
            params.get("args") or {},
            self.time_limit(params.get("timeout_ms")),
        )
        if self.known(command.command_id):
            return {"accepted": True}
        self.check(command)
        self.begin(command)
        return {"accepted": True}

    def time_limit(self, timeout_ms: Any) -> float:
        """Seconds that the command may take."""
        return timeout_ms / 1000 if isinstance(timeout_ms, int | float) and timeout_ms > 0 else self.d.timers.s("T-COMMAND")

    def known(self, command_id: str) -> bool:
        """Whether this command was taken before."""
        return command_id in self.running or command_id in self.ended

    def check(self, command: Command) -> None:
        """Whether it can begin. Raises RpcError."""
        self.check_session(command)
        if command.peripheral not in self.d.bank.all:
            raise RpcError(UNKNOWN, "unknown peripheral")
        if not self.d.actions.supported(command.peripheral, command.action):
            raise RpcError(NOT_SUPPORTED, "action not supported")
        self.d.actions.check(command)
        self.check_free(command)

    def check_session(self, command: Command) -> None:
        """Nothing is done outside the open session."""
        if not self.d.sessions.is_open(command.session_id):
            raise RpcError(UNKNOWN, "no such open session")

    def check_free(self, command: Command) -> None:
        """One command at a time for each peripheral."""
        if any(other.peripheral == command.peripheral for other, _ in self.running.values()):
            raise RpcError(BUSY, "peripheral is busy")

    def begin(self, command: Command) -> None:
        """Start the work beside the channel."""
        task = self.d.spawn(self.run(command), f"command {command.action}")
        self.running[command.command_id] = (command, task)
        self.d.remember()

    async def run(self, command: Command) -> None:
        """From start to report. A task that is cancelled reports that it was."""
        self.d.bank.set_busy(command.peripheral, True)
        try:
            result = await asyncio.wait_for(self.d.actions.perform(command), command.timeout_s)
        except TimeoutError:
            self.fail(command, RpcError(TIMEOUT, "timed out"))
        except asyncio.CancelledError:
            self.on_cancelled(command)
        except RpcError as error:
            self.fail(command, error)
        except Exception as error:  # one broken action must still be answered
            self.d.log(f"指令 {command.action} 内部错误：{error!r}")
            self.fail(command, RpcError(FAULT, "internal error", {"fault": "offline"}))
        else:
            self.complete(command, result)
        finally:
            self.d.bank.set_busy(command.peripheral, False)

    def on_cancelled(self, command: Command) -> None:
        """Stopped by `peripheral.cancel` or by the end of the session."""
        self.fail(command, RpcError(CANCELLED, "cancelled"))

    def complete(self, command: Command, result: dict[str, Any]) -> None:
        """Report success."""
        self.finish(command, "completed")
        self.report("cn.rvw.command.completed", command, {**command.document(), "result": result})

    def fail(self, command: Command, error: RpcError) -> None:
        """Report failure with a defined code."""
        self.finish(command, "failed")
        self.report("cn.rvw.command.failed", command, {**command.document(), "error": error.document()})

    def finish(self, command: Command, outcome: str) -> None:
        """Free the peripheral and remember the id."""
        self.running.pop(command.command_id, None)
        self.ended[command.command_id] = outcome
        self.d.bank.set_busy(command.peripheral, False)
        self.d.remember()

    def report(self, event_type: str, command: Command, data: dict[str, Any]) -> None:
        """One report about a command."""
        self.d.reports.send(event_type, command.peripheral, data)

    def cancel(self, params: dict[str, Any]) -> dict[str, Any]:
        """`peripheral.cancel`: true when it ran and stops now, false when it had ended."""
        wanted(params, "command_id:str")
        entry = self.running.get(params["command_id"])
        if entry is None:
            if params["command_id"] in self.ended:
                return {"cancelled": False}
            raise RpcError(UNKNOWN, "unknown command")
        self.stop(entry[1])
        return {"cancelled": True}

    def stop(self, task: asyncio.Task[None]) -> None:
        """Stop the work of one command."""
        task.cancel()

    def abandon(self, reason: str) -> None:
        """The session is over: stop everything."""
        for command, task in list(self.running.values()):
            self.d.log(f"{reason}: {command.action}")
            task.cancel()
