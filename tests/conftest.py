"""What every test stands on."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import settings

# The same examples every time: a run that fails can be run again. No deadline: a busy machine is no fault.
settings.register_profile("bench", deadline=None, derandomize=True, database=None)
settings.load_profile("bench")


@pytest.fixture(scope="session", autouse=True)
def own_temporary_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Locks of devices lie in the temporary directory. One of our own keeps the tests and somebody's run on the same machine
    out of each other's way."""
    before, told = tempfile.tempdir, os.environ.get("TMPDIR")
    tempfile.tempdir = os.environ["TMPDIR"] = str(tmp_path_factory.mktemp("t"))
    yield
    tempfile.tempdir = before
    os.environ.pop("TMPDIR") if told is None else os.environ.update(TMPDIR=told)


@pytest.fixture(scope="session", autouse=True)
def children_hear_ctrl_c() -> Iterator[None]:
    """A shell that starts us in the background has SIGINT ignored, and what we start would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
