"""Campaigns, baselines, labs and running devices, as a user starts them."""

from __future__ import annotations

import json
import os
import ssl
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from conformance.bench.campaign import Campaign, settle
from conformance.bench.lab import init_lab, load_lab
from conformance.bench.prepare import Options, prepare
from conformance.verdict.model import Verdict
from tests.selftest.command import begin, cases_of, device_file, free_ports, running_reference, rvw, wait_for_line

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
        context = ssl.create_default_context(cadata=lab.root_pem)
        base = f"https://127.0.0.1:{http}/doctor"
        page = urllib.request.urlopen(base, context=context, timeout=5).read().decode()
        assert f'new WebSocket("wss://127.0.0.1:{ws}/doctor")' in page
        assert "TLSv1." in page
        server_ms = json.loads(urllib.request.urlopen(f"{base}/time", context=context, timeout=5).read())["server_time_ms"]
        assert abs(server_ms - time.time() * 1000) < 5000
    finally:
        process.terminate()
        process.communicate(timeout=10)


def _journal(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "journal.jsonl").read_text("utf-8").splitlines()]
