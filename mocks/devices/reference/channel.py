"""I2: the device channel and its methods."""

from __future__ import annotations

from typing import Any, ClassVar

from mocks.devices.reference.link import Handler, Link
from mocks.devices.reference.settings import FIRMWARE
from mocks.devices.reference.wire import BAD_PARAMS, RpcError, wanted

__all__ = ["Channel"]


class Channel(Link):
    """The table of methods; the work is done by the parts that own it."""

    iface: ClassVar[str] = "I2"
    subprotocol: ClassVar[str] = "rvw.channel.v1"
    endpoint: ClassVar[str] = "channel"
    attach_method: ClassVar[str] = "channel.resume"

    def methods(self) -> dict[str, Handler]:
        d = self.d
        return {
            "ticket.updated": lambda params: d.tickets.updated(params),
            "ticket.called": lambda params: d.tickets.called(params),
            "session.opened": lambda params: d.sessions.opened(params),
            "session.closed": lambda params: d.sessions.close(params),
            "peripheral.command": lambda params: d.commands.take(params),
            "peripheral.cancel": lambda params: d.commands.cancel(params),
            "rating.request": lambda params: d.ratings.requested(params),
            "config.changed": lambda params: d.config.changed(params),
            "status.query": self.status,
            "maintenance.set": self.maintenance,
        }

    def on_ready(self) -> None:
        super().on_ready()
        self.d.on_channel_ready()

    def status(self, _params: dict[str, Any]) -> dict[str, Any]:
        """`status.query`."""
        return {
            "state": self.d.heartbeat.state(),
            "mode": self.d.heartbeat.mode(),
            "peripherals": self.d.heartbeat.peripherals(),
            "firmware": FIRMWARE,
            "config_version": self.d.config.version,
            "items_version": self.d.config.items_version,
        }

    def maintenance(self, params: dict[str, Any]) -> dict[str, Any]:
        """`maintenance.set`."""
        wanted(params, "mode:str reason:str")
        if params["mode"] not in {"on", "off"}:
            raise RpcError(BAD_PARAMS, "mode is on or off", {"member": "mode"})
        self.d.mode = "maintenance" if params["mode"] == "on" else "normal"
        return {}
