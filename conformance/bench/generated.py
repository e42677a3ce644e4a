"""Cases that the pack makes by itself: no Python is written for a new message, life cycle or constraint.

- one for each invalid example of a message that the city sends: refused with the defined error, without effect
- one for each (life cycle, state) and message that the table does not know there, where the bench can bring the state about:
  the initial one (an object that nobody has heard of) and, for objects that the city ends by one message, the final one
- one for each life cycle that no story of the harness leads: the city says its messages in the order of the table, from their
  examples, and the device says its own
- one for each action of a peripheral class that gives an example of its arguments, where commands need no session
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from conformance.bench.case import Case, Procedure
from conformance.bench.stage import Stage
from conformance.protocol import pointer, strictjson
from conformance.protocol.lifecycle import LifecycleTable
from conformance.spec.model import Constraint, Message, Spec, Text
from conformance.trace.transcript import Entry


def generated_cases(spec: Spec) -> dict[str, Case]:
    """All generated cases of a pack by id."""
    return {case.id: case for case in (*_bad_params(spec), *_wrong_state(spec), *_walks(spec), *_actions(spec))}


def _asked_on_a_channel(spec: Spec, message: Message) -> bool:
    interface = spec.interfaces[message.interface]
    handshake = message.role is not None and message.role.endswith(".challenge")
    return (
        interface.transport == "websocket" and message.sender in ("bench", "either") and message.kind == "call" and not handshake
    )  # fmt: skip


def _bad_params(spec: Spec) -> Iterator[Case]:
    for constraint in spec.constraints:
        message = spec.messages[constraint.message]
        if constraint.part != "request" or not _asked_on_a_channel(spec, message):
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


def _wrong_state(spec: Spec) -> Iterator[Case]:
    for table in spec.lifecycles.values():
        if not table.key or table.key == "conn":
            continue
        for message in spec.messages.values():
            if not _asked_on_a_channel(spec, message) or table.key not in message.fields.get("request", {}):
                continue
            event = f"{message.name}:request"
            if event not in table.alphabet or event in table.ignores or (table.initial, event) in table.rows:
                continue
            yield _unheard_of(table, message)


def _unheard_of(table: LifecycleTable, message: Message) -> Case:
    case_id = f"gen.wrong-state.{table.id}.{table.initial}.{message.name}"
    intended = {"stimulus": "wrong-state", "lifecycle": table.id, "state": table.initial}

    async def procedure(stage: Stage) -> None:
        names = [field for field in message.fields.get("request", {}) if field.endswith("_id") or field == table.key]
        fresh = {field: stage.city.new_id(field) for field in names}
        await stage.reply(stage.city.bend(message, fresh, {}, intended=intended))
        await stage.still_usable()

    zh, en = table.titles.get(table.initial, (table.initial, table.initial))
    return Case(
        id=case_id,
        title=Text(f"{table.subject[0]}处于“{zh}”时收到 {message.name}", f"{message.name} while the {table.subject[1]} is {en}"),
        procedure=procedure, roles=(message.role,) if message.role else (),
        purpose=f"{message.name} for a {table.key} that nobody has heard of.",
    )  # fmt: skip


def _walks(spec: Spec) -> Iterator[Case]:
    """Tables whose every message from the city is bound to no role: no story will ever say them."""
    for table in spec.lifecycles.values():
        said = [m for m in spec.messages.values() if f"{m.name}:request" in table.alphabet and m.sender != "iut"]
        if table.key and said and all(m.role is None and _asked_on_a_channel(spec, m) for m in said):
            yield Case(
                id=f"gen.walk.{table.id}",
                title=Text(f"{table.subject[0]}走完其生命周期", f"{table.subject[1]} goes its way"),
                procedure=_walk(table, {f"{m.name}:request": m for m in said}),
                purpose=f"One {table.key} from {table.initial} on, in the order of the table.",
            )  # fmt: skip


def _walk(table: LifecycleTable, said: Mapping[str, Message]) -> Procedure:
    async def procedure(stage: Stage) -> None:
        key = {table.key: stage.city.new_id(table.key)}
        state, passed = table.initial, {table.initial}
        while step := _onward(table, state, passed):
            event, state = step
            passed.add(state)
            if event in said:
                await stage.reply(stage.city.bend(said[event], key, {}))
            else:
                await stage.wait(_is_event(event, key), timer="T-COMMAND", what=event)

    return procedure


def _onward(table: LifecycleTable, state: str, passed: set[str]) -> tuple[str, str] | None:
    """The first request that leads from `state` to one where the walk has not been."""
    rows = ((event, to) for (at, event), to in table.rows.items() if at == state and event.endswith(":request"))
    return next((row for row in rows if row[1] not in passed), None)


def _is_event(event: str, fields: Mapping[str, Any]) -> Callable[[Entry], bool]:
    """Whether an entry is this event of this object, from the device."""
    return lambda e: (
        e.dir == "iut" and e.event == event and not e.repeat and all(e.get(name) == value for name, value in fields.items())
    )


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
        await stage.wait(_is_event(report, told), timer="T-COMMAND", after=request.n, what=report)

    return procedure
