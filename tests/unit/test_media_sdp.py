"""The clerk's SDP normaliser: lawful descriptions get through, and what was changed is named."""

from __future__ import annotations

import pytest

from mocks.signaling.clerk import sdp

TAGGED = [
    "a=ice-ufrag:abcd", "a=ice-pwd:0123456789012345678901", "a=fingerprint:sha-256 AA:BB", "a=setup:actpass", "a=rtcp-mux",
]
AUDIO = ["m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", "a=mid:0", "a=rtpmap:111 opus/48000/2"]
VIDEO = [
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97", "c=IN IP4 0.0.0.0", "a=mid:1", "a=rtpmap:96 VP8/90000", "a=rtpmap:97 rtx/90000",
    "a=fmtp:97 apt=96",
]
HEAD = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1"]


def text(*parts: list[str], end: str = "\r\n") -> str:
    return end.join(line for part in parts for line in part) + end


def test_what_is_readable_stays_as_it_is() -> None:
    offer = text(HEAD, AUDIO, TAGGED, VIDEO, TAGGED)
    assert sdp.normalise(offer) == (offer, [])


def test_transport_of_the_tagged_section_is_spread() -> None:
    readable, changes = sdp.normalise(text(HEAD, AUDIO, TAGGED, VIDEO))
    assert len(changes) == len(TAGGED)
    video = sdp.parse(readable).sections[1]
    assert [video.attribute(name) for name in ("ice-ufrag", "setup", "rtcp-mux")] == ["abcd", "actpass", ""]


def test_transport_at_session_level_is_left_there() -> None:
    offer = text(HEAD, TAGGED, AUDIO, VIDEO)
    assert sdp.normalise(offer) == (offer, [])


def test_sections_outside_the_bundle_get_nothing() -> None:
    head = [*HEAD[:4], "a=group:BUNDLE 0"]
    readable, _ = sdp.normalise(text(head, AUDIO, TAGGED, VIDEO))
    assert sdp.parse(readable).sections[1].attribute("ice-ufrag") is None


def test_bare_line_feeds_and_lower_case_transport() -> None:
    video = [VIDEO[0].replace("UDP/TLS/RTP/SAVPF", "udp/tls/rtp/savpf"), *VIDEO[1:]]
    readable, changes = sdp.normalise(text(HEAD, AUDIO, TAGGED, video, TAGGED, end="\n"))
    assert readable == text(HEAD, AUDIO, TAGGED, VIDEO, TAGGED)
    assert changes == ["line ends", "section 1: transport in capitals"]


def test_formats_that_the_section_does_not_list_are_dropped() -> None:
    readable, changes = sdp.normalise(text(HEAD, AUDIO, TAGGED, [*VIDEO, "a=fmtp:125 x=1"], TAGGED))
    assert "125" not in readable
    assert len(changes) == 1


def test_candidates_reach_every_section_of_the_bundle_and_never_end_in_the_text() -> None:
    candidate = "a=candidate:1 1 udp 1 127.0.0.1 9 typ host"
    ends = [candidate, "a=end-of-candidates"]
    readable, _ = sdp.normalise(text(HEAD, AUDIO, TAGGED, ends, VIDEO, TAGGED, ["a=end-of-candidates"]))
    assert [section.attributes("candidate") for section in sdp.parse(readable).sections] == [[candidate[12:]]] * 2
    assert "end-of-candidates" not in readable


def test_missing_mid_is_numbered() -> None:
    readable, changes = sdp.normalise(text(HEAD[:4], [line for line in AUDIO if "mid" not in line], TAGGED))
    assert sdp.parse(readable).sections[0].attribute("mid") == "0"
    assert changes == ["section 0: mid added"]


def test_rejected_sections_stay_rejected_in_the_answer() -> None:
    offer = text(HEAD, AUDIO, TAGGED, [VIDEO[0].replace(" 9 ", " 0 "), *VIDEO[1:]], TAGGED)
    answer = sdp.parse(sdp.restore_rejected(text(HEAD, AUDIO, TAGGED, VIDEO, TAGGED), offer))
    assert [section.port for section in answer.sections] == [9, 0]
    assert answer.bundled() == ["0"]
    assert answer.sections[1].attribute("inactive") == ""


def test_bundle_only_is_no_rejection() -> None:
    video = [VIDEO[0].replace(" 9 ", " 0 "), *VIDEO[1:], "a=bundle-only"]
    answer = text(HEAD, AUDIO, TAGGED, VIDEO, TAGGED)
    assert sdp.restore_rejected(answer, text(HEAD, AUDIO, TAGGED, video, TAGGED)) == answer


def test_start_rate_is_told_once_and_only_for_formats_without_parameters() -> None:
    answer = sdp.start_rate(text(HEAD, AUDIO, VIDEO), 1200)
    assert answer.count("a=fmtp:96 x-google-start-bitrate=1200") == 1
    assert sdp.start_rate(answer, 1200) == answer


def test_tables_of_a_section() -> None:
    section = sdp.parse(text(HEAD, [*VIDEO, "a=ssrc:77 cname:x", "a=extmap:3/sendonly urn:x"])).sections[0]
    assert sdp.codecs(section) == {96: "VP8", 97: "RTX"}
    assert sdp.retransmission_of(section) == {97: 96}
    assert sdp.sources(section) == {77}
    assert sdp.extension_id(sdp.parse(text(HEAD, ["m=video 9 x 96", "a=extmap:3/sendonly urn:x"])), "urn:x") == 3


@pytest.mark.parametrize("value", ["", "v=0\r\n", "m=video\r\n", "m=video x y z\r\na=mid\r\n", "\x00\r\nm=\r\n"])
def test_no_text_makes_it_fail(value: str) -> None:
    readable, _ = sdp.normalise(value)
    assert sdp.normalise(readable)[0] == readable
