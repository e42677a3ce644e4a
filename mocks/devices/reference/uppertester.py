"""I6: what a test build lets the lab do. A production build has none of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psutil

from mocks.devices.reference.bank import NAMES
from mocks.devices.reference.part import Part
from mocks.devices.reference.screens import LEVELS
from mocks.devices.reference.settings import FIRMWARE
from mocks.devices.reference.transport import HttpAnswer
from mocks.devices.reference.wire import BadJson

__all__ = ["UpperTester"]

Args = dict[str, Any]
Verb = Callable[[Args], Awaitable[Any]]

_BUTTONS = ("help", "hangup", "answer", "reject", "cancel_ticket", "on_behalf", "sign", "confirm", "item:<code>")


class UpperTester(Part):
    """Verbs. A wrong argument is a ValueError with a text that says what is right."""

    def __init__(self, device: Any) -> None:
        super().__init__(device)
        self.agent: Args | None = None
        self.on_behalf = False
        self.verbs: dict[str, Verb] = {
            name: getattr(self, f"do_{name}")
            for name in (
                "hello card scan document press rate fault repair reset call_policy screen residue resources logs plug"
            ).split()
        }

    async def handle(self, method: str, path: str, body: bytes) -> HttpAnswer:
        """The HTTP form: POST /upper-tester."""
        headers = [("content-type", "application/json")]
        if method != "POST" or path.rstrip("/") != "/upper-tester":
            return 404, headers, b'{"ok":false,"error":"POST /upper-tester"}'
        try:
            document = self.d.codec.loads(body.decode())
        except (BadJson, UnicodeDecodeError):
            document = None
        if not isinstance(document, dict):
            return 400, headers, b'{"ok":false,"error":"a JSON object is expected"}'
        return 200, headers, self.d.codec.dumps(await self.call(document)).encode()

    async def call(self, document: Args) -> Args:
        """`{id, verb, args}` to `{id, ok, result | error}`."""
        args = document.get("args") or {}
        try:
            result = await self.run(str(document.get("verb", "")), args if isinstance(args, dict) else {})
        except (ValueError, KeyError) as error:
            return {"id": document.get("id"), "ok": False, "error": str(error)}
        return {"id": document.get("id"), "ok": True, "result": result}

    async def run(self, verb: str, args: Args) -> Any:
        """One verb. Raises ValueError."""
        if verb not in self.verbs:
            raise ValueError(f"unknown verb {verb!r}; valid are {', '.join(self.verbs)}")
        return await self.verbs[verb](args)

    # ---- what a resident does

    async def do_hello(self, _args: Args) -> Args:
        """Version and verbs."""
        return {"version": "1.0", "verbs": list(self.verbs), "firmware": FIRMWARE}

    async def do_card(self, args: Args) -> Args:
        """Put a card on its reader: in the idle state that alone takes a ticket."""
        card = args.get("card")
        if not isinstance(card, dict) or not card.get("id_number"):
            raise ValueError("card: an object with id_number and name is expected")
        card = dict(card)  # each laying down is a card of its own: a late taking away must not take the next one
        reader = "social_card_reader" if card.get("card_type") == "social_card" else "id_card_reader"
        if self.d.bank.get(reader).trouble():
            raise ValueError(f"{reader} is {self.d.bank.get(reader).trouble()}")
        if not self.d.sessions.current:
            self.swipe(card, args)  # read at once; it does not stay
            return {}
        self.d.bank.offer(reader, card)
        stays_ms = args.get("remove_after_ms")
        if isinstance(stays_ms, int | float):
            asyncio.get_running_loop().call_later(stays_ms / 1000, self.take_card, reader, card)
        return {}

    def swipe(self, card: Args, args: Args) -> None:
        """A card outside a session: a ticket, or the first of the two cards of a ticket on behalf."""
        holder, agent = card, args.get("agent") or self.agent
        if isinstance(args.get("on_behalf_of"), dict):
            holder, agent = args["on_behalf_of"], {"mandate": args.get("mandate"), **card}
        elif self.on_behalf and not agent:
            self.agent = card
            self.d.screens.show("请刷被代办人证件")
            return
        self.agent, self.on_behalf = None, False
        self.d.spawn(self.d.tickets.swipe(holder, agent), "swipe")

    def take_card(self, reader: str, card: Args) -> None:
        """The card is taken away, if it is still there."""
        if self.d.bank.get(reader).offered is card:
            self.d.bank.offer(reader, None)

    async def do_scan(self, args: Args) -> Args:
        """Hold a code before the scanner."""
        if not isinstance(args.get("text"), str):
            raise ValueError("text: a text is expected")
        self.d.bank.offer("code_scanner", args["text"].strip("\r\n"))
        return {}

    async def do_document(self, args: Args) -> Args:
        """Lay a page under the document camera."""
        if not isinstance(args.get("picture"), str):
            raise ValueError("picture: a name is expected, such as a4-text or blank")
        self.d.bank.offer("document_camera", args["picture"])
        return {}

    async def do_press(self, args: Args) -> Args:
        """Press a button."""
        button = str(args.get("button", ""))
        call = self.d.calls.call
        if button == "help":
            if not self.d.bank.get("help_button").trouble():
                self.d.reports.send("cn.rvw.help.pressed", "help_button", {})
                self.d.screens.show("已通知工作人员，请稍候")
        elif button == "hangup":
            if call is not None:
                self.d.spawn(self.d.calls.hang_up(call, "resident"), "hang up")
        elif button == "answer":
            if call is not None:
                call.picked_up.set()
        elif button == "reject":
            if call is not None:
                self.d.spawn(self.d.calls.reject(call), "reject")
        elif button in {"cancel_ticket", "cancel"}:
            self.d.spawn(self.d.tickets.cancel(), "cancel")
        elif button == "on_behalf":
            self.on_behalf, self.agent = True, None
            self.d.screens.show("代办：请刷代办人证件")
        elif button in {"sign", "confirm"}:
            self.d.bank.offer("signature_pad", "signed")
        elif button in {"item", "item:"} or button.startswith("item:"):
            self.choose_item(button.partition(":")[2] or str(args.get("item_code", "")))
        elif button in LEVELS:
            self.d.ratings.press(button, [])
        else:
            raise ValueError(f"no button {button!r}; valid are {', '.join(_BUTTONS)}")
        return {}

    def choose_item(self, code: str) -> None:
        """Touch a service item."""
        if not self.d.config.choose(code):
            raise ValueError(f"no service item {code!r} in the list")

    async def do_rate(self, args: Args) -> Args:
        """Press one of the five levels, with reasons or without."""
        level, reasons = str(args.get("level", "")), args.get("reasons") or []
        if level not in LEVELS:
            raise ValueError(f"no level {level!r}; valid are {', '.join(LEVELS)}")
        return {"taken": self.d.ratings.press(level, [str(r) for r in reasons])}

    # ---- what a technician does

    def peripheral(self, args: Args) -> str:
        """The id in the arguments. Raises ValueError."""
        name = str(args.get("peripheral", ""))
        if name not in self.d.bank.all:
            raise ValueError(f"no peripheral {name!r}; valid are {', '.join(NAMES)}")
        return name

    async def do_fault(self, args: Args) -> Args:
        """Break a peripheral."""
        self.d.bank.set_fault(self.peripheral(args), str(args.get("fault", "offline")))
        return {}

    async def do_repair(self, args: Args) -> Args:
        """Make it whole."""
        self.d.bank.repair(self.peripheral(args))
        return {}

    async def do_plug(self, args: Args) -> Args:
        """Pull the plug or put it back."""
        self.d.bank.plug(self.peripheral(args), bool(args.get("in", True)))
        return {}

    async def do_reset(self, _args: Args) -> Args:
        """Back to the idle screen, whatever was going on."""
        await self.d.reset()
        self.agent, self.on_behalf = None, False
        return {}

    async def do_call_policy(self, args: Args) -> Args:
        """What the device does when it is called."""
        policy = str(args.get("policy", ""))
        if policy not in {"auto", "reject", "ignore", "busy"}:
            raise ValueError(f"no policy {policy!r}; valid are auto, reject, ignore, busy")
        self.d.calls.policy = policy
        return {}

    # ---- what can be looked at

    async def do_screen(self, _args: Args) -> Args:
        """Both screens."""
        return {"main": self.d.screens.main(), "second": list(self.d.screens.second)}

    async def do_residue(self, _args: Args) -> Args:
        """Everything stored, really exported, and what memory holds of residents."""
        files = []
        for name in self.d.storage.names():
            text = self.d.storage.read(name) or ""
            files.append({"path": name, "size": len(text.encode()), "text": text})
        return {"files": files, "memory": self.d.vault.residue()}

    async def do_resources(self, _args: Args) -> Args:
        """Memory, cameras, paper."""
        rss_kb = psutil.Process().memory_info().rss // 1024
        return {"rss_kb": rss_kb, "cameras_in_use": self.d.calls.cameras_in_use(), "printed": list(self.d.printing.sheets)}

    async def do_logs(self, _args: Args) -> Args:
        """The device's log, masked."""
        return {"lines": list(self.d.lines)}
