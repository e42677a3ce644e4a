"""Whatever is wrong with what a user gives is told before any traffic: a plain sentence, the right exit code, nothing begun."""

from __future__ import annotations

import json
import re
import socket
import sys
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from conformance.bench import hooks
from conformance.bench.hooks import HookFailed
from conformance.bench.live import LiveRun, Options, UsageProblem, prepare
from conformance.bench.outputs import JOURNAL
from conformance.bench.run import RunSession
from conformance.cli import app
from tests.selftest.command import device_file, rvw

PASS, FAIL, USAGE, INCONCLUSIVE, BENCH = range(5)
FOREIGN = "11010519491231002X"  # an identity number that is no resident's of the run


def here(*words: str | Path) -> tuple[int, str]:
    """`rvw` in this process, for what ends before a run begins."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("keyword", "told"), [("que.(", "Wrong expression passed to '-k'"), ("nosuchcase", "-k leaves no case to run")]
)
def test_a_wrong_expression_begins_no_run(tmp_path: Path, keyword: str, told: str) -> None:
    code, text = rvw("run", "--device", device_file(tmp_path, "keyword"), "--out", tmp_path / "run", "-k", keyword)
    assert (code, told in text) == (USAGE, True), text
    assert not (tmp_path / "run").exists()


def test_what_is_wrong_with_a_device_file_is_told_in_the_language_asked(tmp_path: Path) -> None:
    device = device_file(tmp_path, "lacking", '[pixit]\nsite = "x"\n[upper_tester]\nverbs = ["hello"]\n')
    assert "规范没有 PIXIT 项 site" in here("plan", "--device", device, "--lang", "zh")[1]
    assert "the pack has no PIXIT item site" in here("plan", "--device", device, "--lang", "en")[1]


def test_a_wrong_form_and_a_wrong_declaration_are_told_together(tmp_path: Path) -> None:
    device = device_file(tmp_path, "both", '[pixit]\nsite = "x"\n[driver]\nkind = "spwan"\n')
    code, text = here("plan", "--device", device, "--lang", "en")
    assert (code, "did you mean 'spawn'?" in text, "the pack has no PIXIT item site" in text) == (USAGE, True, True), text


def test_what_is_only_odd_about_a_device_file_is_told_with_the_plan(tmp_path: Path) -> None:
    device = device_file(tmp_path, "odd", '[upper_tester]\nverbs = ["hello", "card"]\n')
    code, text = here("plan", "--device", device, "--lang", "zh")
    assert (code, "上测试器缺少基本动作" in text) == (PASS, True), text
    assert "the upper tester lacks scan" in here("plan", "--device", device, "--lang", "en")[1]


def test_a_lab_is_explained_in_the_language_asked(tmp_path: Path) -> None:
    chinese = here("lab", "init", tmp_path / "one", "--advertise", "lab.example", "--lang", "zh")[1]
    english = here("lab", "init", tmp_path / "two", "--advertise", "lab.example", "--lang", "en")[1]
    assert ("对接地址" in chinese, "docking URL" in chinese) == (True, False), chinese
    assert english.isascii(), english


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--profile", "cor"), "unknown profile 'cor'"),
        (("--clause", "QUE-099"), "unknown clause 'QUE-099'; did you mean"),
        (("--timer", "T-AKC=500"), "unknown timer 'T-AKC'; did you mean 'T-ACK'?"),
        (("--timer", "T-ACK"), "--timer takes T-NAME=MILLISECONDS"),
        (("--seed", "9223372036854775808"), "--seed takes a whole number of at most 64 bits"),
        (("--seed", "-9223372036854775809"), "--seed takes a whole number of at most 64 bits"),
        (("--pack", "nowhere"), "no pack"),
        (("--until", "QUX"), "unknown family 'QUX'"),
        (("--lang", "fr"), "--lang takes zh, en or both"),
        (("--only", "remaining"), "--only needs --campaign"),
        (("--baseline", "nowhere"), "name the directory of a finished run"),
        (("--lab", "nowhere"), "rvw lab init"),
    ],
)
def test_a_wrong_option_is_told_before_any_traffic(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    out = tmp_path / "run"
    code, text = here("run", "--device", device_file(tmp_path, "words"), "--out", out, *words)
    assert (code, told in text) == (USAGE, True), text
    assert not out.exists()


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ('clause = "QUE-0011"\nexpires = 2099-01-31', "unknown clause 'QUE-0011'; did you mean"),
        ('case = "que.swipe-tiket"\nexpires = 2099-01-31', "unknown case 'que.swipe-tiket'; did you mean 'que.swipe-ticket'"),
        ('clause = "QUE-001"\nexpires = 2020-01-31', "clause QUE-001 expired on 2020-01-31"),
    ],
)
def test_a_known_failure_that_is_none_is_told_before_any_traffic(tmp_path: Path, row: str, told: str) -> None:
    known, out = tmp_path / "known.toml", tmp_path / "run"
    known.write_text(f'[[waiver]]\nreason = "r"\nowner = "o"\n{row}\n', encoding="utf-8")
    device = device_file(tmp_path, "waived")
    code, text = here("run", "--device", device, "--profile", "ci", "--out", out, "--known-failures", known, "-k", "nothing")
    assert (code, told in text, out.exists()) == (USAGE, True, False), text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read"),
        ("[device\n", "not TOML"),
        ('[device]\nname = "x"\n', "member 'vendor' is missing"),
        ('extends = "gone.toml"\n', "'gone.toml' does not exist"),
    ],
)
def test_a_broken_device_file_is_told_with_its_line(tmp_path: Path, content: str | None, told: str) -> None:
    path = tmp_path / "device.toml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    code, text = here("run", "--device", path, "--out", tmp_path / "run")
    assert (code, told in text, f"{path}:" in text) == (USAGE, True, True), text


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('certificate = "gone.pem"\nkey = "gone.key"', "name a PEM file"),
        ('certificate = "wrong.pem"\nkey = "wrong.pem"', "no PEM certificate with its key"),
        ('root = "wrong.pem"', "no PEM certificate"),
        ('device_ca = "wrong.pem"', "no PEM certificate"),
        ("ports = [8443, 8443]", "two different numbers"),
        ('listen = "0.0.0.0"', "needs advertise"),
        ('names = ["localhost", "测试台"]', "names: '测试台' is no host name"),
        ('advertise = "测试台.example"', "advertise: '测试台.example' is no host name"),
        ('listen = "a..b"', "listen: 'a..b' is no host name"),
        ('device_host = "two words"', "device_host: 'two words' is no host name"),
    ],
)
def test_a_wrong_bench_table_is_told(tmp_path: Path, table: str, told: str) -> None:
    (tmp_path / "wrong.pem").write_text("this is no certificate\n", encoding="ascii")
    device = device_file(tmp_path, "bench", f"[bench]\n{table}\n")
    code, text = here("run", "--device", device, "--out", tmp_path / "run")
    assert (code, told in text) == (USAGE, True), text


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("ports = [8443, 8444]", "ports = 8443", "[bench] ports is two numbers"),
        ("ports = [8443, 8444]", "names = 5", "[bench] names is a list"),
        ('listen = "0.0.0.0"', "listen = 5", "[bench] listen is a text"),
        ('mode = "ca"', "mode = 5", "[trust] mode is a text"),
        ("[lab]", "trust = 5\n[lab]", "trust is a table"),
    ],
)
def test_a_lab_file_with_something_else_in_it_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    lab = tmp_path / "lab"
    assert here("lab", "init", lab, "--advertise", "127.0.0.1")[0] == PASS
    file = lab / "lab.toml"
    text = file.read_text("utf-8").replace(old, new)
    file.write_text(text.replace('\n[trust]\nmode = "ca"', "") if new.startswith("trust") else text, encoding="utf-8")
    code, text = here("run", "--device", device_file(tmp_path, "lab"), "--lab", lab, "--out", tmp_path / "run")
    assert (code, told in text, str(file) in text) == (USAGE, True, True), text


def test_a_lab_whose_ca_file_is_damaged_is_told(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    assert here("lab", "init", lab, "--advertise", "127.0.0.1")[0] == PASS
    (lab / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", encoding="ascii")
    code, text = here("run", "--device", device_file(tmp_path, "lab"), "--lab", lab, "--out", tmp_path / "run")
    assert (code, "no CA with its key" in text) == (USAGE, True), text


def test_a_lab_that_could_not_be_made_can_be_made_at_the_same_place(tmp_path: Path) -> None:
    (tmp_path / "wrong.pem").write_text("this is no certificate\n", encoding="ascii")
    wrong, lab = tmp_path / "wrong.pem", tmp_path / "lab"
    words = ("lab", "init", lab, "--advertise", "127.0.0.1")
    code, text = here(*words, "--trust", "vendor", "--certificate", wrong, "--key", wrong)
    assert (code, "no PEM certificate with its key" in text, lab.exists()) == (USAGE, True, False), text
    assert here(*words)[0] == PASS


def test_a_name_that_no_certificate_takes_makes_no_lab_and_no_bench(tmp_path: Path) -> None:
    for words in (("lab", "init", tmp_path / "lab", "--advertise", "测试台"), ("bench", "--advertise", "测试台")):
        code, text = here(*words, "--lang", "en")
        assert (code, "advertise: '测试台' is no host name" in text) == (USAGE, True), text
    assert not (tmp_path / "lab").exists()


@pytest.mark.sockets
@pytest.mark.parametrize("command", ["run", "bench"])
def test_a_file_that_cannot_be_written_is_not_told_as_a_port(tmp_path: Path, command: str) -> None:
    lab = tmp_path / "lab"
    assert here("lab", "init", lab, "--advertise", "127.0.0.1", "--listen", "127.0.0.1")[0] == PASS
    keys = lab / "devices"
    keys.write_text("in the way", encoding="ascii")
    device = device_file(tmp_path, "keys", "[bench]\nports = [0, 0]\n")
    more = ("--out", tmp_path / "run") if command == "run" else ()
    code, text = rvw(command, "--device", device, "--lab", lab, *more)
    assert (code, str(keys) in text, "cannot listen" in text) == (BENCH, True, False), text
    assert not (tmp_path / "run").exists()


def test_a_directory_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / "mine.txt").write_text("keep", encoding="ascii")
    code, text = rvw("run", "--device", device_file(tmp_path, "full"), "--out", out)
    assert (code, "is not empty" in text) == (USAGE, True), text
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


@pytest.mark.sockets
def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        device = device_file(tmp_path, "port", f"[bench]\nports = [{port}, 0]\n")
        code, text = rvw("run", "--device", device, "--out", tmp_path / "run")
    assert (code, "is in use" in text) == (USAGE, True), text
    assert not (tmp_path / "run").exists(), "the same --out can be named again"


def test_a_hook_that_fails_stops_before_the_world(tmp_path: Path) -> None:
    hook = [sys.executable, "-c", "print('flash tool: no device on USB'); raise SystemExit(7)"]
    device = device_file(tmp_path, "hook", f"[iut.hooks]\nbefore_run = {json.dumps(hook)}\n")
    code, text = rvw("run", "--device", device, "--out", tmp_path / "run")
    assert (code, "exit code 7" in text, "no device on USB" in text) == (USAGE, True, True), text


HELPER = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']).pid)"


def test_a_hook_s_helper_that_stays_behind_does_not_hold_the_run(tmp_path: Path) -> None:
    hook = [sys.executable, "-c", f"{HELPER}; raise SystemExit(7)"]
    device = device_file(tmp_path, "helper", f"[iut.hooks]\nbefore_run = {json.dumps(hook)}\n")
    code, text = rvw("run", "--device", device, "--out", tmp_path / "run")
    helper = re.search(r"^rvw:\s+([0-9]+)$", text, re.MULTILINE)
    assert helper is not None, text
    psutil.Process(int(helper[1])).kill()
    assert (code, "exit code 7" in text) == (USAGE, True), text


def test_of_a_hook_that_talks_much_the_end_is_told(tmp_path: Path) -> None:
    hook = [sys.executable, "-c", "print('x' * 5_000_000); print('no device on USB'); raise SystemExit(7)"]
    device = device_file(tmp_path, "talks", f"[iut.hooks]\nbefore_run = {json.dumps(hook)}\n")
    code, text = rvw("run", "--device", device, "--out", tmp_path / "run")
    assert (code, "no device on USB" in text, "xxxx" in text) == (USAGE, True, False), text[:2000]


def test_a_hook_without_an_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "HOOK_LIMIT_S", 1.0)
    hook = [sys.executable, "-c", f"{HELPER}; import signal; signal.pause()"]
    device = device_file(tmp_path, "endless", f"[iut.hooks]\nbefore_run = {json.dumps(hook)}\n")
    prepared = prepare(Options(device=device, out=tmp_path / "run", seed=1))
    with pytest.raises(hooks.HookFailed, match="no end within 1 s"):
        hooks.before_run(prepared.device)
    assert not psutil.Process().children(recursive=True), "what the command started has gone with it"


def test_two_runs_do_not_share_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    out.mkdir()
    second = prepare(Options(device=device_file(tmp_path, "second"), out=out, seed=1))

    def meanwhile(*_: object) -> None:
        monkeypatch.undo()
        live = LiveRun(second, *second.plan())
        with pytest.raises(UsageProblem, match="has a run in it, under way"):
            live.begin()
        live.close()
        assert (out / JOURNAL).exists(), "the second has taken the first one's directory away"
        raise HookFailed("no device on USB")

    monkeypatch.setattr("conformance.bench.hooks.before_run", meanwhile)
    first = prepare(Options(device=device_file(tmp_path, "first"), out=out, seed=1))
    live = LiveRun(first, *first.plan())
    with pytest.raises(UsageProblem, match="no device on USB"):
        live.begin()
    live.close()
    assert (out.exists(), *out.iterdir()) == (True,), "an empty directory of the user's stays, and stays empty"


def test_a_directory_with_an_impossible_name_is_told(tmp_path: Path) -> None:
    code, text = rvw("run", "--device", device_file(tmp_path, "name"), "--out", tmp_path / ("n" * 300), "--lang", "en")
    assert (code, "name a directory that can be written with --out" in text, "Traceback" in text) == (USAGE, True, False), text


def test_what_a_hook_says_reaches_the_terminal_clean(tmp_path: Path) -> None:
    hook = [sys.executable, "-c", f"print('\\x1b[2Jcard {FOREIGN} written'); raise SystemExit(7)"]
    device = device_file(tmp_path, "rude", f"[iut.hooks]\nbefore_run = {json.dumps(hook)}\n")
    code, text = rvw("run", "--device", device, "--out", tmp_path / "run")
    assert (code, "\\x1b[2Jcard" in text, "\x1b" in text, FOREIGN in text) == (USAGE, True, False, False), text


@pytest.mark.sockets
def test_another_build_stops_before_the_first_case(tmp_path: Path) -> None:
    code, text = rvw("run", "--device", device_file(tmp_path, "build"), "--out", tmp_path / "run", "--expect-firmware", "9.9")
    assert (code, "'9.9'" in text, "nothing was run" in text) == (USAGE, True, True), text
    assert not (tmp_path / "run").exists()


@pytest.mark.sockets
def test_another_build_told_in_the_registration_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def registers(session: RunSession, limit_s: float) -> str:
        return "2.4.1"

    monkeypatch.setattr(RunSession, "await_device", registers)
    by_command = '[driver]\nkind = "running"\n[upper_tester]\nkind = "command"\ncommand = ["true"]\n'
    device = device_file(tmp_path, "registers", by_command, 'remote_device_url = "https://127.0.0.1:9/device/v1"')
    prepared = prepare(Options(device=device, out=tmp_path / "run", expect_firmware="9.9", seed=1))
    live = LiveRun(prepared, *prepared.plan())
    try:
        with pytest.raises(UsageProblem, match="in its registration"):
            live.begin()
    finally:
        live.close()
    assert not (tmp_path / "run").exists(), "the same --out can be named again"
