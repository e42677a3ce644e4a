"""Cases that the pack makes by itself: no Python is written for a new message, life cycle or constraint.

- one for each invalid example of a message that the city sends: refused with the defined error, without effect
- one for each life cycle and state in which the table does not know all that the city could say (`wrongstate`)
- one for each life cycle that no story of the harness leads: the city says its messages in the order of the table, from their
  examples, and the device says its own (`walks`)
- one for each action of a peripheral class that gives an example of its arguments, where commands need no session
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from conformance.bench.asking import asked_on_a_channel, is_event
from conformance.bench.case import Case, Procedure
from conformance.bench.stage import Stage
from conformance.bench.walks import walks
from conformance.bench.wrongstate import wrong_state
from conformance.protocol import pointer, strictjson
from conformance.spec.model import Constraint, Message, Spec, Text


def generated_cases(spec: Spec) -> dict[str, Case]:
    """All generated cases of a pack by id."""
    return {case.id: case for case in (*_bad_params(spec), *wrong_state(spec), *walks(spec), *_actions(spec))}


def _bad_params(spec: Spec) -> Iterator[Case]:
    for constraint in spec.constraints:
        message = spec.messages[constraint.message]
        if constraint.part != "request" or not asked_on_a_channel(spec, message):
            continue
        slug = Path(constraint.file).stem.split(".")[-1]
        yield Case(
            id=f"gen.bad-params.{message.name}.{slug}",
            title=Text(
                f"{message.name} 参数不合规（{constraint.pointer or '/'}）",
                f"{message.name} with bad parameters ({constraint.keyword} at {constraint.pointer or '/'})",
            ),
            procedure=_send_invalid(message, constraint), roles=(message.role,) if message.role else (),
            purpose=f"{message.name} that breaks {constraint.keyword} at {constraint.pointer} and nothing else.",
        )  # fmt: skip


def _send_invalid(message: Message, constraint: Constraint) -> Procedure:
    async def procedure(stage: Stage) -> None:
        body = _body(stage, message, constraint)
        intended = {"stimulus": "bad-params", "pointer": constraint.pointer, "keyword": constraint.keyword}
        await stage.reply(stage.city.send_body(message, body, intended=intended))
        await stage.still_usable()

    return procedure


def _body(stage: Stage, message: Message, constraint: Constraint) -> Any:
    """The invalid example with fresh identifiers: a device may answer one that it has met before with what it said then."""
    body = strictjson.loads((stage.spec.root / constraint.file).read_bytes())["body"]
    for field, where in message.fields.get("request", {}).items():
        if field.endswith("_id") and where != constraint.pointer and isinstance(pointer.get(body, where), str):
            pointer.put(body, where, stage.city.new_id(field))
    return body


def _actions(spec: Spec) -> Iterator[Case]:
    if spec.by_role("session.open"):
        return  # there the stories command, inside a session
    for peripheral in spec.peripherals.values():
        for action, shape in peripheral.actions.items():
            args = shape.get("args")
            examples = args.get("examples", ()) if isinstance(args, Mapping) else ()
            for number, example in enumerate(examples, 1):
                yield Case(
                    id=f"gen.action.{peripheral.id}.{action}.{number}",
                    title=Text(f"{peripheral.title.zh}执行 {action}", f"{peripheral.title.en} does {action}"),
                    procedure=_command(peripheral.id, action, example),
                    roles=("peripheral.command", "peripheral.report"), condition=peripheral.condition,
                    purpose=f"{peripheral.id} is told to {action}; a good device does it and says so.",
                )  # fmt: skip


def _command(peripheral: str, action: str, args: Mapping[str, Any]) -> Procedure:
    async def procedure(stage: Stage) -> None:
        request = stage.city.command("", peripheral, action, args)
        await stage.reply(request)
        told = {"command_id": request.get("command_id")}
        report = f"{stage.spec.by_role('peripheral.report')[0].name}:request"
        await stage.wait(is_event(report, told), timer="T-COMMAND", after=request.n, what=report)

    return procedure
