"""Starting pytest for a prepared run, with nothing of the machine's own in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from conformance.bench.case import Case


class Runner(Protocol):
    """What the items of a run ask of the plugin."""

    def run_case(self, case: Case) -> None:
        """Run one case; the item fails where the case does not pass."""
        ...

    def judge_family(self, family: str) -> None:
        """Judge one family at the end; the item fails where a clause does not pass."""
        ...


SUITES = Path(__file__).resolve().parents[1] / "suites"
"""Where the items are."""


@contextmanager
def clean_environment() -> Iterator[None]:
    """No foreign plugin and no option from outside may change an outcome; what was there is put back."""
    kept = {name: os.environ.pop(name, None) for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")}
    before = os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        for name, value in {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": before}.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def inner_arguments(keyword: str) -> list[str]:
    """The command line of the inner pytest."""
    arguments = ["-c", str(SUITES / "pytest.ini"), "--rootdir", str(SUITES), "--noconftest", str(SUITES / "test_run.py")]
    return [*arguments, "-k", keyword] if keyword else arguments


def start(arguments: list[str], plugins: list[object]) -> int:
    """Run it. Returns pytest's own code where the run could not begin."""
    with clean_environment():
        return int(pytest.main(arguments, plugins=plugins))
