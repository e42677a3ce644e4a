"""The trail that a run leaves: clock, journal and transcript, begun afresh or gone on with after a stop (decision 10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.bench.outputs import JOURNAL
from conformance.spec.model import Spec
from conformance.trace.clock import SystemClock
from conformance.trace.journal import JournalWriter, reopen
from conformance.trace.transcript import Transcript


@dataclass
class Trail:
    """Where observations go. `segment` holds the facts of the segment that begins, empty for a fresh run."""

    clock: SystemClock
    writer: JournalWriter
    transcript: Transcript
    segment: Mapping[str, Any] = field(default_factory=dict)


def fresh_trail(out: Path, spec: Spec) -> Trail:
    """A new journal in `out`. Raises OSError."""
    return Trail(SystemClock(), JournalWriter(out / JOURNAL), Transcript(spec))


def continued_trail(out: Path, spec: Spec) -> Trail:
    """The journal of `out`, read and opened for more: its clock goes on where it stopped. Raises OSError."""
    writer, read = reopen(out / JOURNAL)
    transcript = Transcript.from_observations(read.observations, spec)
    last = read.observations[-1].t if read.observations else 0.0
    segment = {"after": read.last_digest, "after_n": len(transcript) - 1, "torn": read.torn}
    return Trail(SystemClock(since=last), writer, transcript, segment)
