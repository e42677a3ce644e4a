"""The documents say what is true: examples parse and are accepted, commands and files that are named exist."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from conformance.bench.killmatrix import defect_files, needs_sockets
from conformance.cli import app
from conformance.iut.device_file import load_device
from conformance.iut.review import review
from conformance.spec.loader import load
from conformance.spec.validators import validators_of
from conformance.verdict.waivers import load_waivers
from mocks.devices.variants import VARIANTS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("vendor-guide*.md")])
GUIDES = [ROOT / "docs" / "vendor-guide.md", ROOT / "docs" / "vendor-guide.zh-CN.md"]
BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    return [text for name, text in BLOCK.findall(page.read_text("utf-8")) if name == language]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_code_parses(page: Path) -> None:
    for text in blocks(page, "python"):
        ast.parse(text)
    for text in blocks(page, "json"):
        json.loads(text)
    for text in blocks(page, "toml"):
        tomllib.loads(text)
    for text in blocks(page, "yaml"):
        yaml.safe_load(text)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target
    for anchor in re.findall(r"\]\(#([^)]+)\)", text):
        assert anchor in {slug(line) for line in text.splitlines() if line.startswith("#")}, anchor


def slug(heading: str) -> str:
    """As GitHub makes the anchor of a heading."""
    words = heading.lstrip("#").strip().lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_and_options_exist(page: Path) -> None:
    commands = dict(known())
    for line in re.findall(r"\brvw ([^\n`]*)", page.read_text("utf-8")):
        words = line.split()
        name = next((n for n in (" ".join(words[:2]), words[0] if words else "") if n in commands), None)
        if name is None:
            assert not words or not re.fullmatch(r"[a-z]+", words[0]) or words[0] == "spec", line
            continue
        for option in re.findall(r"(?<=\s)--[a-z-]+", f" {line}"):
            assert option in commands[name], f"rvw {name} has no {option}"


    everywhere = set[str]().union(*commands.values())
    for option in re.findall(r"`(--[a-z-]+)", page.read_text("utf-8")):
        assert option in everywhere, f"no command of rvw has {option}"


def known() -> Iterator[tuple[str, set[str]]]:
    root = get_command(app)
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        if hasattr(command, "commands"):
            yield from ((f"{name} {n}", options(c)) for n, c in command.commands.items())
        else:
            yield name, options(command)


def options(command: object) -> set[str]:
    return {o for p in command.params for o in (*p.opts, *p.secondary_opts)}  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", GUIDES, ids=lambda p: p.name)
def test_first_device_is_a_lawful_device_file(page: Path, tmp_path: Path) -> None:
    device, network, waivers = blocks(page, "toml")
    file = tmp_path / "first-device.toml"
    file.write_text(device + network, "utf-8")
    assert [str(p) for p in review(load_device(file), load()) if p.fatal] == []
    (tmp_path / "known.toml").write_text(waivers, "utf-8")
    assert len(load_waivers(tmp_path / "known.toml")) == 1


@pytest.mark.parametrize("page", GUIDES, ids=lambda p: p.name)
def test_message_examples_are_valid(page: Path) -> None:
    spec = load()
    validators = validators_of(spec)
    keys = {
        "device_profile": ("device.register", "request"), "holder": ("ticket.issue", "request"),
        "specversion": ("peripheral.report", "request"), "command_id": ("peripheral.command", "request"),
        "ring_timeout_ms": ("call.invite", "request"),
    }  # fmt: skip
    seen = set()
    for text in blocks(page, "json"):
        document = json.loads(text)
        for key, (name, part) in keys.items():
            if key in document:
                assert validators.errors(spec.messages[name], part, document) == []
                seen.add(key)
    assert seen == set(keys)


def test_both_languages_have_the_same_code() -> None:
    english, chinese = GUIDES
    for language in ("python", "json"):
        assert blocks(english, language) == blocks(chinese, language)


def arguments_given() -> set[tuple[str, str]]:
    """(verb, argument) of every stimulus that a story gives; `note` is for the record and goes to nobody."""
    found = set()
    for file in (ROOT / "conformance" / "suites").glob("*.py"):
        for call in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "do" and call.args:
                verb = call.args[0]
                assert isinstance(verb, ast.Constant), f"{file.name}:{call.lineno}"
                found |= {(verb.value, given.arg) for given in call.keywords if given.arg not in (None, "note")}
    return found


@pytest.mark.parametrize("page", GUIDES, ids=lambda p: p.name)
def test_every_argument_of_a_stimulus_stands_in_the_guide(page: Path) -> None:
    rows = [line.split("|") for line in page.read_text("utf-8").splitlines() if line.startswith("| `")]
    told = {verb: row[2] for row in rows for verb in re.findall(r"`([a-z_]+)`", row[1])}
    given = arguments_given()
    assert ("card", "on_behalf_of") in given
    assert {(verb, name) for verb, name in given if f"`{name}" not in told.get(verb, "")} == set()


def figures() -> dict[str, int]:
    """What the pages count, as it is."""
    spec, all_defects = load(), defect_files()
    on_sockets = sum(map(needs_sockets, all_defects))
    return {
        "clauses": len(spec.clauses), "obligations": sum(len(c.obligations) for c in spec.clauses.values()),
        "defects": len(all_defects), "defects in memory": len(all_defects) - on_sockets, "defects on sockets": on_sockets,
        "variants": len(VARIANTS),
    }  # fmt: skip


# (page, pattern with one group for each figure, what they are); the changelog is not here: it tells what a release had
COUNTED = [
    ("README.md", r"runs (\d+) devices that are each wrong in one way \((\d+) in memory, (\d+) on sockets\)",
     ["defects", "defects in memory", "defects on sockets"]),
    ("README.md", r"also run (\d+) lawful variants", ["variants"]),
    ("README.md", r"has (\d+) clauses with (\d+) obligations", ["clauses", "obligations"]),
    ("README.zh-CN.md", r"运行 (\d+) 台各有一处毛病的缺陷设备（(\d+) 台在内存中，(\d+) 台走真实网络）",
     ["defects", "defects in memory", "defects on sockets"]),
    ("README.zh-CN.md", r"另有 (\d+) 种合法变体", ["variants"]),
    ("README.zh-CN.md", r"现有 14 类、(\d+) 条、(\d+) 项要求", ["clauses", "obligations"]),
    ("ARCHITECTURE.md", r"Of (\d+) defect devices (\d+) run there", ["defects", "defects in memory"]),
]  # fmt: skip


@pytest.mark.parametrize(("page", "pattern", "what"), COUNTED)
def test_figures_in_the_pages_are_those_of_the_code(page: str, pattern: str, what: list[str]) -> None:
    found = re.search(pattern, (ROOT / page).read_text("utf-8"))
    assert found is not None
    counted = figures()
    assert [int(number) for number in found.groups()] == [counted[name] for name in what]
