"""The device's own codec: strict JSON, JSON-RPC 2.0 with `meta`, RFC 3339 times."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from mocks.devices.reference.part import Part

__all__ = ["MAX_MESSAGE", "BadJson", "Codec", "RpcError", "masked", "parse_time", "wanted"]

MAX_MESSAGE = 256 * 1024
"""Largest message in octets that the device takes on a channel."""

PARSE, INVALID, NO_METHOD, BAD_PARAMS, INTERNAL = -32700, -32600, -32601, -32602, -32603
UNAUTHORIZED, BUSY, UNKNOWN, WRONG_STATE, FAULT = -32001, -32010, -32011, -32012, -32013
TIMEOUT, CANCELLED, TOO_LARGE, NOT_SUPPORTED = -32014, -32015, -32016, -32017

_SHANGHAI = timezone(timedelta(hours=8))
_MAX_DEPTH = 64


class BadJson(ValueError):
    """Text that is not one strict JSON value."""


class RpcError(Exception):
    """A JSON-RPC error, received or to be sent."""

    def __init__(self, code: int, message: str = "", data: dict[str, Any] | None = None) -> None:
        super().__init__(f"{code} {message}".rstrip())
        self.code = code
        self.message = message
        self.data = data

    def document(self) -> dict[str, Any]:
        """The `error` member."""
        error: dict[str, Any] = {"code": self.code, "message": self.message or "error"}
        if self.data is not None:
            error["data"] = self.data
        return error


def masked(id_number: str) -> str:
    """An ID number as a screen or a log may show it: three characters, stars, four characters."""
    return id_number[:3] + "*" * max(len(id_number) - 7, 1) + id_number[-4:]


def parse_time(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 time. Raises ValueError when it has no offset or is none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("time without offset")
    return moment.timestamp()


_TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "num": (int, float), "obj": (dict,), "list": (list,)}


def wanted(params: Any, fields: str) -> None:
    """Check members by a short text such as `ticket_id:str ahead:int agent?:obj`. Raises RpcError -32602."""
    for item in fields.split():
        name, kind = item.split(":")
        value = params.get(name.rstrip("?"))
        if value is None and name.endswith("?"):
            continue
        if not isinstance(value, _TYPES[kind]) or isinstance(value, bool) or value == "":
            raise RpcError(BAD_PARAMS, f"invalid params: {name.rstrip('?')}", {"member": name.rstrip("?")})


def _no_constant(text: str) -> Any:
    raise BadJson(f"{text} is no JSON number")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BadJson("member given twice")
    return members


class Codec(Part):
    """Documents to text and back. Every free choice of the text is a method of its own."""

    def dumps(self, value: Any) -> str:
        """One JSON text."""
        return json.dumps(self.arranged(value), ensure_ascii=False, separators=self.separators())

    def arranged(self, value: Any) -> Any:
        """The order of members as they go out."""
        return value

    def separators(self) -> tuple[str, str]:
        """Item and member separators."""
        return (",", ":")

    def loads(self, text: str) -> Any:
        """Strict JSON. Raises BadJson for twins, NaN, lone surrogates, absurd depth and everything else wrong."""
        try:
            value = json.loads(text, object_pairs_hook=_no_twins, parse_constant=_no_constant)
            if "\\ud" in text.lower():
                json.dumps(value, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise BadJson(str(error)) from error
        return value

    def too_deep(self, value: Any) -> bool:
        """Whether a document nests more than 64 levels."""
        level: list[Any] = [value]
        for _ in range(_MAX_DEPTH):
            level = [
                child
                for node in level
                if isinstance(node, dict | list)
                for child in (node.values() if isinstance(node, dict) else node)
            ]
            if not level:
                return False
        return True

    def call(self, message_id: Any, method: str, params: dict[str, Any], meta: dict[str, Any]) -> dict[str, Any]:
        """A call's document."""
        return {"jsonrpc": "2.0", "id": message_id, "method": method, "params": params, "meta": meta}

    def result(self, message_id: Any, result: dict[str, Any], meta: dict[str, Any]) -> dict[str, Any]:
        """A result's document."""
        return {"jsonrpc": "2.0", "id": message_id, "result": result, "meta": meta}

    def error(self, message_id: Any, error: RpcError, meta: dict[str, Any]) -> dict[str, Any]:
        """An error's document."""
        return {"jsonrpc": "2.0", "id": message_id, "error": error.document(), "meta": meta}

    def message_id(self, prefix: str, number: int) -> Any:
        """The id of the device's n-th call on a link."""
        return f"{prefix}-{number}"

    def time(self, epoch_s: float) -> str:
        """A moment as text."""
        return datetime.fromtimestamp(epoch_s, self.zone()).isoformat(timespec=self.time_precision())

    def zone(self) -> timezone:
        """The offset that the device writes."""
        return _SHANGHAI

    def time_precision(self) -> str:
        """How fine a time is written."""
        return "milliseconds"


def utc() -> timezone:
    """The zone with offset zero, for devices that count in it."""
    return UTC


def without_empty(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A document without the members that have nothing to say."""
    return {name: value for name, value in pairs if value not in (None, "")}
