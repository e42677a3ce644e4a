"""TLS at the listeners: certificates that change while they listen, and handshakes that are seen also when they fail.

asyncio tells nobody about a handshake that fails and swallows the alert that should say why, so TLS is spoken here, on the
standard library's sans-IO `SSLObject`, between the socket and whatever protocol is served. No device is let in by a mistake
of this file: verification is the client's side, and what is shown is on the record (`tls.offer`).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol, cast

from mocks.pki import Leaf

HANDSHAKE_TIMEOUT_S: Final = 5.0
CHUNK: Final = 64 * 1024
TLS11: Final = "tls11"
SESSION: Final = "rvw_tls"  # name under which a served protocol finds its session in `get_extra_info`


class TlsWitness(Protocol):
    """Who is told about handshakes (the city)."""

    def tls_offer(self, iface: str, conn: str) -> str:
        """A handshake begins; returns the kind of presentation to show."""
        ...

    def tls_failed(self, iface: str, conn: str, alert: str | None, reason: str, presented: str) -> None:
        """It failed."""
        ...


class TlsSession(ssl.SSLObject):
    """The server's end of one connection."""

    conn: str = ""
    presented: str = ""
    sni: str | None = None

    def facts(self) -> dict[str, Any]:
        """What `conn.open` says about TLS."""
        cipher = self.cipher()
        return {
            "version": self.version(), "cipher": cipher[0] if cipher else None, "alpn": self.selected_alpn_protocol(),
            "sni": self.sni, "presented": self.presented,
        }  # fmt: skip


class TlsListener:
    """Makes the protocols of a listening socket: every new connection gets the presentation of the moment."""

    def __init__(
        self, leafs: Mapping[str, Leaf], witness: TlsWitness, iface: str, *, timeout_s: float = HANDSHAKE_TIMEOUT_S,
        refuses: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        self._contexts = {kind: server_context(leaf, old=kind == TLS11) for kind, leaf in leafs.items()}
        self._witness = witness
        self._iface = iface
        self._numbers = itertools.count(1)
        self.timeout_s = timeout_s
        self.refuses = refuses  # whether new connections are cut at once (an outage)
        self.reading: TlsSession | None = None  # whose bytes are being handed on right now

    def front(self, serve: Callable[[], asyncio.BaseProtocol]) -> Callable[[], asyncio.Protocol]:
        """A protocol factory for the socket; `serve` makes what speaks inside TLS."""
        return lambda: TlsFront(self, serve)

    def begin(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> TlsSession:
        """A connection came: record what it is shown."""
        conn = f"{self._iface.lower()}-{next(self._numbers)}"
        presented = self._witness.tls_offer(self._iface, conn)
        session = self._contexts[presented].wrap_bio(incoming, outgoing, server_side=True)
        assert isinstance(session, TlsSession)
        session.conn, session.presented = conn, presented
        return session

    def failed(self, session: TlsSession, reason: str) -> None:
        """A handshake failed."""
        self._witness.tls_failed(self._iface, session.conn, alert_of(reason), reason, session.presented)


class TlsFront(asyncio.Protocol):
    """Between the socket and the served protocol."""

    def __init__(self, listener: TlsListener, serve: Callable[[], asyncio.BaseProtocol]) -> None:
        self._listener = listener
        self._serve = serve
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session: TlsSession | None = None
        self._inner: asyncio.BaseProtocol | None = None  # there once the handshake is through
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._failed = False

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass
        if self._listener.refuses():
            self._failed = True
            self._transport.abort()
            return
        self._session = self._listener.begin(self._incoming, self._outgoing)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._listener.timeout_s, self._fail, "no handshake in time")

    def data_received(self, data: bytes) -> None:
        if self._failed or self._session is None:
            return
        self._incoming.write(data)
        if self._inner is None and not self._shake_hands(self._session):
            return
        self._read(self._session)

    def connection_lost(self, error: Exception | None) -> None:
        if self._inner is None:
            self._fail(f"closed by the peer{f': {error}' if error is not None else ''}")
        else:
            self._inner.connection_lost(error)

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()

    # TLS

    def _shake_hands(self, session: TlsSession) -> bool:
        try:
            session.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self.flush()
            return False
        except ssl.SSLError as error:
            self.flush()  # our own alert, where we have one to send
            self._fail(error.reason or str(error))
            return False
        self.flush()
        if self._timer is not None:
            self._timer.cancel()
        assert self._transport is not None
        self._inner = self._serve()
        self._inner.connection_made(TlsTransport(self, self._transport, session))
        return True

    def _read(self, session: TlsSession) -> None:
        while self._inner is not None and self._transport is not None and not self._transport.is_closing():
            try:
                data = session.read(CHUNK)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            except ssl.SSLError:  # close_notify, or an alert after the handshake: the peer is done either way
                self._transport.close()
                break
            if not data:
                self._transport.close()
                break
            self._listener.reading = session
            hand_on(self._inner, data)
        self.flush()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send. Nothing where the connection is gone."""
        if self._session is not None and self._transport is not None and not self._transport.is_closing():
            if len(data):
                self._session.write(data)
            self.flush()

    def flush(self) -> None:
        """Send what TLS has to say."""
        data = self._outgoing.read()
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def say_goodbye(self) -> None:
        """close_notify (RFC 8446 section 6.1), without waiting for the peer's."""
        if self._session is not None and self._inner is not None:
            with contextlib.suppress(ssl.SSLError):  # the peer's has not come; ours is in the buffer all the same
                self._session.unwrap()
            self.flush()

    def _fail(self, reason: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._failed or self._session is None:
            return
        self._failed = True
        self._listener.failed(self._session, reason)
        if self._transport is not None:
            self._transport.close()


def hand_on(inner: asyncio.BaseProtocol, data: bytes) -> None:
    """Bytes to a protocol of either kind."""
    if isinstance(inner, asyncio.Protocol):
        inner.data_received(data)
        return
    assert isinstance(inner, asyncio.BufferedProtocol)
    rest = memoryview(data)
    while rest:
        buffer = memoryview(inner.get_buffer(len(rest)))
        count = min(len(buffer), len(rest))
        buffer[:count] = rest[:count]
        inner.buffer_updated(count)
        rest = rest[count:]


class TlsTransport(asyncio.Transport):
    """What the served protocol writes to."""

    def __init__(self, front: TlsFront, below: asyncio.Transport, session: TlsSession) -> None:
        super().__init__()
        self._front = front
        self._below = below
        self._session = session

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name in ("ssl_object", SESSION):
            return self._session
        return self._below.get_extra_info(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._front.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self._front.write(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return self._below.is_closing()

    def close(self) -> None:
        if not self._below.is_closing():
            self._front.say_goodbye()
            self._below.close()

    def abort(self) -> None:
        self._below.abort()

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self._below.pause_reading()

    def resume_reading(self) -> None:
        self._below.resume_reading()

    def is_reading(self) -> bool:
        return self._below.is_reading()

    def get_write_buffer_size(self) -> int:
        return self._below.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._below.set_write_buffer_limits(high, low)


def alert_of(reason: str) -> str | None:
    """The alert that the peer sent, from OpenSSL's reason (`TLSV1_ALERT_UNKNOWN_CA` is `unknown_ca`); None for none."""
    _, found, name = reason.partition("ALERT_")
    return name.lower() if found else None


def server_context(leaf: Leaf, *, old: bool = False) -> ssl.SSLContext:
    """A server context of TLS 1.2 and later with ALPN http/1.1 (decision 24), or of TLS 1.1 only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class = TlsSession
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.sni_callback = _note_sni
    if old:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that it is deprecated is the point
            context.minimum_version = ssl.TLSVersion.TLSv1_1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with tempfile.TemporaryDirectory(prefix="rvw-") as folder:
        # The ssl module loads from files only.
        chain, key = Path(folder, "chain.pem"), Path(folder, "key.pem")
        chain.write_bytes(leaf.chain)
        key.touch(mode=0o600)
        key.write_bytes(leaf.key)
        context.load_cert_chain(chain, key)
    return context


def _note_sni(session: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
    if isinstance(session, TlsSession):
        session.sni = name
