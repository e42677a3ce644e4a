"""HTTP message signatures (RFC 9421, hmac-sha256 or hmac-sm3), Content-Digest (RFC 9530) and the channel's challenge answer.

The device's own reading of these RFCs: nothing is shared with the bench.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

__all__ = ["HttpMessage", "ParsedSignature", "challenge_answer", "content_digest", "digest_ok", "parse_signature",
           "sign", "signature_base"]  # fmt: skip


HASHES = {"hmac-sha256": "sha256", "hmac-sm3": "sm3"}  # SM3: GB/T 32905, which OpenSSL brings


@dataclass(frozen=True)
class HttpMessage:
    """What a signature may cover: the method, the target URI and the fields (lower-case names)."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def component(self, name: str) -> str:
        """The value of a covered component. Raises KeyError when the message has none."""
        if not name.startswith("@"):
            return re.sub(r"[ \t]*\r?\n[ \t]*", " ", self.headers[name]).strip()
        parts = urlsplit(self.url)
        default_port = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
        derived: dict[str, Callable[[], str]] = {
            "@method": lambda: self.method,
            "@target-uri": lambda: self.url,
            "@authority": lambda: parts.netloc.lower().removesuffix(default_port),
            "@scheme": lambda: parts.scheme.lower(),
            "@path": lambda: parts.path or "/",
            "@query": lambda: "?" + parts.query,
            "@request-target": lambda: (parts.path or "/") + ("?" + parts.query if parts.query else ""),
        }
        return derived[name]()


def signature_base(message: HttpMessage, covered: Sequence[str], params: str) -> bytes:
    """RFC 9421 section 2.5. `params` is the text of `@signature-params` (inner list and parameters)."""
    lines = [f'"{name}": {message.component(name)}' for name in covered]
    lines.append(f'"@signature-params": {params}')
    return "\n".join(lines).encode("ascii")


def inner_list(covered: Iterable[str]) -> str:
    """The covered components as a structured-field inner list."""
    return "(" + " ".join(f'"{name}"' for name in covered) + ")"


def sign(
    message: HttpMessage, covered: Sequence[str], params: Iterable[tuple[str, int | str]], key: bytes, label: str,
    algorithm: str = "hmac-sha256",
) -> list[tuple[str, str]]:  # fmt: skip
    """The two signature fields for a message. Integers stay bare items, texts become quoted strings."""
    text = inner_list(covered)
    for name, value in params:
        text += f";{name}={value}" if isinstance(value, int) else f';{name}="{value}"'
    mac = hmac.new(key, signature_base(message, covered, text), HASHES[algorithm]).digest()
    encoded = base64.b64encode(mac).decode("ascii")
    return [("signature-input", f"{label}={text}"), ("signature", f"{label}=:{encoded}:")]


@dataclass(frozen=True)
class ParsedSignature:
    """One signature of a message, as its two fields state it."""

    covered: tuple[str, ...]
    params: Mapping[str, int | str]
    params_text: str
    mac: bytes

    def matches(self, message: HttpMessage, key: bytes) -> bool:
        """Whether the mac is right. A covered component that the message lacks makes it wrong."""
        try:
            base = signature_base(message, self.covered, self.params_text)
        except (KeyError, UnicodeEncodeError):
            return False
        return hmac.compare_digest(hmac.new(key, base, hashlib.sha256).digest(), self.mac)


_NAME = r"[a-z*][a-z0-9_.*-]*"
_INPUT = re.compile(rf'\s*({_NAME})=(\(((?:\s*"[^"\\]*")*)\s*\)((?:;{_NAME}(?:=(?:"[^"]*"|-?[0-9]+))?)*))')
_PARAM = re.compile(rf';({_NAME})(?:=(?:"([^"]*)"|(-?[0-9]+)))?')


def parse_signature(headers: Mapping[str, str], label: str) -> ParsedSignature | None:
    """The signature called `label`, or None when the two fields do not hold one."""
    text = headers.get("signature-input", "")
    mac = re.search(rf"(?:^|[,\s]){re.escape(label)}=:([A-Za-z0-9+/=]*):", headers.get("signature", ""))
    found = next((m for m in _INPUT.finditer(text) if m.group(1) == label), None)
    if mac is None or found is None:
        return None
    params: dict[str, int | str] = {
        m.group(1): int(m.group(3)) if m.group(3) else (m.group(2) or "") for m in _PARAM.finditer(found.group(4))
    }
    covered = tuple(re.findall(r'"([^"]*)"', found.group(3)))
    try:
        return ParsedSignature(covered, params, found.group(2), base64.b64decode(mac.group(1), validate=True))
    except ValueError:
        return None


def content_digest(body: bytes) -> str:
    """The Content-Digest field with SHA-256."""
    return "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode("ascii") + ":"


def digest_ok(header: str, body: bytes) -> bool:
    """Whether a Content-Digest field holds a right SHA-256 and no wrong SHA-512 beside it."""
    stated = dict(re.findall(r"([a-z0-9-]+)=:([A-Za-z0-9+/=]*):", header))
    wanted = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
    checked = {
        name: hmac.compare_digest(value, base64.b64encode(wanted[name](body).digest()).decode("ascii"))
        for name, value in stated.items()
        if name in wanted
    }
    return checked.get("sha-256", False) and all(checked.values())


def challenge_answer(
    key: bytes, iface: str, nonce: str, device_id: str, boot_id: str, algorithm: str = "hmac-sha256"
) -> str:
    """The MAC that answers `auth.challenge`, in base64."""
    text = "\n".join(("rvw-auth", iface, nonce, device_id, boot_id))
    return base64.b64encode(hmac.new(key, text.encode(), HASHES[algorithm]).digest()).decode("ascii")
