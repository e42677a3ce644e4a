"""Bringing the device home before a case: the ladder of decision 17, each rung tried only when the one before did not do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from conformance.bench.case import Case
from conformance.bench.errors import DeviceUnreachable, NotHome, NotObserved
from conformance.bench.stage import Stage
from conformance.iut.prompt import NotAvailable

Rung = Callable[[Stage], Awaitable[None]]


async def bring_home(stage: Stage, case: Case, before: str, disturbed: bool = False) -> None:
    """Climb the ladder and record the rung. `before` is the case that ran last: it is named where it left a mess.

    `disturbed`: we broke that case off ourselves, so nothing that it did to the device may be taken for put back.
    """
    if case.given == "off":
        await _switched_off(stage)
        _record(stage, "power-off", ok=True, before=before)
        return
    for name, rung in _ladder(stage, disturbed):
        try:
            await rung(stage)
            if await _proven(stage):
                _record(stage, name, ok=True, before=before)
                return
        except (NotObserved, NotAvailable, DeviceUnreachable):
            continue
    _record(stage, "none", ok=False, before=before)
    raise NotHome(before or "start")


def _ladder(stage: Stage, disturbed: bool) -> list[tuple[str, Rung]]:
    if not stage.device.powered and stage.device.can_power:
        return [("power-on", _power_on), ("power-cycle", _power_cycle)]
    if disturbed:  # what a device lawfully keeps over a power cut, such as its ticket, only a reset takes away
        cycle: list[tuple[str, Rung]] = [("power-cycle", _power_cycle)] if stage.device.can_power else []
        return [*cycle, ("reset", _reset)]
    return [("already-idle", _nothing), ("end-session", _end_session), ("reset", _reset), ("power-cycle", _power_cycle)]


async def _nothing(stage: Stage) -> None:
    stage.city.forget_visits()


async def _end_session(stage: Stage) -> None:
    await stage.city.end_everything()


async def _reset(stage: Stage) -> None:
    stage.city.forget_visits()
    await stage.device.do("reset")


async def _power_on(stage: Stage) -> None:
    mark = stage.now()
    await stage.device.power_on()
    await stage.online(after=mark)


async def _power_cycle(stage: Stage) -> None:
    stage.city.forget_visits()
    await _switched_off(stage)
    await _power_on(stage)


async def _switched_off(stage: Stage) -> None:
    if stage.device.powered:
        await stage.device.power_off()
        stage.city.forget_visits()


async def _proven(stage: Stage) -> bool:
    """Home is proven, not assumed: the channel answers, and the device says that it is idle."""
    await stage.connected()
    if not stage.spec.by_role("status.query"):
        return True
    idle = stage.spec.city.get("home", {"field": "state", "value": "idle"})
    answer = await stage.tell("status.query")
    return answer.kind == "result" and answer.get(idle["field"]) == idle["value"]


def _record(stage: Stage, rung: str, *, ok: bool, before: str) -> None:
    stage.recorder.observe("", "-", "home", facts={"rung": rung, "ok": ok, "before": before})
