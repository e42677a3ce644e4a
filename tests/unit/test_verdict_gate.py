"""Waivers and exit codes: what stops a build, apart from what is true of the device."""

from __future__ import annotations

import datetime as dt
from itertools import permutations
from pathlib import Path

import pytest
from test_verdict_judge import acked, chn, tape_of

from conformance.verdict import exitcode
from conformance.verdict.judge import judge_run
from conformance.verdict.model import RunResult, Verdict
from conformance.verdict.waivers import Waiver, WaiverError, load_waivers

DAY = dt.date(2030, 2, 1)


def waived(
    kind: str, subject: str, *, expires: dt.date = DAY, seconds: float = 0.9, profile: str = "ci", partial: bool = False
) -> RunResult:
    tape = acked(tape_of(chn(), profile=profile, partial=partial), seconds=seconds)
    tape.observe("run.end")
    waiver = Waiver(kind, subject, "known", "team", expires)  # type: ignore[arg-type]
    return judge_run(tape.transcript, tape.transcript.spec, [waiver])


@pytest.mark.parametrize(("kind", "subject"), [("clause", "CHN-001"), ("case", "chn.ack")])
def test_a_waiver_changes_the_gate_and_never_the_verdict(kind: str, subject: str) -> None:
    result = waived(kind, subject)
    assert result.verdict is Verdict.FAIL
    assert result.clauses[0].verdict is Verdict.FAIL
    assert result.clauses[0].waived
    assert result.exit_code != exitcode.FAIL
    assert any(note["kind"] == "waiver" for note in result.notes)


def test_a_waived_clause_lets_the_rest_decide() -> None:
    ready = chn(cid="CHN-002", rule_def=chn().obligations[0].rule)
    tape = acked(tape_of(chn(), ready), seconds=0.9)
    waivers = [Waiver("clause", cid, "known", "team", DAY) for cid in ("CHN-001", "CHN-002")]
    assert judge_run(tape.transcript, tape.transcript.spec, waivers[:1]).exit_code == 1
    acked(tape, case="chn.more")
    assert judge_run(tape.transcript, tape.transcript.spec, waivers).exit_code == 0


@pytest.mark.parametrize(
    ("subject", "changes", "text"),
    [
        ("CHN-001", {"expires": dt.date(2030, 1, 9)}, "expired on 2030-01-09"),
        ("CHN-001", {"seconds": 0.1}, "is stale"),
        ("CHN-009", {}, "matches nothing"),
        ("CHN-001", {"profile": "core"}, "refused for a certification profile"),
    ],
)
def test_a_rotten_waiver_is_a_usage_problem(subject: str, changes: dict[str, object], text: str) -> None:
    result = waived("clause", subject, **changes)  # type: ignore[arg-type]
    assert (result.gate, result.exit_code) == (Verdict.FAIL, exitcode.USAGE)
    assert any(text in str(note.get("text")) for note in result.notes if note["kind"] == "usage")


@pytest.mark.parametrize(
    ("kind", "subject", "seconds", "code"),
    [("clause", "CHN-009", 0.1, 0), ("case", "chn.other", 0.1, 0), ("clause", "CHN-001", 0.1, 0), ("case", "chn.ack", 0.1, 2),
     ("clause", "CHN-009", 0.9, 1), ("clause", "CHN-001", 0.9, 3)],
)  # fmt: skip
def test_a_partial_run_says_nothing_of_waivers_for_what_it_left_out(
    kind: str, subject: str, seconds: float, code: int
) -> None:
    assert waived(kind, subject, seconds=seconds, partial=True).exit_code == code


def test_a_waiver_holds_through_its_last_day() -> None:
    assert waived("clause", "CHN-001", expires=dt.date(2030, 1, 10)).exit_code != exitcode.USAGE


def test_loading(tmp_path: Path) -> None:
    path = tmp_path / "known-failures.toml"
    path.write_text('[[waiver]]\nclause = "CHN-001"\nreason = "r"\nowner = "o"\nexpires = 2030-02-01\n', encoding="utf-8")
    assert load_waivers(path) == (Waiver("clause", "CHN-001", "r", "o", DAY),)


def test_loading_names_every_problem(tmp_path: Path) -> None:
    path = tmp_path / "known-failures.toml"
    path.write_text(
        '[[waiver]]\nclause = "A-1"\ncase = "b"\nreason = " "\nexpires = "2030-02-01"\nwhy = 1\n'
        '[[waiver]]\ncase = "c"\nreason = "r"\nowner = "o"\nexpires = 2030-02-01\n'
        '[[waiver]]\ncase = "c"\nreason = "r"\nowner = "o"\nexpires = 2030-02-01\n[extra]\n',
        encoding="utf-8",
    )
    with pytest.raises(WaiverError) as caught:
        load_waivers(path)
    text = str(caught.value)
    for part in ("exactly one", "reason must", "owner is missing", "without quotes", "'why'", "waived twice", "'extra'"):
        assert part in text
    path.write_text("[[", encoding="utf-8")
    with pytest.raises(WaiverError):
        load_waivers(path)


def test_precedence_of_exit_codes() -> None:
    order = (2, 1, 4, 3, 0)
    for codes in permutations(order, 3):
        assert exitcode.worst(codes) == min(codes, key=order.index)
    assert exitcode.worst([]) == 0
    assert exitcode.worst([77, 3]) == 4
    codes = {v: exitcode.of_verdict(v) for v in (Verdict.PASS, Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE)}
    assert list(codes.values()) == [0, 1, 4, 3]


@pytest.mark.parametrize("value", ["[" * 3000 + "]" * 3000, "9" * 5000])
def test_a_list_of_known_failures_that_nobody_can_read_is_named(tmp_path: Path, value: str) -> None:
    file = tmp_path / "known.toml"
    file.write_text(f"[[waiver]]\nid = {value}\n", "utf-8")
    with pytest.raises(WaiverError, match=r"^known\.toml: not TOML: "):
        load_waivers(file)
