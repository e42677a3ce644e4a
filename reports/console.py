"""The one way to the terminal and to a CI log: every line of a command passes here, a device's words among them."""

from __future__ import annotations

import sys
from typing import TextIO

from reports.safe import for_console


def tell(text: str) -> None:
    """Write to stderr: how a run goes on, and what is wrong."""
    _write(text, sys.stderr)


def answer(text: str) -> None:
    """Write to stdout: what a command was asked for."""
    _write(text, sys.stdout)


def answer_line(text: str) -> None:
    """As `answer`, with the end of the line."""
    answer(f"{text}\n")


def _write(text: str, stream: TextIO) -> None:
    stream.write(for_console(text, stream.encoding))
    stream.flush()
