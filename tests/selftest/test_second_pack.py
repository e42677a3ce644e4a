"""Rules are data: a second, invented city with another dialect, other timers, families, equipment and life cycles is checked,
planned, run, judged and reported, and no line of Python in the harness knows of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.bench.memorylab import MemoryLab, broken_clauses
from conformance.bench.outputs import keep_pack, write_outputs
from conformance.bench.prepare import Options, Prepared, prepare
from conformance.bench.rejudge import rejudge
from conformance.iut.device_file import load_device
from conformance.iut.review import review
from conformance.spec.loader import default_pack, examine, load
from conformance.spec.model import Spec
from conformance.verdict.model import RunResult, Verdict

ROOT = Path(__file__).resolve().parents[2]
CITY = ROOT / "tests" / "packs" / "xingzhu"
PACK, GOOD, BROKEN = CITY / "1.0", CITY / "device.toml", CITY / "broken.toml"


@pytest.fixture(scope="module")
def lab() -> MemoryLab:
    return MemoryLab(load(PACK))


@pytest.fixture(scope="module")
def good(lab: MemoryLab, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunResult, Path]:
    """The good device in memory, with its journal."""
    out = tmp_path_factory.mktemp("good")
    result = lab.run(load_device(GOOD), journal=out / "journal.jsonl")
    keep_pack(lab.spec, out)
    return result, out


def test_the_pack_has_no_problem_and_the_device_agrees_with_it() -> None:
    spec, problems = examine(PACK)
    assert problems == []
    assert spec is not None
    assert [problem for problem in review(load_device(GOOD), spec) if problem.fatal] == []


def planned(**more: Any) -> Prepared:
    return prepare(Options(device=GOOD, pack=str(PACK), seed=1, **more))


def test_it_is_planned_by_what_it_binds() -> None:
    plan, _ = planned().plan()
    chosen, left = {case.id for case in plan.cases}, {row.id: row.en for row in plan.cases_left}
    assert {"reg.first-registration", "hbt.steady", "que.swipe-ticket", "sec.tls-expired"} <= chosen  # the harness's stories
    assert {"gen.walk.locker", "gen.action.call_lamp.light.1", "gen.bad-params.locker.open.code"} <= chosen  # the pack's own
    assert {"gen.wrong-state.locker.empty.locker.open", "gen.wrong-state.ticket.none.ticket.called"} <= chosen
    assert {"gen.wrong-state.locker.loaded", "gen.wrong-state.locker.taken"} <= chosen  # a walk leads there
    assert left["visit.whole"].startswith("the pack binds no message to ")
    assert left["per.report"] == "the pack has no timer T-STATUS"
    assert not plan.not_selected
    assert not plan.not_applicable
    assert len(plan.selected) == sum(len(clause.obligations) for clause in load(PACK).clauses.values())


def test_a_half_built_device_stops_after_a_family_of_this_pack() -> None:
    plan, _ = planned(until="PUL").plan()
    chosen = {case.id for case in plan.cases}
    assert "reg.first-registration" in chosen  # feeds the monitors of the first families
    assert not [case for case in chosen if case.startswith(("que.", "gen."))]


def test_the_good_device_passes_every_clause(good: tuple[RunResult, Path], lab: MemoryLab) -> None:
    result, _ = good
    assert (result.verdict, result.exit_code) == (Verdict.PASS, 0)
    assert {case.id: case.reason for case in result.cases if case.verdict is not Verdict.PASS} == {}
    assert {c.id for c in result.clauses if c.verdict is Verdict.PASS} == set(lab.spec.clauses) - {"GRD-005"}  # TLS: sockets only


def test_a_message_without_a_role_is_served_from_its_example(good: tuple[RunResult, Path]) -> None:
    again = rejudge(good[1])
    notices = [e for e in again.transcript if e.name == "notice.list" and e.kind == "result"]
    assert notices
    assert all(e.body == again.spec.examples["notice.list/result"] for e in notices)
    assert not [e for e in again.transcript if e.obs == "bench.error"]


def test_the_broken_device_fails_by_exactly_its_own_clause(lab: MemoryLab) -> None:
    device = load_device(BROKEN)
    assert device.defect is not None
    result = lab.run(device, defect=device.defect.id)
    assert broken_clauses(result) == device.defect.breaks
    assert (result.verdict, result.exit_code) == (Verdict.FAIL, 1)


def wrong_sign(kiosk: Any) -> dict[str, Any]:
    return {"signed": lambda *given: {**kiosk.signed(*given), "sign": "0" * 64}}


def takes_anything(kiosk: Any) -> dict[str, Any]:
    return {"check": lambda cmd, data: data if cmd in ("lockerOpen", "lockerLoad") else kiosk.check(cmd, data)}


def opens_what_is_gone(kiosk: Any) -> dict[str, Any]:
    def locker(self: Any, cmd: str, data: dict[str, Any]) -> None:
        if cmd == "lockerOpen" and data["boxNo"] in self.opened:
            return
        kiosk.Kiosk._locker(self, cmd, data)
        if cmd == "lockerOpen":
            self.opened.add(data["boxNo"])

    return {"Kiosk": type("Kiosk", (kiosk.Kiosk,), {"_locker": locker, "opened": set()})}


@pytest.mark.parametrize(
    ("wrong", "clause"), [(wrong_sign, "ENR-003"), (takes_anything, "GRD-001"), (opens_what_is_gone, "GRD-002")]
)
def test_its_rules_have_teeth(
    lab: MemoryLab, good: tuple[RunResult, Path], monkeypatch: pytest.MonkeyPatch, wrong: Callable[[Any], dict[str, Any]],
    clause: str,
) -> None:  # fmt: skip
    kiosk = sys.modules["xingzhu_kiosk"]  # the good run has imported it
    before = type("Before", (), {"signed": staticmethod(kiosk.signed), "check": staticmethod(kiosk.check), "Kiosk": kiosk.Kiosk})
    for name, value in wrong(before).items():
        monkeypatch.setattr(kiosk, name, value)
    result = lab.run(load_device(GOOD))
    assert clause in broken_clauses(result)
    assert result.exit_code == 1


def test_judged_again_it_gives_the_same_and_is_reported(good: tuple[RunResult, Path], tmp_path: Path) -> None:
    result, out = good
    again = rejudge(out)
    assert again.result == result
    _, paths = write_outputs(again.result, again.transcript, again.spec, tmp_path)
    assert json.loads(paths["result"].read_text("utf-8"))["verdict"] == "pass"
    page = paths["report"].read_text("utf-8")
    assert "xingzhu-kiosk" in page
    assert all(family.zh in page for family in again.spec.families.values())


def test_it_runs_where_the_first_pack_was_never_installed(tmp_path: Path) -> None:
    junk = shutil.ignore_patterns("__pycache__", "node_modules")
    for room in ("conformance", "mocks", "reports"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=junk)
    shutil.copytree(ROOT / "specs" / "meta", tmp_path / "specs" / "meta")
    shutil.copytree(CITY, tmp_path / "city", ignore=junk)
    script = (
        "from conformance.bench.memorylab import MemoryLab\n"
        "from conformance.iut.device_file import load_device\n"
        "from conformance.spec.loader import load, packs\n"
        "assert packs() == {}, packs()\n"
        "result = MemoryLab(load('city/1.0')).run(load_device('city/device.toml'))\n"
        "print(result.verdict, result.exit_code)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert run.stdout.strip() == "pass 0", run.stderr


def own_names(spec: Spec, other: Spec) -> set[str]:
    """Names that only the second pack has. Short wire words such as `hb` are words of every language and are left out."""

    def names(of: Spec) -> set[str]:
        wires = {m.wire for m in of.messages.values() if re.search("[a-z][A-Z]", m.wire)}
        return {
            of.id, *of.families, *of.pics, *of.pixit, *of.timers, *of.messages, *of.lifecycles, *of.peripherals, *of.envelopes,
            *of.signatures, *of.clauses, *wires,
        }  # fmt: skip

    return names(spec) - names(other) | {"xingzhu", "Xingzhu", "XINGZHU", "星渚"}


def test_the_harness_knows_none_of_its_names() -> None:
    first, _ = examine(default_pack())
    assert first is not None
    own = own_names(load(PACK), first)
    assert {"ENR", "T-PICKUP", "lockerOpen", "locker", "call_lamp", "plain-sign", "XZ.FORM"} <= own
    word = re.compile("|".join(rf"(?<![\w-]){re.escape(name)}(?![\w-])" for name in sorted(own)))
    told = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for room in ("conformance", "mocks", "reports")
        for path in (ROOT / room).rglob("*.py")
        for match in word.finditer(path.read_text("utf-8"))
    ]
    assert told == []


def test_its_device_imports_nothing_of_the_harness() -> None:
    for path in (CITY / "device").glob("*.py"):
        assert not re.search(r"^\s*(?:from|import) (?:conformance|mocks|reports)\b", path.read_text("utf-8"), re.MULTILINE)


def rvw(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "conformance", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)


@pytest.mark.sockets
def test_on_sockets_the_good_device_passes(tmp_path: Path) -> None:
    out = tmp_path / "run"
    run = rvw("run", "--device", str(GOOD), "--pack", str(PACK), "--profile", "core", "--seed", "1", "--out", str(out))
    assert run.returncode == 0, run.stderr[-3000:]
    result = json.loads((out / "result.json").read_text("utf-8"))
    assert {clause["clause"]: clause["verdict"] for clause in result["clauses"]} == dict.fromkeys(load(PACK).clauses, "pass")


@pytest.mark.sockets
def test_on_sockets_the_broken_device_fails_by_its_clause(tmp_path: Path) -> None:
    out = tmp_path / "run"
    run = rvw("run", "--device", str(BROKEN), "--pack", str(PACK), "--seed", "1", "--clause", "EQP-005", "--out", str(out))
    assert run.returncode == 1, run.stderr[-3000:]
    result = json.loads((out / "result.json").read_text("utf-8"))
    assert [clause["clause"] for clause in result["clauses"] if clause["verdict"] == "fail"] == ["EQP-005"]
    assert all(f"--pack {PACK}" in command for failure in result["failures"] for command in failure["rerun"])
    assert rvw("rejudge", str(out)).returncode == 1
