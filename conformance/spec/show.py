"""One thing of a pack as text, in Chinese, English or both: what `rvw spec show ID` prints."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from conformance.protocol.lifecycle import LifecycleTable
from conformance.spec.model import (
    Clause,
    Interface,
    Message,
    Obligation,
    Peripheral,
    PicsItem,
    PixitItem,
    Profile,
    Spec,
    Text,
    Timer,
)
from conformance.spec.problems import suggest

Lang = Literal["zh", "en", "both"]

_WORDS: Mapping[str, tuple[str, str]] = {
    "source": ("来源", "source"), "interface": ("接口", "interface"), "condition": ("适用条件", "condition"),
    "follows": ("前提条款", "follows from"), "cause": ("常见原因", "likely cause"), "remedy": ("下一步", "next step"),
    "expected": ("应为", "expected"),
    "obligations": ("义务", "obligations"), "rule": ("规则", "rule"), "stimulus": ("激励", "stimulus"),
    "always": ("每次运行", "every run"), "needed": ("所需次数", "occasions needed"), "sender": ("发送方", "sender"),
    "role": ("角色", "role"), "http": ("HTTP", "HTTP"), "schemas": ("模式", "schemas"), "fields": ("字段", "fields"),
    "errors": ("错误", "errors"), "signed": ("签名", "signature"), "used": ("引用条款", "named by"),
    "production": ("生产值", "production"), "lab": ("实验室值", "lab"), "tolerance": ("容差", "tolerance"),
    "obeys": ("遵守方", "obeyed by"), "states": ("状态", "states"), "rows": ("转移", "transitions"),
    "key": ("实例键", "key"), "initial": ("初态", "initial"), "final": ("终态", "final"),
    "type": ("类型", "type"), "values": ("取值", "values"),
    "where": ("填写位置", "stands at"), "required": ("必填", "required"), "sensitive": ("敏感", "sensitive"),
    "families": ("条款族", "families"), "grades": ("证据等级", "grades"), "timers": ("计时器组", "timer set"),
    "cases": ("用例", "cases"), "actions": ("动作", "actions"), "reports": ("上报", "reports"), "faults": ("故障", "faults"),
    "transport": ("传输", "transport"), "messages": ("消息", "messages"), "level": ("级别", "level"),
    "scalable": ("可缩放", "scalable"), "told": ("注册时下发", "told at registration"),
    "varied": ("隔次上电改为", "told at every second power-on"),
    "mandatory": ("必配条件", "mandatory"), "sourced": ("公开文件写明的", "what public documents say"),
    "assumed": ("本规范包自行设定的", "what this pack had to decide"), "sources": ("来源文件", "sources"),
    "interfaces": ("接口", "interfaces"), "profiles": ("档次", "profiles"), "digest": ("摘要值", "digest"),
}  # fmt: skip


class UnknownIdError(KeyError):
    """Nothing in the pack has this id."""

    def __str__(self) -> str:
        return str(self.args[0])


def show(spec: Spec, ident: str, lang: Lang = "both") -> str:
    """The text of a clause, obligation, message, timer, life cycle, declaration item, peripheral, profile or interface.

    An empty id asks for the first page of the pack. Raises UnknownIdError with near names.
    """
    page = _Page(spec, lang)
    if not ident:
        page.first()
    tables: tuple[tuple[Mapping[str, Any], Callable[[Any], None]], ...] = (
        (spec.clauses, page.clause), (spec.messages, page.message), (spec.timers, page.timer),
        (spec.lifecycles, page.lifecycle), (spec.pics, page.item), (spec.pixit, page.item),
        (spec.peripherals, page.peripheral), (spec.profiles, page.profile), (spec.interfaces, page.interface),
    )  # fmt: skip
    for table, render in tables:
        if ident in table:
            render(table[ident])
    obligations = {o.id: o for clause in spec.clauses.values() for o in clause.obligations}
    if ident in obligations:
        page.clause(spec.clauses[obligations[ident].clause])
    if not page.lines:
        known = [name for table, _ in tables for name in table]
        raise UnknownIdError(f"nothing in {spec.id}/{spec.version} is called {ident!r}; {suggest(ident, known)}")
    return "\n".join(page.lines)


class _Page:
    """Lines under construction."""

    def __init__(self, spec: Spec, lang: Lang) -> None:
        self.spec = spec
        self.lang = lang
        self.lines: list[str] = []

    def say(self, text: Text) -> str:
        return {"zh": text.zh, "en": text.en, "both": f"{text.zh} / {text.en}"}[self.lang]

    def word(self, key: str) -> str:
        return self.say(Text(*_WORDS[key]))

    def head(self, ident: str, title: Text, note: str = "") -> None:
        if self.lines:
            self.lines.append("")
        self.lines.append(f"{ident}  {self.say(title)}" + (f"  [{note}]" if note else ""))

    def row(self, key: str, value: object, indent: int = 2) -> None:
        if value not in ("", None, (), [], {}):
            self.lines.append(f"{' ' * indent}{self.word(key)}: {value}")

    def first(self) -> None:
        """What the pack is and is not, what it rests on, what is in it."""
        spec = self.spec
        self.head(f"{spec.id} {spec.version}", spec.title)
        self.lines += [f"  {line}" for line in self._texts(spec.notice)]
        for key, texts in (("sourced", spec.sourced), ("assumed", spec.assumed)):
            self.lines.append(f"  {self.word(key)}:")
            self.lines += [f"    - {self.say(text)}" for text in texts]
        self.lines.append(f"  {self.word('sources')}:")
        self.lines += [f"    {key}: {title}" for key, title in spec.sources.items()]
        self.lines.append(f"  {self.word('families')}:")
        for family, title in spec.families.items():
            clauses = [clause for clause in spec.clauses.values() if clause.family == family]
            count = f"{len(clauses)} / {sum(len(clause.obligations) for clause in clauses)}"
            self.lines.append(f"    {family}  {count}  {self.say(title)}")
        for key, names in (("interfaces", spec.interfaces), ("profiles", spec.profiles), ("digest", (spec.digest,))):
            self.row(key, ", ".join(names))

    def clause(self, clause: Clause) -> None:
        self.head(clause.id, clause.title, clause.level)
        self.lines += [f"  {line}" for line in self._texts(clause.text)]
        note = f" ({clause.source.note})" if clause.source.note else ""
        self.row("source", f"{clause.source.kind}: {clause.source.ref}{note}")
        self.row("interface", clause.interface)
        self.row("condition", condition_text(clause.condition))
        self.row("follows", ", ".join(clause.follows_from))
        self.lines.append(f"  {self.word('obligations')}:")
        for obligation in clause.obligations:
            self._obligation(obligation)
        for key, text in (("cause", clause.cause), ("remedy", clause.remedy)):
            if text is not None:
                self.row(key, self.say(text))

    def _texts(self, text: Text) -> list[str]:
        return [text.zh, text.en] if self.lang == "both" else [self.say(text)]

    def _obligation(self, o: Obligation) -> None:
        self.lines.append(f"    {o.id}  {o.polarity}, {o.verification}, {o.grade}")
        if o.text is not None:
            self.lines.append(f"      {self.say(o.text)}")
        if o.expected is not None:
            self.row("expected", self.say(o.expected), 6)
        if o.rule is not None:
            self.row("rule", f"{o.rule.kind} ({o.rule.scope}) {compact(o.rule.params)}", 6)
            self.row("stimulus", o.stimulus or self.word("always"), 6)
            self.row("needed", o.occasions, 6)
        self.row("condition", condition_text(o.condition), 6)
        self.row("states", ", ".join(o.states), 6)

    def message(self, message: Message) -> None:
        self.head(message.name, message.title, message.kind)
        self.row("interface", message.interface)
        self.row("sender", message.sender)
        self.row("role", message.role)
        if message.http is not None:
            self.row("http", f"{message.http.method} {message.http.path}")
        self.row("signed", message.signed)
        self.row("schemas", ", ".join(f"{part}: {file}" for part, file in message.schemas.items()))
        for part, fields in message.fields.items():
            self.row("fields", f"{part}: " + ", ".join(f"{name} = {at}" for name, at in fields.items()))
        self.row("errors", ", ".join(message.errors))
        self._used(message.name)

    def timer(self, timer: Timer) -> None:
        self.head(timer.id, timer.title)
        self.row("production", f"{timer.production_ms:g} ms")
        self.row("lab", f"{timer.lab_ms:g} ms")
        self.row("tolerance", f"{timer.tolerance:.0%}")
        self.row("obeys", timer.obeys)
        self.row("scalable", timer.scalable)
        self.row("told", timer.told)
        if timer.varied != 1:
            self.row("varied", f"{timer.varied:.0%}")
        self._used(timer.id)

    def _used(self, ident: str) -> None:
        self.row("used", ", ".join(clauses_naming(self.spec, ident)))

    def lifecycle(self, table: LifecycleTable) -> None:
        self.head(table.id, Text(*table.subject))
        self.row("key", table.key)
        self.row("initial", table.initial)
        self.row("final", ", ".join(table.final))
        titles = (f"{s} {self.say(Text(*table.titles[s]))}" if s in table.titles else s for s in table.states)
        self.row("states", "; ".join(titles))
        self.lines.append(f"  {self.word('rows')}:")
        self.lines += [f"    {state} -- {event} --> {to}" for (state, event), to in table.rows.items()]

    def item(self, item: PicsItem | PixitItem) -> None:
        self.head(item.id, item.title)
        if isinstance(item, PicsItem):
            self.row("type", item.type)
            self.row("values", ", ".join(item.values))
        else:
            self.row("sensitive", item.sensitive)
        self.row("where", item.where)
        self.row("required", item.required)
        self._used(item.id)

    def peripheral(self, peripheral: Peripheral) -> None:
        self.head(peripheral.id, peripheral.title)
        self.row("actions", ", ".join(peripheral.actions))
        self.row("reports", ", ".join(peripheral.reports))
        self.row("faults", ", ".join(peripheral.faults))
        self.row("condition", condition_text(peripheral.condition))
        self.row("mandatory", condition_text(peripheral.mandatory))

    def profile(self, profile: Profile) -> None:
        self.head(profile.id, profile.title)
        self.row("families", " ".join(profile.families))
        self.row("grades", " ".join(profile.grades))
        self.row("timers", profile.timer_set)
        self.row("cases", " ".join(profile.cases))
        if profile.note is not None:
            self.lines += [f"  {line}" for line in self._texts(profile.note)]

    def interface(self, interface: Interface) -> None:
        self.head(interface.id, interface.title)
        self.row("transport", " ".join(filter(None, (interface.transport, interface.path, interface.subprotocol))))
        mine = [m.name for m in self.spec.messages.values() if m.interface == interface.id]
        self.row("messages", ", ".join(mine))


def clauses_naming(spec: Spec, ident: str) -> list[str]:
    """Clauses whose rules or condition name a message, a timer or an item, in pack order."""
    return [
        clause.id for clause in spec.clauses.values()
        if ident in set(_words(clause.condition))
        or any(o.rule is not None and ident in set(_words(o.rule.params)) for o in clause.obligations)
    ]  # fmt: skip


def _words(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _words(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _words(item)


def compact(value: Any) -> str:
    """Rule parameters on one line."""
    return json.dumps(value, ensure_ascii=False, default=str)


def condition_text(condition: Any) -> str:
    """A PICS condition as one line; "" where there is none."""
    match condition:
        case None:
            return ""
        case str():
            return condition
        case {"item": item, "is": value}:
            return f"{item} = {value}"
        case {"item": item, "has": value}:
            return f"{value} ∈ {item}"
        case {"all": parts}:
            return " ∧ ".join(f"({condition_text(p)})" for p in parts)
        case {"any": parts}:
            return " ∨ ".join(f"({condition_text(p)})" for p in parts)
        case {"not": part}:
            return f"¬({condition_text(part)})"
    return compact(condition)
