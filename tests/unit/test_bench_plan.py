"""A plan says what is run and why everything else is not; what nobody can give is never green."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from conformance.bench.case import Case, load_cases
from conformance.bench.generated import generated_cases
from conformance.bench.memorylab import MemoryLab
from conformance.bench.people import residents
from conformance.bench.plan import Means, Plan, Selection, make_plan
from conformance.cli import app
from conformance.iut.device_file import DeviceFile, load_device
from conformance.iut.review import declared, review
from conformance.spec.coverage import stimulus_problems
from conformance.spec.loader import load
from conformance.spec.model import Spec, Verification
from conformance.verdict import exitcode
from conformance.verdict.model import Blame, Verdict

# In memory the clerk has its media on paper: it can make an offer only where an earlier case has shown it one.
ONLY_ON_SOCKETS = ("SIG-009",)
REFERENCE = Path(__file__).resolve().parents[2] / "devices" / "reference.toml"


@cache
def pack() -> Spec:
    return load()


@cache
def device() -> DeviceFile:
    return load_device(REFERENCE)


@cache
def cases() -> Mapping[str, Case]:
    return {**load_cases(), **generated_cases(pack())}


def verbs() -> frozenset[str]:
    return frozenset(device().upper_tester.verbs)


def plan(
    *, selection: Selection | None = None, seed: int = 1, pics: Mapping[str, Any] | None = None, profile: str = "core",
    **means: Any,
) -> Plan:  # fmt: skip
    have = {"verbs": verbs(), "power": True, "sockets": False, "media": True, **means}
    known = declared(device(), pack()).pics if pics is None else pics
    return make_plan(pack(), pack().profiles[profile], known, cases(), Means(**have), seed=seed, selection=selection)


def ids(made: Plan) -> list[str]:
    return [case.id for case in made.cases]


def left(made: Plan) -> dict[str, str]:
    return {row.id: row.en for row in made.cases_left}


def test_an_obligation_with_a_condition_of_its_own_follows_the_declaration() -> None:
    known = declared(device(), pack()).pics
    two, one = plan(), plan(pics={**known, "RVW.MED.ARRANGEMENT": "switched"})
    assert {"MED-010.b", "MED-011.b"} <= two.selected.keys()
    assert [row.id for row in two.not_applicable if row.id.startswith("MED-011")] == ["MED-011.c"]
    assert "MED-011.c" in one.selected
    assert {"MED-010.b", "MED-011.b"} <= {row.id for row in one.not_applicable}


def test_every_stimulus_of_the_pack_names_a_case() -> None:
    assert stimulus_problems(load(), [*load_cases(), *generated_cases(load())]) == []


def test_every_case_and_every_obligation_has_one_fate() -> None:
    made = plan()
    assert sorted([*ids(made), *left(made)]) == sorted(cases())
    fates = [*made.selected, *(row.id for row in (*made.not_selected, *made.not_applicable)), *made.declared]
    assert sorted(fates) == sorted(o.id for c in pack().clauses.values() for o in c.obligations)
    assert all(row.zh and row.en for row in (*made.cases_left, *made.not_selected, *made.not_applicable))


def test_a_condition_that_is_not_declared_makes_clauses_not_applicable_and_leaves_cases_out() -> None:
    conditional = [c for c in pack().clauses.values() if c.condition is not None]
    assert conditional
    made = plan(pics={})
    inapplicable = {row.id for row in made.not_applicable}
    gone = [c for c in conditional if all(o.id in inapplicable for o in c.obligations)]
    assert gone
    assert not inapplicable.intersection(made.selected)
    assert "the device declares not to have it" in left(made).values()
    full = plan()
    assert set(ids(made)) < set(ids(full))
    assert all(left(made)[case] for case in set(ids(full)) - set(ids(made)))


def test_the_profile_bounds_families_cases_and_evidence() -> None:
    core = pack().profiles["core"]
    small = replace(core, families=("REG",), cases=("reg.*",))
    made = make_plan(
        pack(), small, declared(device(), pack()).pics, cases(), Means(verbs(), power=True, sockets=False, media=True), seed=1
    )
    assert ids(made)
    assert all(case.startswith("reg.") for case in ids(made))
    assert all(oid.startswith("REG-") for oid in made.selected)
    reasons = {row.id: row.en for row in made.not_selected}
    assert reasons["HBT-001.a"] == "the profile core leaves out HBT"
    claims = [o.id for c in pack().clauses.values() for o in c.obligations if o.grade.value == "claim" and c.family == "REG"]
    strict = make_plan(
        pack(), replace(small, grades=("wire",)), declared(device(), pack()).pics, cases(),
        Means(verbs(), power=True, sockets=False, media=True), seed=1,
    )  # fmt: skip
    assert not set(claims).intersection(strict.selected)


def test_what_needs_sockets_is_left_with_its_reason_and_not_selected() -> None:
    memory, sockets = plan(), plan(sockets=True)
    only = [c.id for c in cases().values() if c.sockets and c.id in ids(sockets)]
    for case in only:
        assert left(memory)[case] == "the case needs real sockets"
    assert set(memory.selected) <= set(sockets.selected)


def test_what_nobody_can_give_stays_selected_so_that_it_cannot_be_green() -> None:
    without = plan(verbs=verbs() - {"rate"})
    assert left(without)["rat.five-levels"] == "nobody can give the stimulus rate"
    own = [oid for oid, provoking in plan().selected.items() if provoking == ("rat.five-levels",)]
    assert own
    for oid in own:
        assert without.selected[oid] == ()
    powerless = plan(power=False)
    unpowered = [c.id for c in cases().values() if c.power and c.id in left(powerless)]
    assert unpowered
    assert all(left(powerless)[c] == "the bench cannot switch the device off and on" for c in unpowered if c in ids(plan()))


def test_a_run_without_the_stimulus_is_inconclusive_and_says_whose_business_it_is() -> None:
    poor = replace(device(), upper_tester=replace(device().upper_tester, verbs=tuple(verbs() - {"rate"})))
    result = MemoryLab(pack()).run(poor, selection=Selection(clauses=("RAT-002",)))
    clause = next(c for c in result.clauses if c.id == "RAT-002")
    assert clause.verdict is Verdict.INCONCLUSIVE
    assert clause.blame is not Blame.DEVICE
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.exit_code == exitcode.INCONCLUSIVE


@pytest.mark.parametrize("clause", ["RAT-002", "QUE-001", "SIG-003"])
def test_a_clause_selects_the_cases_that_provoke_it_and_nothing_else(clause: str) -> None:
    made = plan(selection=Selection(clauses=(clause,)))
    whole = plan()
    wanted = {c for oid, provoking in whole.selected.items() if oid.startswith(f"{clause}.") for c in provoking if c != "*"}
    assert set(ids(made)) == wanted
    assert any(oid.startswith(f"{clause}.") for oid in made.selected)
    gone = {row.id: row.en for row in made.not_selected}
    for oid, provoking in whole.selected.items():
        if provoking != ("*",) and not wanted.intersection(provoking):
            assert gone[oid] == "no case of this run provokes it"
    assert all(reason for case, reason in left(made).items())
    assert {left(made)[case] for case in set(ids(whole)) - wanted} == {"not chosen for this run"}


def test_a_clause_that_is_monitored_is_fed_by_its_family_and_the_whole_visit() -> None:
    chosen = ids(plan(selection=Selection(clauses=("HBT-006",))))
    assert sorted(chosen) == sorted(case for case in ids(plan()) if case.startswith(("hbt.", "visit.")))
    assert ids(plan(selection=Selection(clauses=("REC-001",)))) == ["visit.whole"], "a family without cases of its own"


def test_a_monitor_that_asks_for_more_than_there_is_gets_every_case() -> None:
    clause = pack().clauses["REC-001"]
    eager = replace(clause, obligations=tuple(replace(o, occasions=2) for o in clause.obligations))
    spec = replace(pack(), clauses={**pack().clauses, "REC-001": eager})
    known = declared(device(), pack()).pics
    means = Means(verbs(), power=True, sockets=False, media=True)
    made = make_plan(spec, pack().profiles["core"], known, cases(), means, seed=1, selection=Selection(clauses=("REC-001",)))
    assert set(ids(made)) == set(ids(plan()))


def test_rvw_plan_tells_why_a_monitored_clause_has_cases() -> None:
    done = CliRunner().invoke(app, ["plan", "--device", str(REFERENCE), "--clause", "HBT-006", "--lang", "en"])
    assert "-> monitors HBT-006.a HBT-006.b HBT-006.c" in done.output, done.output
    assert "monitored, without a stimulus of its own: HBT-006.a HBT-006.b HBT-006.c; the cases" in done.output


@pytest.mark.parametrize(
    ("keyword", "chosen"),
    [("que.swipe or power-loss", {"prv.power-loss", "que.swipe-ticket"}), ("heartbeat or steady", {"hbt.steady"})],
)
def test_rvw_plan_chooses_by_k_as_a_run_does(keyword: str, chosen: set[str]) -> None:
    done = CliRunner().invoke(app, ["plan", "--device", str(REFERENCE), "-k", keyword, "--lang", "en"])
    listed = [line.split()[1] for line in done.output.splitlines() if re.match(r" *\d+  ", line)]
    assert (done.exit_code, set(listed)) == (0, chosen), done.output
    assert "a partial run" in done.output


def test_a_k_that_takes_everything_narrows_nothing_and_one_that_takes_nothing_is_told() -> None:
    everything = CliRunner().invoke(app, ["plan", "--device", str(REFERENCE), "-k", "not there", "--lang", "en"])
    assert (everything.exit_code, "a partial run" in everything.output) == (0, False)
    nothing = CliRunner().invoke(app, ["plan", "--device", str(REFERENCE), "-k", "there", "--lang", "en"])
    assert (nothing.exit_code, "-k leaves no case to run; the plan has" in nothing.output) == (2, True), nothing.output
    wrong = CliRunner().invoke(app, ["plan", "--device", str(REFERENCE), "-k", "a b (", "--lang", "en"])
    told = "-k takes an expression of pytest's such as \"visit or sig\", not 'a b ('"
    assert (wrong.exit_code, told in wrong.output) == (2, True), wrong.output


def test_every_clause_of_the_core_profile_can_be_asked_for_alone() -> None:
    """A vendor who mends one clause gets its verdict from the few cases that it needs."""
    lab, asked = MemoryLab(pack()), {oid.split(".", 1)[0] for oid in plan().selected}
    groups: dict[frozenset[str], list[str]] = {}  # clauses that choose the same cases are judged by the same run
    for clause in sorted(asked - set(ONLY_ON_SOCKETS)):
        groups.setdefault(frozenset(ids(plan(selection=Selection(clauses=(clause,))))), []).append(clause)
    for chosen, clauses in groups.items():
        result = lab.run(device(), selection=Selection(clauses=tuple(clauses)))
        verdicts = {c.id: c.verdict for c in result.clauses if c.id in clauses}
        assert set(verdicts.values()) == {Verdict.PASS}, (verdicts, sorted(chosen))
        open_ones = [o.id for c in result.clauses if c.id in clauses for o in c.obligations if o.verdict is not Verdict.PASS]
        assert open_ones == [], sorted(chosen)


def test_cases_and_until_narrow() -> None:
    assert ids(plan(selection=Selection(cases=frozenset({"hbt.steady"})))) == ["hbt.steady"]
    until = {case.area.upper() for case in plan(selection=Selection(until="REG")).cases}
    assert "REG" in until
    assert not until & {"SIG", "RAT", "MED"}
    assert ids(plan(selection=Selection(cases=frozenset({"no such case"})))) == []


def test_a_narrowed_run_never_colours_what_it_left_out() -> None:
    result = MemoryLab(pack()).run(device(), selection=Selection(cases=frozenset({"que.swipe-ticket"})))
    verdicts = {c.id: c.verdict for c in result.clauses}
    assert verdicts["RAT-002"] is Verdict.NOT_SELECTED
    assert verdicts["QUE-001"] is Verdict.PASS
    assert [c.id for c in result.cases] == ["que.swipe-ticket"]


def test_the_order_is_the_seeds_and_starts_of_the_device_come_first() -> None:
    first, again, other = plan(seed=5), plan(seed=5), plan(seed=6)
    assert ids(first) == ids(again)
    assert ids(first) != ids(other)
    assert sorted(ids(first)) == sorted(ids(other))
    off = [case.given == "off" for case in first.cases]
    assert off == sorted(off, reverse=True)
    assert first.selected.keys() == other.selected.keys()


def test_the_plan_as_facts_is_what_the_judge_needs() -> None:
    made = plan(selection=Selection(clauses=("QUE-001",)))
    facts = made.as_facts()
    assert [row["id"] for row in facts["cases"]] == ids(made)
    for row in facts["cases"]:
        assert row["obligations"] == [oid for oid, provoking in made.selected.items() if row["id"] in provoking]
    assert facts["selected"] == list(made.selected)
    assert {row["id"] for row in facts["not_selected"]} == {row.id for row in made.not_selected}


def test_a_document_counts_only_where_the_vendor_states_something() -> None:
    clause = pack().clauses["QUE-001"]
    papers = replace(clause.obligations[0], verification=Verification.DOCUMENT, rule=None, stimulus=None)
    spec = replace(pack(), clauses={**pack().clauses, "QUE-001": replace(clause, obligations=(papers,))})
    verdicts = {}
    for statement in ("", "manual 3.2, section 4"):
        said = replace(device(), declarations={papers.id: statement} if statement else {})
        result = MemoryLab(spec).run(said, selection=Selection(clauses=(papers.id,)))
        verdicts[statement] = next(c for c in result.clauses if c.id == "QUE-001")
    undeclared, declared_row = verdicts.values()
    assert (undeclared.verdict, undeclared.blame, undeclared.reason) == (
        Verdict.INCONCLUSIVE, Blame.CONFIGURATION, "undeclared",
    )  # fmt: skip
    assert (declared_row.verdict, declared_row.obligations[0].grade) == (Verdict.PASS, "declaration")


def test_what_is_tested_cannot_be_declared() -> None:
    said = replace(device(), declarations={"QUE-001.a": "we surely do"})
    assert [(p.code, p.item, p.fatal) for p in review(said, pack())] == [("declaration", "QUE-001.a", True)]


def test_residents_live_where_the_pack_says() -> None:
    people = {"division": "520181", "address": "柳岸路1号", "issuing_authority": "星渚市公安局"}
    person = residents(1, "que.swipe", {"people": people})[0]
    assert (person.id_number[:6], person.card()["address"]) == ("520181", "柳岸路1号")
    assert not residents(1, "que.swipe", {})[0].id_number.startswith("310106"), "no city of its own in the bench"
