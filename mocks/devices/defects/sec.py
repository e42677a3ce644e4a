"""Faults of security."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from typing import Any

from mocks.devices.reference.deviceapi import DeviceApi
from mocks.devices.reference.docking import Docking, Problem, Request
from mocks.devices.reference.link import Link
from mocks.devices.reference.registration import Registration
from mocks.devices.reference.signing import HttpMessage, ParsedSignature, sign
from mocks.devices.reference.transport import HttpAnswer
from mocks.devices.reference.trust import Trust
from mocks.devices.registry import defect

SM3 = {"RVW.SEC.SM3": True, "RVW.SEC.ALGORITHMS": ["hmac-sha256", "hmac-sm3"]}
_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL


@defect(
    id="SEC-001-old-version-accepted",
    breaks=["SEC-001"],
    needs="sockets",
    about={"zh": "接受TLS 1.1", "en": "accepts TLS 1.1"},
)
class OldVersionAccepted(Trust):
    def bend(self, context: ssl.SSLContext) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that it is deprecated is the fault
            context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # OpenSSL 3 has no cipher for the old versions otherwise


@defect(
    id="SEC-002-wrong-host-accepted",
    breaks=["SEC-002"],
    needs="sockets",
    about={"zh": "不检查证书的主机名", "en": "does not check the host name in the certificate"},
)
class WrongHostAccepted(Trust):
    def bend(self, context: ssl.SSLContext) -> None:
        context.check_hostname = False


@defect(
    id="SEC-003-expired-accepted",
    breaks=["SEC-003"],
    needs="sockets",
    about={"zh": "不检查证书有效期", "en": "does not check whether the certificate has expired"},
)
class ExpiredAccepted(Trust):
    def bend(self, context: ssl.SSLContext) -> None:
        context.verify_flags = ssl.VerifyFlags(int(context.verify_flags) | _NO_CHECK_TIME)


@defect(
    id="SEC-004-any-ca-accepted",
    breaks=["SEC-002", "SEC-003", "SEC-004"],
    needs="sockets",
    about={"zh": "不校验服务器证书", "en": "does not verify the server's certificate at all"},
)
class AnyCaAccepted(Trust):
    def bend(self, context: ssl.SSLContext) -> None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE


@defect(
    id="SEC-002-any-host-for-requests",
    breaks=["SEC-002"],
    needs="sockets",
    about={"zh": "仅HTTP请求不检查证书的主机名", "en": "HTTP requests alone do not check the host name in the certificate"},
)
class AnyHostForRequests(Trust):
    def for_requests(self) -> ssl.SSLContext:
        context = self.context()
        context.check_hostname = False
        return context


@defect(
    id="SEC-003-expired-for-requests",
    breaks=["SEC-003"],
    needs="sockets",
    about={"zh": "仅HTTP请求不检查证书有效期", "en": "HTTP requests alone do not check whether the certificate has expired"},
)
class ExpiredForRequests(Trust):
    def for_requests(self) -> ssl.SSLContext:
        context = self.context()
        context.verify_flags = ssl.VerifyFlags(int(context.verify_flags) | _NO_CHECK_TIME)
        return context


class _ForTimeOnly(Docking):
    """Bends only the time query: its refusal costs nothing, so the fault stays alone."""

    now_time = False

    def headers(self, request: Request, url: str) -> list[tuple[str, str]]:
        self.now_time = request.path == "/time"
        return super().headers(request, url)


@defect(
    id="SEC-006-unsigned-query",
    breaks=["SEC-006"],
    about={"zh": "有的请求没有签名", "en": "some requests are not signed"},
)
class UnsignedQuery(_ForTimeOnly):
    def arranged(self, fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [f for f in fields if not (self.now_time and f[0].startswith("signature"))]


@defect(
    id="SEC-007-short-nonce",
    breaks=["SEC-007"],
    about={"zh": "签名的随机数过短", "en": "the nonce of a signature is too short"},
)
class ShortNonce(Docking):
    def nonce(self) -> str:
        return super().nonce()[:10]


@defect(
    id="SEC-008-digest-missing",
    breaks=["SEC-008"],
    # Its rating is refused for ever, and with it the token: what comes afterwards comes without the device, or late.
    may_break=["QUE-011", "QUE-012", "RAT-002", "RAT-003", "RAT-004", "RAT-005", "REG-013", "REG-014", "SEC-006", "SEC-007"],
    about={"zh": "评价请求没有内容摘要", "en": "a rating goes out without a content digest"},
)
class DigestMissing(Docking):
    bare = False

    def headers(self, request: Request, url: str) -> list[tuple[str, str]]:
        self.bare = request.path == "/ratings"
        return [f for f in super().headers(request, url) if not (self.bare and f[0] == "content-digest")]

    def covered(self, has_body: bool) -> list[str]:
        return super().covered(has_body and not self.bare)


@defect(
    id="SEC-009-signed-in-the-past",
    breaks=["SEC-009"],
    may_break=["HBT-006", "SEC-006"],
    about={"zh": "签名时间落后六分钟", "en": "signature times lag six minutes behind"},
)
class SignedInThePast(_ForTimeOnly):
    def created(self) -> int:
        return super().created() - (360 if self.now_time else 0)


@defect(
    id="SEC-010-nonce-used-twice",
    breaks=["SEC-010"],
    may_break=["SEC-006"],
    about={"zh": "重复使用签名随机数", "en": "uses the nonce of a signature twice"},
)
class NonceUsedTwice(_ForTimeOnly):
    last = ""

    def nonce(self) -> str:
        self.last = self.last if self.last and self.now_time else super().nonce()
        return self.last


@defect(
    id="SEC-013-token-left-out",
    breaks=["SEC-013"],
    about={"zh": "有的请求不带令牌", "en": "some requests carry no token"},
)
class TokenLeftOut(_ForTimeOnly):
    def arranged(self, fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [f for f in fields if not (self.now_time and f[0] == "authorization")]


@defect(
    id="SEC-014-token-runs-out",
    breaks=["SEC-014"],
    may_break=["REG-014"],
    about={"zh": "令牌过期后才更新", "en": "refreshes the token only after its end"},
)
class TokenRunsOut(Registration):
    def refresh_after(self) -> float:
        return self.token_life_s * 1.05

    def token_is_over(self) -> bool:
        return False


@defect(
    id="SEC-017-unsigned-allowed",
    breaks=["SEC-017"],
    about={"zh": "接受未签名的设备接口调用", "en": "takes unsigned calls of its device API"},
)
class UnsignedAllowed(DeviceApi):
    def unsigned_allowed(self) -> bool:
        return True


@defect(
    id="SEC-017-mac-not-checked",
    breaks=["SEC-017"],
    about={"zh": "不校验设备接口调用的签名值", "en": "does not check the signature of calls of its device API"},
)
class MacNotChecked(DeviceApi):
    def wrong_mac(self, *_: object) -> str:
        return ""


@defect(
    id="SEC-018-replay-allowed",
    breaks=["SEC-018"],
    about={"zh": "接受重放的设备接口调用", "en": "takes a replayed call of its device API"},
)
class ReplayAllowed(DeviceApi):
    def replayed(self, _signature: ParsedSignature) -> str:
        return ""


@defect(
    id="SEC-019-stale-allowed",
    breaks=["SEC-019"],
    about={"zh": "接受过期签名的设备接口调用", "en": "takes a call with a stale signature"},
)
class StaleAllowed(DeviceApi):
    def wrong_age(self, _signature: ParsedSignature) -> str:
        return ""


@defect(
    id="SEC-019-window-too-narrow",
    breaks=["SEC-019"],
    about={"zh": "拒绝时间窗内的设备接口调用", "en": "refuses calls that are signed inside the window"},
)
class WindowTooNarrow(DeviceApi):
    def wrong_age(self, signature: ParsedSignature) -> str:
        created = signature.params.get("created")
        fresh = isinstance(created, int) and self.d.time.now() - created < self.d.timers.s("T-CLOCK-WINDOW") / 2
        return super().wrong_age(signature) if fresh else "stale"


@defect(
    id="SEC-020-name-of-another",
    breaks=["SEC-020"],
    about={"zh": "设备接口报出另一个标识", "en": "its device API names another device"},
)
class NameOfAnother(DeviceApi):
    def info(self) -> dict[str, Any]:
        return {**super().info(), "remote_device_id": "RVW-OTHER"}


@defect(
    id="SEC-020-wake-missing",
    breaks=["SEC-020"],
    about={"zh": "没有实现唤醒接口", "en": "has no wake resource"},
)
class WakeMissing(DeviceApi):
    def wake(self, _body: bytes) -> HttpAnswer:
        return self.problem(404, "not-found", "no such resource")


@defect(
    id="SEC-021-token-in-url",
    breaks=["SEC-021"],
    about={"zh": "把令牌写进URL", "en": "puts the token into a URL"},
)
class TokenInUrl(Docking):
    def url(self, request: Request) -> str:
        url = super().url(request)
        return f"{url}?token={self.token}" if request.path == "/time" else url


@defect(
    id="SEC-022-void-token-kept",
    breaks=["SEC-022"],
    may_break=["QUE-012"],  # a ticket that is refused for its token is not told as outside the hours
    about={"zh": "令牌失效后不再获取新令牌", "en": "keeps a void token"},
)
class VoidTokenKept(Docking):
    def worth_retrying(self, problem: Problem, attempt: int) -> bool:
        return problem.status != 401 and super().worth_retrying(problem, attempt)


@defect(
    id="SEC-005-never-comes-back",
    breaks=["SEC-005"],
    needs="sockets",
    about={"zh": "证书恢复正常后不再连接", "en": "does not come back when the certificate is right again"},
)
class NeverComesBack(Link):
    async def once(self) -> None:
        try:
            await super().once()
        except ssl.SSLError:
            await asyncio.sleep(3600)


@defect(
    id="SEC-011-undeclared-algorithm",
    breaks=["SEC-011"],
    may_break=["SEC-006"],
    about={"zh": "使用未申报的签名算法", "en": "names an algorithm that was not declared"},
)
class UndeclaredAlgorithm(_ForTimeOnly):
    def signature_params(self) -> list[tuple[str, int | str]]:
        own = dict(super().signature_params())
        return list({**own, "alg": "hmac-sha512" if self.now_time else own["alg"]}.items())


@defect(
    id="SEC-012-key-of-the-city",
    breaks=["SEC-012"],
    may_break=["SEC-006"],
    about={"zh": "用受理系统的密钥标识签名", "en": "signs under the name of the acceptance system's key"},
)
class KeyOfTheCity(_ForTimeOnly):
    def signature_params(self) -> list[tuple[str, int | str]]:
        own = dict(super().signature_params())
        return list({**own, "keyid": self.d.settings.city_key.keyid if self.now_time else own["keyid"]}.items())


@defect(
    id="SEC-023-sm3-declared-only",
    breaks=["SEC-023"],
    declares=SM3,
    about={"zh": "申报SM3却仍以SHA-256签名", "en": "declares SM3 and signs with SHA-256 all the same"},
)
class Sm3DeclaredOnly(Docking):
    def algorithm(self) -> str:
        return "hmac-sha256"


@defect(
    id="SEC-023-another-hash",
    breaks=["SEC-006", "SEC-023"],
    declares=SM3,
    about={"zh": "声称SM3实为SHA-256", "en": "says SM3 and computes SHA-256"},
)
class AnotherHash(Docking):
    def signature(self, message: HttpMessage, has_body: bool) -> list[tuple[str, str]]:
        key = self.d.settings.device_key.secret
        return sign(message, self.covered(has_body), self.signature_params(), key, "sig1", "hmac-sha256")


@defect(
    id="SEC-007-target-not-covered",
    breaks=["SEC-007"],
    may_break=["SEC-006"],
    about={"zh": "签名不覆盖目标地址", "en": "a signature does not cover the target"},
)
class TargetNotCovered(_ForTimeOnly):
    def covered(self, has_body: bool) -> list[str]:
        return [name for name in super().covered(has_body) if not (self.now_time and name == "@target-uri")]


@defect(
    id="SEC-008-digest-of-another-body",
    breaks=["SEC-008"],
    may_break=["QUE-014"],  # the cancellation is refused, so the ticket stays
    about={"zh": "内容摘要与正文不符", "en": "the digest of a cancellation is that of another body"},
)
class DigestOfAnotherBody(Docking):
    def digest(self, body: bytes) -> str:
        return super().digest(body + b" " if b'"reason"' in body else body)


@defect(
    id="SEC-018-last-nonce-only",
    breaks=["SEC-018"],
    about={"zh": "只记住最近一个随机数", "en": "the device API remembers the last nonce alone"},
)
class LastNonceOnly(DeviceApi):
    def replayed(self, signature: ParsedSignature) -> str:
        refusal = super().replayed(signature)
        self.nonces = dict(list(self.nonces.items())[-1:])
        return refusal


@defect(
    id="SEC-019-future-taken",
    breaks=["SEC-019"],
    about={"zh": "接受来自未来的签名", "en": "a call that is signed in the future is taken"},
)
class FutureTaken(DeviceApi):
    def wrong_age(self, signature: ParsedSignature) -> str:
        created = signature.params.get("created")
        ahead = isinstance(created, int) and created > self.d.time.now()
        return "" if ahead else super().wrong_age(signature)
