"""Device media on libwebrtc, the engine of the browsers: not the clerk's stack, so no mistake hides on both sides."""

from __future__ import annotations

import asyncio
import contextlib
import math
import struct
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

import webrtc

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

AUDIO_RATE = 48_000
AUDIO_BLOCK = 480  # 10 ms
TONE_HZ, TONE_LEVEL = 300, 1200


class LibwebrtcMedia:
    """One call. Create it on the loop that uses it."""

    _loopback_allowed = False

    def __init__(self, options: MediaOptions | None = None) -> None:
        self.options = options or MediaOptions()
        if self.options.loopback and not LibwebrtcMedia._loopback_allowed:
            with contextlib.suppress(webrtc.InvalidStateError):  # a connection exists already, so it was decided before
                webrtc.allow_loopback()
            LibwebrtcMedia._loopback_allowed = True
        self.on_candidate: CandidateSink = ignore_candidate
        self.on_state: StateSink = ignore_state
        self._connection = webrtc.RTCPeerConnection(
            webrtc.RTCConfiguration(ice_servers=[], bundle_policy=webrtc.RTCBundlePolicy.max_bundle)
        )
        self._connection.on("icecandidate", self._candidate_found)
        self._connection.on("connectionstatechange", self._state_changed)
        self._connection.on("track", self._track_found)
        self._cameras: dict[str, Camera] = {}
        self._sources: list[Any] = []
        self._labels: tuple[str, ...] = ALL_LABELS
        self._tasks: set[asyncio.Task[None]] = set()
        self._received = MediaStats()
        self._closed = False
        self._closing = asyncio.Event()
        self._early: list[Mapping[str, Any] | None] = []

    @property
    def state(self) -> str:
        return "closed" if self._closed else str(self._connection.connection_state.value)

    @property
    def cameras_in_use(self) -> Sequence[str]:
        return sorted(self._cameras)

    async def create_offer(self, labels: Sequence[str] = ALL_LABELS) -> Offer:
        if not self._sources:
            self._labels = tuple(labels)
            for label in labels:
                self._add_source(label)
        try:
            await self._while_open(self._connection.set_local_description())
        except webrtc.PythonWebRTCExceptionBase as error:
            raise MediaError(str(error)) from error
        text = self._local_text()
        return Offer(text, labels_of(text, self._labels))

    async def accept_answer(self, sdp: str) -> None:
        await self._set_remote(webrtc.RTCSdpType.answer, sdp)

    async def accept_offer(self, sdp: str) -> str:
        # libwebrtc gives an own pending offer up by itself when an offer is applied over it
        await self._set_remote(webrtc.RTCSdpType.offer, sdp)
        try:
            await self._while_open(self._connection.set_local_description())
        except webrtc.PythonWebRTCExceptionBase as error:
            raise MediaError(str(error)) from error
        return self._local_text()

    async def add_candidate(self, candidate: Mapping[str, Any] | None) -> None:
        if self._connection.remote_description is None:
            self._early.append(candidate)
            return
        try:
            if not candidate or not candidate.get("candidate"):
                await self._while_open(self._connection.add_ice_candidate(None))
                return
            await self._while_open(self._connection.add_ice_candidate(webrtc.RTCIceCandidateInit(
                candidate=candidate["candidate"], sdp_mid=candidate.get("sdpMid"),
                sdp_m_line_index=candidate.get("sdpMLineIndex"),
            )))
        except (webrtc.PythonWebRTCExceptionBase, TypeError) as error:
            raise MediaError(str(error)) from error

    async def stats(self) -> MediaStats:
        if not self._closed:
            report = await self._connection.get_stats()
            for entry in report.values():
                if entry.type == webrtc.RTCStatsType.inbound_rtp and getattr(entry, "kind", "") == "audio":
                    self._received.audio_packets_received = int(getattr(entry, "packets_received", None) or 0)
        self._received.frames_sent = {label: camera.shots for label, camera in self._cameras.items()}
        return self._received

    def set_camera(self, label: str, mode: CameraMode) -> None:
        if label in self._cameras:
            self._cameras[label].mode = mode

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._closing.set()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)
        self._cameras.clear()
        self._sources.clear()
        self._connection.close()
        self.on_state("closed")

    # -- inside --------------------------------------------------------------------------------------------------------

    def _local_text(self) -> str:
        description = self._connection.local_description
        if description is None:
            raise MediaError("no local description")
        return str(description.sdp)

    def _add_source(self, label: str) -> None:
        generator = webrtc.MediaStreamTrackGenerator("audio" if label == AUDIO else "video")
        self._sources.append(generator)
        # add_track, because only what it adds takes part in an offer of the other side (RFC 9429 section 5.10)
        self._connection.add_track(generator, webrtc.MediaStream())
        if label == PAGE:
            self._connection.get_transceivers()[-1].direction = webrtc.RTCRtpTransceiverDirection.sendonly
        if label == AUDIO:
            self._spawn(self._speak(generator))
            return
        size = self.options.person_size if label == PERSON else self.options.page_size
        if label == PAGE:
            generator.content_hint = "detail"  # letters stay sharp when the uplink is thin; the rate gives way
        self._cameras[label] = Camera(label, size)
        self._spawn(self._film(generator, self._cameras[label], self._rate(label)))

    def _rate(self, label: str) -> int:
        return self.options.page_rate if label == PAGE else self.options.frame_rate

    async def _film(self, generator: Any, camera: Camera, rate: int) -> None:
        writer = generator.writable.get_writer()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        number = 0
        while True:
            picture = camera.shoot()
            if picture is not None:
                await writer.write(webrtc.VideoFrame(picture, webrtc.VideoFrameBufferInit(
                    format="I420", coded_width=camera.width, coded_height=camera.height,
                    timestamp=int((loop.time() - begun) * 1_000_000),
                )))
            number += 1
            await asyncio.sleep(max(0.0, begun + number / rate - loop.time()))

    async def _speak(self, generator: Any) -> None:
        writer = generator.writable.get_writer()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        number = 0
        step = 2 * math.pi * TONE_HZ / AUDIO_RATE
        block = struct.pack(f"<{AUDIO_BLOCK}h", *(int(TONE_LEVEL * math.sin(step * n)) for n in range(AUDIO_BLOCK)))
        while True:
            await writer.write(webrtc.AudioData(webrtc.AudioDataInit(
                format="s16", sample_rate=AUDIO_RATE, number_of_frames=AUDIO_BLOCK, number_of_channels=1,
                timestamp=number * 10_000, data=block,
            )))
            number += 1
            await asyncio.sleep(max(0.0, begun + number / 100 - loop.time()))

    async def _watch(self, track: Any) -> None:
        processor = webrtc.MediaStreamTrackProcessor(webrtc.MediaStreamTrackProcessorInit(track))
        frame: Any
        async for frame in processor.readable:
            self._received.frames_received += 1
            self._received.width, self._received.height = frame.display_width, frame.display_height
            frame.close()

    async def _while_open(self, operation: Awaitable[Any]) -> None:
        """libwebrtc never ends what is under way when its connection is closed; whoever waits is told instead."""
        work = asyncio.ensure_future(operation)
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait({work, closing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            closing.cancel()
        if not work.done():
            work.cancel()
            raise MediaError("the call was closed")
        work.result()

    async def _set_remote(self, kind: Any, sdp: str) -> None:
        try:
            description = webrtc.RTCSessionDescriptionInit(type=kind, sdp=sdp)
            await self._while_open(self._connection.set_remote_description(description))
        except webrtc.PythonWebRTCExceptionBase as error:
            raise MediaError(str(error)) from error
        early, self._early = self._early, []
        for candidate in early:
            await self.add_candidate(candidate)

    def _candidate_found(self, event: Any) -> None:
        if self._closed:
            return
        found = event.candidate
        if found is None or not found.candidate:
            self.on_candidate(None)
            return
        self.on_candidate({
            "candidate": found.candidate, "sdpMid": found.sdp_mid, "sdpMLineIndex": found.sdp_m_line_index,
        })

    def _state_changed(self, _event: Any) -> None:
        if not self._closed:
            self.on_state(self.state)

    def _track_found(self, event: Any) -> None:
        if event.track.kind == "video":
            self._spawn(self._watch(event.track))

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
