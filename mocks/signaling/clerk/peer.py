"""One call at the clerk's seat: describes media, sends picture and voice, watches what the device sends and tells it."""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

from mocks.signaling.clerk import reoffer, sdp, stack
from mocks.signaling.clerk.pictures import ClerkPicture, ClerkVoice
from mocks.signaling.clerk.tap import RtpTap, SectionCount

SILENCE = 0.4  # seconds without RTP after traffic
SECTION_SILENCE = 1.0  # the same for one section while others go on
STATS_EVERY = 0.5
WATCH_TICK = 0.05
END_WATCH = 5.0  # how long after a goodbye the clerk waits for the device's media to end
START_KILOBITS = 1200
PERSON = "person"

Emit = Callable[[str, dict[str, Any], str], None]
SendCandidate = Callable[[str, dict[str, Any] | None], None]


class ApplyError(RuntimeError):
    """A description could not be applied here; whether device or bench is to blame this error does not say."""


@dataclass
class ClerkCall:
    """A call from the first description to the end of the device's media."""

    call_id: str
    emit: Emit
    send_candidate: SendCandidate
    pool: ThreadPoolExecutor
    labels: dict[str, str] = field(default_factory=dict)
    tap: RtpTap | None = None

    def __post_init__(self) -> None:
        configuration = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        self.connection: Any = RTCPeerConnection(configuration)
        self.connection.on("connectionstatechange", self._state_changed)
        self._offer = ""
        self._waiting: deque[Mapping[str, Any] | None] = deque()  # candidates, in the order in which they were told
        self._describing = False
        self._applying = asyncio.Lock()
        self._candidates_ended = False
        self._offered_first = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._bye_at: float | None = None
        self._silent = False
        self._ended = False

    async def answer(self, offer: str, labels: Mapping[str, str]) -> str:
        """Answer an offer of the device, the first or a later one. Raises ApplyError."""
        self._tell("media.sdp", {"type": "offer", "by": "iut", "labels": dict(labels)}, offer)
        self.labels |= labels
        readable, changes = sdp.normalise(offer)
        self._describing = True
        try:
            await self.connection.setRemoteDescription(RTCSessionDescription(readable, "offer"))
            self._offer = offer
            self._attach_tap()
            self._give_tracks(sdp.parse(readable))
            await self.connection.setLocalDescription(await self.connection.createAnswer())
        except Exception as error:  # the stack raises what its parser meets: KeyError, AssertionError, StopIteration
            raise self._apply_error("offer", error, changes) from error
        finally:
            self._describing = False
        text = sdp.restore_rejected(self.connection.localDescription.sdp, offer)
        text = sdp.start_rate(text, START_KILOBITS)
        self._negotiated(offer, text)
        self._tell("media.sdp", {"type": "answer", "by": "bench", "normalised": changes}, text)
        await self._apply_waiting()
        self._announce_candidates(text)
        return text

    async def make_offer(self) -> str:
        """Offer from the clerk's side: a first one (glare), or on an established call with the agreed numbers kept.

        Raises ApplyError.
        """
        try:
            if not self.connection.getTransceivers():
                self._offered_first = True
                self.connection.addTrack(ClerkVoice())
                self.connection.addTransceiver(ClerkPicture(), "sendrecv")
                self.connection.addTransceiver("video", "recvonly")
                self.labels |= {"0": "audio", "1": PERSON, "2": "page"}
            await self.connection.setLocalDescription(await reoffer.stable_offer(self.connection))
        except Exception as error:  # see answer()
            raise self._apply_error("own offer", error, []) from error
        text = str(self.connection.localDescription.sdp)
        self._offer = text
        self._tell("media.sdp", {"type": "offer", "by": "bench"}, text)
        return text

    async def take_answer(self, answer: str) -> None:
        """The device's answer to `make_offer`. Raises ApplyError."""
        self._tell("media.sdp", {"type": "answer", "by": "iut"}, answer)
        readable, changes = sdp.normalise(answer)
        self._describing = True
        try:
            await self.connection.setRemoteDescription(RTCSessionDescription(readable, "answer"))
        except Exception as error:  # see answer()
            raise self._apply_error("answer", error, changes) from error
        finally:
            self._describing = False
        self._attach_tap()
        self._negotiated(answer, self._offer)
        await self._apply_waiting()

    async def candidate(self, told: Mapping[str, Any] | None) -> None:
        """One trickled candidate of the device; None is the end of candidates."""
        self._tell("media.candidate", {"by": "iut", "candidate": dict(told) if told else None}, "")
        self._waiting.append(told)
        if self.connection.remoteDescription is not None and not self._describing:
            await self._apply_waiting()

    async def bye(self) -> None:
        """The call is over: send no more, and watch until the device's media has ended."""
        if self._bye_at is None:
            self._bye_at = time.monotonic()
            for sender in self.connection.getSenders():
                sender.replaceTrack(None)
            if self.tap is None:
                await self._end("never connected")

    async def close(self) -> None:
        """Give everything back, whatever the device does."""
        self._ended = True
        for task in list(self._tasks):
            task.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.connection.close(), timeout=2)

    # -- negotiation ---------------------------------------------------------------------------------------------------

    def _attach_tap(self) -> None:
        receivers = self.connection.getReceivers()
        for receiver in receivers:
            stack.silence_receiver(receiver)
        if self.tap is not None or not receivers:
            return
        transport = receivers[0].transport
        self._watch_identity(transport)
        own = self.connection.getSenders()[0]._ssrc  # noqa: SLF001 - see stack
        self.tap = RtpTap(transport, own, time.monotonic, self._first_frame, self.pool)
        self.tap.attach()
        self._spawn(self._watch())
        self._spawn(self.tap.run_feedback())

    def _watch_identity(self, transport: Any) -> None:
        validate = transport._validate_peer_identity  # noqa: SLF001 - see stack

        def validated(parameters: Any) -> None:
            validate(parameters)
            matches = transport.state != "failed"
            ssl = transport._ssl  # noqa: SLF001 - see stack
            profile = ssl.get_selected_srtp_profile()
            self._tell("media.dtls", {
                "version": ssl.get_protocol_version_name(), "cipher": ssl.get_cipher_name(),
                "srtp_profile": profile.decode("ascii") if profile else None,
                "role": transport._role,  # noqa: SLF001 - see stack
                "fingerprint_ok": matches, "rsa_allowed": True,
            })

        transport._validate_peer_identity = validated  # noqa: SLF001 - see stack

    def _give_tracks(self, offer: sdp.Description) -> None:
        """Voice on audio, the clerk's picture on the section of the person (else the first video that receives)."""
        listening = {
            section.attribute("mid") or "": section.media for section in offer.sections
            if section.attribute("sendonly") is None and section.attribute("inactive") is None and not section.rejected()
        }
        videos = [mid for mid, media in listening.items() if media == "video"]
        person = next((mid for mid in videos if self.labels.get(mid) == PERSON), videos[0] if videos else None)
        for transceiver in self.connection.getTransceivers():
            heard = transceiver.mid in listening and (transceiver.kind == "audio" or transceiver.mid == person)
            if heard and transceiver.sender.track is None:
                transceiver.sender.replaceTrack(ClerkVoice() if transceiver.kind == "audio" else ClerkPicture())
            transceiver.direction = "sendrecv" if heard else "recvonly"

    def _negotiated(self, device: str, clerk: str) -> None:
        if self.tap is not None:
            self.tap.learn(device, clerk, self.labels)

    def _announce_candidates(self, text: str) -> None:
        """The stack gathers before it answers; its candidates are told again one by one, as a trickling peer would."""
        for mid, index, value in sdp.candidates(sdp.parse(text)):
            told = {"candidate": f"candidate:{value}", "sdpMid": mid, "sdpMLineIndex": index}
            self._tell("media.candidate", {"by": "bench", "candidate": told}, "")
            self.send_candidate(self.call_id, told)
        self.send_candidate(self.call_id, None)

    async def _apply_waiting(self) -> None:
        """In order, or the end of candidates would overtake those that came while a description was applied."""
        async with self._applying:
            while self._waiting:
                await self._apply_candidate(self._waiting.popleft())

    async def _apply_candidate(self, told: Mapping[str, Any] | None) -> None:
        if self._candidates_ended:
            return  # told twice, in the description and by trickling; the stack would refuse it
        try:
            text = str(told.get("candidate") or "") if told else ""
            if self._offered_first and (not text or self._of_given_up_offer(text)):
                return  # the device gave an offer up; whose end of candidates this is cannot be told, and it is not needed
            if not told or not text:
                self._candidates_ended = True
                await self.connection.addIceCandidate(None)
                return
            parsed = candidate_from_sdp(text.removeprefix("candidate:"))
            parsed.sdpMid, parsed.sdpMLineIndex = told.get("sdpMid"), told.get("sdpMLineIndex")
            await self.connection.addIceCandidate(parsed)
        except Exception as error:  # see answer()
            self._apply_error("candidate", error, [])

    def _of_given_up_offer(self, candidate: str) -> bool:
        """Whether a candidate names another generation than the description in force (RFC 8840 section 4.1)."""
        named = re.search(r" ufrag (\S+)", candidate)
        described = sdp.parse(self.connection.remoteDescription.sdp)
        valid = {section.attribute("ice-ufrag") for section in described.sections}
        return named is not None and named[1] not in valid

    def _apply_error(self, what: str, error: Exception, changes: list[str]) -> ApplyError:
        reason = f"{type(error).__name__}: {error}"
        self._tell("media.apply_error", {"what": what, "error": reason, "blame": "unknown", "normalised": changes})
        return ApplyError(reason)

    # -- watching ------------------------------------------------------------------------------------------------------

    def _tell(self, kind: str, facts: Mapping[str, Any], raw: str = "") -> None:
        self.emit(kind, {"call_id": self.call_id, **facts}, raw)

    def _state_changed(self) -> None:
        state = self.connection.connectionState
        self._tell("media.state", {"state": state})
        if state in ("closed", "failed") and not self._ended and self.tap is not None:
            self._spawn(self._end("device closed" if state == "closed" else "failed"))

    def _first_frame(self, section: SectionCount) -> None:
        facts = {"mid": section.mid, "label": section.label, "kind": section.kind, "codec": section.codec}
        if section.kind == "video":
            facts |= {"width": section.width, "height": section.height}  # type: ignore[dict-item]
        self._tell("media.first_frame", facts)

    async def _watch(self) -> None:
        since = 0.0
        while not self._ended:
            await asyncio.sleep(WATCH_TICK)
            since += WATCH_TICK
            tap, now = self.tap, time.monotonic()
            if tap is None:
                return
            self._watch_silence(tap, now)
            if since >= STATS_EVERY:
                since = 0.0
                self._tell("media.stats", self._statistics(tap))
            if self._bye_at is not None:
                since_last = now - max(self._bye_at, tap.last_rtp or 0.0)
                if since_last > SILENCE or now - self._bye_at > END_WATCH:
                    await self._end("quiet" if since_last > SILENCE else "still sending")

    def _watch_silence(self, tap: RtpTap, now: float) -> None:
        if tap.last_rtp is None:
            return
        quiet = now - tap.last_rtp > SILENCE
        if quiet != self._silent:
            self._silent = quiet
            self._tell("media.silence" if quiet else "media.resumed", {"last_rtp_age_ms": _ms(now - tap.last_rtp)})
        for section in tap.sections.values():
            if section.last is None:
                continue
            still = now - section.last > SECTION_SILENCE
            if still and not section.quiet and not quiet:
                self._tell("media.section_silence", {"mid": section.mid, "label": section.label, "kind": section.kind})
            section.quiet = still

    def _statistics(self, tap: RtpTap) -> dict[str, Any]:
        rtp = {mid: section.facts() for mid, section in tap.sections.items()}
        return {
            "rtp": rtp, "by_label": {facts["label"]: facts for facts in rtp.values()}, "rtcp": dict(tap.rtcp_in),
            "sent": dict(tap.sent), "malformed": tap.malformed, "state": self.connection.connectionState,
        }

    async def _end(self, how: str) -> None:
        """Tell the end once, with what came last and what came after the goodbye, and give the connection back."""
        if self._ended:
            return
        self._ended = True
        now = time.monotonic()
        facts: dict[str, Any] = {"how": how, "last_rtp_age_ms": None, "bye": self._bye_at is not None}
        if self.tap is not None:
            facts |= self._statistics(self.tap)
            if self.tap.last_rtp is not None:
                facts["last_rtp_age_ms"] = _ms(now - self.tap.last_rtp)
                if self._bye_at is not None:
                    facts["rtp_after_bye_ms"] = max(0, _ms(self.tap.last_rtp - self._bye_at))
        if how in ("device closed", "quiet"):
            self._tell("media.release", {"last_rtp_age_ms": facts["last_rtp_age_ms"]})
        self._tell("media.end", facts)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.connection.close(), timeout=2)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
