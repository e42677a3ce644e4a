"""Faults of materials."""

from __future__ import annotations

from typing import Any

from mocks.devices.reference.actions import Actions
from mocks.devices.reference.commands import Command
from mocks.devices.reference.docking import Refused, Request
from mocks.devices.reference.materials import Materials
from mocks.devices.reference.pictures import Picture
from mocks.devices.reference.signing import content_digest
from mocks.devices.reference.wire import WRONG_STATE, RpcError
from mocks.devices.registry import defect


@defect(
    id="MAT-001-bitmap-uploaded",
    breaks=["MAT-001"],
    about={"zh": "上传了规定以外的格式", "en": "uploads another format than JPEG or PDF"},
)
class BitmapUploaded(Actions):
    def picture(self, name: str, command: Command) -> Picture:
        own = super().picture(name, command)
        return Picture(own.data, own.width, own.height, own.empty, "image/bmp")


@defect(
    id="MAT-002-digest-of-another-file",
    breaks=["MAT-002"],
    about={"zh": "上报的摘要与上传内容不符", "en": "the reported digest is not that of the uploaded bytes"},
)
class DigestOfAnotherFile(Materials):
    def digest(self, data: bytes, answer: Any) -> str:
        return super().digest(data + b"\n", answer)


@defect(
    id="MAT-003-small-picture",
    breaks=["MAT-003"],
    about={"zh": "分辨率低于要求", "en": "the picture is smaller than asked for"},
)
class SmallPicture(Actions):
    def resolution(self, _command: Command) -> tuple[int, int]:
        return 800, 1130


@defect(
    id="MAT-004-upload-given-up",
    breaks=["MAT-004"],
    about={"zh": "上传遇错即放弃", "en": "gives an upload up at the first error"},
)
class UploadGivenUp(Materials):
    async def upload(self, session_id: str, material_id: str, picture: Picture) -> str:
        request = Request("PUT", self.path(session_id, material_id), picture.data, picture.media_type)
        try:
            await self.d.docking.send(request)
        except (Refused, OSError) as error:
            raise RpcError(WRONG_STATE, "upload failed") from error
        return content_digest(picture.data)


@defect(
    id="MAT-005-empty-plate-uploaded",
    breaks=["MAT-005"],
    about={"zh": "空白画面当作材料", "en": "takes an empty plate for a page"},
)
class EmptyPlateUploaded(Actions):
    def picture(self, name: str, command: Command) -> Picture:
        own = super().picture(name, command)
        return Picture(own.data, own.width, own.height)
