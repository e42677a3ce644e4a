"""Everything that the clerk changes in aiortc and aioice, in one place, with a check that each hook is still there.

The versions are pinned exactly because these hooks are private. Each change has one reason:

* loopback: aioice leaves 127.0.0.1 out, and a bench and its device are often on one machine;
* one fingerprint: of three the browser engines keep the last and others stumble; sha-256 is the one that everybody reads;
* RSA suites: a device with an RSA certificate would not connect at all. This is a concession and is told in `media.dtls`;
* routing by MID: two video sections share payload types, and without a=ssrc lines every video packet would be dropped;
* transport-wide feedback instead of receiver estimates, see `twcc`;
* no decoder behind the receiver: pictures go through `video`, and what the receiver decodes nobody reads.
"""
# ruff: noqa: SLF001 - private hooks are what this module is about

from __future__ import annotations

from typing import Any

import aioice.ice
import aiortc
import aiortc.codecs
import aiortc.rtcdtlstransport
import aiortc.rtcrtpreceiver
from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtpHeaderExtensionParameters
from aiortc.rtp import RtpPacket

from mocks.signaling.clerk import twcc

# Any: these modules are changed here, which types forbid on purpose
dtls: Any = aiortc.rtcdtlstransport
receiver: Any = aiortc.rtcrtpreceiver

AIORTC_VERSION = "1.16.0"
TWCC_EXTENSION_ID = 4  # in offers of the clerk; in its answers the device's identifier is kept
SUITES = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    b"ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"
)

HOOKS: tuple[tuple[object, str], ...] = (
    (aioice.ice, "get_host_addresses"),
    (dtls.RTCCertificate, "getFingerprints"),
    (dtls.RTCCertificate, "_create_ssl_context"),
    (dtls.RtpRouter, "route_rtp"),
    (dtls.RTCDtlsTransport, "_handle_rtp_data"),
    (dtls.RTCDtlsTransport, "_handle_rtcp_data"),
    (dtls.RTCDtlsTransport, "_send_rtp"),
    (dtls.RTCDtlsTransport, "_validate_peer_identity"),
    (receiver, "get_decoder"),
    (aiortc.codecs, "CODECS"),
    (aiortc.codecs, "HEADER_EXTENSIONS"),
)
RECEIVER_FIELDS = ("_RTCRtpReceiver__nack_generator", "_RTCRtpReceiver__remote_bitrate_estimator")


class StackMismatch(RuntimeError):
    """The installed media stack is not the one that the clerk was written for."""


def check() -> None:
    """Raise StackMismatch naming every hook that is missing."""
    missing = [f"{getattr(owner, '__name__', owner)}.{name}" for owner, name in HOOKS if not hasattr(owner, name)]
    if aiortc.__version__ != AIORTC_VERSION:
        missing.append(f"aiortc is {aiortc.__version__}, not {AIORTC_VERSION}")
    if missing:
        raise StackMismatch("; ".join(missing))


def install() -> None:
    """Check, then apply every change to this process. Call it once, before the first connection."""
    check()
    aioice.ice.get_host_addresses = _host_addresses(aioice.ice.get_host_addresses)
    dtls.RTCCertificate.getFingerprints = _one_fingerprint(dtls.RTCCertificate.getFingerprints)
    dtls.RTCCertificate._create_ssl_context = _with_rsa(dtls.RTCCertificate._create_ssl_context)
    dtls.RtpRouter.route_rtp = _by_mid(dtls.RtpRouter.route_rtp)
    receiver.get_decoder = lambda _codec: _NoDecoder()
    _offer_transport_feedback()


def silence_receiver(rtp_receiver: Any) -> None:
    """Take retransmission and rate feedback from the receiver of the stack: the clerk's own pipeline gives both."""
    for name in RECEIVER_FIELDS:
        if not hasattr(rtp_receiver, name):
            raise StackMismatch(f"receiver without {name}")
        setattr(rtp_receiver, name, None)


def _host_addresses(original: Any) -> Any:
    def addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        found: list[str] = original(use_ipv4, use_ipv6)
        return ["127.0.0.1", *(address for address in found if address != "127.0.0.1")]

    return addresses


def _one_fingerprint(original: Any) -> Any:
    def fingerprints(certificate: Any) -> list[Any]:
        return [each for each in original(certificate) if each.algorithm == "sha-256"]

    return fingerprints


def _with_rsa(original: Any) -> Any:
    def context(certificate: Any, srtp_profiles: Any) -> Any:
        made = original(certificate, srtp_profiles)
        made.set_cipher_list(SUITES)
        return made

    return context


def _by_mid(original: Any) -> Any:
    def route(router: Any, packet: RtpPacket) -> Any:
        found = router.mid_table.get(packet.extensions.mid) if packet.extensions.mid else None
        if found is not None:
            router.ssrc_table[packet.ssrc] = found  # later packets leave the extension out
        return original(router, packet)

    return route


def _offer_transport_feedback() -> None:
    for kind in ("audio", "video"):
        extensions = aiortc.codecs.HEADER_EXTENSIONS[kind]
        extensions.append(RTCRtpHeaderExtensionParameters(id=TWCC_EXTENSION_ID, uri=twcc.URI))
    for codec in aiortc.codecs.CODECS["video"]:
        if codec.rtcpFeedback:
            kept = [feedback for feedback in codec.rtcpFeedback if feedback.type != "goog-remb"]
            codec.rtcpFeedback[:] = [*kept, RTCRtcpFeedback(type="transport-cc")]


class _NoDecoder:
    """Stands where the receiver keeps its decoder and gives no frames."""

    def decode(self, _encoded: object) -> list[object]:
        return []
