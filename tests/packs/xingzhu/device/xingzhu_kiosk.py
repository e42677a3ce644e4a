"""A small kiosk of the invented city of Xingzhu: card, tickets, a call lamp and a document locker.

It imports nothing of the harness. How it reaches the city (`transport`) and what time it is (`clock`) are given to it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import Coroutine, Mapping
from typing import Any

from xingzhu_wire import MALFORMED, MAX_BYTES, UNKNOWN_OBJECT, WRONG_STATE, Later, Refusal, check, opened, parsed, signed

FIRMWARE = "3.1"
VERBS = ["hello", "card", "press", "screen", "reset"]
PICKUP_S = 0.2  # how long the person before the locker needs, in a laboratory
WORK_S = 0.05  # and how long a piece of equipment
BUTTONS = ("help", "cancel")


def build(document: Mapping[str, Any], transport: Any, clock: Any, media: Any, rng: Any, storage: Any) -> Kiosk:
    """A kiosk from a spawn document. It has no camera and no disk: `media` and `storage` are not used."""
    del media, storage
    return Kiosk(document, transport, clock, rng)


class Kiosk:
    """One life of the device, from power on to power off."""

    def __init__(self, document: Mapping[str, Any], transport: Any, clock: Any, rng: Any) -> None:
        key = document["keys"]["device"]
        self._app_id, self._secret = str(key["keyid"]), base64.b64decode(key["secret_b64"])
        self._base = str(document["endpoints"]["docking"])
        self._number = str(document["remote_device_id"])
        self._defect = document.get("defect")
        self._transport, self._clock, self._rng = transport, clock, rng
        self._boot_id = str(uuid.uuid4())
        self._timers = {"T-HEARTBEAT": 900, "T-BACKOFF": 150, "T-BACKOFF-CAP": 900}
        self._token = self._ws_url = ""
        self._ahead_of_us_s = 0.0  # the city's clock against ours
        self._tasks: set[asyncio.Task[None]] = set()
        self._socket: Any = None
        self._seq = 0
        self._waiting: dict[int, tuple[str, dict[str, Any]]] = {}  # ours that nobody has answered yet
        self._born = 0.0
        self._failures = 0
        self.tickets: dict[str, dict[str, Any]] = {}
        self.boxes: dict[str, str] = {}
        self._commands: set[str] = set()
        self._note = ""

    async def start(self) -> None:
        """Power on."""
        self._born = asyncio.get_running_loop().time()
        self._spawn(self._live())

    async def stop(self) -> None:
        """Power off."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Coming into service

    async def _live(self) -> None:
        while True:
            least_s = 0.0
            try:
                if not self._token:
                    await self._register()
                await self._converse()
            except Refusal as refusal:
                self._token, self._note = "", refusal.text
            except Later as later:
                least_s = later.after_s
            except OSError:
                pass
            await self._pause(least_s)

    async def _pause(self, least_s: float = 0.0) -> None:
        """Wait ever longer, with some chance in it, so that a city that comes back is not met by all kiosks at once."""
        self._failures += 1
        first, cap = self._timers["T-BACKOFF"] / 1000, self._timers["T-BACKOFF-CAP"] / 1000
        wait_s = min(first * 2 ** (self._failures - 1), cap * 0.8)
        await asyncio.sleep(max(wait_s * self._rng.uniform(1.0, 1.1), least_s))

    async def _register(self) -> None:
        answer = await self._post("/terminal/register", {
            "terminalNo": self._number, "bootId": self._boot_id, "model": "K2", "serialNo": f"K2-{self._number}",
            "firmware": FIRMWARE, "equipment": ["call_lamp", "doc_locker"],
        })  # fmt: skip
        self._token, self._ws_url = str(answer["accessToken"]), str(answer["wsUrl"])
        self._timers.update(answer.get("timers", {}))
        self._set_clock(answer)
        self._note = ""
        self._spawn(self._read_notices())

    async def _read_notices(self) -> None:
        try:
            await self._post("/notice/list", {"lang": "zh"})
        except (Refusal, Later, OSError):
            self._note = "公告暂不可用"

    async def _post(self, path: str, data: Mapping[str, Any]) -> dict[str, Any]:
        body = signed(self._app_id, self._secret, self._now_s(), data)
        headers = [("content-type", "application/json")]
        if self._token:
            headers.append(("authorization", f"Bearer {self._token}"))
        reply = await self._transport.http("POST", self._base + path, headers, _bytes(body))
        return opened(reply.status, reply.headers, reply.body)

    def _now_s(self) -> float:
        return float(self._clock.wall()) + self._ahead_of_us_s

    def _set_clock(self, answer: Mapping[str, Any]) -> None:
        if isinstance(answer.get("serverTime"), int):
            self._ahead_of_us_s = answer["serverTime"] / 1000 - float(self._clock.wall())

    # The long connection

    async def _converse(self) -> None:
        socket = await self._transport.websocket(self._ws_url, "")
        beats: asyncio.Task[None] | None = None
        try:
            document = signed(self._app_id, self._secret, self._now_s(), {"terminalNo": self._number, "accessToken": self._token})
            login = self._next_seq()
            await socket.send(_text({"cmd": "login", "seq": login, **document}))
            while True:
                raw = await socket.recv()
                answer = parsed(raw) if beats is None else None
                if answer is not None and answer.get("cmd") == "login" and answer.get("seq") == login:
                    if answer.get("code") != 0:
                        raise Refusal(int(answer.get("code", 0)), str(answer.get("msg", "")))
                    self._socket, self._failures = socket, 0
                    beats = asyncio.get_running_loop().create_task(self._beat())
                    for seq, (cmd, data) in list(self._waiting.items()):
                        await socket.send(_text({"cmd": cmd, "seq": seq, "data": data}))
                elif beats is not None:
                    await self._incoming(socket, raw)
        finally:
            self._socket = None
            if beats is not None:
                beats.cancel()
            await socket.close()

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await self._ask("hb", {"state": self._state(), "uptime": int(loop.time() - self._born)}, keep=False)
            due += self._timers["T-HEARTBEAT"] / 1000
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq

    async def _ask(self, cmd: str, data: dict[str, Any], *, keep: bool = True) -> None:
        """Send a request of ours; one to keep is sent again after a cut until it is answered."""
        seq = self._next_seq()
        if keep:
            self._waiting[seq] = (cmd, data)
        if self._socket is not None:
            try:
                await self._socket.send(_text({"cmd": cmd, "seq": seq, "data": data}))
            except OSError:
                return  # the reading side notices the cut and connects again

    async def _incoming(self, socket: Any, raw: str) -> None:
        document = parsed(raw) if len(raw.encode()) <= MAX_BYTES else None
        if document is not None and "code" in document:
            self._waiting.pop(document.get("seq", 0), None)
            return
        cmd, seq = ("", 0) if document is None else (document.get("cmd"), document.get("seq"))
        if not isinstance(cmd, str) or type(seq) is not int or document is None:
            await socket.send(_text({"cmd": "", "seq": 0, "code": MALFORMED, "msg": "报文无法解析"}))
            return
        try:
            data = self._obey(cmd, check(cmd, document.get("data")))
        except Refusal as refusal:
            answer = {"cmd": cmd, "seq": seq, "code": refusal.code, "msg": refusal.text or "拒绝"}
        else:
            answer = {"cmd": cmd, "seq": seq, "code": 0, "msg": "ok", "data": data}
        await socket.send(_text(answer))

    # What the city asks

    def _obey(self, cmd: str, data: dict[str, Any]) -> dict[str, Any]:
        if cmd == "getStatus":
            return {"state": self._state(), "firmware": FIRMWARE}
        if cmd in ("callTicket", "ticketState"):
            self._ticket_moved(cmd, data)
        elif cmd == "doAction":
            self._action(data)
        else:
            self._locker(cmd, data)
        return {}

    def _state(self) -> str:
        return "serving" if any(t["state"] == "called" for t in self.tickets.values()) else "free"

    def _ticket_moved(self, cmd: str, data: dict[str, Any]) -> None:
        ticket = self.tickets.get(data["ticketNo"])
        if ticket is None:
            raise Refusal(UNKNOWN_OBJECT, "号票不存在")
        if cmd == "callTicket":
            ticket.update(state="called", ahead=0)
        elif data["state"] in ("served", "cancelled", "expired"):
            del self.tickets[data["ticketNo"]]
        else:
            ticket.update(state=data["state"], ahead=data["ahead"])

    def _action(self, data: dict[str, Any]) -> None:
        if (data["device"], data["action"]) != ("call_lamp", "light"):
            raise Refusal(UNKNOWN_OBJECT, "无此设备或动作")
        if data["cmdNo"] not in self._commands:
            self._commands.add(data["cmdNo"])
            self._spawn(self._happened("action.done", device=data["device"], cmdNo=data["cmdNo"]))

    async def _happened(self, kind: str, **more: str) -> None:
        await asyncio.sleep(WORK_S)
        await self._ask("event", {"eventNo": str(uuid.uuid4()), "type": kind, "at": int(self._now_s() * 1000), **more})

    def _locker(self, cmd: str, data: dict[str, Any]) -> None:
        box = data["boxNo"]
        wanted, after = ("", "loaded") if cmd == "lockerLoad" else ("loaded", "opened")
        if self.boxes.get(box, "") != wanted:
            raise Refusal(WRONG_STATE, "柜格状态不符")
        self.boxes[box] = after
        if after == "opened":
            self._spawn(self._emptied(box))

    async def _emptied(self, box: str) -> None:
        await asyncio.sleep(PICKUP_S)
        self.boxes.pop(box, None)
        if self._defect != "pickup-silent":
            await self._ask("lockerTaken", {"boxNo": box, "at": int(self._now_s() * 1000)})

    # What people do

    async def upper_tester(self, verb: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """One stimulus of the laboratory. Raises LookupError for a verb that the kiosk does not know."""
        if verb not in VERBS:
            raise LookupError(f"unknown verb {verb}")
        if verb == "hello":
            return {"version": "1", "verbs": VERBS, "firmware": FIRMWARE}
        if verb == "screen":
            return {"main": self._lines(), "second": []}
        if verb == "card":
            self._spawn(self._take_ticket(dict(args["card"])))
        elif verb == "press" and args.get("button") in BUTTONS:
            self._spawn(self._happened("button"))
        elif verb == "reset":
            self.tickets.clear()
            self._note = ""
        return {}

    def _lines(self) -> list[str]:
        rows = [f"{t['queueNo']} {t['state']} 前方 {t['ahead']} 人" for t in self.tickets.values()]
        return [*rows, self._note] if self._note else rows

    async def _take_ticket(self, card: dict[str, Any]) -> None:
        """Ask until the city has answered; a repeat is the same request with a new sign."""
        data = {"reqNo": str(uuid.uuid4()), "idNo": card["id_number"], "name": card["name"]}
        for attempt in range(5):
            try:
                ticket = await self._post("/ticket/take", data)
            except Refusal as refusal:
                self._note = refusal.text
                return
            except (Later, OSError):
                await asyncio.sleep(self._timers["T-BACKOFF"] / 1000 * 2**attempt)
                continue
            self._note = ""
            self.tickets[ticket["ticketNo"]] = ticket
            return


def _text(document: Mapping[str, Any]) -> str:
    return _bytes(document).decode()


def _bytes(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()
