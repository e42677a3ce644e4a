"""Every good device again and again: none of them may ever be failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from conformance.bench.killmatrix import MemoryLab, broken_clauses
from conformance.iut.device_file import load_device
from measure import Figure
from measure.desk import REFERENCE, ROOT, Desk, device_file
from mocks.devices import variants

TITLE = "Good devices, run after run"
AIM = "no clause fails in any run, whatever the order"


def measure(desk: Desk) -> list[Figure]:
    """In virtual time each with its own seed; in real time fewer, because each takes as long as it takes."""
    return [*_in_memory(desk), *_on_sockets(desk)]


def _in_memory(desk: Desk) -> Iterator[Figure]:
    lab = MemoryLab()
    yield _again(lab, "reference device, in virtual time", [(None, seed) for seed in range(1, desk.runs + 1)])
    many = [(name, seed) for name in variants.VARIANTS for seed in range(1, desk.variant_runs + 1)]
    yield _again(lab, f"{len(variants.VARIANTS)} lawful variants of it, in virtual time", many)


def _again(lab: MemoryLab, label: str, runs: Sequence[tuple[str | None, int]]) -> Figure:
    device = load_device(REFERENCE)
    failed: Counter[str] = Counter()
    codes: Counter[int] = Counter()
    for name, seed in runs:
        result = lab.run(device, defect=name, seed=seed)
        codes[result.exit_code] += 1
        failed.update(f"{clause} ({name or 'reference'})" for clause in broken_clauses(result))
    told = ", ".join(f"exit {code}: {count}" for code, count in sorted(codes.items()))
    return Figure(label, f"{len(runs)} runs, {sum(failed.values())} failures", not failed, f"{told} {_worst(failed)}".strip())


def _on_sockets(desk: Desk) -> Iterator[Figure]:
    for file in sorted((ROOT / "devices").glob("*.toml")):
        codes: Counter[int] = Counter()
        failed: Counter[str] = Counter()
        for number in range(1, desk.socket_runs + 1):
            run = desk.run(_own_name(desk, file), f"again-{file.stem}-{number}", "--profile", "core", "--seed", str(number))
            codes[run.code] += 1
            if (run.out / "result.json").is_file():
                failed.update(c["clause"] for c in run.result["clauses"] if c["verdict"] == "fail")
        told = ", ".join(f"exit {code}: {count}" for code, count in sorted(codes.items()))
        clean = not failed and set(codes) <= {0, 3}
        yield Figure(f"{file.name}, on sockets", f"{desk.socket_runs} runs, {sum(failed.values())} failures", clean,
                     f"{told} {_worst(failed)}".strip())  # fmt: skip


def _own_name(desk: Desk, file: Path) -> Path:
    return device_file(desk, file, f"RVW-AGAIN-{file.stem.upper()}")


def _worst(failed: Counter[str]) -> str:
    return " ".join(f"{name} x{count}" for name, count in failed.most_common(6))
