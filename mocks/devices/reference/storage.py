"""The device's disk, as a directory or in memory."""

from __future__ import annotations

from pathlib import Path

__all__ = ["DirStorage", "MemoryStorage"]


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
    """One directory, no sub-directories of its own making."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def read(self, name: str) -> str | None:
        """The text, or None. What is no text is read as replacement characters: it is there all the same."""
        try:
            return (self.directory / name).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None

    def write(self, name: str, text: str) -> None:
        """Replace the text in one step, so that a power loss leaves the old or the new one."""
        target = self.directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(target.name + ".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(target)

    def remove(self, name: str) -> None:
        """Remove it."""
        (self.directory / name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Every file, whoever wrote it."""
        return sorted(p.relative_to(self.directory).as_posix() for p in self.directory.rglob("*") if p.is_file())
