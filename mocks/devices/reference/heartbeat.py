"""Heartbeats on I2. A heartbeat without answer means a dead connection."""

from __future__ import annotations

import asyncio
from typing import Any

from mocks.devices.reference.part import Part
from mocks.devices.reference.wire import RpcError

__all__ = ["Heartbeat"]


class Heartbeat(Part):
    """One report of life each T-HEARTBEAT while the channel is up."""

    async def run(self) -> None:
        """For ever, in step with the channel."""
        while True:
            await self.d.channel.ready.wait()
            await self.first_wait()
            while self.d.channel.ready.is_set():
                self.d.spawn(self.beat(), "heartbeat")
                await asyncio.sleep(self.interval())

    async def first_wait(self) -> None:
        """Pause between the channel's start and the first heartbeat: none."""

    def interval(self) -> float:
        """Seconds to the next heartbeat, a little under the limit so that a busy machine still keeps it."""
        return self.d.timers.s("T-HEARTBEAT") * (0.94 + 0.05 * self.d.rng.random())

    async def beat(self) -> None:
        """One heartbeat and its answer."""
        loop = asyncio.get_running_loop()
        asked_at, conn = loop.time(), self.d.channel.conn
        future = self.d.channel.post("heartbeat", self.body())
        try:
            answer = await asyncio.wait_for(asyncio.shield(future), self.patience())
        except TimeoutError:
            self.d.log("心跳无应答，重建连接")
            if conn is not None and conn is self.d.channel.conn:
                await self.d.channel.close(conn, 1001)
        except RpcError as error:
            self.d.log(f"心跳被拒：{error}")
        else:
            self.d.time.sync(answer.get("server_time"), asked_at)

    def patience(self) -> float:
        """Seconds without answer after which the connection is given up."""
        return self.d.timers.s("T-ACK") * 2

    def body(self) -> dict[str, Any]:
        """What a heartbeat says."""
        return {
            "state": self.state(),
            "mode": self.mode(),
            "uptime_ms": self.uptime_ms(),
            "device_time": self.device_time(),
            "peripherals": self.peripherals(),
        }

    def state(self) -> str:
        """State of the device."""
        return self.d.state()

    def mode(self) -> str:
        """normal or maintenance."""
        return self.d.mode

    def uptime_ms(self) -> int:
        """Milliseconds since power on."""
        return int((asyncio.get_running_loop().time() - self.d.started_at) * 1000)

    def device_time(self) -> str:
        """The device's clock."""
        return self.d.time.text()

    def peripherals(self) -> list[dict[str, Any]]:
        """State of each peripheral."""
        return self.d.bank.statuses()
