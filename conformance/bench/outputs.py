"""The files of a run, all written from one report, which is computed from the journal."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from conformance.spec.model import Spec
from conformance.trace.transcript import Transcript
from conformance.verdict.model import RunResult
from reports import allure_writer, build, html_writer, json_writer, junit_writer
from reports.model import Report

JOURNAL = "journal.jsonl"
PACK = "pack"


def write_outputs(
    result: RunResult, transcript: Transcript, spec: Spec, out: Path, *, journal: Path | None = None
) -> tuple[Report, Mapping[str, Path]]:
    """Write result.json, report.html, junit.xml and allure-results. `journal` says where that lies elsewhere. Raises OSError."""
    report = build.build(result, transcript, spec)
    allure = out / "allure-results"
    if allure.exists():
        shutil.rmtree(allure)
    paths = {
        "result": json_writer.write(report, out / "result.json"),
        "report": html_writer.write(report, out / "report.html"),
        "junit": junit_writer.write(report, out / "junit.xml"),
        "journal": journal or out / JOURNAL,
    }
    allure_writer.write(report, allure)
    return report, {**paths, "allure": allure}


def keep_pack(spec: Spec, out: Path) -> None:
    """Copy the pack that was used into the run, so that it can be judged again when the installed one has moved on."""
    target = out / PACK
    if not target.exists():
        shutil.copytree(spec.root, target, ignore=shutil.ignore_patterns("__pycache__"))
