"""Takes the measurements of scripts/measure and writes them as one dated table.

    python scripts/prove.py                      all of them, into docs/proof.md
    python scripts/prove.py --only journal       some of them, printed
    python scripts/prove.py --list
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import os
import pkgutil
import platform
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import measure
import psutil
from measure import CannotMeasure, Figure
from measure.desk import ROOT, Desk

ORDER = ("rejudge", "core_wall", "virtual_time", "journal", "channel", "memory", "four_devices", "forty_runs", "kill_matrix")


@dataclass(frozen=True)
class Taken:
    """One measurement with what came of it."""

    name: str
    title: str
    aim: str
    seconds: float
    figures: tuple[Figure, ...]
    why_not: str = ""


def available() -> dict[str, ModuleType]:
    """Measurement modules by name, in the order in which they are taken."""
    found = {}
    for module in pkgutil.iter_modules(measure.__path__):
        loaded = importlib.import_module(f"measure.{module.name}")
        if hasattr(loaded, "measure"):
            found[module.name] = loaded
    return {name: found[name] for name in sorted(found, key=lambda n: (ORDER.index(n) if n in ORDER else len(ORDER), n))}


def take(name: str, module: ModuleType, desk: Desk) -> Taken:
    """One measurement. What goes wrong in it is told in its row and stops nothing else."""
    print(f"-- {module.TITLE}", flush=True)
    begin = time.perf_counter()
    figures: tuple[Figure, ...] = ()
    why_not = ""
    try:
        figures = tuple(module.measure(desk))
    except CannotMeasure as error:
        why_not = str(error)
    except Exception as error:
        traceback.print_exc()
        why_not = f"{type(error).__name__}: {error}"
    taken = Taken(name, module.TITLE, module.AIM, time.perf_counter() - begin, figures, why_not)
    print(rows(taken), flush=True)
    return taken


def rows(taken: Taken) -> str:
    """The table rows of one measurement."""
    if taken.why_not:
        return f"| {taken.title} | not measured | {_cell(taken.why_not)} | {taken.aim} | - |"
    lines = []
    for number, figure in enumerate(taken.figures):
        title, aim = (taken.title, taken.aim) if number == 0 else ("", "")
        met = {True: "yes", False: "**no**", None: ""}[figure.met]
        note = f" ({_cell(figure.note)})" if figure.note else ""
        lines.append(f"| {title} | {_cell(figure.what)} | {figure.value}{note} | {aim} | {met} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "/").split())[:300]


def page(all_taken: list[Taken], left: Sequence[str]) -> str:
    """docs/proof.md; `left` are the titles of those that are still to be taken."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB"
    when = f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC"
    return "\n".join([
        "# Measurements", "",
        f"Taken on {when} by `make prove`, source {_revision()}, CPython {platform.python_version()}, {machine}.", "",
        "`yes` and `no` say whether the aim is met by that figure; a row without either only informs. What could not be measured",
        "says why. Times and ratios depend on the machine; ratios are taken within one process or side by side.", "",
        "| measurement | what | measured | aim | met |", "|---|---|---|---|---|",
        *(rows(taken) for taken in all_taken), *(f"| {title} | not yet taken | | | - |" for title in left), "",
        "Time for each: " + ", ".join(f"{t.name} {t.seconds:.0f} s" for t in all_taken) + ".", "",
    ])  # fmt: skip


@cache
def _revision() -> str:
    """Of the source as it is when the measurements begin: the page that they write is no change of it."""
    answer = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "without a revision"


def main() -> int:
    """0 when every aim is met, 1 when one is not or a measurement could not be taken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only this measurement; repeatable")
    parser.add_argument("--list", action="store_true", help="name the measurements")
    parser.add_argument("--runs", type=int, default=40, help="runs of the reference device in virtual time")
    parser.add_argument("--variant-runs", type=int, default=2, help="runs of each lawful variant in virtual time")
    parser.add_argument("--socket-runs", type=int, default=40, help="runs of each good device in real time; forty take an hour")
    parser.add_argument("--out", type=Path, help="file to write; default docs/proof.md where all are taken")
    options = parser.parse_args()
    modules = available()
    if options.list:
        print("\n".join(f"{name:<14} {module.TITLE}" for name, module in modules.items()))
        return 0
    if unknown := [name for name in options.only if name not in modules]:
        parser.error(f"no measurement {', '.join(unknown)}; there are {', '.join(modules)}")
    out = options.out.resolve() if options.out else (None if options.only else ROOT / "docs" / "proof.md")
    _revision()
    os.chdir(ROOT)  # device commands in the device files are run from here
    with tempfile.TemporaryDirectory(prefix="rvw-prove-", ignore_cleanup_errors=True) as scratch:
        desk = Desk(Path(scratch), options.runs, options.variant_runs, options.socket_runs)
        wanted = {name: module for name, module in modules.items() if not options.only or name in options.only}
        taken: list[Taken] = []
        for name, module in wanted.items():
            taken.append(take(name, module, desk))
            if out is not None:  # after each: the long ones come last, and who stops them keeps what there is
                out.parent.mkdir(parents=True, exist_ok=True)
                out.write_text(page(taken, left=[m.TITLE for m in list(wanted.values())[len(taken):]]), encoding="utf-8")
    if out is not None:
        print(f"written: {out}")
    return 0 if all(not t.why_not and all(f.met is not False for f in t.figures) for t in taken) else 1


if __name__ == "__main__":
    sys.exit(main())
