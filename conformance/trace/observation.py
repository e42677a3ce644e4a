"""One observation: the only thing that a run leaves behind, and the only thing that a rule may look at."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import orjson

Dir = Literal["iut", "bench", "-"]  # who caused it: the device, the bench on the wire, or neither (waits, stimuli, media)

RECORD_VERSION = 1
BLOB_FLOOR = 16 * 1024  # payloads above this many bytes are stored as blobs named by digest (decision 10)


@dataclass(slots=True)
class Observation:
    """One line of the journal. Written once; not frozen only because freezing triples what making one costs.

    `t` is seconds on the run's monotonic clock since the start of the run, in whole microseconds. `raw` is what was on the
    wire after masking: for HTTP the whole request or response, for a WebSocket the payload of one frame (its header bits are
    in `facts`).
    """

    n: int
    t: float
    case: str
    iface: str
    dir: Dir
    kind: str
    raw: bytes = b""
    facts: Mapping[str, Any] = field(default_factory=dict)
    blob: str = ""

    def as_json(self) -> dict[str, Any]:
        """The line without `prev`, ready for canonical JSON."""
        line: dict[str, Any] = {
            "v": RECORD_VERSION, "n": self.n, "t": self.t, "case": self.case, "iface": self.iface,
            "dir": self.dir, "kind": self.kind,
        }
        if self.blob:
            line["blob"] = self.blob
        elif self.raw:
            try:
                line["raw"] = self.raw.decode("utf-8")
            except UnicodeDecodeError:
                line["raw_b64"] = base64.b64encode(self.raw).decode("ascii")
        if self.facts:
            line["facts"] = self.facts
        return line

    def as_line(self, prev: str) -> bytes:
        """The line of the journal, without its line end, after a line whose digest is `prev`."""
        line = self.as_json()
        line["prev"] = prev
        return orjson.dumps(line, default=str)

    @classmethod
    def from_json(cls, line: Mapping[str, Any], blob: bytes | None = None) -> Observation:
        """Rebuild from a parsed line. Raises KeyError or ValueError on a foreign shape."""
        if line.get("v") != RECORD_VERSION:
            raise ValueError(f"a line of format {line.get('v')!r:.20}; this harness reads format {RECORD_VERSION}")
        facts = line.get("facts", {})
        if not isinstance(facts, dict):
            raise ValueError(f"facts is an object, not {facts!r:.60}")
        if line["dir"] not in get_args(Dir):
            raise ValueError(f"dir is one of {', '.join(get_args(Dir))}, not {line['dir']!r:.60}")
        raw = blob if blob is not None else b""
        if "raw" in line:
            raw = str(line["raw"]).encode("utf-8")
        elif "raw_b64" in line:
            raw = base64.b64decode(line["raw_b64"], validate=True)
        return cls(
            n=int(line["n"]), t=float(line["t"]), case=str(line["case"]), iface=str(line["iface"]), dir=line["dir"],
            kind=str(line["kind"]), raw=raw, facts=facts, blob=str(line.get("blob", "")),
        )
