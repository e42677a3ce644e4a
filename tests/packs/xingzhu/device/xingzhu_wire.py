"""The dialect of Xingzhu as the kiosk speaks it: signed HTTP bodies, command frames, answers with a code."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

OK, UNKNOWN_COMMAND, BAD_PARAMETERS, MALFORMED, UNKNOWN_OBJECT, WRONG_STATE = 0, 4000, 4001, 4002, 4004, 4009
MAX_BYTES = 65536


class Refusal(Exception):
    """An answer with a code other than 0, from either side."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(f"{code} {text}".rstrip())
        self.code = code
        self.text = text


class Later(Exception):
    """The city cannot be used now; `after_s` is the least wait that it asked for, in seconds."""

    def __init__(self, reason: str, after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.after_s = after_s


def sorted_json(value: Any) -> str:
    """JSON with sorted members and no blanks: what is signed (chapter 2)."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def signed(app_id: str, secret: bytes, wall_s: float, data: Mapping[str, Any]) -> dict[str, Any]:
    """`data` with appId, timestamp (ms), nonce and sign."""
    stamp, nonce = int(wall_s * 1000), secrets.token_hex(8)
    base = "&".join([app_id, str(stamp), nonce, sorted_json(data)])
    sign = hashlib.sha256(base.encode() + secret).hexdigest()
    return {"appId": app_id, "timestamp": stamp, "nonce": nonce, "sign": sign, "data": data}


def opened(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The data of a good HTTP answer. Raises Refusal for a code, Later for anything that is no answer of the handbook."""
    if status != 200:
        wait = headers.get("retry-after", "")
        raise Later(f"status {status}", float(wait) if wait.isdigit() else 0.0)
    document = parsed(body)
    if document is None or not isinstance(document.get("code"), int):
        raise Later("no answer of the handbook")
    if document["code"] != OK:
        raise Refusal(document["code"], str(document.get("msg", "")))
    data = document.get("data")
    return data if isinstance(data, dict) else {}


def parsed(raw: bytes | str) -> dict[str, Any] | None:
    """A JSON object, or None for anything else, however deep it nests."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def text(**limits: int) -> Callable[[Any], bool]:
    """A text of 1 to 64 characters, or as `most` says."""
    most = limits.get("most", 64)
    return lambda value: isinstance(value, str) and 1 <= len(value) <= most


def like(pattern: str) -> Callable[[Any], bool]:
    """A text of this form."""
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def whole(least: int) -> Callable[[Any], bool]:
    """A whole number from `least`."""
    return lambda value: type(value) is int and value >= least


def one_of(*words: str) -> Callable[[Any], bool]:
    """One of some words."""
    return lambda value: isinstance(value, str) and value in words


TICKET_STATES = ("waiting", "called", "serving", "held", "transferred", "served", "missed", "cancelled", "expired")
BOX = like("B[0-9]{3}")
# cmd -> members that it must have, with what each must be
COMMANDS: Mapping[str, Mapping[str, Callable[[Any], bool]]] = {
    "getStatus": {},
    "callTicket": {"ticketNo": text(), "queueNo": text(), "windowNo": like("[A-Z][0-9]{1,2}")},
    "ticketState": {"ticketNo": text(), "queueNo": text(), "state": one_of(*TICKET_STATES), "ahead": whole(0)},
    "doAction": {"cmdNo": text(), "device": text(), "action": text(), "params": lambda v: isinstance(v, dict) and len(v) <= 16},
    "lockerLoad": {"boxNo": BOX, "docNo": text()},
    "lockerOpen": {"boxNo": BOX, "pickupCode": like("[0-9]{6}")},
}


def check(cmd: str, data: Any) -> dict[str, Any]:
    """The data of a command that keeps its form. Raises Refusal."""
    if cmd not in COMMANDS:
        raise Refusal(UNKNOWN_COMMAND, "未知指令")
    if not isinstance(data, dict):
        raise Refusal(BAD_PARAMETERS, "data")
    for name, good in COMMANDS[cmd].items():
        if name not in data or not good(data[name]):
            raise Refusal(BAD_PARAMETERS, name)
    return data
