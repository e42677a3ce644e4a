"""Printing: the content is fetched, checked by its digest, and each job is printed once."""

from __future__ import annotations

import re
from typing import Any

from mocks.devices.reference.commands import Command
from mocks.devices.reference.docking import Refused, Request
from mocks.devices.reference.part import Part
from mocks.devices.reference.signing import digest_ok
from mocks.devices.reference.transport import HttpReply
from mocks.devices.reference.wire import FAULT, UNKNOWN, WRONG_STATE, RpcError

__all__ = ["Printing"]


class Printing(Part):
    """Job ids that were printed, with their pages."""

    def __init__(self, device: Any) -> None:
        super().__init__(device)
        self.printed: dict[str, int] = {}
        self.sheets: list[str] = []

    async def run(self, command: Command) -> dict[str, Any]:
        """One print command. Raises RpcError."""
        job_id = str(command.args["job_id"])
        if self.done_before(job_id):
            return {"job_id": job_id, "pages": self.printed[job_id]}
        content = await self.fetch(job_id)
        pages = self.pages(content)
        peripheral = self.d.bank.get(command.peripheral)
        self.d.screens.show("正在打印，请稍候")
        await self.d.actions.work(peripheral, self.d.actions.pace() * min(pages, 8))
        self.d.actions.sound(peripheral)
        self.put_out(job_id, pages)
        self.d.screens.show("打印完成，请取走材料")
        return {"job_id": job_id, "pages": pages}

    def done_before(self, job_id: str) -> bool:
        """Whether this job is on paper already."""
        return job_id in self.printed

    async def fetch(self, job_id: str) -> bytes:
        """The PDF. Raises RpcError when it is refused or damaged."""
        try:
            reply = await self.d.docking.deliver(Request("GET", f"/print-jobs/{job_id}/content", media_type=""))
        except Refused as refused:
            raise RpcError(UNKNOWN, f"print content refused: {refused.problem.slug}") from refused
        self.verify(reply)
        return reply.body

    def verify(self, reply: HttpReply) -> None:
        """Nothing is printed that is not what the acceptance system sent."""
        if not digest_ok(reply.headers.get("content-digest", ""), reply.body):
            raise RpcError(WRONG_STATE, "digest of the print content does not match")
        if not reply.body.startswith(b"%PDF-"):
            raise RpcError(FAULT, "content is no PDF", {"fault": "offline"})

    def pages(self, content: bytes) -> int:
        """Pages of the document, at least one."""
        return len(re.findall(rb"/Type\s*/Page(?![a-zA-Z])", content)) or 1

    def put_out(self, job_id: str, pages: int) -> None:
        """Paper comes out."""
        self.printed[job_id] = pages
        self.sheets.append(job_id)
        self.d.remember()
