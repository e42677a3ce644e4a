"""A device that never comes, and what happens half way: the right exit code, a journal to judge, and a run that goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from conformance.trace.journal import read_journal
from tests.selftest.command import begin, cases_of, device_file, rvw, wait_for_line

QUICK = ("--seed", "1", "--lang", "en")
SOME = "que.swipe or que.cancel or que.on-behalf or que.duplicate"  # a few short cases, to be stopped among them
PASS, FAIL, USAGE, INCONCLUSIVE, BENCH = range(5)
FOREIGN = "11010519491231002X"  # an identity number that is no resident's of the run

# No device: exit 3


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["{python}", "-c", "import sys; sys.exit('no camera found')"], "no camera found"),
        (["{python}", "-c", "print('hello')"], "no ready line"),
        (["rvw-no-such-command"], "cannot be started"),
    ],
)
def test_a_device_that_does_not_start_is_no_failure_of_it(tmp_path: Path, command: list[str], told: str) -> None:
    device = device_file(tmp_path, "absent", f"[driver]\ncommand = {json.dumps(command)}\n")
    code, text = rvw("run", "--device", device, "--out", tmp_path / "run", *QUICK, "-k", "que.swipe or reg.first")
    assert (code, told in text) == (INCONCLUSIVE, True), text
    assert read_journal(tmp_path / "run" / "journal.jsonl").intact
    assert {row["blame"] for row in _result(tmp_path / "run")["cases"] if row["verdict"] == "inconclusive"} == {"environment"}


@pytest.mark.sockets
def test_the_last_words_of_a_device_are_masked_and_clean(tmp_path: Path) -> None:
    lines = ["import json, sys", "keys = json.loads(sys.stdin.readline())['keys']",
             f"sys.exit('\\x1b[31mmy key is ' + keys['device']['secret_b64'] + ', card {FOREIGN}')"]  # fmt: skip
    command = ["{python}", "-c", "\n".join(lines)]
    device = device_file(tmp_path, "chatty", f"[driver]\ncommand = {json.dumps(command)}\n")
    code, text = rvw("run", "--device", device, "--out", tmp_path / "run", *QUICK, "-k", "que.swipe")
    assert (code, "\\x1b[31mmy key is ~key." in text) == (INCONCLUSIVE, True), text
    assert (FOREIGN in text, "\x1b" in text) == (False, False), text


@pytest.mark.sockets
def test_a_running_device_that_never_comes_is_absent(tmp_path: Path) -> None:
    away = '[driver]\nkind = "running"\nready_timeout_s = 0.5\n[upper_tester]\nurl = "http://127.0.0.1:9"\n'
    device = device_file(tmp_path, "never", away, 'remote_device_url = "https://127.0.0.1:9/device/v1"')
    code, text = rvw("run", "--device", device, "--out", tmp_path / "run", *QUICK, "-k", "que.swipe")
    assert (code, "no device registered within 0.5 s" in text) == (INCONCLUSIVE, True), text
    assert (tmp_path / "run" / "report.html").is_file()


# Half way


DIES = """
import json, subprocess, sys, threading
document = sys.stdin.readline()
pipes = dict(stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8")
child = subprocess.Popen([sys.executable, "-m", "mocks.devices.reference"], **pipes)
child.stdin.write(document); child.stdin.flush()
for line in child.stderr:
    if {word!r} in line:
        sys.stderr.write("fatal: out of memory\\n")
        child.kill()
        raise SystemExit(3)
"""


@pytest.mark.sockets
def test_a_device_that_dies_where_it_must_live_has_failed(tmp_path: Path) -> None:
    script = tmp_path / "dies.py"
    script.write_text(DIES.format(word="读卡完成"), encoding="utf-8")
    device = device_file(tmp_path, "dies", f"[driver]\ncommand = {json.dumps(['{python}', str(script)])}\n")
    code, text = rvw("run", "--device", device, "--out", tmp_path / "run", *QUICK, "-k", "per.id-card and not removed")
    assert code == FAIL, text
    failed = {row["clause"] for row in _result(tmp_path / "run")["clauses"] if row["verdict"] == "fail"}
    assert "ROB-007" in failed, text
    assert "fatal: out of memory" in (tmp_path / "run" / "journal.jsonl").read_text("utf-8"), "its last words are on record"


@pytest.mark.sockets
@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
def test_a_full_disk_is_the_bench_s_error(tmp_path: Path) -> None:
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))

    out = tmp_path / "run"
    code, text = rvw(
        "run", "--device", device_file(tmp_path, "disk"), "--out", out, *QUICK, "-k", "que. or chn. or reg.", preexec_fn=limit
    )
    assert (code, "cannot be written" in text) == (BENCH, True), text
    read = read_journal(out / "journal.jsonl")
    assert read.intact
    assert len(read.observations) > 20
    assert rvw("rejudge", out, *QUICK[2:])[0] in (INCONCLUSIVE, BENCH)


@pytest.mark.sockets
@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM is POSIX")
def test_a_pipeline_that_gives_up_gets_its_files(tmp_path: Path) -> None:
    out, device = tmp_path / "run", device_file(tmp_path, "gives-up")
    process = begin("run", "--device", device, "--out", out, *QUICK, "-k", "que.")
    told = wait_for_line(process, "[  2/")
    process.terminate()
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == INCONCLUSIVE, told + rest
    assert {path.name for path in out.iterdir()} >= {"journal.jsonl", "result.json", "report.html", "junit.xml"}
    assert read_journal(out / "journal.jsonl").intact
    assert _unfinished(out) == ["somebody stopped it"]


@pytest.mark.sockets
@pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX")
def test_ctrl_c_seals_and_writes_and_resume_goes_on(tmp_path: Path) -> None:
    out, device = tmp_path / "run", device_file(tmp_path, "ctrlc")
    process = begin("run", "--device", device, "--out", out, *QUICK, "-k", SOME, start_new_session=True)
    told = wait_for_line(process, "[  2/")
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: everything that is in the foreground is told
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == INCONCLUSIVE, told + rest
    assert "rvw resume" in rest
    assert {path.name for path in out.iterdir()} >= {"journal.jsonl", "result.json", "report.html", "junit.xml"}
    before = cases_of(out)
    code, text = rvw("resume", out, *QUICK[2:])
    after = cases_of(out)
    assert code in (PASS, INCONCLUSIVE), text
    assert set(after.values()) == {"pass"}, text
    assert before.keys() <= after.keys()
    assert len(after) == _planned(out)


@pytest.mark.sockets
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
def test_after_kill_9_the_journal_is_judged_and_resume_finishes(tmp_path: Path) -> None:
    out, device = tmp_path / "run", device_file(tmp_path, "killed")
    process = begin("run", "--device", device, "--out", out, *QUICK, "-k", SOME)
    wait_for_line(process, "[  3/")
    process.kill()
    process.communicate(timeout=60)
    code, text = rvw("rejudge", out, *QUICK[2:])
    assert (code, (out / "report.html").is_file()) == (INCONCLUSIVE, True), text
    assert len(_unfinished(out)) == 1, "nobody takes a record without an end for a whole one"
    code, text = rvw("resume", out, *QUICK[2:])
    assert _unfinished(out) == []
    assert set(cases_of(out).values()) == {"pass"}, text
    assert len(cases_of(out)) == _planned(out)
    read = read_journal(out / "journal.jsonl")
    segments = [row for row in read.observations if row.kind == "segment"]
    assert (read.intact, len(segments), len(segments[0].facts["after"])) == (True, 1, 64)
    verdicts = _verdicts(out)
    again = rvw("rejudge", out, *QUICK[2:])
    assert (again[0], _verdicts(out)) == (code, verdicts)
    assert rvw("resume", out, *QUICK[2:])[0] == code, "a run that is through is only judged again"


@pytest.mark.sockets
def test_resume_refuses_what_is_no_longer_the_same(tmp_path: Path) -> None:
    out, device = tmp_path / "run", device_file(tmp_path, "changed")
    process = begin("run", "--device", device, "--out", out, *QUICK, "-k", "que.")
    wait_for_line(process, "[  1/")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    device.write_text(device.read_text("utf-8") + 'firmware = "9.9.9"\n', encoding="utf-8")
    code, text = rvw("resume", out)
    assert (code, "firmware was '2.4.1'" in text) == (USAGE, True), text
    shutil.rmtree(out)
    assert rvw("resume", out)[0] == USAGE


@pytest.mark.sockets
def test_two_runs_on_one_device_do_not_meet(tmp_path: Path) -> None:
    device = device_file(tmp_path, "twice")
    first = begin("run", "--device", device, "--out", tmp_path / "a", *QUICK, "-k", "que.")
    wait_for_line(first, "[  1/")
    code, text = rvw("run", "--device", device, "--out", tmp_path / "b", *QUICK, "-k", "que.swipe")
    assert (code, "is running tests on the device" in text) == (USAGE, True), text
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=60)


def _result(out: Path) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = json.loads((out / "result.json").read_text("utf-8"))
    return found


def _unfinished(out: Path) -> list[str]:
    return [note["text"] for note in _result(out)["notes"] if note["kind"] == "unfinished"]


def _verdicts(out: Path) -> dict[str, str]:
    return {row["clause"]: row["verdict"] for row in _result(out)["clauses"]}


def _planned(out: Path) -> int:
    plan = next(row for row in read_journal(out / "journal.jsonl").observations if row.kind == "plan")
    return len(plan.facts["cases"])
