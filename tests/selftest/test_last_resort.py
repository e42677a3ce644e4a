"""Damaged files, and what no command foresaw: a sentence with its place, never the exit code of a failed device."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conformance.bench.lock import DeviceBusy
from conformance.bench.memorylab import MemoryLab
from conformance.bench.outputs import JOURNAL, keep_pack
from conformance.bench.plan import Selection
from conformance.cli import app
from conformance.iut.device_file import load_device
from conformance.lastresort import Losing
from reports.console import answer, prompt, tell
from tests.selftest.command import REFERENCE, ROOT, device_file

PASS, FAIL, USAGE, INCONCLUSIVE, BENCH = range(5)


def here(*words: str | Path) -> tuple[int, str]:
    """`rvw` in this process."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run as it lies on the disk."""
    out = tmp_path_factory.mktemp("recorded")
    lab, chosen = MemoryLab(), Selection(cases=frozenset({"que.swipe-ticket"}))
    lab.run(load_device(REFERENCE), selection=chosen, journal=out / JOURNAL)
    keep_pack(lab.spec, out)
    return out


def edited(run: Path, target: Path, kind: str, facts: object) -> Path:
    """A copy of a run whose first line of a kind has other facts."""
    target.mkdir()
    lines = [json.loads(line) for line in (run / JOURNAL).read_text("utf-8").splitlines()]
    victim = next(line for line in lines if line["kind"] == kind)
    victim["facts"] = {**victim["facts"], **facts} if isinstance(facts, dict) else facts
    (target / JOURNAL).write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return target


def test_a_journal_line_of_another_shape_is_a_break_with_its_line(tmp_path: Path, recorded: Path) -> None:
    code, text = here("rejudge", edited(recorded, tmp_path / "run", "plan", []))
    assert (code, "line 2: unreadable: ValueError: facts is an object" in text) == (BENCH, True), text


def test_a_known_failure_in_the_journal_that_is_none_is_told(tmp_path: Path, recorded: Path) -> None:
    run = edited(recorded, tmp_path / "run", "run.start", {"waivers": [{"kind": "clause", "id": "QUE-001"}]})
    code, text = here("rejudge", run)
    assert (code, "broken known failure (KeyError: 'reason')" in text) == (USAGE, True), text


def test_a_run_that_is_through_with_a_damaged_pack_is_told(tmp_path: Path, recorded: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(recorded, run)
    (run / "pack" / "pack.yaml").write_text("id: [", encoding="utf-8")
    code, text = here("resume", run)
    assert (code, "pack.yaml:2: not YAML" in text) == (USAGE, True), text


def test_outputs_that_cannot_be_written_are_told(tmp_path: Path, recorded: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="ascii")
    code, text = here("rejudge", recorded, "--out", tmp_path / "file" / "below")
    assert (code, str(tmp_path / "file") in text, "--out" in text) == (USAGE, True, True), text


@pytest.mark.parametrize("words", [("spec", "show"), ("spec", "coverage"), ("spec", "check"), ("plan", "--device", REFERENCE)])
def test_a_pack_that_is_none_is_told_by_every_command(words: tuple[str | Path, ...]) -> None:
    more: tuple[str, ...] = ("nowhere",) if words[-1] == "check" else ("--pack", "nowhere")
    code, text = here(*words, *more)
    assert (code, "no pack" in text) == (USAGE, True), text


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (KeyError("gone"), BENCH, "a fault of the bench, not of the device: KeyError: 'gone'; please report it with"),
        (OSError(28, "No space left on device", "/full/file"), BENCH, "rvw: /full/file: No space left on device"),
        (KeyboardInterrupt(), INCONCLUSIVE, "rvw: 已停止 / stopped"),
        (DeviceBusy("another run"), USAGE, "rvw: another run"),
    ],
)
def test_no_crash_ends_as_if_the_device_had_failed(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, told: str
) -> None:
    def crashes(*_: object) -> None:
        raise error

    monkeypatch.setattr("conformance.bench.doctor.examine", crashes)
    done = CliRunner().invoke(app, ["doctor"])
    assert (done.exit_code, told in done.output) == (code, True), done.output
    if "report it with" in told:
        kept = Path(done.output.split("report it with ")[1].strip().replace("\n", ""))
        assert "in crashes" in kept.read_text("utf-8"), "the traceback is kept"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no such file")
@pytest.mark.parametrize(
    ("words", "streams", "code"),
    [
        (("run", "--nothing"), "2>/dev/full", USAGE),
        (("run", "--nothing"), "2>&-", USAGE),
        (("run", "--device", "nowhere"), "2>/dev/full", USAGE),
        (("spec", "check"), ">/dev/full", BENCH),
        (("spec", "check"), ">&- 2>&- <&-", PASS),
    ],
)
def test_a_stream_that_takes_nothing_does_not_change_the_exit_code(words: tuple[str, ...], streams: str, code: int) -> None:
    assert under(streams, *words).returncode == code


@pytest.mark.sockets
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no such file")
@pytest.mark.parametrize("streams", ["2>/dev/full", ">&- 2>&- <&-"])
def test_a_run_does_not_depend_on_who_reads_about_it(tmp_path: Path, streams: str) -> None:
    out = tmp_path / "run"
    words = ("--device", device_file(tmp_path, "unheard"), "--profile", "ci", "--no-prompts", "-k", "que.swipe-ticket")
    assert under(streams, "run", *words, "--out", out).returncode == PASS
    assert here("rejudge", out)[0] == PASS, "nothing but the journal has come into the journal"


def under(streams: str, *words: str | Path) -> subprocess.CompletedProcess[bytes]:
    """`rvw` from a shell that leads its streams elsewhere."""
    command = ["sh", "-c", f'exec "$@" {streams}', "sh", sys.executable, "-m", "conformance", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, timeout=90, check=False, capture_output=True)


def test_words_that_nobody_takes_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("sys.stderr", Full())
    tell("rvw: one")
    prompt("rvw: two")
    losing = Losing(Full())
    assert (losing.write("three"), losing.isatty()) == (5, False)
    monkeypatch.setattr("sys.stdout", Full())
    with pytest.raises(OSError, match="<stdout>"):
        answer("what a command was asked for")
    monkeypatch.setattr("sys.stderr", None)
    tell("rvw: four")
