"""Device media on aiortc, for machines without libwebrtc. It is the clerk's stack too, so it proves less."""

from __future__ import annotations

import asyncio
import fractions
from collections.abc import Mapping, Sequence
from typing import Any

import aioice.ice
import av
import numpy as np
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, MediaStreamTrack
from aiortc.sdp import candidate_from_sdp

from mocks.devices.media.base import (
    ALL_LABELS,
    AUDIO,
    PAGE,
    PERSON,
    CameraMode,
    CandidateSink,
    MediaError,
    MediaOptions,
    MediaStats,
    Offer,
    StateSink,
    ignore_candidate,
    ignore_state,
    labels_of,
)
from mocks.devices.media.cameras import Camera

VIDEO_CLOCK = 90_000


class PurePythonMedia:
    """One call. Create it on the loop that uses it. This stack has no rollback: an own unanswered offer cannot be given up."""

    def __init__(self, options: MediaOptions | None = None) -> None:
        self.options = options or MediaOptions()
        if self.options.loopback:
            _gather_loopback()
        self.on_candidate: CandidateSink = ignore_candidate
        self.on_state: StateSink = ignore_state
        configuration = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        self._connection = RTCPeerConnection(configuration)
        self._connection.on("connectionstatechange", self._state_changed)
        self._connection.on("track", self._track_found)
        self._cameras: dict[str, Camera] = {}
        self._labels: tuple[str, ...] = ()
        self._received = MediaStats()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def state(self) -> str:
        return "closed" if self._closed else str(self._connection.connectionState)

    @property
    def cameras_in_use(self) -> Sequence[str]:
        return sorted(self._cameras)

    async def create_offer(self, labels: Sequence[str] = ALL_LABELS) -> Offer:
        if not self._labels:
            self._labels = tuple(labels)
            for label in labels:
                self._add_source(label)
        await self._connection.setLocalDescription(await self._connection.createOffer())
        text = str(self._connection.localDescription.sdp)
        self.on_candidate(None)  # this stack gathers before it describes
        return Offer(text, labels_of(text, self._labels))

    async def accept_answer(self, sdp: str) -> None:
        await self._set_remote("answer", sdp)

    async def accept_offer(self, sdp: str) -> str:
        await self._set_remote("offer", sdp)
        await self._connection.setLocalDescription(await self._connection.createAnswer())
        return str(self._connection.localDescription.sdp)

    async def add_candidate(self, candidate: Mapping[str, Any] | None) -> None:
        text = str(candidate.get("candidate") or "") if candidate else ""
        try:
            if not candidate or not text:
                await self._connection.addIceCandidate(None)
                return
            parsed = candidate_from_sdp(text.removeprefix("candidate:"))
            parsed.sdpMid, parsed.sdpMLineIndex = candidate.get("sdpMid"), candidate.get("sdpMLineIndex")
            await self._connection.addIceCandidate(parsed)
        except Exception as error:  # the stack raises what its parser meets: KeyError, AssertionError, ValueError
            raise MediaError(str(error)) from error

    async def stats(self) -> MediaStats:
        self._received.frames_sent = {label: camera.shots for label, camera in self._cameras.items()}
        return self._received

    def set_camera(self, label: str, mode: CameraMode) -> None:
        if label in self._cameras:
            self._cameras[label].mode = mode

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._cameras.clear()
        await self._connection.close()
        for task in list(self._tasks):
            task.cancel()
        self.on_state("closed")

    def _add_source(self, label: str) -> None:
        if label == AUDIO:
            self._connection.addTransceiver(AudioStreamTrack(), direction="sendrecv")
            return
        camera = Camera(label, self.options.person_size if label == PERSON else self.options.page_size)
        self._cameras[label] = camera
        rate = self.options.page_rate if label == PAGE else self.options.frame_rate
        self._connection.addTransceiver(_Film(camera, rate), direction="sendonly" if label == PAGE else "sendrecv")

    async def _set_remote(self, kind: str, sdp: str) -> None:
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp, kind))
        except Exception as error:  # see add_candidate()
            raise MediaError(str(error)) from error

    def _state_changed(self) -> None:
        if not self._closed:
            self.on_state(self.state)

    def _track_found(self, track: MediaStreamTrack) -> None:
        task = asyncio.get_running_loop().create_task(self._watch(track))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch(self, track: MediaStreamTrack) -> None:
        """Frames must be taken even where nobody looks: the stack keeps them all otherwise."""
        while True:
            try:
                frame: Any = await track.recv()
            except MediaStreamError:
                return
            if track.kind == "video":
                self._received.frames_received += 1
                self._received.width, self._received.height = frame.width, frame.height
            else:
                self._received.audio_packets_received += 1


class _Film(MediaStreamTrack):
    """A camera as a track. A camera that gives no pictures makes its track wait."""

    kind = "video"

    def __init__(self, camera: Camera, rate: int) -> None:
        super().__init__()
        self._camera, self._rate = camera, rate
        self._begun: float | None = None
        self._number = 0

    async def recv(self) -> av.VideoFrame:
        loop = asyncio.get_running_loop()
        if self._begun is None:
            self._begun = loop.time()
        while True:
            self._number += 1
            await asyncio.sleep(max(0.0, self._begun + self._number / self._rate - loop.time()))
            picture = self._camera.shoot()
            if picture is None:
                continue
            height, width = self._camera.height, self._camera.width
            planes = np.frombuffer(picture, np.uint8).reshape(height * 3 // 2, width)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts = self._number * VIDEO_CLOCK // self._rate
            frame.time_base = fractions.Fraction(1, VIDEO_CLOCK)
            return frame


def _gather_loopback() -> None:
    """Let this process use 127.0.0.1, which the ICE library leaves out."""
    ice: Any = aioice.ice
    original = ice.get_host_addresses
    if getattr(original, "with_loopback", False):
        return

    def addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return ["127.0.0.1", *(each for each in original(use_ipv4, use_ipv6) if each != "127.0.0.1")]

    addresses.with_loopback = True  # type: ignore[attr-defined]
    ice.get_host_addresses = addresses
