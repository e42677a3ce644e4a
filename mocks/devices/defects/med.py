"""Faults of media."""

from __future__ import annotations

import asyncio
import re
from typing import Any, ClassVar

from mocks.devices.media import CameraMode
from mocks.devices.reference.calls import Call, Calls
from mocks.devices.reference.mediaport import MediaEnd
from mocks.devices.registry import defect


@defect(
    id="MED-001-page-section-missing",
    breaks=["MED-001"],
    may_break=["MED-010", "MED-011"],  # without the section the page's pictures never come
    about={"zh": "要约缺少页面视频", "en": "the offer has no section for the page"},
)
class PageSectionMissing(Calls):
    def described(self, sdp: str) -> str:
        head, *sections = re.split(r"(?m)^(?=m=)", sdp)
        return re.sub(r"(a=group:BUNDLE \S+ \S+) \S+", r"\1", head) + "".join(sections[:2])


@defect(
    id="MED-002-label-missing",
    breaks=["MED-002"],
    may_break=["MED-010"],  # pictures that nobody can tell apart
    about={"zh": "页面视频没有标记", "en": "the page's section has no label"},
)
class LabelMissing(Calls):
    def labels(self, labels: dict[str, str]) -> dict[str, str]:
        return {mid: label for mid, label in labels.items() if label != "page"}


@defect(
    id="MED-002-two-persons",
    breaks=["MED-002"],
    may_break=["MED-010"],  # the page comes under a wrong name
    about={"zh": "页面视频也标为人像", "en": "the page's section is labelled as the person's"},
)
class TwoPersons(Calls):
    def labels(self, labels: dict[str, str]) -> dict[str, str]:
        return {mid: "person" if label == "page" else label for mid, label in labels.items()}


@defect(
    id="MED-003-old-fingerprint",
    breaks=["MED-003"],
    about={"zh": "证书指纹使用SHA-1", "en": "the fingerprint is made with SHA-1"},
)
class OldFingerprint(Calls):
    def described(self, sdp: str) -> str:
        return re.sub(r"a=fingerprint:sha-256 ((?:[0-9A-Fa-f]{2}:){19}[0-9A-Fa-f]{2})\S*", r"a=fingerprint:sha-1 \1", sdp)


@defect(
    id="MED-004-offers-a-fixed-role",
    breaks=["MED-004"],
    about={"zh": "要约固定DTLS角色", "en": "the offer fixes the DTLS role"},
)
class FixedRole(Calls):
    def described(self, sdp: str) -> str:
        return sdp.replace("a=setup:actpass", "a=setup:active")


@defect(
    id="MED-005-keys-in-the-offer",
    breaks=["MED-005"],
    about={"zh": "要约携带SDES密钥", "en": "the offer carries SDES keys"},
)
class KeysInTheOffer(Calls):
    def described(self, sdp: str) -> str:
        line = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
        return sdp.replace("a=rtcp-mux\r\n", f"a=rtcp-mux\r\n{line}\r\n", 1)


@defect(
    id="MED-006-no-multiplexing",
    breaks=["MED-006"],
    about={"zh": "RTCP不复用端口", "en": "RTP and RTCP are not multiplexed"},
)
class NoMultiplexing(Calls):
    def described(self, sdp: str) -> str:
        return sdp.replace("a=rtcp-mux\r\n", "")


@defect(
    id="MED-007-no-opus",
    breaks=["MED-007"],
    about={"zh": "音频不支持Opus", "en": "the audio section has no Opus"},
)
class NoOpus(Calls):
    def described(self, sdp: str) -> str:
        return sdp.replace("opus/48000/2", "iLBC/8000")


@defect(
    id="MED-008-short-ice-password",
    breaks=["MED-008"],
    about={"zh": "ICE凭据过短", "en": "the ICE password is too short"},
)
class ShortIcePassword(Calls):
    def described(self, sdp: str) -> str:
        return re.sub(r"a=ice-pwd:(\S{8})\S*", r"a=ice-pwd:\1", sdp)


@defect(
    id="MED-009-connects-late",
    breaks=["MED-009"],
    # The clerk has given the call up by then: what belongs to a call that stands is missing too. Every answer is taken at once.
    may_break=["SIG-010", "SIG-012", "SIG-016", "SIG-018", "MED-010", "MED-011", "ROB-003"],
    needs="media",
    about={"zh": "媒体连通过晚", "en": "media connects too late"},
)
class ConnectsLate(Calls):
    async def answer(self, params: dict[str, Any]) -> dict[str, Any]:
        self.d.spawn(self.later(params), "late answer")
        return {}

    async def later(self, params: dict[str, Any]) -> None:
        await asyncio.sleep(self.d.timers.s("T-MEDIA") * 1.3)
        await super().answer(params)


@defect(
    id="MED-010-person-camera-stalled",
    breaks=["MED-010"],
    may_break=["MED-011"],  # nothing is counted in that section
    needs="media",
    about={"zh": "人像视频没有画面", "en": "the person's section carries no pictures"},
)
class PersonCameraStalled(Calls):
    async def send_offer(self, call: Call) -> None:
        await super().send_offer(call)
        stack: Any = call.media
        stack.set_camera("person", CameraMode.STALLED)


@defect(
    id="MED-011-voice-one-way",
    breaks=["MED-011"],
    about={"zh": "语音段只收不发", "en": "the audio section only receives"},
)
class VoiceOneWay(Calls):
    def described(self, sdp: str) -> str:
        return re.sub(r"(?s)(\r\nm=audio .*?\r\na=)sendrecv", r"\1recvonly", sdp, count=1)


@defect(
    id="MED-013-h264-declared-only",
    breaks=["MED-013"],
    may_break=["REG-007"],  # its registration tells the truth, and not what it declares
    declares={"RVW.MED.VIDEO_CODECS": ["VP8", "H264"]},
    about={"zh": "申报H.264却不提供", "en": "declares H.264 and never offers it"},
)
class H264DeclaredOnly(Calls):
    def described(self, sdp: str) -> str:
        return re.sub(r"a=[a-z-]+:102 [^\r]*\r\n", "", sdp)


@defect(
    id="MED-012-camera-goes-on",
    breaks=["MED-012"],
    needs="media",
    about={"zh": "挂断后继续发送媒体", "en": "media goes on after the hang-up"},
)
class CameraGoesOn(Calls):
    async def release(self, call: Call) -> None:
        self.d.log(f"kept {call.call_id}")


@defect(
    id="MED-001-voice-twice",
    breaks=["MED-001"],
    may_break=["SIG-009"],  # its media stack cannot answer for a section that was written in
    about={"zh": "要约含两个语音段", "en": "the offer has a second audio section"},
)
class VoiceTwice(Calls):
    def described(self, sdp: str) -> str:
        head, voice, *pictures = re.split(r"(?m)^(?=m=)", sdp)
        again = re.sub(r"a=(mid|msid):[^\r]*", r"a=\1:9", voice)
        return re.sub(r"(a=group:BUNDLE [^\r]*)", r"\1 9", head) + "".join([voice, *pictures, again])


@defect(
    id="MED-003-old-fingerprint-beside",
    breaks=["MED-003"],
    about={"zh": "另附MD5证书指纹", "en": "an MD5 fingerprint stands beside the good one"},
)
class OldFingerprintBeside(Calls):
    def described(self, sdp: str) -> str:
        line = "a=fingerprint:md5 " + ":".join(["4A"] * 16)
        return sdp.replace("a=setup:", f"{line}\r\na=setup:")


@defect(
    id="MED-004-answers-undecided",
    breaks=["MED-004"],
    about={"zh": "应答不定DTLS角色", "en": "the answer leaves the DTLS role open"},
)
class AnswersUndecided(Calls):
    def described(self, sdp: str) -> str:
        return sdp.replace("a=setup:active\r\n", "a=setup:actpass\r\n")


@defect(
    id="MED-005-plain-rtp",
    breaks=["MED-005"],
    about={"zh": "语音段使用明文RTP协议", "en": "the audio section is plain RTP"},
)
class PlainRtp(Calls):
    def described(self, sdp: str) -> str:
        return re.sub(r"(m=audio [0-9]+) UDP/TLS/RTP/SAVPF", r"\1 RTP/AVPF", sdp)


@defect(
    id="MED-006-no-bundle",
    breaks=["MED-006"],
    about={"zh": "各段不捆绑", "en": "the sections are not bundled"},
)
class NoBundle(Calls):
    def described(self, sdp: str) -> str:
        return re.sub(r"a=group:BUNDLE[^\r]*\r\n", "", sdp)


@defect(
    id="MED-007-newer-codecs-only",
    breaks=["MED-007"],
    about={"zh": "视频只有H.265", "en": "its video sections have H.265 only"},
)
class NewerCodecsOnly(Calls):
    def described(self, sdp: str) -> str:
        return re.sub(r"(a=rtpmap:[0-9]+ )(?:VP8|H264)/", r"\1H265/", sdp)


@defect(
    id="MED-008-short-ice-name",
    breaks=["MED-008"],
    about={"zh": "ICE用户名片段过短", "en": "the ICE user name fragment is too short"},
)
class ShortIceName(Calls):
    def described(self, sdp: str) -> str:
        return re.sub(r"a=ice-ufrag:(\S{3})\S*", r"a=ice-ufrag:\1", sdp)


@defect(
    id="MED-011-silent-where-pictures-take-turns",
    breaks=["MED-011"],
    declares={"RVW.MED.ARRANGEMENT": "switched"},
    about={"zh": "单一视频段的设备只收语音不发", "en": "a device with one video section sends no voice"},
)
class SilentWherePicturesTakeTurns(Calls):
    arrangement: ClassVar[str] = "switched"

    def described(self, sdp: str) -> str:
        head, *sections = re.split(r"(?m)^(?=m=)", sdp)
        head = re.sub(r"(a=group:BUNDLE \S+ \S+) \S+", r"\1", head)
        return head + sections[0].replace("a=sendrecv", "a=recvonly") + sections[1]

    def labels(self, labels: dict[str, str]) -> dict[str, str]:
        return {mid: label for mid, label in labels.items() if label != "page"}


@defect(
    id="MED-012-camera-stays-open",
    breaks=["MED-012"],
    about={"zh": "挂断后摄像头仍被占用", "en": "the connection ends and the cameras stay open"},
)
class CameraStaysOpen(Calls):
    left_open: tuple[str, ...] = ()

    async def release(self, call: Call) -> None:
        self.left_open = tuple(call.media.cameras_in_use) if call.media is not None else ()
        await super().release(call)

    def cameras_in_use(self) -> list[str]:
        return super().cameras_in_use() or list(self.left_open)


@defect(
    id="MED-008-short-ice-password-in-one-section",
    breaks=["MED-008"],
    about={"zh": "只有视频段的ICE口令过短", "en": "the ICE password is too short in the video sections alone"},
)
class ShortIceInVideo(Calls):
    def described(self, sdp: str) -> str:
        head, *sections = re.split(r"(?m)^(?=m=)", sdp)
        return head + "".join(self.cut(each) if each.startswith("m=video") else each for each in sections)

    def cut(self, section: str) -> str:
        return re.sub(r"a=ice-pwd:(\S{8})\S*", r"a=ice-pwd:\1", section)


@defect(
    id="MED-012-camera-stays-open-after-the-clerks-goodbye",
    breaks=["MED-012"],
    about={"zh": "仅坐席挂断时摄像头未释放", "en": "the cameras stay open when it is the clerk who hangs up"},
)
class CameraStaysOpenForTheClerk(Calls):
    left_open: tuple[str, ...] = ()

    def forget(self, call: Call, how: str) -> None:
        if how == "bye_received" and call.media is not None:
            self.left_open = tuple(call.media.cameras_in_use)
        super().forget(call, how)

    def open_media(self, call: Call) -> MediaEnd:
        self.left_open = ()
        return super().open_media(call)

    def cameras_in_use(self) -> list[str]:
        return super().cameras_in_use() or list(self.left_open)


@defect(
    id="MED-010-voice-called-person",
    breaks=["MED-010"],
    about={"zh": "语音段与人像段的标记互换", "en": "the labels of voice and person are changed round"},
)
class VoiceCalledPerson(Calls):
    def labels(self, labels: dict[str, str]) -> dict[str, str]:
        other = {"audio": "person", "person": "audio"}
        return {mid: other.get(label, label) for mid, label in labels.items()}


@defect(
    id="MED-010-labels-of-other-mids",
    breaks=["MED-010"],
    about={"zh": "标记所用的mid不在媒体描述中", "en": "the labels name mids that the description does not have"},
)
class LabelsOfOtherMids(Calls):
    def labels(self, labels: dict[str, str]) -> dict[str, str]:
        return {f"{mid}-x": label for mid, label in labels.items()}
