"""A verdict rests on its journal and on nothing else: judged again it is the same, and an edit moves what rests on it."""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from mutants import STORIES
from typer.testing import CliRunner

from conformance.bench.memorylab import MemoryLab
from conformance.bench.outputs import JOURNAL
from conformance.bench.plan import Selection
from conformance.bench.rejudge import NoRun, Rejudged, rejudge
from conformance.cli import app
from conformance.iut.device_file import load_device
from conformance.protocol.httpwire import parse_request, render_request
from conformance.trace.journal import GENESIS
from conformance.verdict import exitcode
from conformance.verdict.model import ClauseResult, RunResult, Verdict

REFERENCE = Path(__file__).resolve().parents[2] / "devices" / "reference.toml"
Line = dict[str, Any]
SHIFT_S = 1.2  # twice what a reply may take; too little to show in the dates that the city gives


@cache
def lab() -> MemoryLab:
    return MemoryLab()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunResult, Path]:
    """A run that passed, and its directory."""
    directory = tmp_path_factory.mktemp("run")
    result = lab().run(load_device(REFERENCE), selection=Selection(cases=STORIES), journal=directory / JOURNAL)
    assert result.verdict is Verdict.PASS
    return result, directory


def lines_of(directory: Path) -> list[Line]:
    return [json.loads(line) for line in (directory / JOURNAL).read_bytes().splitlines()]


def copy(directory: Path, target: Path, lines: list[Line], *, chained: bool = True) -> Path:
    """A run directory with these lines; `chained` makes the chain anew, as a careful forger would."""
    target.mkdir(exist_ok=True)
    blobs = directory / "blobs"
    if blobs.is_dir() and not (target / "blobs").exists():
        (target / "blobs").symlink_to(blobs)
    prev, written = GENESIS, []
    for line in lines:
        data = json.dumps({**line, "prev": prev} if chained else line, ensure_ascii=False, separators=(",", ":")).encode()
        prev = hashlib.sha256(data).hexdigest()
        written.append(data + b"\n")
    (target / JOURNAL).write_bytes(b"".join(written))
    return target


def moved(before: RunResult, after: RunResult) -> dict[str, Verdict]:
    """Clauses whose verdict is another one now."""
    old = {c.id: c.verdict for c in before.clauses}
    return {c.id: c.verdict for c in after.clauses if c.verdict is not old[c.id]}


def clause(result: RunResult, name: str) -> ClauseResult:
    return next(c for c in result.clauses if c.id == name)


def test_judged_again_it_is_the_same_to_the_last_finding(recorded: tuple[RunResult, Path]) -> None:
    live, directory = recorded
    again = rejudge(directory)
    assert again.read.intact
    assert again.result.clauses == live.clauses
    assert again.result.cases == live.cases
    assert (again.result.verdict, again.result.gate, again.result.exit_code) == (live.verdict, live.gate, live.exit_code)
    assert again.result.notes == live.notes
    assert json.loads(json.dumps(again.result.head)) == json.loads(json.dumps(live.head))


def test_it_needs_no_result_and_no_report(recorded: tuple[RunResult, Path], tmp_path: Path) -> None:
    live, directory = recorded
    (directory / "result.json").write_text('{"verdict": "fail"}')
    beside = rejudge(directory)
    (directory / "result.json").unlink()
    assert beside.result == rejudge(directory).result
    assert rejudge(copy(directory, tmp_path / "bare", lines_of(directory))).result.clauses == live.clauses


def test_there_must_be_a_run(tmp_path: Path) -> None:
    with pytest.raises(NoRun, match="does not exist"):
        rejudge(tmp_path)
    (tmp_path / JOURNAL).write_bytes(b"")
    with pytest.raises(NoRun, match="no readable head"):
        rejudge(tmp_path)


# Edits, with the chain made anew: exactly what rests on the line moves.


def first(lines: list[Line], wanted: Callable[[Line], bool]) -> Line:
    return next(line for line in lines if wanted(line))


def requests(lines: list[Line], path: str) -> list[Line]:
    return [x for x in lines if x["kind"] == "http.request" and f"{path} HTTP" in x.get("raw", "").split("\r\n")[0]]


def frames(lines: list[Line], method: str, sender: str = "iut") -> list[Line]:
    return [x for x in lines if x["kind"] == "ws.frame" and x["dir"] == sender and f'"method":"{method}"' in x.get("raw", "")]


def undisturbed(lines: list[Line]) -> bool:
    """Whether nothing happened that begins the count of heartbeats anew, or excuses one."""
    return not any(x["kind"] in ("conn.close", "ws.close", "ws.upgrade", "fault.start", "fault.end") for x in lines)


def edited(
    recorded: tuple[RunResult, Path], tmp_path: Path, edit: Callable[[list[Line]], None]
) -> tuple[Rejudged, dict[str, Verdict]]:
    live, directory = recorded
    lines = lines_of(directory)
    edit(lines)
    again = rejudge(copy(directory, tmp_path / "edited", lines))
    assert again.read.intact, "the chain was made anew"
    return again, moved(live, again.result)


def test_a_signature_that_was_bad(recorded: tuple[RunResult, Path], tmp_path: Path) -> None:
    def edit(lines: list[Line]) -> None:
        requests(lines, "/tickets")[0]["facts"]["signature"].update(ok=False, reason="edited")

    again, changed = edited(recorded, tmp_path, edit)
    assert changed
    assert set(changed.values()) == {Verdict.FAIL}
    assert all(name.startswith("SEC-") for name in changed)
    assert (again.result.verdict, again.result.exit_code) == (Verdict.FAIL, exitcode.FAIL)


def test_another_level_than_the_resident_pressed(recorded: tuple[RunResult, Path], tmp_path: Path) -> None:
    levels = ["very_satisfied", "satisfied", "basically_satisfied", "dissatisfied", "very_dissatisfied"]

    def edit(lines: list[Line]) -> None:
        line = first(lines, lambda x: x in requests(lines, "/ratings") and '"rated"' in x["raw"])
        request = parse_request(line["raw"].encode())
        body = json.loads(request.body)
        body["level"] = levels[(levels.index(body["level"]) + 1) % 3]
        headers = [h for h in request.headers if h[0] != "content-length"]
        line["raw"] = render_request(request.method, request.target, headers, json.dumps(body).encode()).decode()

    _, changed = edited(recorded, tmp_path, edit)
    assert changed
    assert all(name.startswith("RAT-") for name in changed), changed
    assert Verdict.FAIL in changed.values()


def test_a_heartbeat_taken_out_is_seen_as_a_hole_in_the_record(recorded: tuple[RunResult, Path], tmp_path: Path) -> None:
    def edit(lines: list[Line]) -> None:
        lines.remove(frames(lines, "heartbeat")[2])

    again, changed = edited(recorded, tmp_path, edit)
    assert again.result.verdict is Verdict.ERROR
    assert again.result.exit_code == exitcode.BENCH
    assert Verdict.FAIL not in changed.values()
    assert any("missing, doubled or out of order" in note.get("text", "") for note in again.result.notes)


def test_a_heartbeat_that_never_was(recorded: tuple[RunResult, Path], tmp_path: Path) -> None:
    """The forger turns the heartbeat and its answer into something else and leaves no hole: the clauses about it tell."""

    def edit(lines: list[Line]) -> None:
        beats = frames(lines, "heartbeat")
        rows = [(x, y, lines[x["n"] : z["n"]]) for x, y, z in zip(beats, beats[1:], beats[2:], strict=False)]
        beat = next(y for x, y, part in rows if undisturbed(part))
        beat["raw"] = beat["raw"].replace('"method":"heartbeat"', '"method":"heartbeet"')

    _, changed = edited(recorded, tmp_path, edit)
    assert changed.get("HBT-001") is Verdict.FAIL
    assert all(verdict is Verdict.FAIL for verdict in changed.values())


def test_a_reply_that_came_too_late(recorded: tuple[RunResult, Path], tmp_path: Path) -> None:
    """Everything from the reply on is moved by 1.2 s, so that stamps stay in order; the loop's own time with it."""

    def edit(lines: list[Line]) -> None:
        asked = frames(lines, "ticket.called", "bench")[0]
        call_id = json.loads(asked["raw"])["id"]
        reply = first(
            lines, lambda x: x["n"] > asked["n"] and x["dir"] == "iut" and x["kind"] == "ws.frame"
            and '"result"' in x["raw"] and json.loads(x["raw"]).get("id") == call_id,
        )  # fmt: skip
        for line in lines[reply["n"] :]:
            line["t"] += SHIFT_S
            if line["kind"] == "bench.lag":
                line["facts"]["loop_s"] += SHIFT_S

    again, changed = edited(recorded, tmp_path, edit)
    assert changed.get("CHN-004") is Verdict.FAIL
    shown = [v.seen for f in clause(again.result, "CHN-004").findings for v in f.outcome.violated]
    assert any(text.startswith("after 12") for text in shown)


def test_stamps_alone_betray_an_edit(recorded: tuple[RunResult, Path], tmp_path: Path) -> None:
    def edit(lines: list[Line]) -> None:
        frames(lines, "heartbeat")[2]["t"] += 2.0

    again, changed = edited(recorded, tmp_path, edit)
    assert again.result.verdict is Verdict.ERROR
    assert Verdict.FAIL not in changed.values()


def test_without_a_new_chain_the_break_is_told_with_its_line(recorded: tuple[RunResult, Path], tmp_path: Path) -> None:
    live, directory = recorded
    lines = lines_of(directory)
    victim = requests(lines, "/ratings")[0]
    victim["facts"]["edited"] = True
    again = rejudge(copy(directory, tmp_path / "broken", lines, chained=False))
    told = [note for note in again.result.notes if note["kind"] == "journal-broken"]
    assert f"line {victim['n'] + 2}: does not follow from the line before" in told[0]["breaks"]
    assert again.result.verdict is Verdict.ERROR
    assert again.result.exit_code == exitcode.BENCH
    assert live.verdict is Verdict.PASS


def test_an_edit_without_a_new_chain_blames_nobody(recorded: tuple[RunResult, Path], tmp_path: Path) -> None:
    """The clauses that rest on the line are shown as they come out; the run is an error of the record, not the device's."""
    _, directory = recorded
    lines = lines_of(directory)
    requests(lines, "/tickets")[0]["facts"]["signature"].update(ok=False, reason="edited")
    result = rejudge(copy(directory, tmp_path / "broken", lines, chained=False)).result
    assert [c.id for c in result.clauses if c.verdict is Verdict.FAIL]
    assert (result.verdict, result.gate, result.exit_code) == (Verdict.ERROR, Verdict.ERROR, exitcode.BENCH)


def test_another_pack_s_verdicts_go_beside_those_of_the_run(recorded: tuple[RunResult, Path], tmp_path: Path) -> None:
    _, directory = recorded
    run = copy(directory, tmp_path / "run", lines_of(directory))
    other = tmp_path / "other" / "9.9"
    shutil.copytree(lab().spec.root, other)
    pack_file = other / "pack.yaml"
    pack_file.write_text(re.sub(r"(?m)^version:.*$", 'version: "9.9"', pack_file.read_text("utf-8")), encoding="utf-8")
    (run / "result.json").write_text("the run's own", encoding="utf-8")
    done = CliRunner().invoke(app, ["rejudge", str(run), "--pack", str(other), "--lang", "en"])
    assert (run / "result.json").read_text("utf-8") == "the run's own", done.output
    assert not (run / "report.html").exists()
    beside = run / "rejudged-shanghai-rvw-9.9"
    assert {"result.json", "report.html", "junit.xml", "allure-results"} <= {path.name for path in beside.iterdir()}
    assert str(run / JOURNAL) in done.output.replace("\n", ""), "the journal that is named exists"


def test_a_kept_pack_that_was_altered_judges_nothing(recorded: tuple[RunResult, Path], tmp_path: Path) -> None:
    _, directory = recorded
    run = copy(directory, tmp_path / "run", lines_of(directory))
    shutil.copytree(lab().spec.root, run / "pack")
    assert rejudge(run).spec.digest == lab().spec.digest
    milder = run / "pack" / "clauses" / "PRV.yaml"
    milder.write_text(milder.read_text("utf-8").replace("level: MUST", "level: MAY", 1), encoding="utf-8")
    with pytest.raises(NoRun, match="is not the pack of this run"):
        rejudge(run)
    assert rejudge(run, str(run / "pack")).spec.digest != lab().spec.digest, "who wants that says so"


def test_cut_anywhere_it_is_judged_up_to_there_and_never_fails(recorded: tuple[RunResult, Path], tmp_path: Path) -> None:
    """What a killed run leaves: a beginning. A good device has done nothing wrong in any of them."""
    _, directory = recorded
    raw = (directory / JOURNAL).read_bytes()
    copy(directory, tmp_path / "cut", [])
    rng = random.Random(1)
    first_line = raw.index(b"\n") + 1
    cuts = sorted({first_line, *(rng.randrange(first_line, len(raw)) for _ in range(24)), len(raw) - 1})
    for cut in cuts:
        (tmp_path / "cut" / JOURNAL).write_bytes(raw[:cut])
        again = rejudge(tmp_path / "cut")
        assert again.read.intact
        failed = [c.id for c in again.result.clauses if c.verdict is Verdict.FAIL]
        assert failed == [], (cut, failed)
        assert again.result.verdict is not Verdict.FAIL
        if b'"run.end"' not in raw[:cut]:
            assert again.result.verdict is not Verdict.PASS, cut
