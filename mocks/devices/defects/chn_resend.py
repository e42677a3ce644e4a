"""Faults of what goes out again after a cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mocks.devices.reference.channel import Channel
from mocks.devices.reference.link import Sent
from mocks.devices.registry import defect


@defect(
    id="CHN-015-forgets-what-it-sent",
    breaks=["CHN-015"],
    may_break=["CHN-005"],  # a heartbeat that was lost with it is missing from the numbers, too
    about={"zh": "消息一经发出即不再保留", "en": "keeps a message until it is sent, and not until it is confirmed"},
)
class ForgetsWhatItSent(Channel):
    def __init__(self, device: Any) -> None:
        super().__init__(device)
        self.gone: set[int] = set()

    def number(self, document: dict[str, Any]) -> None:
        super().number(document)
        if self.ready.is_set():
            self.gone.add(id(self.sent[-1]))

    def unconfirmed(self) -> list[Sent]:
        return [message for message in self.sent if id(message) not in self.gone]


@defect(
    id="CHN-016-sent-again-with-new-seen",
    breaks=["CHN-016"],
    may_break=["PER-002", "CHN-003", "CHN-005"],
    about={"zh": "重发时改写 meta.seen", "en": "writes the present seen into what it sends again"},
)
class SentAgainWithNewSeen(Channel):
    def unconfirmed(self) -> list[Sent]:
        again = []
        for message in super().unconfirmed():
            document = {**message.document, "meta": self.meta(message.seq)}
            again.append(replace(message, text=self.d.codec.dumps(document), document=document))
        return again


@defect(
    id="CHN-016-sent-again-as-new",
    breaks=["CHN-016"],
    may_break=["CHN-003", "CHN-005"],  # the call's id stays the same, and its number comes out of order
    about={"zh": "重发时换用新的事件编号和序号", "en": "sends again under a new event id and number"},
)
class SentAgainAsNew(Channel):
    def unconfirmed(self) -> list[Sent]:
        again = []
        for message in super().unconfirmed():
            if message.document.get("method") == "peripheral.report":
                params = message.document["params"]
                seq = self.next_seq()
                document = {**message.document, "params": {**params, "id": f"{params['id']}-again"}, "meta": self.meta(seq)}
                message = Sent(seq, self.d.codec.dumps(document), document)
            again.append(message)
        return again
