"""REG: the device comes into service by itself, says who it is, and takes no for an answer."""

from __future__ import annotations

import math

from conformance.bench.case import case
from conformance.bench.stage import Stage


@case(
    "reg.first-registration",
    "开机后自行注册并上线",
    "registers by itself after power-on and comes online",
    roles="registration.register",
    given="off",
    power=True,
)
async def first_registration(stage: Stage) -> None:
    """Power on and wait: a good device registers, opens its connections and sends its first heartbeat, untouched."""
    await stage.device.power_on()
    await stage.expect("registration.register", timer="T-BOOT")
    await stage.online()
    if stage.spec.by_role("heartbeat"):
        await stage.expect("heartbeat", timer="T-HEARTBEAT")
    if stage.spec.by_role("catalogue.list"):
        await stage.expect("catalogue.list", timer="T-REGISTER")


@case(
    "reg.refused-then-backoff",
    "未开通时被拒绝并退避重试",
    "refused while the counter is not activated, backs off, then comes in",
    roles="registration.register",
    verbs="card screen",
    given="off",
    power=True,
    lasts="T-BACKOFF-CAP",
)
async def refused_then_backoff(stage: Stage) -> None:
    """The counter is not activated: the device says so, opens no channel, takes no ticket from the resident who swipes all
    the same, retries ever more slowly, and is let in."""
    stage.city.set_counter("not_activated")
    try:
        async with stage.fault("counter.not-activated"):
            await stage.device.power_on()
            first = await stage.expect("registration.register", timer="T-BOOT")
            await stage.wait(lambda e: e.request is first, timer="T-REGISTER", after=first.n, what="the refusal")
            await stage.device.do("card", card=stage.resident().card())
            mark = first.n
            for _ in range(4):
                mark = (await stage.expect("registration.register", timer="T-BACKOFF-CAP", after=mark)).n
            await stage.device.do("screen", note={"expects": "未开通"})
            stage.city.set_counter("active")
    finally:
        stage.city.set_counter("active")
    await stage.online(after=mark, timer="T-RECOVER")


@case("reg.retry-after", "遵守 Retry-After", "honours Retry-After", roles="registration.register", given="off", power=True)
async def retry_after(stage: Stage) -> None:
    """The system is overloaded and names a time: a good device comes back, but not before."""
    wait_s = math.ceil(stage.limit_s("T-BACKOFF") * 1.6)  # longer than a first back-off with its jitter, in whole seconds
    async with stage.fault("http.503", role="registration.register", retry_after_s=wait_s, times=1):
        await stage.device.power_on()
        first = await stage.expect("registration.register", timer="T-BOOT")
        second = await stage.expect("registration.register", timer="T-RECOVER", after=first.n)
    await stage.online(after=second.n, timer="T-RECOVER")


@case(
    "reg.reregister-after-restart",
    "断电重启后重新注册",
    "registers anew after a power cut",
    roles="registration.register heartbeat",
    power=True,
    lasts="T-HEARTBEAT T-HEARTBEAT T-HEARTBEAT T-HEARTBEAT",
)
async def reregister_after_restart(stage: Stage) -> None:
    """Power off and on, twice: same identity, new boot, new epoch; and heartbeats by the timers told at that boot."""
    for _ in range(2):
        await stage.device.power_off()
        mark = stage.now()
        await stage.device.power_on()
        await stage.expect("registration.register", timer="T-BOOT", after=mark)
        await stage.online(after=mark)
        for _ in range(3):
            mark = (await stage.expect("heartbeat", timer="T-HEARTBEAT", after=mark)).n


@case(
    "reg.duplicate-device",
    "身份重复被拒绝",
    "refused as a duplicate",
    roles="registration.register",
    given="off",
    power=True,
)
async def duplicate_device(stage: Stage) -> None:
    """Another host holds the same id: refused, a good device opens nothing and keeps asking slowly."""
    async with stage.fault("http.409", role="registration.register"):
        await stage.device.power_on()
        first = await stage.expect("registration.register", timer="T-BOOT")
        second = await stage.expect("registration.register", timer="T-BACKOFF-CAP", after=first.n)
    await stage.online(after=second.n, timer="T-RECOVER")
