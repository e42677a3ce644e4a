"""The seam between the device and the world: a clock, a transport and a store, as structural types.

Two implementations exist: sockets (`sockets.py`) and a network in memory that the tests bring along. Neither is
imported here, so the device cannot lean on either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Clock", "ConnectionClosed", "HttpAnswer", "HttpReply", "Storage", "Transport", "WsConn"]

HttpAnswer = tuple[int, list[tuple[str, str]], bytes]
"""Status, headers and body that a handler of the device's own servers gives back."""


class ConnectionClosed(ConnectionError):
    """The WebSocket is gone. `code` is the close code of the peer, 1006 when there was none."""

    def __init__(self, code: int = 1006, reason: str = "") -> None:
        super().__init__(f"websocket closed: {code} {reason}".rstrip())
        self.code = code
        self.reason = reason


@dataclass(frozen=True)
class HttpReply:
    """One whole HTTP answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class WsConn(Protocol):
    """One open WebSocket that carries text messages."""

    async def send(self, text: str) -> None:
        """Send one text message. Raises ConnectionError when the connection is gone."""

    async def send_frame(self, opcode: int, payload: bytes, fin: bool = True) -> None:
        """Send one raw frame (RFC 6455 opcode), for devices that cut messages into fragments."""

    async def recv(self) -> str:
        """The next text message. Raises a ConnectionError with a `code` attribute when the connection ends."""

    async def close(self, code: int = 1000) -> None:
        """Close with a code. Closing twice is harmless."""


class Transport(Protocol):
    """How the device reaches the acceptance system."""

    async def http(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> HttpReply:
        """One HTTP exchange. Raises ConnectionError, OSError or ssl.SSLError."""

    async def websocket(self, url: str, subprotocol: str) -> WsConn:
        """Open a WebSocket with one subprotocol. Raises like `http`."""


class Clock(Protocol):
    """Wall time of the device's own (battery) clock, which may be wrong."""

    def wall(self) -> float:
        """Seconds since 1970."""


class Storage(Protocol):
    """The device's disk: small named texts. What is here survives a power loss."""

    def read(self, name: str) -> str | None:
        """The text, or None when there is none."""

    def write(self, name: str, text: str) -> None:
        """Replace the text."""

    def remove(self, name: str) -> None:
        """Remove it; absent is fine."""

    def names(self) -> list[str]:
        """Everything stored, sorted."""
