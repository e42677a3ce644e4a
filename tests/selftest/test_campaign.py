"""Campaigns, baselines, labs and running devices, as a user starts them."""

from __future__ import annotations

import json
import os
import ssl
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from conformance.bench.campaign import Campaign, settle
from conformance.bench.lab import init_lab, load_lab
from conformance.bench.memorylab import MemoryLab
from conformance.bench.outputs import JOURNAL
from conformance.bench.plan import Selection
from conformance.bench.prepare import Options, prepare
from conformance.bench.rejudge import rejudge
from conformance.cli import app
from conformance.iut.device_file import load_device
from conformance.session import _catch_up
from conformance.verdict.model import Verdict
from tests.selftest.command import REFERENCE, begin, cases_of, device_file, free_ports, running_reference, rvw, wait_for_line

QUICK = ("--seed", "1", "--lang", "en")
P, F, I, E = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR  # noqa: E741


@pytest.mark.parametrize(
    ("attempts", "stands"),
    [
        ([], None), ([P], P), ([F], F), ([F, P], F), ([F, P, P], F), ([F, P, P, P], P), ([F, P, P, I, P], F), ([P, F], F),
        ([I, P], P), ([E, P], P), ([I, F], F), ([P, I], P), ([E, I], I), ([F, P, P, P, F], F), ([F, P, P, F, P], F),
    ],
)  # fmt: skip
def test_no_retry_to_pass(attempts: list[Verdict], stands: Verdict | None) -> None:
    assert settle(attempts) is stands


@pytest.mark.sockets
def test_a_campaign_goes_on_the_next_day(tmp_path: Path) -> None:
    device, directory = device_file(tmp_path, "campaign"), tmp_path / "campaign"
    words = ("run", "--device", device, "--campaign", directory, *QUICK)
    rvw(*words, "-k", "que.swipe or que.cancel")
    assert cases_of(directory / "s001") == {"que.swipe-ticket": "pass", "que.cancel": "pass"}
    code, text = rvw(*words, "--only", "remaining", "-k", "que.swipe or que.on-behalf", "--baseline", directory / "s001")
    assert cases_of(directory / "s002") == {"que.on-behalf": "pass"}, text
    assert "clauses changed" in text
    table = json.loads((directory / "campaign.json").read_text("utf-8"))
    assert [session["directory"] for session in table["sessions"]] == ["s001", "s002"]
    assert table["settled"]["cases"] == {"que.cancel": "pass", "que.on-behalf": "pass", "que.swipe-ticket": "pass"}
    assert "campaign" in text
    assert code == 3, "what is open keeps the campaign open"
    device.write_text(device.read_text("utf-8") + 'firmware = "9.9.9"\n', encoding="utf-8")
    code, text = rvw(*words)
    assert (code, "another device build" in text, "firmware is '9.9.9'" in text) == (2, True, True), text


def test_only_not_pass_takes_what_failed_and_what_could_mend_an_open_clause(tmp_path: Path) -> None:
    prepared = prepare(Options(device=device_file(tmp_path, "choose"), seed=1))
    book = Campaign.open(tmp_path / "campaign", prepared)
    assert book.choose("not-pass", prepared) == frozenset(), "a first session runs everything"
    clause = next(iter(prepared.plan()[0].selected))[:7]
    rows = {"que.cancel": F, "que.swipe-ticket": P, "que.duplicate-swipe": P, "sec.token-refresh": I}
    book.sessions.append({
        "directory": "s001", "cases": {case: {"verdict": verdict.value} for case, verdict in rows.items()},
        "clauses": {clause: {"verdict": "pass"}, "QUE-005": {"verdict": "inconclusive"}},
    })  # fmt: skip
    chosen = book.choose("not-pass", prepared)
    assert chosen == frozenset({"que.cancel", "sec.token-refresh", "que.duplicate-swipe"})
    left = book.choose("remaining", prepared)
    assert left is not None
    assert not left & rows.keys()
    assert "que.on-behalf" in left


def test_an_open_case_stays_open_whatever_the_next_session_chooses(tmp_path: Path) -> None:
    prepared = prepare(Options(device=device_file(tmp_path, "open"), seed=1))
    book = Campaign.open(tmp_path / "campaign", prepared)
    book.begin(prepared)
    planned = len(book.table["open"])
    recorded(tmp_path / "campaign" / "s001", "que.swipe-ticket")
    for _ in range(2):
        again = rejudge(tmp_path / "campaign" / "s001")
        book.add(tmp_path / "campaign" / "s001", again.result, again.transcript, "not-pass")
        assert (len(book.table["open"]), book.verdict()) == (planned - 1, I)
    assert len(book.sessions) == 1, "what is known already is not listed again"


def recorded(run: Path, *cases: str, defect: str | None = None) -> None:
    """A session as it lies on the disk when it is killed before its entry."""
    run.mkdir()
    MemoryLab().run(load_device(REFERENCE), defect=defect, selection=Selection(cases=frozenset(cases)), journal=run / JOURNAL)


def entries(directory: Path) -> list[tuple[str, dict[str, str]]]:
    table = json.loads((directory / "campaign.json").read_text("utf-8"))
    return [(row["directory"], {case: entry["verdict"] for case, entry in row["cases"].items()}) for row in table["sessions"]]


def test_a_fail_of_a_killed_session_is_in_the_account(tmp_path: Path) -> None:
    directory, prepared = tmp_path / "campaign", prepare(Options(device=device_file(tmp_path, "killed"), seed=1))
    run = Campaign.open(directory, prepared).begin(prepared)
    assert (directory / "campaign.json").is_file(), "there is an account before there is a session"
    recorded(run, "que.swipe-ticket", "que.cancel", defect="QUE-010-cancelled-on-screen-only")
    journal = run / JOURNAL
    whole = journal.read_text("utf-8").splitlines(keepends=True)
    kept = next(n for n, line in enumerate(whole) if json.loads(line)["kind"] == "case.end") + 1
    journal.write_text("".join(whole[:kept]), encoding="utf-8")
    book = Campaign.open(directory, prepared)
    _catch_up(book, "en")
    (first,) = entries(directory)
    assert (first[0], len(first[1])) == ("s001", 1)
    assert Campaign.open(directory, prepared).unlisted() == []
    journal.write_text("".join(whole), encoding="utf-8")  # what going on adds
    code, text = told_here("resume", run)
    assert (code, "campaign" in text) == (1, True), text
    _, second = entries(directory)
    assert second[0] == "s001"
    assert not second[1].keys() & first[1].keys()
    assert "fail" in {*first[1].values(), *second[1].values()}
    assert told_here("resume", run)[0] == 1
    assert len(entries(directory)) == 2


@pytest.mark.parametrize(
    ("sessions", "told"),
    [
        ([{}], "session 1 has no directory"), (5, "no identity and sessions"), ([5], "session 1 is no object"),
        ([{"directory": "s001", "ended_at": "", "only": "", "verdict": "pass", "cases": {"a": {"verdict": "good"}}}],
         "session 1 has no cases, clauses"),
    ],
)  # fmt: skip
def test_a_damaged_account_is_told_with_its_place(tmp_path: Path, sessions: object, told: str) -> None:
    file = tmp_path / "campaign" / "campaign.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"identity": {}, "sessions": sessions}), encoding="utf-8")
    code, text = told_here("run", "--device", device_file(tmp_path, "damaged"), "--campaign", file.parent)
    assert (code, told in text, str(file) in text) == (2, True, True), text


def test_an_account_that_cannot_be_written_is_the_bench_s_trouble(tmp_path: Path) -> None:
    directory, prepared = tmp_path / "campaign", prepare(Options(device=device_file(tmp_path, "disk"), seed=1))
    run = Campaign.open(directory, prepared).begin(prepared)
    recorded(run, "que.swipe-ticket")
    (directory / "campaign.json.new").mkdir()
    code, text = told_here("resume", run)
    assert (code, "account cannot be written" in text, "campaign.json.new" in text) == (4, True, True), text


def told_here(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, done.output


@pytest.mark.sockets
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
def test_a_killed_session_goes_on_within_its_campaign(tmp_path: Path) -> None:
    directory = tmp_path / "campaign"
    process = begin("run", "--device", device_file(tmp_path, "kill"), "--campaign", directory, *QUICK, "-k", "que.swipe or que.c")
    wait_for_line(process, "[  1/")
    process.kill()
    process.communicate(timeout=60)
    assert entries(directory) == []
    code, text = rvw("resume", directory / "s001", *QUICK[2:])
    ((name, cases),) = entries(directory)
    assert (code, name, set(cases.values())) == (3, "s001", {"pass"}), text
    assert cases == cases_of(directory / "s001")


def test_a_lab_keeps_its_keys_to_itself(tmp_path: Path) -> None:
    lab = init_lab(tmp_path / "lab", advertise="127.0.0.1", listen="127.0.0.1", ports=(18443, 18444), trust="pinned")
    first = lab.identity("RVW-1", "")
    again = load_lab(tmp_path / "lab")
    assert again.identity("RVW-1", "") == first
    assert again.identity("RVW-2", "").device_keys != first.device_keys
    assert again.ca.pem == lab.ca.pem
    if os.name == "posix":
        secret = [path for path in (tmp_path / "lab").rglob("*") if path.suffix in (".key", ".json")]
        assert len(secret) == 4
        assert {path.stat().st_mode & 0o777 for path in secret} == {0o600}


@pytest.mark.sockets
def test_a_running_device_comes_by_itself_to_a_lab(tmp_path: Path) -> None:
    http, ws, tester, api = free_ports(4)
    lab_directory = tmp_path / "lab"
    code, text = rvw("lab", "init", lab_directory, "--listen", "127.0.0.1", "--ports", str(http), str(ws))
    assert (code, f"https://127.0.0.1:{http}/docking/v1" in text) == (0, True), text
    url = f"https://127.0.0.1:{api}/device/v1"
    device = device_file(
        tmp_path, "running",
        f'[driver]\nkind = "running"\nready_timeout_s = 20\n[upper_tester]\nurl = "http://127.0.0.1:{tester}"\n',
        f'remote_device_url = "{url}"\n',
    )  # fmt: skip
    child = running_reference(lab_directory, f"RVW-running-{os.getpid()}", url, (http, tester, api), tmp_path)
    try:
        code, text = rvw(
            "run", "--device", device, "--lab", lab_directory, "--out", tmp_path / "run", *QUICK, "--expect-firmware", "2.4.1",
            "-k", "que.swipe or sec.i4-good",
        )  # fmt: skip
        assert cases_of(tmp_path / "run") == {"que.swipe-ticket": "pass", "sec.i4-good": "pass"}, text
        plan = next(row for row in _journal(tmp_path / "run") if row["kind"] == "plan")
        reasons = {row["id"]: row["reason"] for row in plan["facts"]["cases_left"]}
        assert reasons["reg.first-registration"] == "the bench cannot switch the device off and on"
        code, text = rvw(
            "run", "--device", device, "--lab", lab_directory, "--out", tmp_path / "other", *QUICK, "--expect-firmware", "9.9"
        )
        assert (code, "nothing was run" in text) == (2, True), text
    finally:
        child.communicate(timeout=10)


@pytest.mark.sockets
def test_the_doctor_page_shows_what_a_device_reaches(tmp_path: Path) -> None:
    http, ws = free_ports(2)
    lab = init_lab(tmp_path / "lab", advertise="127.0.0.1", listen="127.0.0.1", ports=(http, ws), trust="ca")
    process = begin("bench", "--lab", lab.directory)
    try:
        told = wait_for_line(process, "Ctrl-C ends")
        assert f"https://127.0.0.1:{http}/doctor" in told
        assert f"ufw allow proto udp to any port {http}" in told
        context = ssl.create_default_context(cadata=lab.root_pem)
        base = f"https://127.0.0.1:{http}/doctor"
        page = urllib.request.urlopen(base, context=context, timeout=5).read().decode()
        assert f'new WebSocket("wss://127.0.0.1:{ws}/doctor")' in page
        assert "TLSv1." in page
        assert f"var ports = [{http}, " in page
        server_ms = json.loads(urllib.request.urlopen(f"{base}/time", context=context, timeout=5).read())["server_time_ms"]
        assert abs(server_ms - time.time() * 1000) < 5000
    finally:
        process.terminate()
        process.communicate(timeout=10)


def _journal(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "journal.jsonl").read_text("utf-8").splitlines()]
