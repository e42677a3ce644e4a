"""The device's media without a network: the paper stack and the simulated cameras."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from mocks.devices.media import PAGE, PERSON, CameraMode, MediaError, PaperMedia
from mocks.devices.media.cameras import Camera
from mocks.signaling.clerk import sdp


def test_paper_offer_is_a_lawful_text() -> None:
    offer = asyncio.run(PaperMedia(seed=1).create_offer())
    described = sdp.parse(offer.sdp)
    assert offer.labels == {"0": "audio", "1": "person", "2": "page"}
    assert described.bundled() == ["0", "1", "2"]
    assert [section.media for section in described.sections] == ["audio", "video", "video"]
    assert described.sections[2].attribute("sendonly") == ""
    assert all(section.attribute("setup") == "actpass" for section in described.sections)
    assert sdp.normalise(offer.sdp) == (offer.sdp, [])


def test_paper_media_repeat_under_one_seed_and_count_versions() -> None:
    async def offers(seed: int) -> tuple[str, str]:
        media = PaperMedia(seed=seed)
        return (await media.create_offer()).sdp, (await media.create_offer()).sdp

    first, second = asyncio.run(offers(1))
    assert asyncio.run(offers(1)) == (first, second)
    assert asyncio.run(offers(2)) != (first, second)
    assert [text.split("\r\n")[1].split(" ")[2] for text in (first, second)] == ["1", "2"]


def test_paper_states_follow_each_other() -> None:
    async def scenario() -> list[str]:
        states: list[str] = []
        connected = asyncio.Event()
        media, other = PaperMedia(seed=1), PaperMedia(seed=2)

        def state(now: str) -> None:
            states.append(now)
            if now == "connected":
                connected.set()

        media.on_state = state
        answer = await other.accept_offer((await media.create_offer()).sdp)
        assert media.cameras_in_use == [PAGE, PERSON]
        await media.accept_answer(answer)
        await connected.wait()
        await media.close()
        await media.close()
        assert media.cameras_in_use == []
        return states

    assert asyncio.run(scenario()) == ["connecting", "connected", "closed"]


def test_paper_refuses_what_does_not_fit() -> None:
    async def scenario() -> None:
        media = PaperMedia()
        with pytest.raises(MediaError):
            await media.accept_answer("v=0\r\nm=audio 9 x 0\r\na=fingerprint:x\r\na=ice-ufrag:y\r\n")
        await media.create_offer()
        with pytest.raises(MediaError):
            await media.accept_answer("hello")
        with pytest.raises(MediaError):
            await media.add_candidate({"candidate": "nonsense"})

    asyncio.run(scenario())


@pytest.mark.parametrize("label", [PERSON, PAGE])
def test_camera_modes(label: str) -> None:
    camera = Camera(label, (320, 240))
    first, second = camera.shoot(), camera.shoot()
    assert first is not None
    assert len(first) == 320 * 240 * 3 // 2
    assert first != second
    camera.mode = CameraMode.FROZEN
    assert camera.shoot() == second
    camera.mode = CameraMode.BLACK
    black = camera.shoot()
    assert black is not None
    assert np.frombuffer(black, np.uint8)[: 320 * 240].max() == 16
    camera.mode = CameraMode.STALLED
    assert camera.shoot() is None
