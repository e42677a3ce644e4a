"""A responder for STUN binding requests (RFC 8489): by it the page `/doctor` finds out whether UDP comes through both ways.

It tells nobody's address. A browser drops an answer that names the address which it has already, so this one names an address
that no host has (RFC 5737), and every answer that arrives is seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

MAPPED: Final = ("192.0.2.1", 9)  # TEST-NET-1, discard
_HEADER: Final = struct.Struct("!HHI12s")  # type, length, magic cookie, transaction id
_REQUEST: Final = 0x0001
_SUCCESS: Final = 0x0101
_COOKIE: Final = 0x2112A442
_XOR_MAPPED_ADDRESS: Final = 0x0020
_IPV4: Final = 0x01
_LARGEST: Final = 548  # RFC 8489 section 6.1: larger than any binding request is


def reply_to(data: bytes) -> bytes | None:
    """The answer to a binding request; None for anything else, which is left without an answer."""
    if not _HEADER.size <= len(data) <= _LARGEST:
        return None
    kind, length, cookie, transaction = _HEADER.unpack_from(data)
    if (kind, cookie) != (_REQUEST, _COOKIE) or length != len(data) - _HEADER.size or length % 4:
        return None
    address, port = int(ipaddress.IPv4Address(MAPPED[0])) ^ _COOKIE, MAPPED[1] ^ (_COOKIE >> 16)
    value = struct.pack("!xBHI", _IPV4, port, address)
    attribute = struct.pack("!HH", _XOR_MAPPED_ADDRESS, len(value)) + value
    return _HEADER.pack(_SUCCESS, len(attribute), _COOKIE, transaction) + attribute


class _Responder(asyncio.DatagramProtocol):
    """One socket. It keeps no state, and an answer is hardly larger than its request: there is nothing to amplify."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # uvloop's are no subclass

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = reply_to(data)
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, addr)


@dataclass(frozen=True)
class StunServer:
    """The sockets that are open. `ports` are theirs, in the order asked for."""

    transports: tuple[asyncio.DatagramTransport, ...]
    ports: tuple[int, ...]

    def close(self) -> None:
        """Stop answering."""
        for transport in self.transports:
            transport.close()


async def serve_stun(host: str, ports: Sequence[int]) -> StunServer:
    """Answer on these UDP ports; 0 takes a free one, as media does. A port that somebody else has is left out: a run needs
    none of them, and the page says which it tried."""
    loop = asyncio.get_running_loop()
    transports: list[asyncio.DatagramTransport] = []
    for port in ports:
        with contextlib.suppress(OSError):
            transport, _ = await loop.create_datagram_endpoint(_Responder, local_addr=(host, port))
            transports.append(transport)
    return StunServer(tuple(transports), tuple(int(t.get_extra_info("sockname")[1]) for t in transports))
