"""Reports on I2: CloudEvents, sent until acknowledged, each once."""

from __future__ import annotations

import asyncio
from typing import Any

from mocks.devices.reference.part import Part

__all__ = ["Reports"]


class Reports(Part):
    """Numbered events of this boot."""

    count = 0

    def send(self, event_type: str, subject: str, data: dict[str, Any]) -> None:
        """Report something. Before the clock is set the event waits, because it carries a time."""
        self.d.spawn(self.deliver(event_type, subject, data), "report")

    async def deliver(self, event_type: str, subject: str, data: dict[str, Any]) -> None:
        """One event onto the channel; the channel itself sends it again after a cut."""
        await self.d.registration.done.wait()
        self.post(self.event(event_type, subject, data))

    def post(self, event: dict[str, Any]) -> asyncio.Future[dict[str, Any]]:
        """One event as a call."""
        return self.d.channel.post("peripheral.report", event)

    def event(self, event_type: str, subject: str, data: dict[str, Any]) -> dict[str, Any]:
        """The CloudEvent."""
        return {
            "specversion": self.specversion(),
            "id": self.event_id(),
            "source": self.source(),
            "type": event_type,
            "subject": subject,
            "time": self.d.time.text(),
            "datacontenttype": "application/json",
            "data": data,
        }

    def specversion(self) -> str:
        """CloudEvents version."""
        return "1.0"

    def event_id(self) -> str:
        """Never the same twice for one source, over power cycles too."""
        self.count += 1
        return f"{self.d.boot_id}-{self.count}"

    def source(self) -> str:
        """This device as a URI reference."""
        return f"urn:rvw:device:{self.d.settings.remote_device_id}"
