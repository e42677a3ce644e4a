"""The one way to the terminal and to a CI log: every line of a command passes here, a device's words among them."""

from __future__ import annotations

import contextlib
import sys
from typing import TextIO

from conformance.spec.model import Text
from reports.safe import for_console
from reports.words import Lang, say


def tell(text: str | Text, lang: Lang = "both") -> None:
    """Write a line to stderr: how a run goes on, and what is wrong. Where nobody takes it, it is lost, and nothing else is."""
    with contextlib.suppress(OSError):
        _write(text, lang, sys.stderr)


def answer(text: str | Text, lang: Lang = "both") -> None:
    """Write a line, or several, to stdout: what a command was asked for. Raises OSError."""
    try:
        _write(text, lang, sys.stdout)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, "<stdout>") from error


def prompt(text: str) -> None:
    """Write to stderr as it is, without an end of line."""
    with contextlib.suppress(OSError):
        _put(text, sys.stderr)


def _write(text: str | Text, lang: Lang, stream: TextIO | None) -> None:
    _put(f"{text if isinstance(text, str) else say(text, lang)}\n", stream)


def _put(text: str, stream: TextIO | None) -> None:
    if stream is None:  # it was closed before this program began
        return
    stream.write(for_console(text, stream.encoding))
    stream.flush()
