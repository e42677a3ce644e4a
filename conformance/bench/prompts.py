"""The operator's terminal: what a person is asked, in the language of the run (decision 7: evidence grade person)."""

from __future__ import annotations

from collections.abc import Callable

from conformance.iut.prompt import Prompt
from conformance.spec.model import Text
from reports.words import Lang, say

ENTER = Text("完成后按回车；做不到请输入 n 再按回车", "press Enter when it is done; type n and Enter if it cannot be done")
TYPED = Text("输入后以空行结束", "an empty line ends")


def terminal_prompts(write: Callable[[str], None], lang: Lang) -> Callable[[Prompt], None]:
    """A function that shows a prompt. It writes nothing else, so that a scripted terminal can follow."""

    def show(prompt: Prompt) -> None:
        write(f"\n>>> {say(prompt.text, lang)}\n    ({say(TYPED if prompt.wants_text else ENTER, lang)})\n")

    return show
