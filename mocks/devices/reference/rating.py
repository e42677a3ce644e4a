"""Rating: asked for by the acceptance system, answered once, kept until acknowledged."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from mocks.devices.reference.docking import Refused, Request
from mocks.devices.reference.part import Part
from mocks.devices.reference.screens import LEVELS
from mocks.devices.reference.wire import BAD_PARAMS, UNKNOWN, WRONG_STATE, RpcError, wanted, without_empty

__all__ = ["Prompt", "Ratings"]


@dataclass
class Prompt:
    """One request for a rating. Ids only: nothing of the resident."""

    rating_id: str
    session_id: str
    ticket_id: str
    timeout_s: float
    level: str = ""
    reasons: tuple[str, ...] = ()
    pressed: asyncio.Event = field(default_factory=asyncio.Event)
    reasoned: asyncio.Event = field(default_factory=asyncio.Event)


class Ratings(Part):
    """The prompt on the screen, and outcomes on their way."""

    def __init__(self, device: Any) -> None:
        super().__init__(device)
        self.prompt: Prompt | None = None
        self.unsent: dict[str, dict[str, Any]] = {}
        self.done: dict[str, str] = {}

    def requested(self, params: dict[str, Any]) -> dict[str, Any]:
        """`rating.request`."""
        wanted(params, "rating_id:str session_id:str ticket_id:str levels?:list timeout_ms?:num")
        levels, limit = params.get("levels", list(LEVELS)), params.get("timeout_ms", 1)
        if sorted(map(str, levels)) != sorted(LEVELS) or limit <= 0:
            raise RpcError(BAD_PARAMS, "invalid params: five levels, each once, and a limit", {"member": "levels"})
        rating_id = params["rating_id"]
        if rating_id in self.done or rating_id in self.unsent or (self.prompt and self.prompt.rating_id == rating_id):
            return {}
        if not self.d.sessions.known(params["session_id"]):
            raise RpcError(UNKNOWN, "unknown session")
        if self.prompt is not None:
            raise RpcError(WRONG_STATE, "a rating is being asked for already")
        self.prompt = Prompt(rating_id, params["session_id"], params["ticket_id"], self.time_limit(params.get("timeout_ms")))
        self.d.spawn(self.run(self.prompt), "rating")
        self.d.remember()
        return {}

    def time_limit(self, timeout_ms: Any) -> float:
        """Seconds that the prompt stays."""
        return timeout_ms / 1000 if isinstance(timeout_ms, int | float) and timeout_ms > 0 else self.d.timers.s("T-RATING")

    async def run(self, prompt: Prompt) -> None:
        """Wait for the resident, then deliver the outcome."""
        try:
            await asyncio.wait_for(prompt.pressed.wait(), prompt.timeout_s)
        except TimeoutError:
            self.d.screens.show("评价已超时，感谢使用")
        else:
            await self.ask_reasons(prompt)
            self.d.screens.show("感谢您的评价")
        self.prompt = None
        await self.submit(self.outcome(prompt))

    async def ask_reasons(self, prompt: Prompt) -> None:
        """Who is not satisfied is asked why; silence loses nothing."""
        if not self.wants_reasons(prompt):
            return
        self.d.screens.show("请选择不满意的原因（可不选）")
        try:
            await asyncio.wait_for(prompt.reasoned.wait(), self.d.timers.pace("T-RATE", 0.4))
        except TimeoutError:
            return

    def wants_reasons(self, prompt: Prompt) -> bool:
        """Whether reasons are to be asked for."""
        return prompt.level in {"dissatisfied", "very_dissatisfied"} and not prompt.reasons

    def press(self, level: str, reasons: list[str]) -> bool:
        """The resident presses a level, or a reason after it. False when nothing is asked or the level is none."""
        prompt = self.prompt
        if prompt is None or level not in LEVELS or self.d.bank.get("evaluator").trouble():
            return False
        if prompt.level and not (reasons and level == prompt.level):
            return False
        prompt.level, prompt.reasons = level, tuple(reasons)
        prompt.pressed.set()
        if reasons:
            prompt.reasoned.set()
        return True

    def outcome(self, prompt: Prompt) -> dict[str, Any]:
        """The body of `rating.submit`."""
        return without_empty(
            (
                ("rating_id", prompt.rating_id),
                ("session_id", prompt.session_id),
                ("ticket_id", prompt.ticket_id),
                ("outcome", "rated" if prompt.level else "not_rated"),
                ("level", self.level(prompt)),
                ("reasons", list(prompt.reasons) or None),
                ("rated_at", self.d.time.text()),
            )
        )

    def level(self, prompt: Prompt) -> str:
        """The pressed level's symbol."""
        return prompt.level

    async def submit(self, body: dict[str, Any]) -> None:
        """Deliver one outcome: the same body under the same id until acknowledged."""
        self.unsent[body["rating_id"]] = body
        try:
            await self.d.docking.deliver(self.request(body))
        except Refused as refused:
            self.d.log(f"评价被拒：{refused}")
        del self.unsent[body["rating_id"]]
        self.done[body["rating_id"]] = body["outcome"]
        self.after_submit()
        self.d.remember()

    def request(self, body: dict[str, Any]) -> Request:
        """The request of one outcome."""
        return self.d.docking.json_request("POST", "/ratings", body)

    def after_submit(self) -> None:
        """Acknowledged: back to the home screen."""
        if not self.d.sessions.current:
            self.d.screens.wipe()

    def lines(self) -> list[str]:
        """The prompt on the main screen."""
        return ["请对本次服务评价", *self.level_names()] if self.prompt else []

    def level_names(self) -> list[str]:
        """The five levels, best first."""
        return list(LEVELS.values())

    def reset(self) -> None:
        """Take the prompt away: the rating was not given."""
        if self.prompt is not None:
            self.prompt.timeout_s = 0.0
            self.prompt.pressed.set()

    def pending_ids(self) -> list[dict[str, str]]:
        """Ids of ratings that are not acknowledged yet, for the disk."""
        rows = [
            {"rating_id": b["rating_id"], "session_id": b["session_id"], "ticket_id": b["ticket_id"]}
            for b in self.unsent.values()
        ]
        if self.prompt is not None:
            p = self.prompt
            rows.append({"rating_id": p.rating_id, "session_id": p.session_id, "ticket_id": p.ticket_id})
        return rows
