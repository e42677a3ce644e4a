"""RAT: the resident rates or does not; nobody rates for the resident."""

from __future__ import annotations

from contextlib import AsyncExitStack

from conformance.bench.case import case
from conformance.bench.stage import Stage
from conformance.suites import steps
from conformance.trace.transcript import Entry

RATING = "rating.request rating.submit session.open"
# What comes of the first submissions. "Until it is accepted": three attempts, as they are built in most often, do not do.
NOT_ACCEPTED = ("http.500", "http.lost", "http.503")


async def _served(stage: Stage) -> steps.Visit:
    visit = await steps.open_session(stage)
    await steps.close_session(stage, visit)
    return visit


async def _outcome(stage: Stage, rating_id: str) -> Entry:
    """What became of the prompt; waited for longer than any rule allows, so that its absence can be told."""
    return await stage.wait_s(
        lambda e: (e.role, e.dir, e.kind) == ("rating.submit", "iut", "request") and e.get("rating_id") == rating_id,
        limit_s=2 * stage.limit_s("T-RATING"), name="T-RATING", what="the outcome of the rating",
    )  # fmt: skip


@case(
    "rat.five-levels",
    "五级评价、两端符号一致",
    "five levels, the symbol pressed is the symbol sent",
    roles=RATING,
    verbs="card rate screen",
)
async def five_levels(stage: Stage) -> None:
    """All but one, which has a story of its own: a table that is turned round shows at the ends, one that slipped in between."""
    for level in ("very_satisfied", "very_dissatisfied", "satisfied", "basically_satisfied"):
        rating_id = await steps.ask_rating(stage, await _served(stage), reading=False)
        if level == "very_satisfied":
            await steps.shown(stage, "非常满意", levels=5)
        await steps.rate(stage, level)
        await _outcome(stage, rating_id)  # who is not satisfied may be asked why first


@case("rat.timeout", "超时不代为评价", "nobody presses, nothing is invented", roles=RATING, verbs="card", lasts="T-RATING")
async def timeout(stage: Stage) -> None:
    """The prompt lives its time and ends as not rated."""
    visit = await _served(stage)
    rating_id = await steps.ask_rating(stage, visit)
    await _outcome(stage, rating_id)


@case("rat.dissatisfied", "差评可不填原因", "dissatisfied without a reason is kept", roles=RATING, verbs="card rate")
async def dissatisfied(stage: Stage) -> None:
    """A reason is asked for and none is given."""
    visit = await _served(stage)
    rating_id = await steps.ask_rating(stage, visit)
    await steps.rate(stage, "dissatisfied")
    await _outcome(stage, rating_id)


@case(
    "rat.repeat-once",
    "评价提交失败或未得到答复后重试，只记一次",
    "a rating that met an error or no answer is repeated, and counts once",
    roles=RATING,
    verbs="card rate",
)
async def repeat_once(stage: Stage) -> None:
    """A rating that has the most to lose, a level and a reason: refused, taken with an answer that is lost, and refused again."""
    visit = await _served(stage)
    async with AsyncExitStack() as faults:
        for name in NOT_ACCEPTED:
            await faults.enter_async_context(stage.fault(name, role="rating.submit", times=1, recovery="T-RECOVER"))
        rating_id = await steps.ask_rating(stage, visit)
        await steps.rate(stage, "dissatisfied", reasons=["等候时间过长"])
        sent = await _outcome(stage, rating_id)
        for _ in NOT_ACCEPTED:
            sent = await stage.expect("rating.submit", timer="T-RECOVER", after=sent.n, rating_id=rating_id)
    await stage.quiet("T-QUIET")


@case(
    "rat.repeat-asked",
    "已评之后再次请求，结果不变",
    "asked again after the rating, the outcome stands",
    roles=RATING,
    verbs="card rate",
)
async def repeat_asked(stage: Stage) -> None:
    """The city asks for a rating that it has, as after a restart. Where the page comes again another level is pressed; where it
    does not, nothing may come of it."""
    visit = await _served(stage)
    rating_id = await steps.ask_rating(stage, visit)
    await steps.rate(stage, "satisfied")
    sent = await _outcome(stage, rating_id)
    await stage.wait(lambda e: e.request is sent, timer="T-ACK", after=sent.n - 1, what="the receipt of the rating")
    await stage.tell(
        "rating.request", rating_id=rating_id, session_id=visit.session_id, ticket_id=visit.ticket_id,
        timeout_ms=int(stage.timers_ms["T-RATING"]),
    )  # fmt: skip
    await stage.quiet("T-SHOW")
    if await stage.device.shows("基本满意"):
        await stage.device.do("rate", level="basically_satisfied")
    await stage.quiet("T-QUIET")


@case(
    "rat.after-dropped-call",
    "掉线后仍可评价",
    "after a dropped call the rating is still asked",
    roles=RATING + " call.invite",
    verbs="card rate",
)
async def after_dropped_call(stage: Stage) -> None:
    """The signaling line dies in the call, the clerk closes the session and asks for the rating."""
    visit = await steps.connected_call(stage)
    mark = stage.now()
    async with stage.fault("cut.signaling", recovery="T-RECONNECT"):
        await steps.close_session(stage, visit)
    rating_id = await steps.ask_rating(stage, visit, facts={"lawful": "after-dropped-call"})
    await steps.rate(stage, "satisfied")
    await stage.expect("rating.submit", timer="T-RATE", after=mark, rating_id=rating_id)
    await stage.connected("call.invite")
