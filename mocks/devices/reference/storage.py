"""The device's disk, as a directory or in memory."""

from __future__ import annotations

from pathlib import Path

__all__ = ["DirStorage", "MemoryStorage"]

_FRESH, _ASIDE = ".new", ".old"


class MemoryStorage:
    """A disk for runs in memory. Hand the same object to the next boot and it is a power loss."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def read(self, name: str) -> str | None:
        """The text, or None."""
        return self.texts.get(name)

    def write(self, name: str, text: str) -> None:
        """Replace the text."""
        self.texts[name] = text

    def remove(self, name: str) -> None:
        """Remove it."""
        self.texts.pop(name, None)

    def names(self) -> list[str]:
        """Everything stored."""
        return sorted(self.texts)


class DirStorage:
    """One directory, no sub-directories of its own making.

    A file is never renamed over another: ext4 then waits until the new one is on the disk, which may take a second or two, and
    the device would miss its heartbeats. The old one steps aside first.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def read(self, name: str) -> str | None:
        """The text, or None. What is no text is read as replacement characters: it is there all the same."""
        for place in (name, name + _ASIDE):
            try:
                return (self.directory / place).read_text(encoding="utf-8", errors="replace")
            except FileNotFoundError:
                continue
        return None

    def write(self, name: str, text: str) -> None:
        """Replace the text, so that a power loss leaves the old or the new one."""
        target = self.directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh, aside = self.directory / (name + _FRESH), self.directory / (name + _ASIDE)
        fresh.write_text(text, encoding="utf-8")
        if target.exists():
            aside.unlink(missing_ok=True)  # of a power loss, and older than the target
            target.rename(aside)
        fresh.rename(target)
        aside.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Remove it, and what a power loss left of it."""
        for place in (name + _ASIDE, name):
            (self.directory / place).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Every file, whoever wrote it."""
        return sorted(p.relative_to(self.directory).as_posix() for p in self.directory.rglob("*") if p.is_file())
