"""Opening of a link: answer the challenge, attach, learn what the peer has."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mocks.devices.reference.signing import challenge_answer
from mocks.devices.reference.transport import WsConn
from mocks.devices.reference.wire import UNAUTHORIZED, BadJson

if TYPE_CHECKING:
    from mocks.devices.reference.link import Link

__all__ = ["Handshake", "HandshakeFailed"]


class HandshakeFailed(Exception):
    """The link did not come up. `register_again` tells whether the acceptance system has forgotten us."""

    def __init__(self, text: str, register_again: bool = False) -> None:
        super().__init__(text)
        self.register_again = register_again


class Handshake:
    """One handshake. Its messages carry number 0 and are never sent again."""

    def __init__(self, link: Link) -> None:
        self.link = link

    async def attach(self, conn: WsConn) -> None:
        """Run it. Raises HandshakeFailed, or ConnectionError when the connection ends on the way."""
        link, codec = self.link, self.link.d.codec
        limit = link.d.timers.s("T-ACK") * 2
        try:
            challenge = await asyncio.wait_for(self.message(conn, "method", "auth.challenge"), limit)
            link.start_epoch(link.d.registration.epoch)
            self.take_time(challenge.get("params"))
            await conn.send(codec.dumps(codec.result(challenge.get("id"), self.answer(challenge), link.meta(0))))
            ask = link.next_id()
            await self.ask(conn, ask)
            reply = await asyncio.wait_for(self.message(conn, "id", ask), limit)
        except TimeoutError as error:
            raise HandshakeFailed("no answer in time") from error
        self.take_reply(reply)

    async def ask(self, conn: WsConn, message_id: Any) -> None:
        """The attach call itself."""
        link, codec = self.link, self.link.d.codec
        await conn.send(codec.dumps(codec.call(message_id, link.attach_method, self.attach_params(), link.meta(0))))

    async def message(self, conn: WsConn, member: str, value: Any) -> dict[str, Any]:
        """The next message whose member has this value; anything else is out of place here and passed over."""
        while True:
            try:
                document = self.link.d.codec.loads(await conn.recv())
            except BadJson:
                continue
            if isinstance(document, dict) and document.get(member) == value:
                return document

    def answer(self, challenge: dict[str, Any]) -> dict[str, Any]:
        """The proof of identity."""
        params = challenge.get("params")
        nonce = str(params.get("nonce", "")) if isinstance(params, dict) else ""
        d = self.link.d
        return {
            "remote_device_id": d.settings.remote_device_id,
            "boot_id": d.registration.boot_id(),
            "keyid": d.settings.device_key.keyid,
            "alg": d.settings.device_key.algorithm,
            "signature": challenge_answer(
                d.settings.device_key.secret,
                self.iface(),
                nonce,
                d.settings.remote_device_id,
                d.registration.boot_id(),
                d.settings.device_key.algorithm,
            ),
        }

    def iface(self) -> str:
        """The interface that the proof is bound to."""
        return self.link.iface

    def attach_params(self) -> dict[str, Any]:
        """Epoch, the last number that we processed, and the token."""
        return {"epoch": self.link.epoch, "last_seq": self.link.seen, "token": self.link.d.docking.token}

    def take_time(self, params: Any) -> None:
        """Server time, where the message has one."""
        if isinstance(params, dict):
            self.link.d.time.sync(params.get("server_time"))

    def take_reply(self, reply: dict[str, Any]) -> None:
        """Attach was answered. Raises HandshakeFailed when with an error."""
        error, result = reply.get("error"), reply.get("result")
        if isinstance(error, dict) or not isinstance(result, dict):
            code = error.get("code") if isinstance(error, dict) else None
            raise HandshakeFailed(f"attach refused: {code}", register_again=code == UNAUTHORIZED)
        self.take_time(result)
        last_seq = result.get("last_seq")
        self.link.attached(last_seq if isinstance(last_seq, int) else 0)
