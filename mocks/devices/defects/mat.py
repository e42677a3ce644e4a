"""Faults of materials."""

from __future__ import annotations

from typing import Any

from mocks.devices.reference.actions import Actions
from mocks.devices.reference.commands import Command
from mocks.devices.reference.docking import Docking
from mocks.devices.reference.materials import Materials
from mocks.devices.reference.pictures import Picture, picture_of
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
    id="MAT-004-huge-upload",
    breaks=["MAT-004"],
    about={"zh": "上传文件超过大小上限", "en": "uploads files above the size limit"},
)
class HugeUpload(Materials):
    def content(self, picture: Picture) -> bytes:
        return picture.data + b"\0" * (11 * 1024 * 1024)


@defect(
    id="MAT-005-empty-plate-uploaded",
    breaks=["MAT-005"],
    about={"zh": "空白画面当作材料", "en": "takes an empty plate for a page"},
)
class EmptyPlateUploaded(Actions):
    def picture(self, name: str, command: Command) -> Picture:
        own = super().picture(name, command)
        return Picture(own.data, own.width, own.height)


@defect(
    id="MAT-002-digest-of-the-first-block",
    breaks=["MAT-002", "SEC-008"],  # every request's digest must be right
    about={"zh": "上传摘要只算首个数据块", "en": "the digest of an upload covers its first block only"},
)
class DigestOfTheFirstBlock(Docking):
    def digest(self, body: bytes) -> str:
        return super().digest(body[:4096])


@defect(
    id="MAT-001-png-called-jpeg",
    breaks=["MAT-001"],
    about={"zh": "内容为PNG却称JPEG", "en": "PNG bytes are uploaded as image/jpeg"},
)
class PngCalledJpeg(Materials):
    def content(self, picture: Picture) -> bytes:
        return b"\x89PNG\r\n\x1a\n" + picture.data[2:]


@defect(
    id="MAT-003-size-on-paper-only",
    breaks=["MAT-003"],
    about={"zh": "图像过小而上报尺寸合格", "en": "the picture is small, and the size that was asked for is reported"},
)
class SizeOnPaperOnly(Actions):
    def picture(self, name: str, command: Command) -> Picture:
        small = picture_of(name, 827, 1170)
        return Picture(small.data, *self.resolution(command), small.empty)
