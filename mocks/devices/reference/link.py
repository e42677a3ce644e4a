"""What I2 and I3 share: challenge, sequence, re-sending after a cut, pairing of calls and answers.

The rules that matter: every message but the handshake gets the next number and is kept until the peer's `seen` covers
it; after a cut it goes out again byte for byte; what was processed once is never processed again.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from mocks.devices.reference.handshake import Handshake, HandshakeFailed
from mocks.devices.reference.part import Part
from mocks.devices.reference.transport import WsConn
from mocks.devices.reference.wire import (
    BAD_PARAMS,
    INTERNAL,
    INVALID,
    MAX_MESSAGE,
    NO_METHOD,
    PARSE,
    TOO_LARGE,
    BadJson,
    RpcError,
)

__all__ = ["Link", "Sent"]

Answer = dict[str, Any]
Handler = Callable[[dict[str, Any]], "Answer | Awaitable[Answer]"]


@dataclass
class Sent:
    """A message that the peer has not confirmed yet."""

    seq: int
    text: str
    document: dict[str, Any]


class Link(Part):
    """One WebSocket to the acceptance system, kept alive for ever."""

    iface: ClassVar[str] = ""
    subprotocol: ClassVar[str] = ""
    endpoint: ClassVar[str] = ""
    attach_method: ClassVar[str] = ""

    def __init__(self, device: Any) -> None:
        super().__init__(device)
        self.conn: WsConn | None = None
        self.ready = asyncio.Event()
        self.wake = asyncio.Event()
        self.seq = 0
        self.seen = 0
        self.epoch = -1
        self.calls = 0
        self.sent: deque[Sent] = deque()
        self.pending: dict[Any, asyncio.Future[dict[str, Any]]] = {}
        self.out: asyncio.Queue[str] = asyncio.Queue()
        self.gap_at = 0
        self.handlers: dict[str, Handler] = self.methods()

    def methods(self) -> dict[str, Handler]:
        """Methods that the acceptance system may call on this link."""
        return {}

    # ---- life of the connection

    async def run(self) -> None:
        """Connect, serve, and come back with growing waits, for ever."""
        attempt = 0
        while True:
            await self.d.registration.done.wait()
            try:
                await self.once()
                attempt = 0
            except HandshakeFailed as failed:
                self.d.log(f"{self.iface} 握手失败：{failed}")
                if failed.register_again:
                    self.lost_registration()
            except OSError as error:
                attempt = 0 if self.was_ready() else attempt
                self.on_cut(getattr(error, "code", 1006))
            self.detach()
            await self.pause(self.d.backoff.delay(attempt))
            attempt += 1

    async def once(self) -> None:
        """One connection from open to end. Raises ConnectionError when it ends, HandshakeFailed when refused."""
        conn = await self.d.transport.websocket(self.d.registration.endpoints[self.endpoint], self.subprotocol)
        try:
            await self.handshake().attach(conn)
            self.conn = conn
            sender = self.d.spawn(self.sender(conn), f"{self.iface} sender")
            try:
                self.on_ready()
                await self.reader(conn)
            finally:
                sender.cancel()
        finally:
            await self.close(conn, 1000)

    def handshake(self) -> Handshake:
        """The opening of one connection."""
        return Handshake(self)

    async def close(self, conn: WsConn, code: int) -> None:
        """Close a connection that may be gone already."""
        try:
            await conn.close(code)
        except OSError as error:
            self.d.log(f"{self.iface} 关闭时连接已断：{error}")

    def was_ready(self) -> bool:
        """Whether the connection that just ended had got through its handshake."""
        return self.ready.is_set()

    def on_cut(self, code: int) -> None:
        """The connection ended with a close code (1006: none)."""
        self.d.log(f"{self.iface} 断开：{code}")
        if code == 4002:
            self.lost_registration()

    def lost_registration(self) -> None:
        """The acceptance system no longer knows us: register again before the next attempt."""
        self.d.registration.done.clear()
        self.d.registration.again.set()

    def detach(self) -> None:
        """Forget the connection; what was sent and not confirmed stays."""
        self.conn = None
        self.ready.clear()
        self.out = asyncio.Queue()

    async def pause(self, delay_s: float) -> None:
        """Wait before the next attempt, unless something wakes us."""
        self.wake.clear()
        try:
            await asyncio.wait_for(self.wake.wait(), delay_s)
        except TimeoutError:
            return

    def on_ready(self) -> None:
        """The handshake is through."""
        self.ready.set()

    def attached(self, resumed_last_seq: int) -> None:
        """The peer has processed our messages up to this number: send the rest again, as it was."""
        self.confirm(resumed_last_seq)
        for message in self.unconfirmed():
            self.out.put_nowait(message.text)

    def unconfirmed(self) -> list[Sent]:
        """What goes out again after a cut."""
        return list(self.sent)

    def start_epoch(self, epoch: int) -> None:
        """Counters start again; calls that wait for an answer get new numbers, answers of the old epoch are void."""
        if epoch == self.epoch:
            return
        self.epoch, self.seq, self.seen, self.gap_at = epoch, 0, 0, 0
        waiting = [m.document for m in self.sent if "method" in m.document]
        self.sent.clear()
        for document in waiting:
            self.number(document)

    # ---- sending

    def meta(self, seq: int) -> dict[str, Any]:
        """The `meta` member of a message that goes out now."""
        return {"seq": seq, "seen": self.seen, "boot_id": self.d.registration.boot_id(), "epoch": self.epoch}

    def next_seq(self) -> int:
        """The number of the next message."""
        self.seq += 1
        return self.seq

    def number(self, document: dict[str, Any]) -> None:
        """Number a message, keep it until confirmed, send it when there is a connection."""
        document["meta"] = self.meta(self.next_seq())
        message = Sent(document["meta"]["seq"], self.d.codec.dumps(document), document)
        self.sent.append(message)
        if self.ready.is_set():
            self.out.put_nowait(message.text)

    async def sender(self, conn: WsConn) -> None:
        """Bring messages onto the wire in the order of their numbers."""
        while True:
            text = await self.out.get()
            try:
                await self.transmit(conn, text)
            except OSError:
                return

    async def transmit(self, conn: WsConn, text: str) -> None:
        """One message onto the wire."""
        await conn.send(text)

    def next_id(self) -> Any:
        """The id of the next call; never the same again in this boot."""
        self.calls += 1
        return self.d.codec.message_id(f"{self.iface.lower()}-{self.d.boot_id[:8]}", self.calls)

    def post(self, method: str, params: dict[str, Any]) -> asyncio.Future[dict[str, Any]]:
        """Call the peer. The future ends with the result or an RpcError, after cuts too."""
        message_id = self.next_id()
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda f: f.cancelled() or f.exception())
        self.pending[message_id] = future
        self.number(self.d.codec.call(message_id, method, params, {}))
        return future

    def reply(self, message_id: Any, result: Answer) -> None:
        """Answer a call."""
        self.number(self.d.codec.result(message_id, result, {}))

    def refuse(self, message_id: Any, error: RpcError) -> None:
        """Answer a call, or an unreadable message, with an error."""
        self.number(self.d.codec.error(message_id, error, {}))

    # ---- receiving

    async def reader(self, conn: WsConn) -> None:
        """Process messages one after the other, in their order. Raises ConnectionError at the end."""
        while True:
            await self.receive(await conn.recv())

    async def receive(self, text: str) -> None:
        """One message of the peer."""
        size = len(text.encode())
        try:
            document = self.d.codec.loads(text)
        except BadJson:
            self.on_unreadable()
            return
        if isinstance(document, list):
            self.on_batch()
        elif not isinstance(document, dict) or document.get("jsonrpc") != "2.0":
            message_id = document.get("id") if isinstance(document, dict) else None
            if self.counted(document):
                self.refuse(message_id if isinstance(message_id, str | int) else None, RpcError(INVALID, "invalid request"))
        elif self.counted(document):
            await self.dispatch(document, size)

    def on_unreadable(self) -> None:
        """Text that is no JSON."""
        self.refuse(None, RpcError(PARSE, "parse error"))

    def on_batch(self) -> None:
        """A JSON-RPC batch: refused as a whole."""
        self.refuse(None, RpcError(INVALID, "batch is not supported"))

    def counted(self, document: Any) -> bool:
        """Keep the books on `meta`; False when this message was processed before or comes after a gap."""
        meta = document.get("meta") if isinstance(document, dict) else None
        if not isinstance(meta, dict):
            return True
        seen, seq = meta.get("seen"), meta.get("seq")
        if isinstance(seen, int):
            self.confirm(seen)
        if not isinstance(seq, int) or isinstance(seq, bool) or seq <= 0:
            return True
        if self.processed_before(seq):
            return False
        if seq > self.seen + 1 and self.gap_at != self.seen:
            # Ask once for what is missing by resuming; if the peer has a gap of its own making, go on after that.
            self.gap_at = self.seen
            self.d.spawn(self.cut_for_gap(), f"{self.iface} gap")
            return False
        self.seen = seq
        return True

    def processed_before(self, seq: int) -> bool:
        """Whether a message with this number was processed already."""
        return seq <= self.seen

    async def cut_for_gap(self) -> None:
        """Close so that resuming brings what is missing."""
        if self.conn is not None:
            await self.close(self.conn, 4003)

    def confirm(self, seen: int) -> None:
        """The peer has processed our messages up to this number."""
        while self.sent and self.sent[0].seq <= seen:
            self.sent.popleft()

    async def dispatch(self, document: dict[str, Any], size: int) -> None:
        """A well-formed envelope: an answer to us, or a call."""
        if "method" not in document and ("result" in document or "error" in document):
            self.settle(document)
            return
        message_id, method = document.get("id"), document.get("method")
        if not isinstance(message_id, str | int | None) or not isinstance(method, str):
            self.refuse(message_id if isinstance(message_id, str | int) else None, RpcError(INVALID, "invalid request"))
            return
        try:
            if size > self.size_limit():
                raise RpcError(TOO_LARGE, "message too large")
            if self.d.codec.too_deep(document):
                raise RpcError(INVALID, "nested too deeply")
            answer = await self.handle(method, document.get("params", {}))
        except RpcError as error:
            if message_id is not None:
                self.refuse(message_id, error)
        else:
            if message_id is not None:
                self.reply(message_id, answer)

    def size_limit(self) -> int:
        """Largest message in octets that is acted on."""
        return MAX_MESSAGE

    async def handle(self, method: str, params: Any) -> Answer:
        """Run the handler. Raises RpcError."""
        handler = self.handlers.get(method)
        if handler is None:
            raise RpcError(NO_METHOD, f"unknown method {method[:64]}")
        if not isinstance(params, dict):
            raise RpcError(BAD_PARAMS, "params must be an object")
        try:
            answer = handler(params)
            return await answer if inspect.isawaitable(answer) else answer
        except RpcError:
            raise
        except Exception as error:  # a handler's bug must cost one answer, not the channel
            self.d.log(f"{method} 内部错误：{error!r}")
            raise RpcError(INTERNAL, "internal error") from error

    def settle(self, document: dict[str, Any]) -> None:
        """An answer to a call of ours."""
        message_id = document.get("id")
        future = self.pending.pop(message_id, None) if isinstance(message_id, str | int) else None
        if future is None or future.done():
            return
        error = document.get("error")
        if isinstance(error, dict):
            code = error.get("code")
            future.set_exception(RpcError(code if isinstance(code, int) else INTERNAL, str(error.get("message", ""))))
        else:
            result = document.get("result")
            future.set_result(result if isinstance(result, dict) else {})
