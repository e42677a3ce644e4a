"""What a card adds to the words of a rule: what the bench itself computed or was told, and what a screen showed.

A rule speaks of fields (`facts.signature.ok = True`); whoever repairs a device needs what stands behind them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from conformance.spec.model import Spec, Text
from conformance.trace.transcript import Entry
from conformance.verdict.model import Violation
from reports.model import Shown
from reports.safe import clean, clean_block

SCREEN_CHARS: Final = 600  # of one screen: its beginning tells which page it is
BASE_CHARS: Final = 1_500  # of a signature base, which the bench keeps short itself
_ITEM: Final = re.compile(r"\b[A-Z][\w.]*\w")  # an item of a declaration, as a rule's words name it
_NOTHING: Final = Text("（空白）", "(blank)")
_SCREENS: Final = (("main", Text("主屏显示", "on the main screen")), ("second", Text("副屏显示", "on the second screen")))
_BASE: Final = Text("测试台按收到的请求算出的签名基串", "the signature base, as the bench computes it from the request")
_REASON: Final = Text("验签结果", "verification")
_SOUGHT: Final = Text("屏幕上应有的文字", "text on the screen")


def expected_more(occasion: Violation, entries: Sequence[Entry], head: Mapping[str, Any], spec: Spec) -> tuple[Shown, ...]:
    """What was expected, as far as the rule's words only point to it. `entries` is the slice in which it was expected."""
    rows = list(_declared(occasion.expected, head, spec))
    if base := _signature(occasion, entries).get("base"):
        rows.append(Shown(_BASE, clean_block(base, BASE_CHARS)))
    if "facts.shown" in occasion.expected and (screen := _screen(occasion, entries)) is not None:
        rows.append(Shown(_SOUGHT, clean(screen.facts.get("expects", ""))))
    return tuple(row for row in rows if row.text)


def seen_more(occasion: Violation, entries: Sequence[Entry]) -> tuple[Shown, ...]:
    """What came instead, as far as the rule's words only point to it."""
    if reason := _signature(occasion, entries).get("reason"):
        return (Shown(_REASON, clean(reason)),)
    screen = _screen(occasion, entries)
    if screen is None:
        return ()
    shown = [Shown(label, clean_block(screen.facts.get(key, ""), SCREEN_CHARS)) for key, label in _SCREENS]
    return tuple(row for row in shown if row.text) or (Shown(_SCREENS[0][1], f"{_NOTHING.zh} {_NOTHING.en}"),)


def _signature(occasion: Violation, entries: Sequence[Entry]) -> Mapping[str, Any]:
    """What was found out about the signature that the rule asks about."""
    entry = next((entry for entry in entries if entry.n == occasion.n), None)
    facts = entry.facts.get("signature") if entry is not None and "facts.signature." in occasion.expected else None
    return facts if isinstance(facts, Mapping) else {}


def _screen(occasion: Violation, entries: Sequence[Entry]) -> Entry | None:
    """The screens that broke the rule; where it missed a text on them, those that were told next and lack it."""
    for entry in entries:
        if entry.n < occasion.n or entry.obs != "device.claim" or "main" not in entry.facts:
            continue
        if entry.n == occasion.n or ("facts.shown" in occasion.expected and entry.facts.get("shown") is False):
            return entry
    return None


def _declared(expected: str, head: Mapping[str, Any], spec: Spec) -> list[Shown]:
    """The declared values that the rule compares with, and where the device file has them."""
    rows = []
    for ident in dict.fromkeys(_ITEM.findall(expected)):
        item = spec.pixit.get(ident) or spec.pics.get(ident)
        table = head.get("pixit" if ident in spec.pixit else "pics")
        if item is not None and isinstance(table, Mapping) and ident in table:
            label = Text(f"设备文件的 {item.where}（{ident}）", f"{item.where} in the device file ({ident})")
            rows.append(Shown(label, clean(_value(table[ident]))))
    return rows


def _value(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
