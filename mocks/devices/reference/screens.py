"""What the two screens show, as lists of Chinese text. ID numbers are masked before they get here."""

from __future__ import annotations

from mocks.devices.reference.part import Part
from mocks.devices.reference.wire import masked

__all__ = ["LEVELS", "Screens"]

LEVELS = {
    "very_satisfied": "非常满意",
    "satisfied": "满意",
    "basically_satisfied": "基本满意",
    "dissatisfied": "不满意",
    "very_dissatisfied": "非常不满意",
}

RECORDING_NOTICE = "本次服务全程录音录像，请知悉"


class Screens(Part):
    """Main screen for the resident, second screen for pages of the clerk."""

    message = ""
    second: tuple[str, ...] = ()
    trouble = ""
    notice_shown = False

    def main(self) -> list[str]:
        """The main screen from top to bottom, rendered from the state of the device."""
        lines = [self.title(), *self.d.config.lines()]
        if self.trouble:
            lines.append(self.trouble)
        if self.d.mode == "maintenance":
            lines.append("设备维护中，暂停服务")
        lines += [f"{name}故障，请联系工作人员" for name in self.d.bank.faulty_names()]
        lines += self.d.tickets.lines()
        lines += self.d.sessions.lines()
        if self.notice_shown:
            lines.append(RECORDING_NOTICE)
        lines += self.d.ratings.lines()
        if self.message:
            lines.append(self.message)
        return lines

    def title(self) -> str:
        """Name of the counter."""
        return f"远程虚拟窗口 {self.d.config.counter_name}".rstrip()

    def show(self, message: str) -> None:
        """The one line that tells the resident what to do now."""
        self.message = message

    def notice(self, trouble: str) -> None:
        """A line about the state of the device; empty takes it away."""
        self.trouble = trouble

    def show_second(self, lines: list[str]) -> None:
        """The second screen."""
        self.second = tuple(lines)

    def show_recording_notice(self) -> None:
        """Before the first frame counts."""
        self.notice_shown = True

    def person(self, name: str, id_number: str) -> str:
        """A person as a screen may show one."""
        return f"{name[:1]}{'*' * max(len(name) - 1, 1)} {self.id_text(id_number)}"

    def id_text(self, id_number: str) -> str:
        """An ID number as a screen may show it."""
        return masked(id_number)

    def wipe(self) -> None:
        """Home screen; nothing of the last resident stays."""
        self.message = ""
        self.second = ()
        self.notice_shown = False
