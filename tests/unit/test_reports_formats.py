"""Each file format against its own rules: schema, parser, reader."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from reports_sample import sample, sample_run

from conformance.verdict.model import CaseResult, Verdict
from reports import allure_writer, diagram, html_writer, json_writer, junit_writer, timeline
from reports.build import build

SCHEMA = json.loads((Path(__file__).parents[2] / "specs/meta/result.schema.json").read_text(encoding="utf-8"))


def test_result_json_follows_its_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    document = json.loads(json_writer.render(sample()))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert list(document)[:5] == ["format", "version", "verdict", "gate", "exit_code"]
    assert list(document["clauses"][0])[:2] == ["clause", "verdict"]


def test_schema_refuses_an_invented_verdict() -> None:
    document = json.loads(json_writer.render(sample()))
    document["verdict"] = "certified"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(document)


def test_result_json_names_the_evidence() -> None:
    clauses = {row["clause"]: row for row in json.loads(json_writer.render(sample()))["clauses"]}
    violated = clauses["CHN-007"]["findings"][0]["violated"][0]
    assert violated["n"] in clauses["CHN-007"]["evidence"]
    assert set(violated["around"]) <= set(clauses["CHN-007"]["evidence"])


def test_every_file_is_the_same_in_a_second_rendering(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for directory in (first, second):
        directory.mkdir()
        html_writer.write(sample(), directory / "report.html")
        json_writer.write(sample(), directory / "result.json")
        junit_writer.write(sample(), directory / "junit.xml")
        allure_writer.write(sample(), directory / "allure-results")
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file())
    assert all((first / path).read_bytes() == (second / path).read_bytes() for path in files)


def _items() -> dict[str, ET.Element]:
    root = ET.fromstring(junit_writer.render(sample()))
    return {str(item.get("name")): item for item in root.iter("testcase")}


def test_junit_says_error_for_what_was_not_decided() -> None:
    items = _items()
    for name in ("per.reader.timeout", "sec.tls.wrong-host", "session[PRV]", "session[SEC]"):
        assert items[name].find("error") is not None
        assert items[name].find("skipped") is None
        assert items[name].find("failure") is None


def test_junit_says_failure_skipped_and_pass() -> None:
    items = _items()
    failure = items["chn.resume.after-cut[seed=3]"].find("failure")
    assert failure is not None
    assert "CHN-007" in str(failure.text)
    assert items["session[CHN]"].find("failure") is not None
    skipped = items["lod.storm"].find("skipped")
    assert skipped is not None
    assert "not selected" in str(skipped.get("message"))
    assert all(items["visit.core.full"].find(tag) is None for tag in ("failure", "error", "skipped"))


def test_junit_counts_agree_and_names_are_unique() -> None:
    root = ET.fromstring(junit_writer.render(sample()))
    items = list(root.iter("testcase"))
    assert int(str(root.get("tests"))) == len(items) == 7 + 7
    assert int(str(root.get("failures"))) == sum(item.find("failure") is not None for item in items)
    assert int(str(root.get("errors"))) == sum(item.find("error") is not None for item in items)
    assert len({(item.get("classname"), item.get("name")) for item in items}) == len(items)
    assert all(str(item.get("name")).isascii() for item in items)


def test_junit_names_the_clauses_as_properties() -> None:
    found = [p.get("value") for p in _items()["chn.resume.after-cut[seed=3]"].iter("property") if p.get("name") == "clause"]
    assert found == ["CHN-007", "CHN-008"]


def test_junit_output_is_capped() -> None:
    result, transcript, spec = sample_run("长" * 300)
    many = tuple(replace(clause, reason="长" * 399) for clause in result.clauses) * 200
    report = build(replace(result, clauses=many), transcript, spec)
    root = ET.fromstring(junit_writer.render(report))
    outputs = [str(element.text) for element in root.iter() if element.tag in {"system-out", "failure", "error"}]
    assert max(len(text.encode()) for text in outputs) <= 64 * 1024


def test_junit_names_of_foreign_case_ids_are_ascii() -> None:
    result, transcript, spec = sample_run()
    report = build(replace(result, cases=(CaseResult("外设.打印", Verdict.PASS, ()),)), transcript, spec)
    root = ET.fromstring(junit_writer.render(report))
    assert next(root.iter("testcase")).get("name") == "\\u5916\\u8bbe.\\u6253\\u5370"


def test_allure_results_are_read_back(tmp_path: Path) -> None:
    files = allure_writer.write(sample(), tmp_path)
    results = {}
    for path in files:
        if path.name.endswith("-result.json"):
            content = json.loads(path.read_text(encoding="utf-8"))
            assert path.name == f"{content['uuid']}-result.json"
            results[content["fullName"]] = content
            for attachment in content.get("attachments", []):
                assert (tmp_path / attachment["source"]).is_file()
    assert results["case/chn.resume.after-cut[seed=3]"]["status"] == "failed"
    assert results["case/chn.resume.after-cut[seed=3]"]["attachments"]
    assert results["case/per.reader.timeout"]["status"] == "broken"
    assert results["case/lod.storm"]["status"] == "skipped"
    assert results["session/PER"]["status"] == "broken"
    assert results["case/visit.core.full"]["start"] == 1_795_000_000_300
    labels = results["case/chn.resume.after-cut[seed=3]"]["labels"]
    stories = [label["value"] for label in labels if label["name"] == "story"]
    assert stories == ["CHN-007", "CHN-008"]


def test_drawings_are_well_formed_and_mark_the_offence() -> None:
    report = sample("<&>\"'")
    sequence = ET.fromstring(diagram.render(report.diagrams[0]))
    marked = [group for group in sequence.iter("g") if "sd-bad" in str(group.get("class"))]
    assert len(marked) == 1
    for line in report.timelines:
        drawn = ET.fromstring(timeline.render(line))
        assert any("tl-fail" in str(rect.get("class")) for rect in drawn.iter("rect")) or line.id == "visit"


def test_long_cases_are_drawn_around_the_offence_only() -> None:
    report = sample()
    steps = report.diagrams[0].steps
    assert report.diagrams[0].left_out == 0
    assert [step.n for step in steps if step.marked] == [report.failures[0].scenes[0].n]


def test_page_speaks_both_languages_and_never_paints_untested_green() -> None:
    page = html_writer.render(sample())
    assert '<html lang="zh-CN">' in page
    assert page.index("对接一致性测试报告") < page.index("Docking Conformance Test Report")
    assert "不替代" in page or "不能替代" in page
    row = page[page.index('id="LOD-001"') : page.index('id="LOD-001"') + 900]
    assert "v-not_selected" in row
    assert "未选测" in row
    assert "v-pass" not in row
