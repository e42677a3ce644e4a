"""Every cross-check of the pack loader, proven by a copy of the tiny pack with exactly one thing broken."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conformance.spec.loader import examine
from conformance.spec.problems import Problem

TINY = Path(__file__).parents[1] / "packs" / "tiny" / "1.0"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "tiny" / "1.0"))


def edit(pack: Path, file: str, old: str, new: str) -> None:
    text = (pack / file).read_text("utf-8")
    assert text.count(old) >= 1, f"{old!r} is not in {file}"
    (pack / file).write_text(text.replace(old, new, 1), "utf-8")


def line_of(pack: Path, file: str, word: str) -> int:
    return next(n for n, line in enumerate((pack / file).read_text("utf-8").splitlines(), 1) if word in line)


def problems(pack: Path) -> list[Problem]:
    return examine(pack)[1]


def test_the_tiny_pack_has_no_problem(pack: Path) -> None:
    assert problems(pack) == []


# file, what is replaced, by what, words of the one problem, a word on the line it must point at
BROKEN = {
    "unknown member": ("timers.yaml", "lab_ms: 600", "lab_msec: 600", "unknown member 'lab_msec'", "T-ACK"),
    "member missing": ("clauses/REG.yaml", "  level: MUST\n", "", "member 'level' is missing", "REG-001"),
    "word out of list": ("clauses/CLK.yaml", "SHOULD\n", "SHULD\n", "did you mean 'SHOULD'", "SHULD"),
    "wrong type": ("timers.yaml", "lab_ms: 100", "lab_ms: fast", "wrong type", "fast"),
    "a second value that nobody is told": (
        "timers.yaml", "told: false", "told: false, varied: 0.8", "varied is for timers that the device is told", "varied",
    ),
    "a second value that asks less": ("timers.yaml", "told: true", "told: true, varied: 1.2", "favours the device", "varied"),
    "bad form": ("profiles/core.yaml", "id: core", "id: Core Profile", "wrong form", "Core Profile"),
    "unknown family": ("pack.yaml", "  CLK: {zh: 点击, en: clicks}\n", "", "unknown family 'CLK'", "CLK-001"),
    "unknown interface of a clause": ("clauses/CLK.yaml", "interface: I2", "interface: I7", "interface 'I7'", "I7"),
    "unknown source": ("clauses/REG.yaml", "ref: S0 page 1", "ref: S9 page 1", "unknown source 'S9'", "S9"),
    "dangling follows_from": ("clauses/CLK.yaml", "[REG-001]", "[REG-009]", "unknown clause 'REG-009'", "REG-009"),
    "duplicate clause": ("clauses/CLK.yaml", "id: CLK-002", "id: CLK-001", "duplicate id 'CLK-001'", "TWICE"),
    "duplicate obligation": ("clauses/CLK.yaml", "- id: c", "- id: b", "duplicate obligation CLK-001.b", "TWICE"),
    "condition with an unknown item": (
        "clauses/CLK.yaml", "[TINY.LAMP,", "[TINY.LAMPP,", "did you mean 'TINY.LAMP'", "TINY.LAMPP",
    ),
    "condition with a value never declared": (
        "clauses/CLK.yaml", "is: retrofit", "is: retrofitted", "TINY.FORM is never 'retrofitted'", "retrofitted",
    ),
    "condition of no form": ("clauses/CLK.yaml", "{all: [TINY.LAMP", "{every: [TINY.LAMP", "is no condition", "every"),
    "untested": (
        "clauses/CLK.yaml", "      rule: {kind: lifecycle, lifecycle: button}\n", "", "CLK-001.c is untested", "- id: c",
    ),
    "procedure without stimulus": ("clauses/CLK.yaml", "      stimulus: clk.*\n", "", "names no stimulus", "- id: b"),
    "unknown rule kind": ("clauses/REG.yaml", "kind: schema", "kind: schemata", "did you mean 'schema'", "schemata"),
    "unknown rule parameter": ("clauses/CLK.yaml", "reply: true", "replies: true", "did you mean 'reply'", "replies"),
    "missing rule parameter": (
        "clauses/CLK.yaml", "        timer: T-CLICK\n", "", "lacks the parameter 'timer'", "rule:",
    ),
    "one of two parameters": (
        "clauses/CLK.yaml", "        timer: T-ACK\n", "", "needs one of timer, at_least", "rule:",
    ),
    "unknown timer in a rule": ("clauses/CLK.yaml", "timer: T-CLICK", "timer: T-CLACK", "unknown timer", "T-CLACK"),
    "unknown message in a matcher": (
        "clauses/REG.yaml", "{message: counter.open, kind: request}", "{message: counter.opn, kind: request}",
        "did you mean 'counter.open'", "counter.opn",
    ),
    "glob that matches nothing": (
        "clauses/REG.yaml", "{message: counter.open, kind: request}", "{message: counters.*}", "matches no message",
        "counters.*",
    ),
    "unknown matcher key": ("clauses/CLK.yaml", "of: {message: click", "of: {massage: click", "matcher key", "massage"),
    "unknown interface in a matcher": (
        "clauses/CLK.yaml", "of: {message: click", "of: {interface: I9, message: click", "interface 'I9'", "I9",
    ),
    "unknown observation": (
        "clauses/CLK.yaml", "of: {message: click, kind: request, from: iut}", "of: {observation: ws.clos}",
        "did you mean 'ws.close'", "ws.clos}",
    ),
    "sender who never sends it": (
        "clauses/CLK.yaml", "kind: request, from: iut", "kind: request, from: bench", "no request of click", "from: bench",
    ),
    "unknown canonical field": (
        "clauses/REG.yaml", "remote_device_id: {pixit", "remote_devic_id: {pixit", "did you mean 'remote_device_id'",
        "remote_devic_id",
    ),
    "pointer that the schema lacks": (
        "clauses/CLK.yaml", "/params/state: pressed", "/params/stat: pressed", "no matched message has '/params/stat'",
        "stat:",
    ),
    "unknown predicate": (
        "clauses/REG.yaml", '{matches: "[a-z]+"}', '{matchs: "[a-z]+"}', "unknown predicate", "matchs",
    ),
    "bad pattern in a rule": ("clauses/REG.yaml", '"[a-z]+"', '"[a-z"', "bad pattern", '"[a-z"'),
    "\\d in a rule": ("clauses/REG.yaml", '"[a-z]+"', "'\\d+'", "write [0-9]", "'\\d+'"),
    "unknown stimulus in a predicate": (
        "clauses/CLK.yaml", "of: {message: click, kind: request, from: iut}",
        "of: {message: click, where: {facts.intended.stimulus: {in: [bad-parms]}}}", "did you mean 'bad-params'", "bad-parms",
    ),
    "unknown PIXIT in a predicate": ("clauses/REG.yaml", "TINY.PIXIT.ID", "TINY.PIXIT.IDD", "PIXIT item", "IDD"),
    "secret in a predicate": ("clauses/REG.yaml", "TINY.PIXIT.ID", "TINY.PIXIT.KEY", "is sensitive", "PIXIT.KEY"),
    "unknown life cycle": (
        "clauses/CLK.yaml", "lifecycle: button", "lifecycle: bottom", "life cycle 'bottom'", "bottom",
    ),
    "unknown role": ("messages.yaml", "role: heartbeat", "role: hartbeat", "did you mean 'heartbeat'", "hartbeat"),
    "role of the other side": (
        "messages.yaml", "role: heartbeat", "role: lamp.set", "unknown role 'lamp.set'", "lamp.set",
    ),
    "role without its field": (
        "messages.yaml", "state: /state, ", "", "needs the field 'state' in its request", "press_id",
    ),
    "unknown schema file": (
        "messages.yaml", "request: lamp.request.json", "request: lmp.request.json", "schema of request", "lmp",
    ),
    "unknown signature scheme": ("messages.yaml", "signed: mac", "signed: mack", "did you mean 'mac'", "mack"),
    "unknown interface of a message": (
        "messages.yaml", "interface: I2\n  from: bench", "interface: I8\n  from: bench", "'I8'", "I8",
    ),
    "unknown envelope": ("pack.yaml", "envelope: jsonrpc", "envelope: jsonrcp", "did you mean 'jsonrpc'", "jsonrcp"),
    "field that the schema lacks": (
        "messages.yaml", "/look/colour", "/look/color", "did you mean 'colour'", "/look/color",
    ),
    "event of no message": (
        "lifecycles/button.yaml", "lamp:notification", "lamb:notification", "did you mean 'lamp'", "lamb",
    ),
    "event of no kind": (
        "lifecycles/button.yaml", "lamp:notification", "lamp:request", "is a notification", "lamp:request",
    ),
    "unknown state": ("lifecycles/button.yaml", "to: down}", "to: dawn}", "did you mean 'down'", "dawn"),
    "unreachable state": (
        "lifecycles/button.yaml", "to: down}", 'to: "="}', "'down' of 'button' can never be reached", "states:",
    ),
    "row that never applies": (
        "lifecycles/button.yaml", "  - {from: \"*\"", "  - {from: [up], on: \"click:request\", to: up}\n  - {from: \"*\"",
        "the row never applies", "[up]",
    ),
    "document that refers to nothing": (
        "channel.asyncapi.yaml", "messages/lamp.request.json", "messages/lump.request.json",
        "did you mean 'messages/lamp.request.json'", "lump",
    ),
    "message in no document": (
        "channel.asyncapi.yaml", "    lamp: {payload: {$ref: messages/lamp.request.json}}", "    lamp: {}",
        "no *.asyncapi.yaml refers to lamp.request.json", "name: lamp",
    ),
    "operation without a message": (
        "docking.openapi.yaml", "    post:", "    put:", "unknown message for 'PUT /counters/{counter_id}'", "put:",
    ),
    "operation with another schema": (
        "docking.openapi.yaml", "messages/counter.open.result.json", "messages/click.request.json",
        "does not refer to counter.open.result.json", "post:",
    ),
    "unknown key": ("lifecycles/button.yaml", "key: press_id", "key: pres_id", "did you mean 'press_id'", "pres_id"),
    "profile with an unknown family": ("profiles/core.yaml", '["*"]', "[CLC]", "did you mean 'CLK'", "CLC"),
    "file named otherwise": ("peripherals/lamp.yaml", "id: lamp", "id: bell", "its file is bell.yaml", "id: bell"),
    "enum without values": ("pics.yaml", ", values: [lamp, bell]", "", "without values", "TINY.CLASSES"),
    "item that stands nowhere": (
        "pics.yaml", "where: device.device_profile", "where: device.profile",
        "did you mean 'device.device_profile'", "TINY.FORM",
    ),
    "duplicate item": ("pics.yaml", "id: TINY.PIXIT.KEY", "id: TINY.PIXIT.ID", "duplicate id", "where: pixit.key"),
    "$id of another file": (
        "messages/lamp.request.json", '"$id": "lamp.request.json"', '"$id": "lump.json"', "$id is 'lump.json'", "lump.json",
    ),
    "$ref that leads nowhere": (
        "messages/lamp.request.json", "$defs/id", "$defs/ident", "leads nowhere", "$defs/ident",
    ),
    "\\d in a schema": ("messages/common.json", "[a-z0-9]{1,16}", "\\\\d{1,16}", "write [0-9]", "\\\\d"),
    "unknown format": ("messages/click.request.json", "date-time", "datetime", "did you mean 'date-time'", "datetime"),
    "no lawful schema": (
        "messages/click.request.json", '"type": "object"', '"type": "objekt"', "no lawful schema", "objekt",
    ),
    "inline schema that refers to nothing": (
        "peripherals/lamp.yaml", "$defs/empty", "$defs/emty", "unknown schema", "emty",
    ),
    "valid example that is invalid": (
        "examples/valid/click.request.1.json", "+08:00", "", "breaks 'format' at '/at'", "pressed",
    ),
    "example of no message": (
        "examples/invalid/click.request.state.json", "CLK-001", "CLK-009", "clause 'CLK-009'", "CLK-009",
    ),
    "invalid example that breaks another thing": (
        "examples/invalid/click.request.state.json", '"keyword": "enum"', '"keyword": "type"',
        "it breaks 'enum' at '/state'", "pointer",
    ),
    "invalid example that is valid": (
        "examples/invalid/click.request.state.json", '"held"', '"pressed"', "it breaks nothing", "pointer",
    ),
    "invalid example that breaks two things": (
        "examples/invalid/click.request.state.json", '{"state": "held"}', '{"state": "held", "press_id": "P"}',
        "more than the one constraint: 'pattern' at '/press_id'", "body",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN.keys())
def test_broken_pack_is_told_with_file_and_line(pack: Path, case: tuple[str, str, str, str, str]) -> None:
    file, old, new, words, marker = case
    edit(pack, file, old, new)
    told = [p for p in problems(pack) if words in str(p)]
    assert told, "\n".join(map(str, problems(pack))) or "no problem was found"
    if marker == "TWICE":
        assert told[0].place.file == file
        return
    place = told[0].place
    assert marker in (pack / place.file).read_text("utf-8").splitlines()[place.line - 1]


@pytest.mark.parametrize("name", sorted(BROKEN.keys() - {"unknown family", "untested", "wrong type"}))
def test_one_mistake_is_not_drowned(pack: Path, name: str) -> None:
    """What follows from a mistake may be told too, but the author is not buried."""
    file, old, new, *_ = BROKEN[name]
    edit(pack, file, old, new)
    assert 1 <= len(problems(pack)) <= 4


def test_follows_from_cycle(pack: Path) -> None:
    edit(pack, "clauses/REG.yaml", "  interface: I1\n", "  interface: I1\n  follows_from: [CLK-002]\n")
    assert [p.text for p in problems(pack)] == [
        "follows_from runs in a circle: REG-001 -> CLK-002 -> CLK-001 -> REG-001"
    ]


def test_duplicate_key_in_yaml_and_json(pack: Path) -> None:
    edit(pack, "profiles/core.yaml", "timer_set: lab", "timer_set: lab\nid: core")
    edit(pack, "examples/valid/click.result.json", "{}", '{"a": 1,\n "a": 2}')
    told = {str(p.place): p.text for p in problems(pack)}
    assert told[f"profiles/core.yaml:{line_of(pack, 'profiles/core.yaml', 'timer_set') + 1}"] == "duplicate key 'id'"
    assert told["examples/valid/click.result.json:2"] == "duplicate key 'a'"


def test_unreadable_files_do_not_hide_other_problems(pack: Path) -> None:
    (pack / "media.yaml").write_text("a: [1\nb: 2\n", "utf-8")
    (pack / "messages" / "lamp.request.json").write_text('{"type": \n', "utf-8")
    edit(pack, "timers.yaml", "obeys: iut", "obeys: nobody")
    told = problems(pack)
    assert any(p.place.file == "media.yaml" and "not YAML" in p.text for p in told)
    assert any(p.place.file == "messages/lamp.request.json" and "not JSON" in p.text for p in told)
    assert any(p.place.file == "timers.yaml" and "'nobody' is not allowed" in p.text for p in told)


def test_message_without_examples(pack: Path) -> None:
    for file in (pack / "examples").rglob("lamp.*"):
        file.unlink()
    assert {p.text for p in problems(pack)} == {f"message 'lamp' has no {kind} example" for kind in ("valid", "invalid")}


def test_example_without_a_message(pack: Path) -> None:
    (pack / "examples" / "valid" / "clack.request.json").write_text("{}", "utf-8")
    assert ["names no message" in p.text for p in problems(pack)] == [True]


def test_a_file_that_would_be_passed_over(pack: Path) -> None:
    (pack / "clauses" / "CLK.yaml").rename(pack / "clauses" / "CLK.yml")
    assert "clauses/CLK.yml:1: the file would be passed over (files under clauses/ end in .yaml)" in map(str, problems(pack))


def test_an_alias_that_leads_into_itself(pack: Path) -> None:
    (pack / "media.yaml").write_text("sections: &a [*a]\n", "utf-8")
    assert [str(p) for p in problems(pack)] == ["media.yaml:1: an alias leads into itself"]


def test_words_of_yaml_11_are_words(pack: Path) -> None:
    """`on`, `no` and dates are text: a pack must not change its meaning with the YAML version."""
    edit(pack, "pack.yaml", "city: {counters: 1}", "city: {on: no, day: 2026-05-01, at: 08:30, share: 1e3}")
    spec, found = examine(pack)
    assert found == []
    assert spec is not None
    assert spec.city == {"on": "no", "day": "2026-05-01", "at": "08:30", "share": 1000.0}
