"""What each peripheral can do. One coroutine for each action; it may be cancelled at any point."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from mocks.devices.reference.bank import Peripheral
from mocks.devices.reference.commands import Command
from mocks.devices.reference.part import Part
from mocks.devices.reference.pictures import Picture, picture_of, signature_picture
from mocks.devices.reference.wire import BAD_PARAMS, FAULT, RpcError, wanted

__all__ = ["Actions"]

Action = Callable[[Command], Awaitable[dict[str, Any]]]

_CARD_FIELDS = (
    "card_type",
    "id_number",
    "name",
    "sex",
    "ethnicity",
    "birth_date",
    "address",
    "issuing_authority",
    "valid_from",
    "valid_until",
)
_SOCIAL_FIELDS = ("card_type", "id_number", "name", "card_no")


class Actions(Part):
    """The table of actions and their work."""

    def __init__(self, device: Any) -> None:
        super().__init__(device)
        self.table: dict[tuple[str, str], tuple[Action, str]] = {
            ("id_card_reader", "read"): (self.read_id_card, ""),
            ("social_card_reader", "read"): (self.read_social_card, ""),
            ("code_scanner", "scan"): (self.scan, ""),
            ("document_camera", "capture"): (self.capture, "material_id:str min_width?:int min_height?:int"),
            ("printer", "print"): (self.print_job, "job_id:str copies?:int"),
            ("receipt_printer", "print"): (self.print_job, "job_id:str copies?:int"),
            ("signature_pad", "sign"): (self.sign, "material_id:str"),
            ("second_screen", "show"): (self.show, "text?:str page_url?:str"),
        }

    def supported(self, peripheral: str, action: str) -> bool:
        """Whether this device can do it."""
        return (peripheral, action) in self.table

    def check(self, command: Command) -> None:
        """Check the arguments. Raises RpcError -32602."""
        wanted(command.args, self.table[(command.peripheral, command.action)][1])
        if command.action == "show" and not command.args.keys() & {"text", "page_url"}:
            raise RpcError(BAD_PARAMS, "text or page_url")

    async def perform(self, command: Command) -> dict[str, Any]:
        """Do it and give the result. Raises RpcError."""
        peripheral = self.d.bank.get(command.peripheral)
        self.sound(peripheral)
        return await self.table[(command.peripheral, command.action)][0](command)

    def sound(self, peripheral: Peripheral) -> None:
        """Raises RpcError -32013 when the peripheral is absent or broken."""
        if peripheral.trouble():
            raise self.fault(peripheral.trouble())

    def fault(self, name: str) -> RpcError:
        """The error of a broken peripheral."""
        return RpcError(FAULT, f"peripheral fault: {name}", {"fault": name})

    async def offered(self, peripheral: Peripheral) -> Any:
        """Wait until a resident puts something there. Raises RpcError when the peripheral breaks meanwhile."""
        while True:
            self.sound(peripheral)
            if peripheral.offered is not None:
                return peripheral.offered
            peripheral.changed.clear()
            await peripheral.changed.wait()

    async def work(self, peripheral: Peripheral, seconds: float, gone: str = "") -> None:
        """Take some time over it. Raises RpcError when the peripheral breaks, or when what lies there is taken away."""
        loop = asyncio.get_running_loop()
        ends, thing = loop.time() + seconds, peripheral.offered
        while (left := ends - loop.time()) > 0:
            peripheral.changed.clear()
            try:
                await asyncio.wait_for(peripheral.changed.wait(), left)
            except TimeoutError:
                return
            self.sound(peripheral)
            if gone and peripheral.offered is not thing:
                raise self.fault(gone)

    def pace(self) -> float:
        """Seconds that one mechanical step takes."""
        return self.d.timers.pace("T-COMMAND", 0.04)

    # ---- cards and codes

    async def read_id_card(self, command: Command) -> dict[str, Any]:
        """The ten fields of the card."""
        return await self.read_card(command, _CARD_FIELDS)

    async def read_social_card(self, command: Command) -> dict[str, Any]:
        """The fields of a social security card."""
        return await self.read_card(command, _SOCIAL_FIELDS)

    async def read_card(self, command: Command, fields: tuple[str, ...]) -> dict[str, Any]:
        """Wait for a card, read it while it lies there."""
        self.d.screens.show("请将证件放在读卡区")
        peripheral = self.d.bank.get(command.peripheral)
        card = await self.offered(peripheral)
        await self.work(peripheral, self.pace(), gone="card_removed")
        result = self.card_result(card, fields)
        self.d.vault.put("card", f"{result.get('name', '')} {result.get('id_number', '')}")
        self.d.screens.show(f"已读取：{self.d.screens.person(str(card.get('name', '')), str(card.get('id_number', '')))}")
        self.d.log(f"读卡完成 {self.d.log_id(str(card.get('id_number', '')))}")
        return result

    def card_result(self, card: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
        """What goes to the clerk."""
        return {name: card[name] for name in fields if name in card}

    async def scan(self, command: Command) -> dict[str, Any]:
        """One code; it is used up."""
        self.d.screens.show("请将二维码对准扫码口")
        peripheral = self.d.bank.get(command.peripheral)
        text = await self.offered(peripheral)
        peripheral.offered = None
        self.d.vault.put("scan", str(text))
        self.d.screens.show("扫码完成")
        return {"text": str(text)}

    # ---- materials

    async def capture(self, command: Command) -> dict[str, Any]:
        """One page: picture, upload, digest."""
        self.d.screens.show("请将材料平放在高拍仪下")
        peripheral = self.d.bank.get(command.peripheral)
        name = await self.offered(peripheral)
        await self.work(peripheral, self.pace())
        picture = self.picture(str(name), command)
        if picture.empty:
            raise self.fault("empty_frame")
        return await self.upload(command, picture)

    def picture(self, name: str, command: Command) -> Picture:
        """The captured page, at least as large as asked for."""
        return picture_of(name, *self.resolution(command))

    def resolution(self, command: Command) -> tuple[int, int]:
        """Width and height of the capture."""
        return max(1654, command.args.get("min_width") or 0), max(2339, command.args.get("min_height") or 0)

    async def sign(self, command: Command) -> dict[str, Any]:
        """A signature: the resident signs when asked and confirms."""
        self.d.screens.show("请在签字板上签名并确认")
        peripheral = self.d.bank.get(command.peripheral)
        await self.signed(peripheral)
        uploaded = await self.upload(command, signature_picture())
        return {"material_id": uploaded["material_id"], "digest": uploaded["digest"]}

    async def signed(self, peripheral: Peripheral) -> None:
        """Until the resident has signed and confirmed."""
        await self.offered(peripheral)
        peripheral.offered = None

    async def upload(self, command: Command, picture: Picture) -> dict[str, Any]:
        """Send a picture for the session of the command."""
        material_id = str(command.args["material_id"])
        self.d.vault.put(f"material {material_id}", picture.data)
        digest = await self.d.materials.upload(command.session_id, material_id, picture)
        self.d.screens.show("材料已上传")
        return {"material_id": material_id, "digest": digest, "width": picture.width, "height": picture.height}

    # ---- paper and screens

    async def print_job(self, command: Command) -> dict[str, Any]:
        """Fetch, check, print; the same job twice prints once."""
        return await self.d.printing.run(command)

    async def show(self, command: Command) -> dict[str, Any]:
        """A page or a text for the resident on the second screen."""
        self.d.screens.show_second(str(command.args.get("text") or command.args["page_url"]).splitlines())
        return {"shown": True}
