"""SIG: invited, it rings, answers by itself, offers, and lets go."""

from __future__ import annotations

from conformance.bench.case import case
from conformance.bench.stage import Stage
from conformance.suites import steps

CALL = "call.invite session.open ticket.issue"


@case(
    "sig.invite-answer",
    "邀请、振铃、自动应答、媒体接通",
    "invite, ringing, answer by itself, media, goodbye",
    roles=CALL,
    verbs="card",
)
async def invite_answer(stage: Stage) -> None:
    """The ordinary call, ended by the clerk."""
    visit = await steps.connected_call(stage)
    await steps.hang_up(stage, visit)
    await steps.close_session(stage, visit)


@case("sig.reject", "拒接时告知原因", "a rejection is told with its reason", roles=CALL, verbs="card call_policy")
async def reject(stage: Stage) -> None:
    """The resident declines."""
    await stage.device.do("call_policy", policy="reject")
    visit = await steps.invite(stage, await steps.open_session(stage))
    await steps.rung(stage, visit)
    await stage.expect("call.reject", timer="T-ANSWER", call_id=visit.call_id)
    await stage.quiet("T-ANSWER")
    await stage.device.do("call_policy", policy="auto")
    await steps.close_session(stage, visit)


@case("sig.busy", "通话中再次邀请返回忙", "a second invite in a call gets busy", roles=CALL, verbs="card")
async def busy(stage: Stage) -> None:
    """A second clerk calls while the first talks."""
    visit = await steps.connected_call(stage)
    second = await steps.invite(stage, visit, facts={"lawful": "second-invite"})
    await stage.wait(
        lambda e: e.role == "call.invite" and e.kind in ("result", "error") and e.get("call_id") == second.call_id,
        timer="T-RING", what="the answer to the second invite",
    )  # fmt: skip
    await stage.quiet("T-QUIET")
    await steps.hang_up(stage, visit)
    await steps.close_session(stage, visit)


@case("sig.cancel", "振铃中取消", "cancelled while it rings", roles=CALL + " call.cancel", verbs="card call_policy")
async def cancel(stage: Stage) -> None:
    """Nobody answers, the clerk gives up."""
    await stage.device.do("call_policy", policy="ignore")
    visit = await steps.invite(stage, await steps.open_session(stage))
    await stage.expect("call.invite", "result", timer="T-RING", call_id=visit.call_id)
    await stage.reply(stage.city.cancel_call(visit.call_id))
    await stage.device.do("call_policy", policy="auto")
    await stage.quiet("T-ANSWER")
    await steps.close_session(stage, visit)


@case(
    "sig.ring-timeout",
    "振铃超时后空闲",
    "gives up at the ring time-out and is free again",
    roles=CALL,
    verbs="card call_policy",
)
async def ring_timeout(stage: Stage) -> None:
    """Nobody answers and nobody cancels; afterwards another call goes through."""
    await stage.device.do("call_policy", policy="ignore")
    opened = await steps.open_session(stage)
    ring_ms = int(stage.timers_ms["T-ANSWER"])
    await steps.invite(stage, opened, ring_timeout_ms=ring_ms)
    await stage.quiet("T-ANSWER")
    await stage.quiet("T-QUIET")
    await stage.device.do("call_policy", policy="auto")
    visit = await steps.invite(stage, opened)
    await stage.wait_s(
        lambda e: (e.role, e.dir, e.kind) == ("call.invite", "iut", "result") and e.get("call_id") == visit.call_id,
        limit_s=2 * stage.limit_s("T-RING"), name="T-RING", what="ringing again",
    )  # fmt: skip
    await stage.expect("call.answer", timer="T-ANSWER", call_id=visit.call_id)
    await steps.media_up(stage, visit)
    await steps.hang_up(stage, visit)
    await steps.close_session(stage, visit)


@case("sig.duplicate-invite", "重复邀请按同一呼叫处理", "the same invite twice is one call", roles=CALL, verbs="card")
async def duplicate_invite(stage: Stage) -> None:
    """A new request with the same call: while it rings, and when it stands."""
    opened = await steps.open_session(stage)
    visit = await steps.invite(stage, opened)
    await stage.expect("call.invite", "result", timer="T-RING", call_id=visit.call_id)
    await steps.invite(stage, opened, facts={"lawful": "repeat"}, call_id=visit.call_id)
    await stage.expect("call.answer", timer="T-ANSWER", call_id=visit.call_id)
    await steps.media_up(stage, visit)
    await steps.invite(stage, opened, facts={"lawful": "repeat"}, call_id=visit.call_id)
    await stage.quiet("T-ANSWER")  # in which a device that rings anew would answer
    await steps.hang_up(stage, visit)
    await steps.close_session(stage, visit)


@case(
    "sig.unknown-in-call",
    "通话中收到他人通话的消息",
    "messages of an unknown call while another one stands",
    roles=CALL + " call.bye call.cancel",
    verbs="card",
)
async def unknown_in_call(stage: Stage) -> None:
    """A goodbye and a cancel of a call that nobody has heard of; the call that stands goes on and ends in its own time."""
    visit = await steps.connected_call(stage)
    intended = {"intended": {"stimulus": "wrong-state", "lifecycle": "call", "state": "none"}}
    for role in ("call.bye", "call.cancel"):
        await stage.tell(role, facts=intended, call_id=stage.city.new_id("call_id"), reason="resident-left")
    await stage.quiet("T-QUIET")
    await steps.hang_up(stage, visit)
    await steps.close_session(stage, visit)


@case("sig.bye-by-device", "居民挂断", "the resident hangs up", roles=CALL + " call.bye", verbs="card press resources")
async def bye_by_device(stage: Stage) -> None:
    """The hang-up button in the call."""
    visit = await steps.connected_call(stage)
    mark = stage.now()
    await stage.device.do("press", button="hangup")
    await stage.expect("call.bye", timer="T-HANGUP", after=mark, call_id=visit.call_id)
    await stage.quiet("T-HANGUP")
    await stage.device.do("resources")
    await steps.close_session(stage, visit)


@case(
    "sig.cut-in-call",
    "通话中信令断线后恢复",
    "the signaling line is cut in a call",
    roles=CALL + " signaling.attach",
    verbs="card",
)
async def cut_in_call(stage: Stage) -> None:
    """The signaling connection dies; media does not; a good device attaches again and the call goes on."""
    visit = await steps.connected_call(stage)
    mark = stage.now()
    async with stage.fault("cut.signaling", recovery="T-RECONNECT"):
        await stage.quiet("T-BACKOFF")
    await stage.expect("signaling.attach", timer="T-RECONNECT", after=mark)
    await stage.connected("signaling.attach")
    await stage.quiet("T-QUIET")
    await steps.hang_up(stage, visit)
    await steps.close_session(stage, visit)


@case(
    "sig.glare",
    "双方同时提议",
    "both sides offer at the same time",
    roles=CALL + " media.offer media.answer",
    verbs="card",
    condition="RVW.MED.RENEGOTIATION",
)
async def glare(stage: Stage) -> None:
    """The clerk's offer crosses the device's: a good device gives its own up and answers."""
    visit = await steps.invite(stage, await steps.open_session(stage))
    stage.city.cross_offers(visit.call_id)
    await stage.expect("media.offer", timer="T-MEDIA", call_id=visit.call_id)
    await stage.expect("media.answer", timer="T-MEDIA", call_id=visit.call_id)
    await steps.hang_up(stage, visit)
    await steps.close_session(stage, visit)
