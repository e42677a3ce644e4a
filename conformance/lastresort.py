"""What no command caught: a sentence and a code of the one table. Exit 1 says that the device failed, and no crash may say it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

import typer
from typer.core import TyperGroup

from conformance.verdict import exitcode

if TYPE_CHECKING:
    from conformance.spec.model import Text
    from reports.words import Lang

_OWN: Final = ("typer", "click")  # rooms of their own exceptions: how a command ends, and wrong options


class Losing:
    """A stream that loses what nobody takes (a full disk, a reader that is gone): words about a run never decide about it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what can be written."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what can be handed on."""
        with contextlib.suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def whole_streams() -> None:
    """What was closed before this program began leads nowhere from now on: else the next file, a journal even, would get its
    number, and every word for the terminal. And stderr loses what it cannot write."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number: this one
    sys.stdin = sys.stdin or _nowhere("r")
    sys.stdout = sys.stdout or _nowhere("w")
    sys.stderr = cast("TextIO", Losing(sys.stderr or _nowhere("w")))


def _nowhere(mode: str) -> TextIO:
    return cast("TextIO", Path(os.devnull).open(mode, encoding="utf-8"))


@contextlib.contextmanager
def told_to_stop() -> Iterator[None]:
    """A pipeline that gives up (SIGTERM) and a terminal that is closed (SIGHUP) stop a command as Ctrl-C does: a run is sealed,
    judged up to there, and its files are written. What the caller had ignored (nohup) stays ignored."""
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows has no SIGHUP
    before = {}
    for number in (getattr(signal, name) for name in names):
        with contextlib.suppress(ValueError):  # not the main thread: somebody else's program, and its own affair
            if signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Guarded(TyperGroup):
    """The commands, with every exception that they let through told and given its exit code."""

    _given: Sequence[str] = ()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep the words as they were given, for the language in which an error is told."""
        self._given = tuple(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            with told_to_stop():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            from conformance.spec.model import Text

            raise _ended([Text("已停止", "stopped")], exitcode.INCONCLUSIVE, _lang(self._given)) from None
        except BrokenPipeError:  # nobody reads on; what is still on its way out must not complain again
            sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
            raise typer.Exit(exitcode.BENCH) from None
        except Exception as error:
            if type(error).__module__.partition(".")[0] in _OWN:
                raise
            raise _ended(*_told(error), _lang(self._given)) from error


def _told(error: Exception) -> tuple[Sequence[str | Text], int]:
    """The lines and the exit code of an error."""
    # Imported here: the modules are heavy, and help has to answer at once.
    from conformance.bench.errors import BenchBroken, UsageProblem, told_of
    from conformance.bench.lab import LabError
    from conformance.bench.lock import DeviceBusy
    from conformance.bench.place import PlaceError
    from conformance.bench.rejudge import NoRun
    from conformance.iut.process import DeviceAbsent
    from conformance.spec.model import Text
    from conformance.spec.problems import PackError, lines_of
    from conformance.verdict.waivers import WaiverError
    from reports.details import in_chinese

    lines = lines_of(error)
    if isinstance(error, UsageProblem | PackError | NoRun | WaiverError | PlaceError | LabError | DeviceBusy):
        return lines, exitcode.USAGE
    if isinstance(error, DeviceAbsent):
        return [Text(in_chinese(str(error)), str(error))], exitcode.INCONCLUSIVE
    if isinstance(error, BenchBroken):
        return lines, exitcode.BENCH
    if isinstance(error, OSError) and error.filename:
        return [told_of(error)], exitcode.BENCH
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    kept = _kept(error)
    return [Text(
        f"测试台自身出错，与设备无关：{what}；{kept.zh}", f"a fault of the bench, not of the device: {what}; {kept.en}"
    )], exitcode.BENCH  # fmt: skip


def _kept(error: Exception) -> Text:
    """Where the traceback lies; where no file takes it, the traceback itself."""
    from conformance.spec.model import Text

    text = "".join(traceback.format_exception(error))
    try:
        handle, name = tempfile.mkstemp(prefix="rvw-crash-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        return Text(f"请连同 {name} 一起反馈", f"please report it with {name}")
    except OSError:
        return Text("请反馈", f"please report it\n{text}")


def _ended(lines: Sequence[str | Text], code: int, lang: Lang) -> typer.Exit:
    from reports.console import tell
    from reports.words import say

    for line in lines:
        tell(f"rvw: {line if isinstance(line, str) else say(line, lang)}")
    return typer.Exit(code)


def _lang(arguments: Sequence[str]) -> Lang:
    """The language that was asked for, wherever it stands among the arguments: the command that read it is gone."""
    words = [part for word in arguments for part in (word.split("=", 1) if word.startswith("--lang=") else [word])]
    asked = next((after for option, after in pairwise(words) if option == "--lang"), "both")
    return "zh" if asked == "zh" else "en" if asked == "en" else "both"
