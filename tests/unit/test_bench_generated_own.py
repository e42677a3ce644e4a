"""Cases that a pack makes of what no story of the harness knows: its own life cycles and its own equipment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from conformance.bench.generated import generated_cases
from conformance.protocol.lifecycle import LifecycleTable
from conformance.spec.loader import default_pack, examine, load
from conformance.spec.model import Spec

SECOND = load(Path(__file__).resolve().parents[1] / "packs" / "xingzhu" / "1.0")


def ids(spec: Spec, kind: str) -> list[str]:
    return [case for case in generated_cases(spec) if case.startswith(f"gen.{kind}.")]


def test_a_table_is_walked_only_where_no_role_speaks_its_messages() -> None:
    assert ids(SECOND, "walk") == ["gen.walk.locker"]  # tickets are led by stories
    bound = {name: replace(m, role="ticket.call") if name == "locker.open" else m for name, m in SECOND.messages.items()}
    assert ids(replace(SECOND, messages=bound), "walk") == []


def test_a_table_of_the_devices_messages_alone_is_not_walked() -> None:
    alone = LifecycleTable("alone", ("", ""), "box", "a", (), ("a", "b"), {("a", "locker.taken:request"): "b"})
    assert ids(replace(SECOND, lifecycles={"alone": alone}), "walk") == []


def test_each_example_of_an_actions_arguments_is_a_case_under_the_condition_of_its_class() -> None:
    assert ids(SECOND, "action") == ["gen.action.call_lamp.light.1"]
    assert generated_cases(SECOND)["gen.action.call_lamp.light.1"].condition == "XZ.EQP.CALL_LAMP"


def test_where_commands_need_a_session_the_stories_command() -> None:
    messages = dict(SECOND.messages)
    messages["locker.load"] = replace(messages["locker.load"], role="session.open")
    assert ids(replace(SECOND, messages=messages), "action") == []


def test_the_first_pack_is_led_by_stories_alone() -> None:
    first, _ = examine(default_pack())
    assert first is not None
    assert ids(first, "action") == ids(first, "walk") == []


def test_a_wrong_state_is_brought_about_for_messages_without_a_role_too() -> None:
    assert {"gen.wrong-state.locker.empty.locker.open", "gen.wrong-state.locker.loaded"} <= set(ids(SECOND, "wrong-state"))
