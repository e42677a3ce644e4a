"""Real calls between the clerk's media process and the device's media: both sides must see the other."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest

from mocks.devices.media import CameraMode, DeviceMedia, MediaOptions, PaperMedia, open_media, stack_name
from mocks.signaling.clerk import sdp
from mocks.signaling.clerk.proxy import ClerkError, ClerkProcess

pytestmark = [pytest.mark.media, pytest.mark.sockets]
LIMIT = 15.0
SMALL = MediaOptions(person_size=(320, 240), page_size=(320, 240))
CALL = "call-1"


class Witness:
    """Everything that the clerk observed, and the wait for more."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any], bytes, float]] = []
        self._news = asyncio.Condition()
        self._loop = asyncio.get_running_loop()

    def take(self, kind: str, facts: dict[str, Any], raw: bytes, at: float) -> None:
        self.seen.append((kind, facts, raw, at))
        self._tasks = [self._loop.create_task(self._wake())]

    async def _wake(self) -> None:
        async with self._news:
            self._news.notify_all()

    def find(self, kind: str, fits: Callable[[dict[str, Any]], bool] = lambda _facts: True) -> dict[str, Any] | None:
        return next((facts for each, facts, _, _ in reversed(self.seen) if each == kind and fits(facts)), None)

    async def until(self, kind: str, fits: Callable[[dict[str, Any]], bool] = lambda _facts: True) -> dict[str, Any]:
        async with self._news, asyncio.timeout(LIMIT):
            await self._news.wait_for(lambda: self.find(kind, fits) is not None)
        found = self.find(kind, fits)
        assert found is not None
        return found


@contextlib.asynccontextmanager
async def clerk_seat() -> AsyncIterator[tuple[ClerkProcess, Witness]]:
    clerk, witness = ClerkProcess(), Witness()
    await clerk.start(witness.take, lambda _call_id, _candidate: None)
    try:
        yield clerk, witness
    finally:
        await clerk.close()


async def connect(clerk: ClerkProcess, media: DeviceMedia, alter: Callable[[str], str] = lambda sdp: sdp) -> None:
    pending: set[asyncio.Task[None]] = set()

    def trickle(candidate: dict[str, Any] | None) -> None:
        pending.add(asyncio.get_running_loop().create_task(clerk.candidate(CALL, candidate)))

    media.on_candidate = trickle
    offer = await media.create_offer()
    await media.accept_answer(await clerk.offer(CALL, alter(offer.sdp), offer.labels))
    await asyncio.gather(*pending)


async def all_seen(witness: Witness) -> None:
    for label in ("audio", "person", "page"):
        await witness.until("media.first_frame", partial(_is_of, label))


def _is_of(label: str, facts: dict[str, Any]) -> bool:
    return bool(facts["label"] == label)


def decoded(facts: dict[str, Any]) -> int:
    """Pictures of the person that the clerk has decoded; statistics may come before the first."""
    return int(facts["by_label"].get("person", {}).get("decoded", 0))


async def received(media: DeviceMedia, frames: int) -> int:
    """Frames of the clerk that the device received, once there are this many."""
    async with asyncio.timeout(LIMIT):
        while (count := (await media.stats()).frames_received) < frames:
            await next_turn()
    return count


async def next_turn() -> None:
    """A moment for other work: the device's counters have no event of their own."""
    done = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.02, done.set_result, None)
    await done


def stacks() -> list[str]:
    return ["libwebrtc", "aiortc"] if stack_name() == "libwebrtc" else ["aiortc"]


@pytest.mark.parametrize("stack", stacks())
def test_both_sides_see_video(stack: str) -> None:
    async def scenario() -> None:
        async with clerk_seat() as (clerk, witness):
            media = open_media(SMALL, stack)
            await connect(clerk, media)
            await all_seen(witness)
            assert await received(media, 5) >= 5
            shown = (await witness.until("media.stats", lambda facts: facts["by_label"]["page"]["changed"] > 5))["by_label"]
            assert (shown["person"]["width"], shown["person"]["height"]) == (320, 240)
            assert shown["page"]["luma"] > shown["person"]["luma"] + 40  # a white page, and somebody before a grey wall
            assert (await witness.until("media.dtls"))["fingerprint_ok"]
            await clerk.bye(CALL)
            await media.close()
            end = await witness.until("media.end")
            assert end["rtp_after_bye_ms"] < 1000
            assert witness.find("media.release") is not None
            assert witness.find("bench.error") is None

    asyncio.run(scenario())


def said_once(offer: str) -> str:
    """The same offer with transport in its first section alone (RFC 9143 section 7.1.3) and without SSRCs."""
    described = sdp.parse(offer)
    for at, section in enumerate(described.sections):
        names = ("ssrc", "ssrc-group", *(sdp.TRANSPORT_LINES if at else ()))
        section.lines[:] = [line for line in section.lines if not any(line.startswith(f"a={name}") for name in names)]
    return described.text()


def test_offer_that_says_everything_once_is_understood() -> None:
    async def scenario() -> None:
        async with clerk_seat() as (clerk, witness):
            media = open_media(SMALL)
            await connect(clerk, media, said_once)
            await all_seen(witness)  # two video sections share payload types: told apart by their MID alone
            await media.close()

    asyncio.run(scenario())


def test_candidates_told_in_the_description_and_again_by_trickling() -> None:
    async def scenario() -> None:
        async with clerk_seat() as (clerk, witness):
            media = open_media(SMALL)
            found: list[dict[str, Any] | None] = []
            ended = asyncio.Event()

            def trickled(candidate: dict[str, Any] | None) -> None:
                found.append(candidate)
                if candidate is None:
                    ended.set()

            media.on_candidate = trickled
            first = await media.create_offer()
            async with asyncio.timeout(LIMIT):
                await ended.wait()
            described = sdp.parse(first.sdp)
            for at, section in enumerate(described.sections):
                told = [f"a={each['candidate']}" for each in found if each is not None] if not at else []
                section.lines[:] = [line for line in section.lines if not line.startswith(("a=candidate", "a=end-of"))]
                section.lines += [*told, "a=end-of-candidates"]
            await media.accept_answer(await clerk.offer(CALL, described.text(), first.labels))
            for candidate in found:
                await clerk.candidate(CALL, candidate)
            await all_seen(witness)
            assert witness.find("media.apply_error") is None
            await media.close()

    asyncio.run(scenario())


def test_certificate_that_does_not_match_the_fingerprint_is_refused() -> None:
    def other_certificate(offer: str) -> str:
        return re.sub(r"(a=fingerprint:sha-256 )..", r"\g<1>00", offer).replace("sha-256 00:", "sha-256 01:")

    async def scenario() -> None:
        async with clerk_seat() as (clerk, witness):
            media = open_media(SMALL)
            await connect(clerk, media, other_certificate)
            assert not (await witness.until("media.dtls"))["fingerprint_ok"]
            assert (await witness.until("media.end"))["how"] == "failed"
            assert witness.find("media.first_frame") is None
            await media.close()

    asyncio.run(scenario())


def test_clerk_may_offer_on_an_established_call() -> None:
    async def scenario() -> None:
        async with clerk_seat() as (clerk, witness):
            media = open_media(SMALL)
            await connect(clerk, media)
            before = await witness.until("media.stats", lambda facts: decoded(facts) > 3)
            await clerk.answer(CALL, await media.accept_offer(await clerk.make_offer(CALL)))
            frames = decoded(before)
            await witness.until("media.stats", lambda facts: decoded(facts) > frames + 5)
            await media.close()

    asyncio.run(scenario())


@pytest.mark.skipif(stack_name() != "libwebrtc", reason="aiortc cannot give an own offer up")
def test_both_offer_at_the_same_time() -> None:
    async def scenario() -> None:
        async with clerk_seat() as (clerk, witness):
            media = open_media(SMALL)
            pending: set[asyncio.Task[None]] = set()
            media.on_candidate = lambda told: pending.add(asyncio.get_running_loop().create_task(clerk.candidate(CALL, told)))
            await media.create_offer()  # the clerk never answers it
            await clerk.answer(CALL, await media.accept_offer(await clerk.make_offer(CALL)))
            await all_seen(witness)
            assert await received(media, 3) >= 3
            assert witness.find("media.apply_error") is None
            await media.close()

    asyncio.run(scenario())


def test_black_and_frozen_cameras_are_told_apart() -> None:
    async def scenario() -> None:
        async with clerk_seat() as (clerk, witness):
            media = open_media(SMALL)
            await connect(clerk, media)
            await witness.until("media.stats", lambda facts: facts["by_label"]["page"]["changed"] > 3)
            media.set_camera("person", CameraMode.BLACK)
            media.set_camera("page", CameraMode.FROZEN)
            await witness.until("media.stats", lambda facts: facts["by_label"]["person"]["luma"] < 20)
            still = witness.find("media.stats")
            assert still is not None
            later = await witness.until(
                "media.stats", lambda facts: facts["by_label"]["page"]["decoded"] > still["by_label"]["page"]["decoded"] + 6
            )
            assert later["by_label"]["page"]["changed"] <= still["by_label"]["page"]["changed"] + 3
            media.set_camera("page", CameraMode.STALLED)
            await witness.until("media.section_silence", lambda facts: facts["label"] == "page")
            await media.close()

    asyncio.run(scenario())


def test_device_that_keeps_sending_after_the_goodbye_is_told() -> None:
    async def scenario() -> None:
        async with clerk_seat() as (clerk, witness):
            media = open_media(SMALL)
            await connect(clerk, media)
            await witness.until("media.first_frame")
            await clerk.bye(CALL)
            end = await witness.until("media.end")
            assert end["how"] == "still sending"
            assert end["rtp_after_bye_ms"] > 4000
            await media.close()

    asyncio.run(scenario())


def test_description_that_cannot_be_applied_blames_nobody() -> None:
    async def scenario() -> None:
        async with clerk_seat() as (clerk, witness):
            offer = await PaperMedia().create_offer()
            with pytest.raises(ClerkError):
                await clerk.offer(CALL, offer.sdp.replace("a=setup:actpass", "a=setup:holdconn"), offer.labels)
            assert (await witness.until("media.apply_error"))["blame"] == "unknown"
            await clerk.offer("call-2", offer.sdp, offer.labels)  # the seat goes on

    asyncio.run(scenario())


def test_death_of_the_process_is_the_benchs_error_and_hangs_nobody() -> None:
    async def scenario() -> None:
        async with clerk_seat() as (clerk, witness):
            assert clerk.pid is not None
            os.kill(clerk.pid, signal.SIGSTOP)
            waiting = asyncio.get_running_loop().create_task(clerk.make_offer(CALL))
            os.kill(clerk.pid, signal.SIGKILL)
            with pytest.raises(ClerkError):
                await waiting
            assert "ended with code -9" in (await witness.until("bench.error"))["what"]
            with pytest.raises(ClerkError):
                await clerk.bye(CALL)

    asyncio.run(scenario())
