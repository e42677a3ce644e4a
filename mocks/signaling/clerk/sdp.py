"""SDP text of the two sides: what the media stack cannot read is rewritten before it reads, and named.

Conformance of SDP is judged on the raw text elsewhere; this module keeps a lawful text from failing inside the bench.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

TRANSPORT_LINES = ("ice-ufrag", "ice-pwd", "ice-options", "fingerprint", "setup", "rtcp-mux")
"""Attributes that RFC 9143 section 7.1.3 lets stand in the tagged section alone; the media stack wants them in each."""


@dataclass(slots=True)
class Section:
    """One m= section: its lines without line ends, the m= line first."""

    lines: list[str]

    @property
    def media(self) -> str:
        return self.lines[0][2:].split(" ", 1)[0]

    @property
    def port(self) -> int:
        fields = self.lines[0].split(" ")
        return int(fields[1].split("/")[0]) if len(fields) > 1 and fields[1].split("/")[0].isdigit() else 0

    @property
    def formats(self) -> list[str]:
        return self.lines[0].split(" ")[3:]

    def attribute(self, name: str) -> str | None:
        """Value of the first `a=name` line ("" for a flag), None when absent."""
        return next(iter(self.attributes(name)), None)

    def attributes(self, name: str) -> list[str]:
        return [line[len(name) + 2 :].removeprefix(":") for line in self.lines if _is(line, name)]

    def rejected(self) -> bool:
        """Port 0 without bundle-only means rejected (RFC 9429 section 5.2.2, RFC 9143 section 7.1.3)."""
        return self.port == 0 and self.attribute("bundle-only") is None


@dataclass(slots=True)
class Description:
    """A session description as sections of text lines."""

    session: list[str]
    sections: list[Section]

    def text(self) -> str:
        lines = [*self.session, *(line for section in self.sections for line in section.lines)]
        return "\r\n".join(lines) + "\r\n"

    def session_attribute(self, name: str) -> list[str]:
        return [line[len(name) + 2 :].removeprefix(":") for line in self.session if _is(line, name)]

    def bundled(self) -> list[str]:
        """Mids of the BUNDLE group, the tagged one first; empty without a group."""
        for group in self.session_attribute("group"):
            names = group.split()
            if names and names[0] == "BUNDLE":
                return names[1:]
        return []


def _is(line: str, name: str) -> bool:
    return line == f"a={name}" or line.startswith(f"a={name}:")


def parse(text: str) -> Description:
    """Split at the m= lines; any line end is taken, nothing is validated."""
    lines = [line for line in re.split(r"\r\n|\n|\r", text) if line]
    starts = [at for at, line in enumerate(lines) if line.startswith("m=")]
    bounds = [*starts, len(lines)]
    sections = [Section(lines[bounds[i] : bounds[i + 1]]) for i in range(len(starts))]
    return Description(lines[: bounds[0]], sections)


def normalise(text: str) -> tuple[str, list[str]]:
    """The same description in the form that the media stack reads, and what had to be changed for it."""
    changes: list[str] = []
    if re.search(r"(?<!\r)\n", text):
        changes.append("line ends")
    description = parse(text)
    _spread_transport(description, changes)
    _gather_candidates(description)
    for at, section in enumerate(description.sections):
        fields = section.lines[0].split(" ")
        if len(fields) > 2 and fields[2] != fields[2].upper() and fields[2].upper() == "UDP/TLS/RTP/SAVPF":
            fields[2] = fields[2].upper()
            section.lines[0] = " ".join(fields)
            changes.append(f"section {at}: transport in capitals")
        if section.attribute("mid") is None:
            section.lines.append(f"a=mid:{at}")
            changes.append(f"section {at}: mid added")
        _drop_strange_formats(section, at, changes)
    return description.text(), changes


def _spread_transport(description: Description, changes: list[str]) -> None:
    bundled = description.bundled()
    tagged = next((s for s in description.sections if bundled and s.attribute("mid") == bundled[0]), None)
    for at, section in enumerate(description.sections):
        if section.attribute("mid") not in bundled or section is tagged:
            continue
        for name in TRANSPORT_LINES:
            if section.attribute(name) is None and not description.session_attribute(name) and tagged is not None:
                lines = [line for line in tagged.lines if _is(line, name)]
                section.lines.extend(lines)
                if lines:
                    changes.append(f"section {at}: {name} of the tagged section")


def _gather_candidates(description: Description) -> None:
    """Candidates of the bundle in each of its sections, and none of their ends: of a bundle the stack reads the last section
    only, and an end of candidates there ends the call before it began. Ends come by trickling, or are not needed.
    """
    mids = description.bundled()
    bundle = [section for section in description.sections if section.attribute("mid") in mids]
    found = list(dict.fromkeys(line for section in bundle for line in section.lines if _is(line, "candidate")))
    for section in description.sections:
        section.lines[:] = [line for line in section.lines if not _is(line, "end-of-candidates")]
    for section in bundle:
        section.lines[:] = [line for line in section.lines if not _is(line, "candidate")] + found


def _drop_strange_formats(section: Section, at: int, changes: list[str]) -> None:
    if section.media not in ("audio", "video"):
        return
    known = set(section.formats)
    kept = []
    for line in section.lines:
        match = re.match(r"a=(fmtp|rtpmap|rtcp-fb):([0-9]+) ", line)
        if match and match[2] not in known:
            changes.append(f"section {at}: {match[1]} of format {match[2]}, which the m= line does not list")
        else:
            kept.append(line)
    section.lines[:] = kept


def restore_rejected(answer: str, offer: str) -> str:
    """Answer rejected sections with port 0 and outside BUNDLE (RFC 9143 section 7.3.3); the media stack revives them."""
    asked, given = parse(offer), parse(answer)
    dead = []
    for mine, theirs in zip(given.sections, asked.sections, strict=False):
        if not theirs.rejected():
            continue
        fields = mine.lines[0].split(" ")
        mid = theirs.attribute("mid") or ""
        dead.append(mid)
        maps = [line for line in mine.lines if line.startswith(f"a=rtpmap:{fields[3]} ")]
        mine.lines[:] = [
            f"{fields[0]} 0 {fields[2]} {fields[3]}", "c=IN IP4 0.0.0.0", "a=inactive", f"a=mid:{mid}", *maps,
        ]
    if dead:
        alive = [mid for mid in given.bundled() if mid not in dead]
        given.session[:] = [
            f"a=group:BUNDLE {' '.join(alive)}" if line.startswith("a=group:BUNDLE") else line for line in given.session
        ]
    return given.text()


def start_rate(answer: str, kilobits: int) -> str:
    """Hint for senders that know it: begin at this rate instead of climbing for ten seconds. Others ignore the parameter."""
    description = parse(answer)
    for section in description.sections:
        if section.media != "video":
            continue
        for format_ in _formats_named(section, "VP8"):
            if not any(value.startswith(f"{format_} ") for value in section.attributes("fmtp")):
                at = next(i for i, line in enumerate(section.lines) if line.startswith(f"a=rtpmap:{format_} "))
                section.lines.insert(at + 1, f"a=fmtp:{format_} x-google-start-bitrate={kilobits}")
    return description.text()


def _formats_named(section: Section, codec: str) -> list[str]:
    maps = (value.split(" ", 1) for value in section.attributes("rtpmap"))
    return [fields[0] for fields in maps if len(fields) == 2 and fields[1].split("/")[0].upper() == codec.upper()]


def codecs(section: Section) -> dict[int, str]:
    """Payload type -> codec name in capitals, for the formats that carry an rtpmap."""
    named = {}
    for value in section.attributes("rtpmap"):
        number, _, rest = value.partition(" ")
        if number.isdigit():
            named[int(number)] = rest.split("/")[0].upper()
    return named


def retransmission_of(section: Section) -> dict[int, int]:
    """Payload type of retransmissions -> payload type of the original (RFC 4588 section 8.6)."""
    found = {}
    for value in section.attributes("fmtp"):
        number, _, rest = value.partition(" ")
        match = re.search(r"(?:^|;)\s*apt=([0-9]+)", rest)
        if number.isdigit() and match:
            found[int(number)] = int(match[1])
    return found


def extension_id(description: Description, uri: str) -> int | None:
    """Identifier under which a header extension was agreed; the same in every bundled section (RFC 8285 section 5)."""
    for section in description.sections:
        for value in section.attributes("extmap"):
            number, _, rest = value.partition(" ")
            if rest.split(" ")[0] == uri:
                return int(number.split("/")[0])
    return None


def sources(section: Section) -> set[int]:
    """SSRCs that the section announces."""
    return {int(value.split(" ")[0]) for value in section.attributes("ssrc") if value.split(" ")[0].isdigit()}


def candidates(description: Description) -> Iterable[tuple[str, int, str]]:
    """(mid, index, candidate line value) of each candidate, once where the sections of a bundle repeat it."""
    told: set[str] = set()
    for at, section in enumerate(description.sections):
        for value in section.attributes("candidate"):
            if value not in told:
                told.add(value)
                yield section.attribute("mid") or "", at, value
