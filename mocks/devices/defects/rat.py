"""Faults of rating and recording."""

from __future__ import annotations

import asyncio
from typing import Any

from mocks.devices.reference.calls import Calls
from mocks.devices.reference.commands import Command, Commands
from mocks.devices.reference.docking import Docking, Problem, Refused, Request
from mocks.devices.reference.materials import Materials
from mocks.devices.reference.rating import Prompt, Ratings
from mocks.devices.reference.screens import LEVELS
from mocks.devices.reference.sessions import Sessions
from mocks.devices.reference.transport import HttpReply
from mocks.devices.reference.wire import WRONG_STATE, RpcError
from mocks.devices.registry import defect


@defect(
    id="RAT-001-four-levels",
    breaks=["RAT-001"],
    about={"zh": "少显示一档评价", "en": "shows four levels only"},
)
class FourLevels(Ratings):
    def level_names(self) -> list[str]:
        return ["满意", "基本满意", "不满意"]


@defect(
    id="RAT-002-levels-turned-round",
    breaks=["RAT-002"],
    may_break=["RAT-005"],
    about={"zh": "评价等级首尾颠倒", "en": "the scale is turned round"},
)
class LevelsTurnedRound(Ratings):
    def level(self, prompt: Prompt) -> str:
        levels = list(LEVELS)
        return levels[-1 - levels.index(prompt.level)] if prompt.level else ""


@defect(
    id="RAT-003-rating-invented",
    breaks=["RAT-003"],
    about={"zh": "超时代为好评", "en": "invents a good rating when nobody presses"},
)
class RatingInvented(Ratings):
    def outcome(self, prompt: Prompt) -> dict[str, Any]:
        prompt.level = prompt.level or "very_satisfied"
        return super().outcome(prompt)


@defect(
    id="RAT-003-silence-after-timeout",
    breaks=["RAT-003"],
    about={"zh": "评价超时后不提交", "en": "tells nothing when the prompt times out"},
)
class SilenceAfterTimeout(Ratings):
    async def submit(self, body: dict[str, Any]) -> None:
        if body["outcome"] == "rated":
            await super().submit(body)


@defect(
    id="RAT-004-rating-lost-on-error",
    breaks=["RAT-004"],
    may_break=["MAT-004", "QUE-004"],  # it repeats nothing that met an error
    about={"zh": "提交失败即丢弃评价", "en": "a rating that meets an error is dropped"},
)
class RatingLostOnError(Docking):
    def worth_retrying(self, problem: Problem, attempt: int) -> bool:
        return problem.status < 500 and super().worth_retrying(problem, attempt)


@defect(
    id="RAT-004-rating-lost-with-its-answer",
    breaks=["RAT-004"],
    about={"zh": "未得到答复即丢弃评价", "en": "a rating whose answer was lost is not sent again"},
)
class RatingLostWithItsAnswer(Docking):
    async def send(self, request: Request) -> HttpReply:
        try:
            return await super().send(request)
        except OSError:
            if request.path != "/ratings":
                raise
            return HttpReply(201, {}, b"")


@defect(
    id="RAT-005-no-reason-no-rating",
    breaks=["RAT-005"],
    about={"zh": "差评未填原因即作废", "en": "a bad rating without a reason is void"},
)
class NoReasonNoRating(Ratings):
    def outcome(self, prompt: Prompt) -> dict[str, Any]:
        if self.wants_reasons(prompt):
            prompt.level = ""
        return super().outcome(prompt)


@defect(
    id="RAT-006-no-rating-after-a-cut",
    breaks=["RAT-006"],
    about={"zh": "掉线后不再评价", "en": "no rating after a dropped call"},
)
class NoRatingAfterCut(Ratings):
    def requested(self, params: dict[str, Any]) -> dict[str, Any]:
        return super().requested(params) if self.d.calls.ready.is_set() else {}


@defect(
    id="RAT-007-unasked-rating",
    breaks=["RAT-007"],
    may_break=["RAT-002", "RAT-003", "RAT-005", "RAT-008"],
    about={"zh": "未被要求也提交评价", "en": "submits ratings that nobody asked for"},
)
class UnaskedRating(Sessions):
    def close(self, params: dict[str, Any]) -> dict[str, Any]:
        answer = super().close(params)
        prompt = Prompt(f"own-{params['session_id']}", params["session_id"], self.ticket_id, 1.0, level="very_satisfied")
        self.d.spawn(self.d.ratings.submit(self.d.ratings.outcome(prompt)), "rating")
        return answer


@defect(
    id="RAT-008-rating-of-another-ticket",
    breaks=["RAT-008"],
    about={"zh": "评价关联到错误的号票", "en": "the rating names another ticket"},
)
class RatingOfAnotherTicket(Ratings):
    def outcome(self, prompt: Prompt) -> dict[str, Any]:
        return {**super().outcome(prompt), "ticket_id": prompt.session_id}


@defect(
    id="REC-001-notice-not-shown",
    breaks=["REC-001"],
    about={"zh": "不显示录音录像告知", "en": "the notice of recording is not shown"},
)
class NoticeNotShown(Calls):
    def show_notice(self) -> None:
        self.d.log("no notice")


@defect(
    id="REC-002-works-outside-a-session",
    breaks=["REC-002"],
    may_break=["CHN-010", "PER-004", "PER-006", "PER-040", "ROB-003"],  # what it prints for nobody may end in the next story
    about={"zh": "会话之外也执行指令", "en": "obeys commands outside a session"},
)
class WorksOutsideSession(Commands):
    def check_session(self, command: Command) -> None:
        self.d.log(f"session {command.session_id}")


@defect(
    id="REC-003-report-names-another-session",
    breaks=["REC-003"],
    about={"zh": "指令结果关联到错误的会话", "en": "reports of commands name another session"},
)
class ReportNamesAnotherSession(Commands):
    def report(self, event_type: str, command: Command, data: dict[str, Any]) -> None:
        super().report(event_type, command, {**data, "session_id": "s-0"})


@defect(
    id="REC-004-close-refused",
    breaks=["REC-004"],
    about={"zh": "拒绝关闭会话", "en": "refuses that a session is closed"},
)
class CloseRefused(Sessions):
    def close(self, params: dict[str, Any]) -> dict[str, Any]:
        super().close(params)
        raise RpcError(WRONG_STATE, "not now")


@defect(
    id="REC-005-material-of-another-session",
    breaks=["REC-005"],
    about={"zh": "材料上传到错误的会话", "en": "materials go to another session"},
)
class MaterialOfAnotherSession(Materials):
    def path(self, session_id: str, material_id: str) -> str:
        return super().path(f"{session_id}x", material_id)


@defect(
    id="RAT-003-level-without-a-rating",
    breaks=["RAT-003"],
    may_break=["RAT-008"],  # no schema has such an outcome
    about={"zh": "未评价却带等级", "en": "an outcome that is no rating carries a level"},
)
class LevelWithoutRating(Ratings):
    def outcome(self, prompt: Prompt) -> dict[str, Any]:
        return {"level": "satisfied", **super().outcome(prompt)}


@defect(
    id="RAT-004-better-on-the-second-try",
    breaks=["RAT-004"],
    about={"zh": "重新提交时改动等级", "en": "the level changes when it is sent again"},
)
class BetterOnSecondTry(Ratings):
    async def submit(self, body: dict[str, Any]) -> None:
        if body["outcome"] == "rated":
            try:
                await self.d.docking.send(self.request(body))
            except Refused:
                body = {**body, "level": "very_satisfied"}
        await super().submit(body)


@defect(
    id="RAT-008-rating-of-another-session",
    breaks=["RAT-008"],
    about={"zh": "评价关联到错误的会话", "en": "the rating names another session"},
)
class RatingOfAnotherSession(Ratings):
    def outcome(self, prompt: Prompt) -> dict[str, Any]:
        return {**super().outcome(prompt), "session_id": prompt.ticket_id}


@defect(
    id="RAT-008-time-missing",
    breaks=["RAT-008"],
    about={"zh": "评价缺少时间", "en": "the rating has no time"},
)
class RatingTimeMissing(Ratings):
    def outcome(self, prompt: Prompt) -> dict[str, Any]:
        return {name: value for name, value in super().outcome(prompt).items() if name != "rated_at"}


@defect(
    id="RAT-002-submits-late",
    breaks=["RAT-002"],
    may_break=["RAT-006"],
    about={"zh": "评价提交过晚", "en": "a rating is submitted too late"},
)
class SubmitsLate(Ratings):
    async def submit(self, body: dict[str, Any]) -> None:
        if body["outcome"] == "rated":
            await asyncio.sleep(self.d.timers.s("T-RATE") * 1.1)
        await super().submit(body)


@defect(
    id="RAT-005-waits-for-a-reason",
    breaks=["RAT-005"],
    about={"zh": "差评不填原因就不提交", "en": "keeps a bad rating back until a reason is given"},
)
class WaitsForReason(Ratings):
    async def ask_reasons(self, prompt: Prompt) -> None:
        if self.wants_reasons(prompt):
            await asyncio.sleep(self.d.timers.s("T-RATING") * 2)


@defect(
    id="RAT-004-not-rated-on-the-second-try",
    breaks=["RAT-004"],
    about={"zh": "重新提交时变成未评价", "en": "a rating that met an error is sent again as not rated"},
)
class NotRatedOnSecondTry(Ratings):
    async def submit(self, body: dict[str, Any]) -> None:
        if body["outcome"] == "rated":
            try:
                await self.d.docking.send(self.request(body))
            except Refused:
                body = {**body, "outcome": "not_rated"}
                del body["level"]
        await super().submit(body)


@defect(
    id="RAT-004-reasons-lost-on-the-second-try",
    breaks=["RAT-004"],
    about={"zh": "重新提交时丢失原因", "en": "the reasons are lost when a rating is sent again"},
)
class ReasonsLostOnSecondTry(Ratings):
    async def submit(self, body: dict[str, Any]) -> None:
        if "reasons" in body:
            try:
                await self.d.docking.send(self.request(body))
            except Refused:
                body = {name: value for name, value in body.items() if name != "reasons"}
        await super().submit(body)


@defect(
    id="RAT-002-middle-level-raised",
    breaks=["RAT-002"],
    about={"zh": "“基本满意”报成“满意”", "en": "the middle level is sent as the one above"},
)
class MiddleLevelRaised(Ratings):
    def outcome(self, prompt: Prompt) -> dict[str, Any]:
        told = super().outcome(prompt)
        return {**told, "level": "satisfied"} if told.get("level") == "basically_satisfied" else told


@defect(
    id="RAT-002-worst-level-softened",
    breaks=["RAT-002"],
    about={"zh": "“非常不满意”报成“不满意”", "en": "the worst level is sent as the one above"},
)
class WorstLevelSoftened(Ratings):
    def outcome(self, prompt: Prompt) -> dict[str, Any]:
        told = super().outcome(prompt)
        return {**told, "level": "dissatisfied"} if told.get("level") == "very_dissatisfied" else told


@defect(
    id="RAT-004-asked-again-rated-anew",
    breaks=["RAT-004"],
    may_break=["RAT-002"],
    about={"zh": "再次请求同一评价即重新评价", "en": "a rating that is asked for again is taken anew"},
)
class RatedAnew(Ratings):
    def requested(self, params: dict[str, Any]) -> dict[str, Any]:
        self.done.pop(str(params.get("rating_id")), None)
        return super().requested(params)


@defect(
    id="RAT-004-gives-up-after-three",
    breaks=["RAT-004"],
    about={"zh": "重试三次后放弃", "en": "gives up after the third attempt"},
)
class GivesUpAfterThree(Docking):
    def worth_retrying(self, problem: Problem, attempt: int) -> bool:
        return attempt < 2 and super().worth_retrying(problem, attempt)


@defect(
    id="RAT-005-reason-made-up",
    breaks=["RAT-005"],
    about={"zh": "未说明原因时代填“其他”", "en": "fills in a reason where none was given"},
)
class ReasonMadeUp(Ratings):
    def outcome(self, prompt: Prompt) -> dict[str, Any]:
        told = super().outcome(prompt)
        return {**told, "reasons": ["其他"]} if self.wants_reasons(prompt) else told
