"""What is wrong with a pack or a device file: every problem at once, with place, words and what would be valid."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conformance.spec.model import Place, Text

_LISTED = 12  # valid names printed in full before the list is cut
_HEAD = re.compile(r"[.:-]")  # what ends the family, the area or the folder of a name


class Spoken(Exception):
    """An error that people read, in both languages where the sentence is ours. `str()` is the English: for logs and programs."""

    def __init__(self, *lines: str | Text) -> None:
        super().__init__("\n".join(line if isinstance(line, str) else line.en for line in lines))
        self.lines: Sequence[str | Text] = lines


def lines_of(error: BaseException) -> Sequence[str | Text]:
    """What an error says, for people: in both languages where it has them."""
    told: Sequence[str | Text] = getattr(error, "lines", None) or str(error).splitlines()
    return told


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: where, what, and what would be valid ("" where the text says it all)."""

    place: Place
    text: str
    valid: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.text}" + (f" ({self.valid})" if self.valid else "")


class PackError(ValueError):
    """A pack that cannot be used. `problems` holds all of them, in file and line order."""

    def __init__(self, problems: Iterable[Problem], what: str = "pack") -> None:
        self.problems = sorted(set(problems), key=lambda p: (p.place.file, p.place.line, p.text))
        lines = "\n".join(f"  {p}" for p in self.problems)
        super().__init__(f"{what}: {len(self.problems)} problem(s)\n{lines}")


class Problems:
    """Gathers problems while reading goes on."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, place: Place, text: str, valid: str = "") -> None:
        """Note one problem."""
        self.found.append(Problem(place, text, valid))

    def known(self, place: Place, what: str, name: object, names: Iterable[str]) -> bool:
        """Whether `name` is one of `names`; notes it where not."""
        found = set(names)
        if isinstance(name, str) and name in found:
            return True
        self.unknown(place, what, name, found)
        return False

    def unknown(self, place: Place, what: str, name: object, known: Iterable[str]) -> None:
        """Note a name that does not exist, with the nearest existing ones."""
        self.add(place, f"unknown {what} {name!r}", suggest(str(name), known))


def suggestion(name: str, known: Iterable[str]) -> Text:
    """`did you mean ...` for a near miss, else the (cut) list of what exists, of the same family where there is one."""
    names = sorted(set(known))
    if not names:
        return Text("没有定义任何一项", "none is defined")
    near = [repr(n) for n in difflib.get_close_matches(name, names, n=2, cutoff=0.6)]
    if near:
        return Text(f"是否应为 {' 或 '.join(near)}？", f"did you mean {' or '.join(near)}?")
    near = [n for n in names if _HEAD.split(n)[0] == _HEAD.split(name)[0]] or names
    cut = ", ".join(near[:_LISTED])
    if len(near) > _LISTED:
        return Text(f"可用：{cut} 等，共 {len(near)} 项", f"known: {cut}, ... {len(near)} in all")
    return Text(f"可用：{cut}", f"known: {cut}")


def suggest(name: str, known: Iterable[str]) -> str:
    """The same in English."""
    return suggestion(name, known).en
