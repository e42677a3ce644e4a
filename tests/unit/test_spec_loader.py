"""Loading, finding and naming packs; compiled validators; conditions; coverage; text of one thing."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.spec import loader
from conformance.spec.condition import ConditionError, holds, items
from conformance.spec.coverage import coverage, stimulus_problems, totals
from conformance.spec.model import Grade, Level, Spec
from conformance.spec.problems import PackError, suggest
from conformance.spec.show import UnknownIdError, show
from conformance.spec.validators import schema_for, validators_of

TINY = Path(__file__).parents[1] / "packs" / "tiny" / "1.0"


@pytest.fixture(scope="module")
def tiny() -> Spec:
    return loader.load(TINY)


def test_a_pack_becomes_frozen_types(tiny: Spec) -> None:
    assert (tiny.id, tiny.version, tiny.title.zh) == ("tiny", "1.0", "最小规范包")
    assert list(tiny.clauses) == ["REG-001", "CLK-001", "CLK-002"]  # families in the order of pack.yaml
    clause = tiny.clauses["CLK-002"]
    assert (clause.level, clause.family, clause.follows_from) == (Level.SHOULD, "CLK", ("CLK-001",))
    assert str(clause.place) == "clauses/CLK.yaml:34"
    interval = tiny.obligation("CLK-001.a")
    assert interval.rule is not None
    assert (interval.rule.kind, interval.rule.scope, interval.occasions) == ("interval", "case", 2)
    assert "kind" not in interval.rule.params
    assert tiny.obligation("REG-001.a").rule.scope == "session"  # type: ignore[union-attr]
    assert tiny.profiles["core"].families == ("REG", "CLK")  # `*` is every family
    assert tiny.profiles["core"].grades == (Grade.WIRE, Grade.PERSON)
    assert tiny.timers["T-CLICK"].value_ms("lab") == 100
    assert tiny.by_role("heartbeat") == (tiny.messages["click"],)
    assert tiny.messages["click"].errors == ("-32602",)
    assert tiny.messages["click"].sequenced
    assert not tiny.messages["counter.open"].sequenced  # HTTP has no sequence numbers
    assert tiny.lifecycles["button"].step("up", "click:request") == "down"
    assert tiny.pixit["TINY.PIXIT.KEY"].sensitive


def test_examples_are_kept_by_message_and_part(tiny: Spec) -> None:
    assert tiny.examples["click/request"]["state"] == "pressed"
    assert tiny.examples["counter.open/201"] == {"token": "t", "epoch": 1}
    broken = {c.message: (c.part, c.clause, c.pointer, c.keyword) for c in tiny.constraints}
    assert broken["counter.open"] == ("request", "REG-001", "", "required")


def test_loading_again_gives_the_same_object_until_a_file_changes(tmp_path: Path) -> None:
    root = Path(shutil.copytree(TINY, tmp_path / "tiny"))
    first = loader.load(root)
    assert loader.load(root) is first
    (root / "media.yaml").write_text("sections: {}\n", "utf-8")
    second = loader.load(root)
    assert second is not first
    assert second.digest != first.digest


def test_digest_is_of_names_and_contents(tmp_path: Path, tiny: Spec) -> None:
    copy = Path(shutil.copytree(TINY, tmp_path / "elsewhere"))
    (copy / ".hidden").write_text("not part of the pack", "utf-8")
    assert loader.load(copy).digest == tiny.digest
    assert len(tiny.digest) == 64
    (copy / "media.yaml").rename(copy / "medium.yaml")
    assert loader.load(copy).digest != tiny.digest


def test_find_pack_by_name_version_and_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("1.9", "1.10"):
        shutil.copytree(TINY, tmp_path / "specs" / "tiny" / version)
    monkeypatch.setattr(loader, "SPECS", tmp_path / "specs")
    assert loader.packs() == {"tiny": ["1.9", "1.10"]}
    assert loader.find_pack("tiny").name == "1.10"  # newest by number, not by spelling
    assert loader.find_pack("tiny/1.9").name == "1.9"
    assert loader.find_pack(TINY) == TINY
    with pytest.raises(PackError, match=r"did you mean 'tiny/1\.9'"):
        loader.find_pack("tiny/1.99")


def test_every_problem_is_told_in_one_error(tmp_path: Path) -> None:
    root = Path(shutil.copytree(TINY, tmp_path / "tiny"))
    (root / "pics.yaml").unlink()
    text = (root / "timers.yaml").read_text("utf-8").replace("obeys: iut", "obeys: nobody")
    (root / "timers.yaml").write_text(text, "utf-8")
    with pytest.raises(PackError) as caught:
        loader.load(root)
    told = [str(p) for p in caught.value.problems]
    assert told == sorted(told, key=lambda line: line.partition(":")[0])
    assert any(line.startswith("pics.yaml:1: the file is missing") for line in told)
    assert sum("'nobody' is not allowed" in line for line in told) == 2
    assert all(line in str(caught.value) for line in told)


def test_loading_is_fast(tmp_path: Path) -> None:
    """A pack of a hundred clauses and sixty schemas loads in about half a second; here with room for a busy machine."""
    root = Path(shutil.copytree(TINY, tmp_path / "big"))
    clause = (root / "clauses" / "REG.yaml").read_text("utf-8")
    (root / "clauses" / "REG.yaml").write_text(
        "".join(clause.replace("REG-001", f"REG-{n:03}") for n in range(1, 101)), "utf-8"
    )
    for n in range(60):
        (root / "messages" / f"extra{n}.json").write_text(
            (root / "messages" / "click.request.json").read_text("utf-8").replace("click.request.json", f"extra{n}.json"),
            "utf-8",
        )
    started = time.process_time()
    spec = loader.load(root)
    assert len(spec.clauses) == 102
    assert time.process_time() - started < 2.0


def test_the_types_import_without_yaml_and_schemas() -> None:
    """Whoever only needs the words of the model pays for no parser."""
    code = "import sys, conformance.spec.model; print(sorted({'yaml', 'jsonschema_rs'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_suggest_names_near_words_or_lists() -> None:
    assert suggest("T-AKC", ["T-ACK", "T-RING"]) == "did you mean 'T-ACK'?"
    assert suggest("x", ["T-ACK", "T-RING"]) == "known: T-ACK, T-RING"
    assert suggest("sig.whatever", ["sig.ring", "que.swipe"]) == "known: sig.ring"  # of the same area first
    assert suggest("x", []) == "none is defined"
    assert suggest("x", [f"T-{n}" for n in range(20)]).endswith("20 in all")


# --- validators


def test_validators_assert_formats_and_name_pointer_and_keyword(tiny: Spec) -> None:
    click = tiny.messages["click"]
    check = validators_of(tiny)
    assert check is validators_of(tiny)
    assert check.valid(click, "request", {"state": "pressed"})
    assert not check.valid(click, "request", {"state": "pressed", "at": "yesterday"})
    errors = check.errors(click, "request", {"press_id": "P!", "at": "2026-05-01"})
    assert {(e.pointer, e.keyword) for e in errors} == {("", "required"), ("/press_id", "pattern"), ("/at", "format")}
    assert check.valid(click, "error", {"anything": 1})  # a part that the pack does not describe
    light = tiny.peripherals["lamp"].actions["light"]
    assert check.compile(light["args"]).is_valid({"on": True})
    assert not check.compile(light["result"]).is_valid({"left": 1})


@pytest.mark.parametrize(
    ("part", "file"),
    [("request", "r"), ("result", "ok"), ("201", "ok"), ("200", None), ("409", "e"), ("error", "e"), ("notification", "r")],
)
def test_parts_fall_back_to_what_the_pack_describes(tiny: Spec, part: str, file: str | None) -> None:
    message = replace(tiny.messages["counter.open"], schemas={"request": "r", "201": "ok", "error": "e"})
    assert schema_for(message, part) == file


# --- conditions


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        (None, True),
        ("A", True),
        ("B", False),
        ("UNDECLARED", False),
        ({"item": "S", "has": "VP8"}, True),
        ({"item": "S", "has": "AV1"}, False),
        ({"item": "E", "is": "page"}, True),
        ({"item": "B", "is": False}, True),
        ({"all": ["A", {"not": "B"}]}, True),
        ({"any": ["B", {"item": "E", "is": "opaque"}]}, False),
    ],
)
def test_conditions(condition: object, met: bool) -> None:
    assert holds(condition, {"A": True, "B": False, "S": ["VP8", "H264"], "E": "page"}) is met


def test_condition_items_and_unknown_forms() -> None:
    assert items({"all": ["A", {"any": ["B", {"item": "C", "is": 1}]}, {"not": "D"}]}) == {"A", "B", "C", "D"}
    for wrong in ({"item": "A"}, {"al": ["A"]}, 3, {"item": "A", "is": 1, "has": 2}):
        with pytest.raises(ConditionError):
            items(wrong)
        with pytest.raises(ConditionError):
            holds(wrong, {})


# --- coverage and show


def test_coverage_names_cases_and_counts(tiny: Spec) -> None:
    rows = {row.obligation: row for row in coverage(tiny, ["clk.fast", "clk.slow", "reg.first"])}
    assert rows["CLK-001.b"].cases == ("clk.fast", "clk.slow")
    assert rows["CLK-001.a"].rule == "interval"
    assert not rows["CLK-002.a"].by_machine
    sums = totals(list(rows.values()))
    assert [(s.family, s.clauses, s.obligations, s.unprovoked) for s in sums] == [
        ("REG", 1, 2, 0), ("CLK", 2, 4, 0), ("*", 3, 6, 0)
    ]  # fmt: skip
    assert sums[-1].verification == {"monitor": 4, "procedure": 1, "operator": 1, "document": 0}
    assert totals(coverage(tiny))[-1].unprovoked == 1


def test_a_stimulus_without_a_case_is_a_problem(tiny: Spec) -> None:
    assert stimulus_problems(tiny, ["clk.fast"]) == []
    texts = [p.text for p in stimulus_problems(tiny, ["click.fast"])]
    assert texts == ["the stimulus 'clk.*' of CLK-001.b names no case", "'clk.*' of profile 'core' selects no case"]


def test_show_in_both_languages(tiny: Spec) -> None:
    zh, en = show(tiny, "CLK-002", "zh"), show(tiny, "CLK-002", "en")
    assert "设备宜亮灯。" in zh
    assert "SHOULD light" not in zh
    assert "next step: change the lamp" in en
    assert "condition: (TINY.LAMP) ∧ (¬(TINY.FORM = retrofit))" in en
    assert "设备宜亮灯。" in show(tiny, "CLK-002.a")
    assert "named by: CLK-001" in show(tiny, "T-ACK", "en")
    assert "up -- click:request --> down" in show(tiny, "button", "en")
    assert "POST /counters/{counter_id}" in show(tiny, "counter.open", "en")
    for ident in ("lamp", "core", "TINY.FORM", "TINY.PIXIT.KEY", "I2"):
        assert show(tiny, ident, "both").startswith(ident)
    first = show(tiny, "", "zh")
    assert first.startswith("tiny 1.0  最小规范包")
    assert "CLK  2 / 4  点击" in first
    with pytest.raises(UnknownIdError, match="did you mean 'T-ACK'"):
        show(tiny, "T-AKC")
