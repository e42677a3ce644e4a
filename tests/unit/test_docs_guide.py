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

from conformance.cli import app
from conformance.iut.device_file import load_device
from conformance.iut.review import review
from conformance.spec.loader import load
from conformance.spec.validators import validators_of
from conformance.verdict.waivers import load_waivers

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


def known() -> Iterator[tuple[str, set[str]]]:
    root = get_command(app)
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        if name == "spec":
            yield from ((f"spec {n}", options(c)) for n, c in command.commands.items())
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
