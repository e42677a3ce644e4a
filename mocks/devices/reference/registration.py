"""Registration, token life and what the registration answer brings."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from mocks.devices.reference.docking import Problem, Refused
from mocks.devices.reference.part import Part
from mocks.devices.reference.settings import FIRMWARE, SPEC_VERSION
from mocks.devices.reference.wire import without_empty

__all__ = ["Registration"]

_REFUSALS = {
    "unknown-device": "本设备未登记，请联系管理单位",
    "not-activated": "本服务点未开通，请稍候",
    "closed": "本服务点已停用",
    "duplicate-device": "设备标识重复，请联系管理单位",
    "invalid": "登记信息有误，请联系管理单位",
}


class Registration(Part):
    """Keeps the device registered: first registration, refresh before the token ends, again when it is lost."""

    def __init__(self, device: Any) -> None:
        super().__init__(device)
        self.done = asyncio.Event()
        self.again = asyncio.Event()
        self.epoch = 0
        self.endpoints: dict[str, str] = {}
        self.ice_servers: list[dict[str, Any]] = []
        self.token_life_s = 0.0
        self.token_ends = 0.0
        self.refused = ""

    async def run(self) -> None:
        """For ever: register, then keep the token alive until that is no longer possible."""
        while True:
            await self.register()
            await self.keep_token()

    async def register(self) -> None:
        """Until accepted. Every refusal is shown; the wait grows and heeds what the answer says."""
        attempt = 0
        while True:
            asked_at = asyncio.get_running_loop().time()
            wait = 0.0
            try:
                answer = await self.d.docking.json("POST", "/devices", self.body(), authorised=False)
                self.accept(answer, asked_at)
            except Refused as refused:
                wait = self.on_refusal(refused.problem)
            except (OSError, KeyError, TypeError, ValueError) as error:
                self.on_no_answer(error)
            else:
                return
            await asyncio.sleep(self.pause(wait, attempt))
            attempt += 1

    def pause(self, asked_s: float, attempt: int) -> float:
        """Seconds until the next registration attempt, of which the answer asked for `asked_s`."""
        return max(self.d.backoff.pause(asked_s, 0), self.retry_delay(attempt))

    def retry_delay(self, attempt: int) -> float:
        """Seconds until the next registration attempt where the answer asks for none."""
        return self.d.backoff.delay(attempt)

    def on_refusal(self, problem: Problem) -> float:
        """Show it; take the server's Date when the signature may have been too old. Returns the wait asked for."""
        self.refused = _REFUSALS.get(problem.slug, "暂时无法登记，正在重试")
        self.d.log(f"登记被拒：{problem.status} {problem.slug}")
        if problem.status in {403, 409}:
            self.step_down()
        self.show_refusal()
        if problem.status == 401:
            self.d.time.take(problem.date)
        return problem.retry_after_s

    def step_down(self) -> None:
        """Not admitted: no token, no channel, no tickets until a registration succeeds."""
        self.done.clear()
        self.d.docking.token = ""

    def show_refusal(self) -> None:
        """A resident sees why the device does not serve."""
        self.d.screens.notice(self.refused)

    def on_no_answer(self, error: Exception) -> None:
        """Nothing usable came back."""
        reason = "安全连接失败" if isinstance(error, ssl.SSLError) else "网络不通"
        self.d.log(f"登记失败：{reason}：{type(error).__name__}")
        self.d.screens.notice(f"{reason}，正在重试")

    async def fetch_time(self) -> None:
        """Ask for the server's time; failure is no news, heartbeats bring it too."""
        asked_at = asyncio.get_running_loop().time()
        try:
            answer = await self.d.docking.json("GET", "/time")
        except (OSError, Refused):
            return
        self.d.time.sync(answer.get("server_time"), asked_at)

    def body(self) -> dict[str, Any]:
        """The registration document."""
        identity, settings = self.d.settings.identity, self.d.settings
        return {
            "remote_device_id": settings.remote_device_id,
            "remote_device_url": settings.remote_device_url,
            "url_role": identity.url_role,
            "vendor": identity.vendor,
            "model": identity.model,
            "serial": identity.serial,
            "firmware": FIRMWARE,
            "spec_version": SPEC_VERSION,
            "device_profile": identity.device_profile,
            "boot_id": self.boot_id(),
            "capabilities": self.capabilities(),
            "extension_point": self.extension_point(),
        }

    def boot_id(self) -> str:
        """The same from power on to power off, never used before."""
        return self.d.boot_id

    def capabilities(self) -> dict[str, Any]:
        """What this device really has."""
        return {
            "peripherals": [{"id": p, "class": p} for p in self.declared_peripherals()],
            "video_codecs": ["VP8"],  # the H.264 encoder of libwebrtc is a download of its own
            "audio_codecs": ["opus"],
            "media_arrangement": self.d.calls.arrangement,
            "features": ["on_behalf", "device_api"],
        }

    def declared_peripherals(self) -> list[str]:
        """Ids of the peripherals that are built in."""
        return self.d.bank.ids()

    def extension_point(self) -> dict[str, Any]:
        """Where the device stands."""
        place = self.d.settings.identity
        return without_empty(
            (
                ("name", place.place_name),
                ("address", place.place_address),
                ("division_code", place.division_code),
                ("phone", place.phone),
            )
        )

    def accept(self, answer: dict[str, Any], asked_at: float) -> None:
        """Take over token, time, epoch, endpoints, timers. Raises KeyError and the like when something lacks."""
        endpoints = {name: str(answer["endpoints"][name]) for name in ("channel", "signaling")}
        epoch = int(answer["epoch"])
        self.take_token(answer, asked_at)
        self.endpoints, self.epoch = endpoints, epoch
        self.d.timers.take(answer.get("timers"))
        self.ice_servers = [s for s in answer.get("ice_servers") or [] if isinstance(s, dict)]
        self.refused = ""
        self.again.clear()
        self.d.config.take_counter(answer.get("counter"))
        self.d.screens.notice("")
        self.done.set()
        self.d.spawn(self.fetch_time(), "time")
        self.d.spawn(self.d.config.fetch_items(), "items")

    def take_token(self, answer: dict[str, Any], asked_at: float) -> None:
        """A new token and its life."""
        self.d.docking.token = str(answer["token"])
        self.token_life_s = float(answer["token_expires_in"])
        self.token_ends = asked_at + self.token_life_s
        self.d.time.sync(answer.get("server_time"), asked_at)

    def token_is_over(self) -> bool:
        """Whether the token has passed its life. Such a token is never shown to the server again."""
        return bool(self.d.docking.token) and asyncio.get_running_loop().time() >= self.token_ends

    async def keep_token(self) -> None:
        """Refresh before the end of life; returns when the device must register anew."""
        while True:
            try:
                await asyncio.wait_for(self.again.wait(), self.refresh_after())
            except TimeoutError:
                if not await self.refresh():
                    return
            else:
                return

    def refresh_after(self) -> float:
        """Seconds from one token to the asking for the next."""
        return self.token_life_s * 0.7

    async def refresh(self) -> bool:
        """Ask for a new token until the old one ends. False when only a registration helps."""
        loop = asyncio.get_running_loop()
        ends, attempt = loop.time() + self.token_life_s * 0.3, 0
        while loop.time() < ends:
            asked_at = loop.time()
            try:
                answer = await self.d.docking.json("POST", "/tokens", self.refresh_body())
                self.take_token(answer, asked_at)
            except Refused as refused:
                if refused.problem.status < 500:
                    return False
            except (OSError, KeyError, TypeError, ValueError) as error:
                self.d.log(f"令牌更新失败：{type(error).__name__}")
            else:
                return True
            await asyncio.sleep(self.d.backoff.delay(attempt))
            attempt += 1
        return False

    def refresh_body(self) -> dict[str, Any]:
        """The refresh document."""
        return {"remote_device_id": self.d.settings.remote_device_id, "boot_id": self.boot_id()}
