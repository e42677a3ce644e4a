"""Lawful freedom of the text on the wire: JSON, HTTP fields, signatures, JSON-RPC, WebSocket frames."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from datetime import UTC, timedelta, timezone
from typing import Any

from mocks.devices.reference.docking import Docking, Request
from mocks.devices.reference.link import Link
from mocks.devices.reference.transport import WsConn
from mocks.devices.reference.wire import Codec
from mocks.devices.registry import variant


def _walked(value: Any, members: Any) -> Any:
    """The same value with the members of every object arranged by a function."""
    if isinstance(value, dict):
        return {k: _walked(v, members) for k, v in members(value.items())}
    return [_walked(v, members) for v in value] if isinstance(value, list) else value


@variant(id="json-members-sorted", about={"zh": "JSON成员按字母排序", "en": "members sorted by name"})
class MembersSorted(Codec):
    def arranged(self, value: Any) -> Any:
        return _walked(value, sorted)


@variant(id="json-members-reversed", about={"zh": "JSON成员逆序", "en": "members in reverse order"})
class MembersReversed(Codec):
    def arranged(self, value: Any) -> Any:
        return _walked(value, lambda items: reversed(list(items)))


@variant(id="json-spaced", about={"zh": "JSON带空格", "en": "spaces after commas and colons"})
class Spaced(Codec):
    def separators(self) -> tuple[str, str]:
        return (", ", ": ")


@variant(id="json-indented", about={"zh": "JSON多行缩进", "en": "JSON over many lines"})
class Indented(Codec):
    def dumps(self, value: Any) -> str:
        return json.dumps(self.arranged(value), ensure_ascii=False, indent=2)


@variant(id="json-integers-with-a-point", about={"zh": "序号写成5.0", "en": "sequence numbers as 5.0"})
class IntegersWithAPoint(Link):
    def meta(self, seq: int) -> dict[str, Any]:
        meta = super().meta(seq)
        return {**meta, "seq": float(meta["seq"]), "seen": float(meta["seen"])}


@variant(id="json-ascii-escapes", about={"zh": "中文用转义写", "en": "Chinese as escapes"})
class AsciiEscapes(Codec):
    def dumps(self, value: Any) -> str:
        return json.dumps(self.arranged(value), ensure_ascii=True, separators=self.separators())


@variant(id="json-slashes-escaped", about={"zh": "斜线带转义", "en": "slashes escaped, as some libraries do"})
class SlashesEscaped(Codec):
    def dumps(self, value: Any) -> str:
        return super().dumps(value).replace("/", "\\/")


@variant(id="json-ends-with-newline", about={"zh": "JSON以换行结尾", "en": "a line feed after the document"})
class EndsWithNewline(Codec):
    def dumps(self, value: Any) -> str:
        return super().dumps(value) + "\n"


@variant(id="extra-members", about={"zh": "报文带扩展成员", "en": "unknown extra members in every call"})
class ExtraMembers(Codec):
    def call(self, message_id: Any, method: str, params: dict[str, Any], meta: dict[str, Any]) -> dict[str, Any]:
        return super().call(message_id, method, {**params, "x_vendor": {"batch": 7}}, meta)


@variant(id="extra-members-in-meta", about={"zh": "信封带扩展成员", "en": "an unknown extra member beside the envelope's own"})
class ExtraMeta(Codec):
    def result(self, message_id: Any, result: dict[str, Any], meta: dict[str, Any]) -> dict[str, Any]:
        return {**super().result(message_id, result, meta), "x_trace": "0af7651916cd43dd"}


@variant(id="time-in-utc", about={"zh": "时间以 +00:00 表示", "en": "times with offset +00:00"})
class TimeInUtc(Codec):
    def zone(self) -> timezone:
        return UTC


@variant(id="time-with-z", about={"zh": "时间以 Z 结尾", "en": "times that end in Z"})
class TimeWithZ(Codec):
    def zone(self) -> timezone:
        return UTC

    def time(self, epoch_s: float) -> str:
        return super().time(epoch_s).replace("+00:00", "Z")


@variant(id="time-in-another-zone", about={"zh": "时间以其他时区表示", "en": "times with another offset"})
class TimeInAnotherZone(Codec):
    def zone(self) -> timezone:
        return timezone(timedelta(hours=-3, minutes=-30))


@variant(id="time-in-microseconds", about={"zh": "时间精确到微秒", "en": "six fractional digits"})
class TimeInMicroseconds(Codec):
    def time_precision(self) -> str:
        return "microseconds"


@variant(id="time-in-seconds", about={"zh": "时间精确到秒", "en": "no fractional digits"})
class TimeInSeconds(Codec):
    def time_precision(self) -> str:
        return "seconds"


@variant(id="rpc-ids-are-numbers", about={"zh": "调用标识用整数", "en": "ids of calls are numbers"})
class IdsAreNumbers(Codec):
    def message_id(self, prefix: str, number: int) -> Any:
        return number + (0 if prefix.startswith("i2") else 1_000_000)


@variant(id="rpc-ids-are-long", about={"zh": "调用标识较长", "en": "long ids of calls"})
class IdsAreLong(Codec):
    def message_id(self, prefix: str, number: int) -> Any:
        return f"{prefix}/{number}".rjust(100, "0")


@variant(id="header-names-upper-case", about={"zh": "HTTP头大写", "en": "header names in capitals"})
class HeadersUpper(Docking):
    def arranged(self, fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [(name.upper(), value) for name, value in fields]


@variant(id="header-names-title-case", about={"zh": "HTTP头首字母大写", "en": "header names in title case"})
class HeadersTitle(Docking):
    def arranged(self, fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [(name.title(), value) for name, value in fields]


@variant(id="header-order-reversed", about={"zh": "HTTP头顺序相反", "en": "header fields in another order"})
class HeadersReversed(Docking):
    def arranged(self, fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return fields[::-1]


@variant(id="extra-headers", about={"zh": "带厂商自有HTTP头", "en": "header fields of the vendor's own"})
class ExtraHeaders(Docking):
    def arranged(self, fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [("user-agent", "RVW-R1/2.4.1"), ("x-vendor-trace", "1"), *fields]


@variant(id="bearer-in-lower-case", about={"zh": "令牌方案名小写", "en": "the authorization scheme in lower case"})
class BearerLower(Docking):
    def arranged(self, fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [(n, v.replace("Bearer ", "bearer ", 1)) if n == "authorization" else (n, v) for n, v in fields]


@variant(id="media-type-with-charset", about={"zh": "媒体类型带字符集", "en": "a charset parameter in the media type"})
class MediaTypeWithCharset(Docking):
    def json_request(self, method: str, path: str, body: dict[str, Any] | None, authorised: bool = True) -> Request:
        request = super().json_request(method, path, body, authorised)
        if not request.body:
            return request
        return Request(method, path, request.body, "application/json; charset=utf-8", authorised)


@variant(id="digest-with-two-algorithms", about={"zh": "摘要含两种算法", "en": "a digest with SHA-256 and SHA-512"})
class TwoDigests(Docking):
    def digest(self, body: bytes) -> str:
        return f"sha-512=:{b64encode(hashlib.sha512(body).digest()).decode()}:, {super().digest(body)}"


@variant(id="signature-parameters-reordered", about={"zh": "签名参数换序", "en": "signature parameters in another order"})
class ParametersReordered(Docking):
    def signature_params(self) -> list[tuple[str, int | str]]:
        return super().signature_params()[::-1]


@variant(id="signature-with-expiry", about={"zh": "签名带到期时间", "en": "an expires parameter in the signature"})
class WithExpiry(Docking):
    def signature_params(self) -> list[tuple[str, int | str]]:
        own = super().signature_params()
        return [*own, ("expires", int(self.d.time.now()) + 120)]


@variant(id="signature-covers-more", about={"zh": "签名覆盖更多部分", "en": "the signature covers more than it must"})
class CoversMore(Docking):
    def covered(self, has_body: bool) -> list[str]:
        return [*super().covered(has_body), "@authority", "@path", *(["content-type"] if has_body else [])]


@variant(id="signature-cover-reordered", about={"zh": "签名覆盖部分换序", "en": "covered components in another order"})
class CoverReordered(Docking):
    def covered(self, has_body: bool) -> list[str]:
        return super().covered(has_body)[::-1]


@variant(id="nonce-in-hex", about={"zh": "随机数为十六进制", "en": "hexadecimal nonces"})
class NonceInHex(Docking):
    def nonce(self) -> str:
        return super().nonce().encode().hex()


@variant(id="frames-in-two-pieces", about={"zh": "WebSocket消息分两片", "en": "each message in two fragments"})
class TwoPieces(Link):
    async def transmit(self, conn: WsConn, text: str) -> None:
        raw = text.encode()
        await conn.send_frame(1, raw[: len(raw) // 2], fin=False)
        await conn.send_frame(0, raw[len(raw) // 2 :], fin=True)


@variant(id="frames-in-many-pieces", about={"zh": "WebSocket消息分多片", "en": "each message in fragments of 200 octets"})
class ManyPieces(Link):
    async def transmit(self, conn: WsConn, text: str) -> None:
        raw = text.encode()
        for at in range(0, len(raw), 200):
            await conn.send_frame(0 if at else 1, raw[at : at + 200], fin=at + 200 >= len(raw))


@variant(id="frame-ends-empty", about={"zh": "末片为空", "en": "the last fragment is empty"})
class EndsEmpty(Link):
    async def transmit(self, conn: WsConn, text: str) -> None:
        await conn.send_frame(1, text.encode(), fin=False)
        await conn.send_frame(0, b"", fin=True)


@variant(
    id="oversize-closes-unread",
    about={"zh": "超长消息未读即以1009断开，不计入已处理", "en": "closes with 1009 on what is too long, unread"},
)
class OversizeClosesUnread(Link):
    async def receive(self, text: str) -> None:
        if len(text.encode()) > self.size_limit() and self.conn is not None:
            await self.close(self.conn, 1009)
        else:
            await super().receive(text)
