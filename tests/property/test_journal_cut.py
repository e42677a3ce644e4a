"""A journal survives a cut at any byte: everything whole before the cut is read, nothing is invented."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.trace.journal import JournalWriter, read_journal, reopen
from conformance.trace.observation import Observation


def write(path: Path, payloads: list[bytes]) -> bytes:
    writer = JournalWriter(path)
    for n, raw in enumerate(payloads):
        writer.append(Observation(n, n / 10, "case", "I2", "iut", "ws.frame", raw, {"conn": "c1"}))
    writer.close()
    return path.read_bytes()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=8), st.data())
def test_cut_anywhere(payloads: list[bytes], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "journal.jsonl"
        whole = write(path, payloads)
        cut = data.draw(st.integers(0, len(whole)))
        path.write_bytes(whole[:cut])
        read = read_journal(path)
        lines = whole[: cut + 1].count(b"\n")  # a line of which only the end-of-line is missing is whole
        assert [o.raw for o in read.observations] == payloads[:lines]
        assert read.intact
        assert read.torn is (cut > 0 and whole[cut - 1 : cut] != b"\n" and whole[cut : cut + 1] != b"\n")
        # Going on after the crash: a segment names the last good line, and the whole is intact again.
        writer, before = reopen(path)
        writer.append(Observation(lines, 99.0, "", "", "-", "segment", b"", {"after": before.last_digest}))
        writer.close()
        again = read_journal(path)
        assert again.intact
        assert len(again.observations) == lines + 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=20), min_size=2, max_size=6), st.data())
def test_an_edit_of_any_line_but_the_last_shows(payloads: list[bytes], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "journal.jsonl"
        write(path, payloads)
        lines = path.read_text().splitlines()
        victim = data.draw(st.integers(0, len(lines) - 2))
        edited = json.loads(lines[victim])
        edited["t"] += 1
        lines[victim] = json.dumps(edited)
        path.write_text("\n".join(lines) + "\n")
        assert [b.line for b in read_journal(path).breaks] == [victim + 2]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=20), min_size=3, max_size=6), st.data())
def test_a_line_taken_out_shows(payloads: list[bytes], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "journal.jsonl"
        write(path, payloads)
        lines = path.read_text().splitlines()
        del lines[data.draw(st.integers(0, len(lines) - 2))]
        path.write_text("\n".join(lines) + "\n")
        assert not read_journal(path).intact
