"""A run's directory belongs to one run, and a run that does not begin leaves there what it found."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from conformance.bench.claim import Claim
from conformance.bench.errors import UsageProblem
from conformance.bench.outputs import JOURNAL


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_the_second_is_told_and_takes_nothing_away(tmp_path: Path) -> None:
    out = tmp_path / "a" / "run"
    first = Claim(out)
    with pytest.raises(UsageProblem, match="has a run in it, under way or stopped"):
        Claim(out)
    assert names(out) == [JOURNAL]
    first.give_back()
    assert not out.exists()
    Claim(out)


def test_of_many_at_once_one_has_it(tmp_path: Path) -> None:
    together = Barrier(8)

    def claims(_: int) -> bool:
        together.wait()
        try:
            Claim(tmp_path / "run")
        except UsageProblem:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claims, range(8))) == 1


def test_a_directory_of_the_user_s_stays(tmp_path: Path) -> None:
    Claim(tmp_path).give_back()
    assert names(tmp_path) == []


def test_what_somebody_else_put_there_stays(tmp_path: Path) -> None:
    out = tmp_path / "run"
    claim = Claim(out)
    (out / "pack").mkdir()
    (out / "pack" / "pack.yaml").touch()
    (out / "mine.txt").touch()
    claim.give_back()
    assert names(out) == ["mine.txt"]


@pytest.mark.parametrize("name", ["file", "file/below", "n" * 300, f"{'n' * 300}/below"])
def test_a_place_where_nothing_can_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageProblem, match="--out"):
        Claim(tmp_path / name)
    assert names(tmp_path) == ["file"]


def test_a_place_where_nobody_may_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(UsageProblem, match="Permission denied; name a directory that can be written with --out"):
        Claim(tmp_path / "run")
