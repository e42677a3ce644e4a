"""SEC: what the device refuses, what it proves, and what it keeps to itself."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from conformance.bench.case import case
from conformance.bench.errors import NotObserved
from conformance.bench.stage import Stage
from conformance.suites import steps

ANSWERS_I4 = {"any": [{"item": "RVW.REG.URL_ROLE", "is": "device_api"}, {"item": "RVW.REG.URL_ROLE", "is": "vendor_platform"}]}


async def _bad_tls(stage: Stage, kind: str, *, restart: bool = False) -> None:
    """Every connection is cut and only a bad certificate, or an old version, is offered; a good device tries, refuses, and comes
    back once all is right. With `restart`, where the bench can switch the device, it is also started meanwhile: what cut
    connections do is no proof for the requests, which another library may make. Not in every case: a device must come back
    without a restart, too."""
    async with stage.fault(f"tls.{kind}", recovery="T-RECOVER"):
        await _refused(stage, kind, stage.mark, "T-RECONNECT")
        lines, after = stage.city.missing(), stage.mark
        with suppress(NotObserved):  # what a request does, or one connection, is no proof for the other connection
            for _ in lines:
                after = await _refused(stage, kind, after, "T-RECONNECT", lines)
        if restart and stage.device.can_power:
            await stage.device.power_off()
            mark = stage.now()
            await stage.device.power_on()
            await _refused(stage, kind, mark, "T-BOOT")
        mark = stage.now()
    await stage.online(after=mark, timer="T-RECOVER")


async def _refused(stage: Stage, kind: str, after: int, timer: str, ifaces: Collection[str] = ()) -> int:
    """One offer (on these interfaces, where any are given), and the refusal; returns the number of the offer. One that is taken
    is waited for all the same, so that the time for a refusal is over. Raises NotObserved where nothing connects."""
    offer = await stage.wait(
        lambda e: e.obs == "tls.offer" and e.facts.get("presented") == kind and (not ifaces or e.iface in ifaces),
        timer=timer, after=after, what="a connection of the device",
    )  # fmt: skip
    with suppress(NotObserved):
        await stage.wait_s(
            lambda e: e.obs == "tls.failed" and e.facts.get("conn") == offer.facts["conn"],
            limit_s=2 * stage.limit_s("T-ACK"), name="T-ACK", after=offer.n, what="the refusal",
        )  # fmt: skip
    return offer.n


@case("sec.tls-old-version", "拒绝低于 1.2 的 TLS 版本", "refuses TLS below 1.2", sockets=True)
async def tls_old_version(stage: Stage) -> None:
    """The server has a good certificate and speaks TLS 1.1 only."""
    await _bad_tls(stage, "tls11")


@case("sec.tls-wrong-host", "拒绝主机名不符的证书", "refuses a certificate for another host", sockets=True)
async def tls_wrong_host(stage: Stage) -> None:
    """The server shows a certificate for another host name."""
    await _bad_tls(stage, "wrong_host", restart=True)


@case("sec.tls-expired", "拒绝过期证书", "refuses an expired certificate", sockets=True)
async def tls_expired(stage: Stage) -> None:
    """The server shows a certificate that has expired."""
    await _bad_tls(stage, "expired", restart=True)


@case("sec.tls-unknown-ca", "拒绝未知机构签发的证书", "refuses a certificate of an unknown CA", sockets=True)
async def tls_unknown_ca(stage: Stage) -> None:
    """The server shows a certificate of a CA that the device does not trust."""
    await _bad_tls(stage, "unknown_ca", restart=True)


@case(
    "sec.sm3-key",
    "以 sm3- 密钥签名",
    "signs with SM3 under a key for it",
    roles="registration.register",
    given="off",
    power=True,
    condition="RVW.SEC.SM3",
)
async def sm3_key(stage: Stage) -> None:
    """The device is started with another key, whose keyid begins with sm3-: it registers and comes online with that."""
    await stage.device.power_on(stage.city.issue_key("sm3-"))
    try:
        await stage.expect("registration.register", timer="T-BOOT")
        await stage.online()
    finally:
        await stage.device.power_off()  # the next start is with its own key again


@case(
    "sec.token-refresh",
    "令牌到期前更新",
    "refreshes its token before it expires",
    roles="registration.refresh",
    lasts="T-TOKEN",
)
async def token_refresh(stage: Stage) -> None:
    """Idle for the life of a token: a good device has refreshed it by then."""
    await stage.expect("registration.refresh", timer="T-TOKEN")
    await stage.quiet("T-QUIET")


@case(
    "sec.token-revoked",
    "令牌被撤销后自行恢复",
    "recovers from a revoked token",
    roles="ticket.issue registration.refresh",
    verbs="card",
)
async def token_revoked(stage: Stage) -> None:
    """The token is revoked when it asks for a ticket: a good device gets a new token and does what was asked."""
    async with stage.fault("token.revoked", role="ticket.issue", times=1, recovery="T-RECOVER"):
        request = await steps.swipe(stage)
    await stage.wait(
        lambda e: e.role == "ticket.issue" and e.kind == "result",
        timer="T-RECOVER",
        after=request.n,
        what="the ticket after all",
    )
    await stage.quiet("T-REGISTER")


@case(
    "sec.i4-good",
    "正确签名的设备接口调用得到应答",
    "answers correctly signed calls",
    roles="device_api.info device_api.health device_api.wake",
    condition=ANSWERS_I4,
)
async def i4_good(stage: Stage) -> None:
    """Info, health and wake, signed as the pack says."""
    for role in ("device_api.info", "device_api.health", "device_api.wake"):
        await stage.city.call_device_api(role, "good")


@case(
    "sec.i4-unsigned",
    "拒绝未签名的设备接口调用",
    "refuses unsigned calls",
    roles="device_api.info device_api.health device_api.wake",
    condition=ANSWERS_I4,
)
async def i4_unsigned(stage: Stage) -> None:
    """Info, health and wake without a signature."""
    for role in ("device_api.info", "device_api.health", "device_api.wake"):
        await stage.city.call_device_api(role, "none", intended={"stimulus": "unsigned"})
    await stage.quiet("T-QUIET")


@case(
    "sec.i4-wrong-signature",
    "拒绝签名错误的设备接口调用",
    "refuses wrongly signed calls",
    roles="device_api.info device_api.health device_api.wake",
    condition=ANSWERS_I4,
)
async def i4_wrong_signature(stage: Stage) -> None:
    """A signature that was made with another key; then a good one, and a body that is not the one that was digested."""
    for role in ("device_api.info", "device_api.health", "device_api.wake"):
        await stage.city.call_device_api(role, "bad", intended={"stimulus": "wrong-signature"})
    await stage.city.call_device_api("device_api.wake", "altered", intended={"stimulus": "altered-body"})
    await stage.quiet("T-QUIET")


@case(
    "sec.i4-replayed",
    "拒绝重放的设备接口调用",
    "refuses a replayed call",
    roles="device_api.info device_api.health device_api.wake",
    condition=ANSWERS_I4,
)
async def i4_replayed(stage: Stage) -> None:
    """Info, health and wake, then each of these signed requests a second time: others lie between the two."""
    roles = ("device_api.info", "device_api.health", "device_api.wake")
    for role in roles:
        await stage.city.call_device_api(role, "good")
    for role in roles:
        await stage.city.call_device_api(role, "replayed", intended={"stimulus": "replayed"})


@case(
    "sec.i4-stale",
    "拒绝超出时间窗的设备接口调用",
    "refuses a call outside the clock window, takes one inside",
    roles="device_api.info device_api.health device_api.wake",
    condition=ANSWERS_I4,
)
async def i4_stale(stage: Stage) -> None:
    """Signed 1.1 windows ago, and 1.1 windows ahead, whatever is called; then 0.95 windows ago."""
    window_s = stage.limit_s("T-CLOCK-WINDOW")
    for role in ("device_api.info", "device_api.health", "device_api.wake"):
        for age_s in (window_s * 1.1, -window_s * 1.1):
            await stage.city.call_device_api(role, "good", age_s=age_s, intended={"stimulus": "stale"})
    await stage.city.call_device_api("device_api.info", "good", age_s=window_s * 0.95, facts={"age_share": 0.95})
